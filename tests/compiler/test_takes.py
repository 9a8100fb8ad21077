"""Each audit on each type of column: the compiler refuses it, or the audit runs. What is refused it really cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.compiler.takes import misfits
from synthkit.errors import SynthError
from tests.audits.sides import context
from tests.synth import COPULA_PROJECT, Project, make_project

ROWS = 160
TYPES = ("boolean", "integer", "float", "decimal", "varchar", "date", "timestamp", "timestamptz", "time")
ELSEWHERE = {"relationships", "empirical_epsilon"}  # of the other table, or of rows of its own
LONG = {"augmentation", "feature_importance", "tstr", "trts", "detection", "demographic_parity", "equalised_odds"}
OTHERS = {
    "target": "target", "groups": ("varchar",), "quasi_identifiers": ("varchar",), "sensitive": "target",
    "column": "number", "columns": ("number",), "instruction": "instruction", "response": "response",
    "low": "number", "high": "number", "topic": "varchar",
}  # fmt: skip
VALUES: dict[str, Any] = {
    "boolean": True, "integer": 3, "float": 1.5, "decimal": "2.50", "varchar": "v1", "date": "2020-01-05",
    "timestamp": "2020-01-01 03:00:00", "timestamptz": "2020-01-01 03:00:00+00", "time": "03:03:00",
}  # fmt: skip


def rows(seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    some = [int(v) for v in rng.integers(0, 50, ROWS)]
    moments = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=v) for v in some]
    return pa.table(
        {
            "boolean": [v % 2 == 0 for v in some],
            "integer": [v % 7 for v in some],
            "float": [v / 3 for v in some],
            "decimal": pa.array([Decimal(v).scaleb(-1) for v in some], pa.decimal128(10, 2)),
            "varchar": [f"v{v % 5}" for v in some],
            "date": [date(2020, 1, 1) + timedelta(v) for v in some],
            "timestamp": pa.array([m.replace(tzinfo=None) for m in moments], pa.timestamp("us")),
            "timestamptz": pa.array(moments, pa.timestamp("us", "UTC")),
            "time": pa.array([time(v % 24, 3) for v in some], pa.time64("us")),
            "target": ["yes" if v > 25 else "no" for v in some],
            "number": [v + rng.normal() for v in some],
            "instruction": [f"how many are {v} and {v + 1}" for v in some],
            "response": [f"there are {v}" for v in some],
        }
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> AuditContext:
    return context(tmp_path_factory.mktemp("takes"), rows(1), rows(2), rows(3))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        yield found


def cases() -> list[Any]:
    """Audit, parameter, type of the column that it names."""
    found = []
    for name in registry.names():
        for field in registry.column_fields(registry.get(name).params):
            marks = [pytest.mark.long] if name in LONG else []
            if name not in ELSEWHERE and not registry.get(name).stands_on:
                found.append(pytest.param(name, field, marks=marks, id=f"{name}-{field}"))
    return found


def given(name: str, field: str, kind: str) -> dict[str, Any]:
    """Parameters that are right but for the type of the column."""
    params = registry.get(name).params
    said: dict[str, Any] = {
        other: OTHERS[other]
        for other in registry.column_fields(params)
        if other != field and params.model_fields[other].is_required()
    }
    if field == "widths":
        return {**said, "quasi_identifiers": (kind,), "widths": {kind: 2.0}}
    if field in ("left", "right"):
        said["left" if field == "right" else "right"] = ("number",)
    if name == "accepted_values":
        said["values"] = (VALUES[kind],)
    if name == "accepted_range":
        said["min"] = VALUES[kind] if kind not in ("boolean", "varchar") else 0
    if name == "topic_balance":
        said["shares"] = {"v1": "100%"}
    if name == "inequality":
        said["high" if field == "low" else "low"] = "number" if kind in ("boolean", "varchar") else f"{kind}"
        other = {"integer": "float", "float": "integer", "decimal": "integer", "date": "timestamp", "timestamp": "date"}
        said["high" if field == "low" else "low"] = other.get(kind, "number")
    one = field in ("column", "target", "sensitive", "instruction", "response", "input", "topic", "low", "high")
    return {**said, field: kind if one else (kind,)}


def why_not(tables: AuditContext, name: str, params: Any) -> str | None:
    """What the audit itself says of the column; None where it runs. Another error than a SynthError is one of ours."""
    try:
        registry.get(name).run(tables, params)
    except SynthError as error:
        return error.message
    return None


@pytest.mark.parametrize(("name", "field"), cases())
def test_the_compiler_refuses_it_or_the_audit_runs(
    tables: AuditContext, connection: duckdb.DuckDBPyConnection, name: str, field: str
) -> None:
    audit = registry.get(name)
    if "Mapping" in str(audit.params.model_fields[field].annotation) and field != "widths":
        pytest.skip("it maps columns to what they are to be")
    for kind in TYPES:
        params = audit.params.model_validate(given(name, field, kind))
        refused = list(misfits(audit, params, tables.schema, set(tables.schema.names), connection))
        assert bool(refused) == (why_not(tables, name, params) is not None), (kind, refused)


def test_each_type_is_tried_that_a_table_is_declared_to_hold(tables: AuditContext) -> None:
    from synthkit.schema import LogicalType

    tried = {tables.schema.by_name[name].type for name in TYPES}
    assert tried == set(get_args(LogicalType)) - {"id", "text"}  # held as varchar is


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    sources = """
        version: 1
        sources:
          - name: crm
            tables:
              - name: customers
                path: data/customers.csv
                primary_key: customer_id
                columns:
                  - {name: age, type: integer}
                  - {name: tier, type: categorical}
                  - {name: joined, type: date}
    """
    return make_project(tmp_path / "shop", {**COPULA_PROJECT, "models/sources.yml": sources})


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ("ks: {columns: [age, tier]}", "audit 'ks' takes numbers, dates and times, and 'tier' is VARCHAR"),
        (
            "accepted_range: {column: tier, min: 1}",
            "audit 'accepted_range' takes numbers, dates and times, and 'tier' is",
        ),
        (
            "accepted_range: {column: joined, min: 1}",
            "audit 'accepted_range': 1 is no value of 'joined', which is DATE",
        ),
        ("accepted_values: {column: age, values: [young]}", "'young' is no value of 'age', which is BIGINT"),
        ("inequality: {low: age, high: joined}", "'age' is BIGINT and 'joined' is DATE: they cannot be compared"),
        ("inequality: {low: joined, high: 5}", "they cannot be compared"),
        (
            "k_anonymity: {quasi_identifiers: [tier], widths: {tier: 2}}",
            "takes numbers to cut into bands, and 'tier' is",
        ),
        ("k_anonymity: {quasi_identifiers: [tier], widths: {age: 2}}", "'age' is not among quasi_identifiers"),
        (
            "demographic_parity: {target: joined, groups: [tier]}",
            "takes the target of a classification, and 'joined' is DATE",
        ),
    ],
)
def test_it_is_said_with_its_place_before_anything_is_trained(shop: Project, audit: str, said: str) -> None:
    shop.write(
        {
            "models/customers.yml": f"""
                version: 1
                models:
                  - name: fake
                    source: "{{{{ source('crm', 'customers') }}}}"
                    audits:
                      - {audit}
            """
        }
    )
    text = shop.fails("build", code=2)
    assert said in text
    assert "models/customers.yml:6:" in text
    assert "nothing was run" in text


def test_text_that_nobody_says_the_type_of_is_left_to_the_audit(shop: Project) -> None:
    model = """
        version: 1
        models:
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            audits: [ks: {columns: [churned]}]
    """
    shop.write({"models/customers.yml": model})
    shop.ok("compile")
