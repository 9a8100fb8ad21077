"""A model with epsilon over columns that nobody declared: what must be written, where, and what it saves."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.compiler import Manifest, compile_project
from synthkit.errors import BuildError, ConfigurationError, Fault
from synthkit.generators import registry
from synthkit.generators.base import Trained, silent
from synthkit.project.project import load_project
from synthkit.schema import Column, Schema, Table
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, make_project

MODEL = """
    version: 1
    models:
      - name: private
        source: "{{ source('crm', 'customers') }}"
        generator: aim
        epsilon: 1
        size: 100
        audits: []
"""
UNDECLARED = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: customers
            path: data/customers.csv
            primary_key: customer_id
            row_count: 400
            columns:
              - {name: age, type: integer}
              - {name: tier, type: categorical, values: [basic, plus, pro]}
"""


def compiled(root: Path, sources: str = DECLARED, model: str = MODEL) -> Manifest:
    files = {**COPULA_PROJECT, "models/sources.yml": sources, "models/customers.yml": model}
    return compile_project(load_project(make_project(root / "shop", files).root))


def faults(root: Path, sources: str = DECLARED, model: str = MODEL) -> list[Fault]:
    with pytest.raises(ConfigurationError) as caught:
        compiled(root, sources, model)
    return caught.value.faults


def test_every_undeclared_column_is_named_with_the_yaml_to_write(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, UNDECLARED)
    assert fault.where is not None
    assert (fault.where.file.name, fault.where.line, fault.where.column) == ("customers.yml", 6, 5)
    assert "5 columns of source('crm', 'customers') must be declared" in fault.message
    for part in ("age (bounds)", "spend (type and bounds)", "joined (type and bounds)", "visits", "churned (type"):
        assert part in fault.message
    assert "tier" not in fault.message
    assert "customer_id" not in fault.message
    assert "{name: age, type: integer, bounds: [0, 100]}" in str(fault.hint)


def test_the_declared_schema_owes_nothing_to_the_rows(tmp_path: Path) -> None:
    model = compiled(tmp_path).models["private"]
    assert model.declared is not None
    assert {c.name: (c.type, c.sql_type, c.nullable) for c in model.declared.columns} == {
        "customer_id": ("id", "BIGINT", True),  # text in the file, which only a look at its rows could tell
        "age": ("integer", "BIGINT", False),
        "spend": ("float", "DOUBLE", False),
        "tier": ("categorical", "VARCHAR", False),
        "joined": ("date", "DATE", False),
        "visits": ("integer", "BIGINT", True),
        "churned": ("categorical", "VARCHAR", False),
    }
    assert model.learnt is not None
    assert "customer_id" not in model.learnt.names


@pytest.mark.parametrize("size", ["size: 2x", "tags: []"])
def test_a_size_that_tells_the_number_of_rows_is_a_fault(tmp_path: Path, size: str) -> None:
    sources = DECLARED.replace("            row_count: 400\n", "")
    model = MODEL.replace("size: 100", size).replace("epsilon: 1\n", "epsilon: 1\n        delta: 1e-6\n")
    (fault,) = faults(tmp_path, sources, model)
    assert "tells how many rows" in fault.message
    assert "row_count" in str(fault.hint)
    with_count = compiled(tmp_path, DECLARED, model)
    assert with_count.models["private"].size.factor is not None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("bounds: [18, 90]", "bounds: [90, 18]", "column 'age': bounds: 90 is greater than 18"),
        ("bounds: [18, 90]", "bounds: [low, 90]", "'low' is no number"),
        ('"2010-01-01"', '"2010-13-01"', "'2010-13-01' is no date"),
        ("[basic, plus, pro]", "[basic, plus, basic]", "names 'basic' twice"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_a_fault(tmp_path: Path, before: str, after: str, message: str) -> None:
    (fault,) = faults(tmp_path, DECLARED.replace(before, after))
    assert message in fault.message
    assert fault.where is not None
    assert fault.where.file.name == "sources.yml"


def test_a_table_of_which_nothing_is_learnt_is_a_fault(tmp_path: Path) -> None:
    start = DECLARED.index("              - {name: age")
    names = ("age", "spend", "tier", "joined", "visits", "churned")
    made_up = "".join(f"              - {{name: {name}, type: text, pii: first_name}}\n" for name in names)
    (fault,) = faults(tmp_path, DECLARED[:start] + made_up)
    assert "nothing is: each column is a key, free text or made up" in fault.message
    assert fault.where is not None
    assert (fault.where.file.name, fault.where.line) == ("customers.yml", 6)
    assert "drop epsilon" in str(fault.hint)


def test_a_model_without_epsilon_needs_no_declaration(tmp_path: Path) -> None:
    model = MODEL.replace("generator: aim\n        epsilon: 1\n", "generator: circuit\n")
    assert compiled(tmp_path, UNDECLARED, model).models["private"].declared is None


@pytest.mark.parametrize("generator", ["aim", "mst", "independent", "{name: independent, bins: 8}"])
def test_a_generator_that_learns_under_epsilon_alone_is_a_fault_without(tmp_path: Path, generator: str) -> None:
    model = MODEL.replace("generator: aim\n        epsilon: 1\n", f"generator: {generator}\n")
    (fault,) = faults(tmp_path, UNDECLARED, model)
    assert fault.where is not None
    assert (fault.where.file.name, fault.where.line) == ("customers.yml", 5)
    assert "learns under epsilon alone" in fault.message
    assert "add epsilon" in str(fault.hint)


def test_a_generator_says_that_it_learns_under_epsilon_alone(tmp_path: Path) -> None:
    """What it does not say is found when the training begins."""
    table = Table(Schema((Column("tier", "categorical", "VARCHAR", nullable=False),)), (tmp_path / "unread",), 20)
    for name in ("aim", "mst", "independent"):
        generator = registry.get(name)
        assert isinstance(generator, Trained)
        assert generator.budgeted
        with pytest.raises(BuildError, match="needs epsilon"):
            generator.fit(table, generator.params(), budget=None, seed=0, device="cpu", progress=silent)
