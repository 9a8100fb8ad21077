"""δ, units, accounts and budgets: resolved from what is declared, and each fault at its place with its fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.compiler import Manifest, compile_project
from synthkit.compiler.budgets import default_delta
from synthkit.errors import ConfigurationError, Fault
from synthkit.generators import registry
from synthkit.project.project import load_project
from tests.dp_histogram import HISTOGRAM
from tests.private import MODEL, PROJECT, SOURCES, write_private


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: registry.get(name) for name in ("circuit", "sql")} | {"dp.histogram": HISTOGRAM}
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])


def compiled(root: Path, project: str = PROJECT, sources: str = SOURCES, models: str = MODEL) -> Manifest:
    files = {"synth_project.yml": project, "models/sources.yml": sources, "models/customers.yml": models}
    return compile_project(load_project(write_private(root / "shop", files).root))


def fault(root: Path, project: str = PROJECT, sources: str = SOURCES, models: str = MODEL) -> Fault:
    with pytest.raises(ConfigurationError) as caught:
        compiled(root, project, sources, models)
    (found,) = caught.value.faults
    return found


def place(found: Fault, root: Path) -> str:
    """The text at the fault's place, up to the end of its line."""
    assert found.where is not None
    assert found.where.line > 0
    return found.where.file.read_text("utf-8").splitlines()[found.where.line - 1][found.where.column - 1 :]


@given(st.integers(1, 10**12))
def test_the_default_delta_is_below_every_bound(rows: int) -> None:
    delta = default_delta(rows)
    assert 0 < delta <= min(1e-5, 1 / (10 * rows), rows**-1.1 * (1 + 1e-12))
    assert delta < 1 / rows


def test_delta_comes_from_the_declared_rows_and_reaches_the_manifest(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, sources=SOURCES.replace("row_count: 1000", "row_count: 50000", 1))
    model = manifest.models["fake"]
    assert model.delta == 1 / 500_000
    assert model.budget is not None
    assert model.budget.rows == 50_000  # holdout: 0
    assert manifest.to_json()["models"]["fake"]["delta"] == 1 / 500_000
    assert model.spec.delta is None


def test_a_holdout_is_not_trained_on(tmp_path: Path) -> None:
    budget = compiled(tmp_path, PROJECT.replace("holdout: 0", "holdout: 20%")).models["fake"].budget
    assert budget is not None
    assert budget.rows == 800


def test_without_rows_and_delta_there_is_no_delta(tmp_path: Path) -> None:
    found = fault(tmp_path, sources=SOURCES.replace("row_count: 1000", "description: x"))
    assert "nothing says what δ" in found.message
    assert "row_count" in str(found.hint)
    assert place(found, tmp_path).startswith("1")


def test_a_delta_of_one_row_in_n_is_refused(tmp_path: Path) -> None:
    found = fault(tmp_path, models=MODEL.replace("epsilon: 1", "epsilon: 1\n        delta: 0.001"))
    assert "must be below 1/n = 0.001" in found.message
    assert place(found, tmp_path).startswith("0.001")
    compiled(tmp_path, models=MODEL.replace("epsilon: 1", "epsilon: 1\n        delta: 0.00099"))


@pytest.mark.parametrize("epsilon", [".inf", "0", "-1"])
def test_epsilon_is_a_finite_number_above_zero(tmp_path: Path, epsilon: str) -> None:
    found = fault(tmp_path, models=MODEL.replace("epsilon: 1", f"epsilon: {epsilon}"))
    assert found.message.startswith("epsilon")


def test_a_generator_that_does_not_say_what_it_spends_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    mute = replace(HISTOGRAM, mechanisms=None)
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: mute if name == "dp.histogram" else get(name))
    assert "gives no differential privacy" in fault(tmp_path).message


def test_a_privacy_unit_needs_a_bound_on_its_rows(tmp_path: Path) -> None:
    unit = SOURCES.replace("row_count: 1000", "row_count: 1000\n            privacy_unit: tier", 1)
    found = fault(tmp_path, sources=unit)
    assert "how many rows one 'tier' may have" in found.message
    assert "max_rows_per_unit" in str(found.hint)
    assert place(found, tmp_path) == "tier"
    bounded = unit.replace("privacy_unit: tier", "privacy_unit: tier\n            max_rows_per_unit: 3")
    budget = compiled(tmp_path, sources=bounded).models["fake"].budget
    assert budget is not None
    assert budget.max_rows_per_unit == 3
    key = SOURCES.replace("row_count: 1000", "row_count: 1000\n            privacy_unit: customer_id", 1)
    budget = compiled(tmp_path, sources=key).models["fake"].budget
    assert budget is not None
    assert budget.max_rows_per_unit == 1  # a primary key has one row each


def test_a_bound_without_a_unit_is_a_fault(tmp_path: Path) -> None:
    found = fault(
        tmp_path, sources=SOURCES.replace("row_count: 1000", "max_rows_per_unit: 3\n            row_count: 1", 1)
    )
    assert "max_rows_per_unit without privacy_unit" in found.message


def test_an_insecure_seed_needs_noise(tmp_path: Path) -> None:
    found = fault(tmp_path, models=MODEL.replace("epsilon: 1", "insecure_seed: 1").replace("dp.histogram", "circuit"))
    assert "insecure_seed without epsilon" in found.message
    budget = (
        compiled(tmp_path, models=MODEL.replace("size: 50", "size: 50\n        insecure_seed: 1")).models["fake"].budget
    )
    assert budget is not None
    assert budget.insecure_seed == 1


def test_each_table_is_an_account_unless_a_population_has_it(tmp_path: Path) -> None:
    accounts = compiled(tmp_path).accounts
    assert set(accounts) == {"crm.customers", "crm.orders"}
    assert (accounts["crm.customers"].epsilon, accounts["crm.customers"].delta) == (3, 1e-5)
    assert accounts["crm.orders"].epsilon is None
    people = SOURCES.replace(
        "row_count: 1000", "row_count: 1000\n            population: people\n            privacy_unit: customer_id"
    )
    project = PROJECT.replace("crm.customers: {epsilon: 3, delta: 1e-5}", "people: {epsilon: 2}")
    manifest = compiled(tmp_path, project, people)
    assert set(manifest.accounts) == {"people"}
    assert manifest.accounts["people"].sources == ("source:crm.customers", "source:crm.orders")
    assert manifest.accounts["people"].delta == default_delta(1000)
    assert manifest.account_of("source:crm.orders").name == "people"


def test_a_default_budget_is_every_account_s(tmp_path: Path) -> None:
    project = PROJECT.replace(
        "  budgets:\n    crm.customers: {epsilon: 3, delta: 1e-5}", "  default_budget: {epsilon: 4}"
    )
    accounts = compiled(tmp_path, project).accounts
    assert {a.epsilon for a in accounts.values()} == {4}
    assert {a.delta for a in accounts.values()} == {default_delta(1000)}


def test_a_budget_of_an_unknown_table_names_the_nearest(tmp_path: Path) -> None:
    found = fault(tmp_path, PROJECT.replace("crm.customers", "crm.custmers"))
    assert "'crm.custmers'" in found.message
    assert found.hint == "did you mean 'crm.customers'?"
    assert place(found, tmp_path).startswith("crm.custmers")


def test_a_budget_of_a_table_in_a_population_names_the_population(tmp_path: Path) -> None:
    found = fault(
        tmp_path,
        sources=SOURCES.replace(
            "row_count: 1000", "row_count: 1000\n            population: people\n            privacy_unit: customer_id"
        ),
    )
    assert "belongs to the population 'people'" in found.message
    assert "people" in str(found.hint)


def test_a_part_is_one_of_a_population(tmp_path: Path) -> None:
    part = SOURCES.replace("row_count: 1000", "row_count: 1000\n            part: north", 1)
    found = fault(tmp_path, sources=part)
    assert "part without population" in found.message
    assert place(found, tmp_path).startswith("part: north")


def test_a_population_needs_to_know_whose_a_row_is(tmp_path: Path) -> None:
    people = SOURCES.replace("row_count: 1000", "row_count: 1000\n            population: people", 1)
    found = fault(tmp_path, PROJECT.partition("privacy:")[0], people)
    assert "names no privacy_unit" in found.message
    assert place(found, tmp_path) == "people"


def test_a_budget_needs_a_delta_too(tmp_path: Path) -> None:
    project = PROJECT.replace("{epsilon: 3, delta: 1e-5}", "{epsilon: 3}")
    sources = SOURCES.replace("row_count: 1000", "description: x")
    found = fault(tmp_path, project, sources, MODEL.replace("epsilon: 1", "epsilon: 1\n        delta: 1e-6"))
    assert "what δ the budget of crm.customers has" in found.message
    large = fault(tmp_path, PROJECT.replace("1e-5", "1e-2"))
    assert "must be below 1/n" in large.message


def test_a_misspelt_key_of_privacy_is_a_fault(tmp_path: Path) -> None:
    found = fault(tmp_path, PROJECT.replace("budgets:", "budget:"))
    assert "unknown key 'budget'" in found.message
    assert "budgets" in str(found.hint)
