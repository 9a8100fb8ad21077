"""What a plan would spend, and charging it: composed over the ledger, refused over the budget, by whoever comes first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from synthkit.building.spending import OverBudgetError, balances, charge, refuse_over_budget, statements
from synthkit.compiler import Manifest, compile_project
from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Budget
from synthkit.planning.plan import make_plan
from synthkit.privacy.accounting.accountant import calibrate, epsilon
from synthkit.privacy.accounting.mechanisms import Gaussian, Mechanism
from synthkit.privacy.ledger.entries import LedgerError
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.project.project import load_project
from synthkit.schema import Schema
from tests.dp_histogram import HISTOGRAM, HistogramParams
from tests.private import MODEL, PROJECT, SOURCES, write_private


def tight(params: HistogramParams, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]:
    """The Gaussian noise that just meets the budget: sums of ε can then be compared with compositions."""
    noise = calibrate(lambda x: [Gaussian(x)], budget.epsilon, budget.delta)
    return (Gaussian(noise * params.factor),)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: registry.get(name) for name in ("circuit", "sql")}
    found["dp.histogram"] = replace(HISTOGRAM, mechanisms=tight)
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])


def compiled(root: Path, project: str = PROJECT, sources: str = SOURCES, models: str = MODEL) -> Manifest:
    files = {"synth_project.yml": project, "models/sources.yml": sources, "models/customers.yml": models}
    return compile_project(load_project(write_private(root / "shop", files).root))


def models_of(*epsilons: float, table: str = "customers") -> str:
    parts = [
        f"  - {{name: m{i}, source: \"{{{{ source('crm', '{table}') }}}}\", generator: dp.histogram, "
        f"epsilon: {e}, size: 10, audits: []}}\n"
        for i, e in enumerate(epsilons)
    ]
    return "version: 1\nmodels:\n" + "".join(parts)


def spend(manifest: Manifest, *names: str, run: str = "r") -> None:
    for name in names:
        charge(manifest, manifest.models[name], "ab" * 32, run)


def test_a_first_release_costs_what_it_is_declared_with(tmp_path: Path) -> None:
    manifest = compiled(tmp_path)
    (balance,) = balances(manifest, make_plan(manifest).actions)
    assert (balance.account, balance.budget, balance.delta) == ("crm.customers", 3, 1e-5)
    assert (balance.spent, balance.after, balance.left, balance.over) == (0, 1, 2, False)
    assert not (manifest.project.root / FILE).exists()  # a plan only reads


def test_a_plan_composes_all_its_trainings_with_what_is_spent(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, models=models_of(1, 1, 1))
    spend(manifest, "m0", "m0")
    (balance,) = balances(manifest, make_plan(manifest).actions)
    one = [m for e in read_ledger(manifest.project.root / FILE).entries[:1] for m in e.charge.mechanisms]
    assert balance.spent == epsilon(one * 2, 1e-5)
    assert [c.after for c in balance.costs] == [epsilon(one * k, 1e-5) for k in (3, 4, 5)]
    assert 2 < balance.after < 5 * 0.9  # not the sum


def test_too_much_is_refused_with_what_is_left_and_what_fits(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, models=models_of(1, 2.5))
    spend(manifest, "m1")
    found = balances(manifest, make_plan(manifest).actions)
    with pytest.raises(OverBudgetError) as caught:
        refuse_over_budget(manifest, found)
    assert "crm.customers may spend ε = 3 at δ = 1e-05" in caught.value.message
    assert "m0 (ε = 1), m1 (ε = 2.5)" in caught.value.message
    hint = str(caught.value.hint)
    fits = float(hint.partition("up to ε = ")[2].split(" ")[0])
    left = float(hint.split(" ")[0])
    assert left == pytest.approx(3 - found[0].spent, abs=1e-3)
    # What is said to fit does, as one more Gaussian release; a little more does not.
    spent: list[Mechanism] = [m for e in read_ledger(manifest.project.root / FILE).entries for m in e.charge.mechanisms]

    def after(e: float) -> float:
        noise = calibrate(lambda x: [Gaussian(x)], e, 1e-5)
        return epsilon([*spent, Gaussian(noise)], 1e-5)

    assert after(fits) <= 3 < after(fits + 0.01)


def test_a_release_counts_at_the_budget_s_delta_not_its_own(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, PROJECT.replace("1e-5", "1e-8"))
    model = manifest.models["fake"]
    assert model.delta == 1e-5
    (balance,) = balances(manifest, make_plan(manifest).actions)
    assert model.budget is not None
    assert model.learnt is not None
    assert balance.delta == 1e-8
    assert balance.after == epsilon(tight(HistogramParams(), model.budget, model.learnt), 1e-8) > 1.1


def test_a_charge_is_checked_against_what_others_charged_meanwhile(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, models=models_of(1.4))
    refuse_over_budget(manifest, balances(manifest, make_plan(manifest).actions))  # it fits now
    for _ in range(3):
        spend(manifest, "m0", run="another process")
    before = (manifest.project.root / FILE).read_bytes()
    with pytest.raises(OverBudgetError):
        spend(manifest, "m0")
    assert (manifest.project.root / FILE).read_bytes() == before
    ledger = read_ledger(manifest.project.root / FILE)
    mechanisms = [m for e in ledger.entries for m in e.charge.mechanisms]
    one = ledger.entries[0].charge.mechanisms
    assert epsilon(mechanisms, 1e-5) <= 3 < epsilon([*mechanisms, *one], 1e-5)


def test_tables_of_one_population_spend_of_one_budget(tmp_path: Path) -> None:
    people = SOURCES.replace(
        "row_count: 1000", "row_count: 1000\n            population: people\n            privacy_unit: customer_id"
    )
    project = PROJECT.replace("crm.customers: {epsilon: 3", "people: {epsilon: 3")
    manifest = compiled(tmp_path, project, people, models_of(1))
    spend(manifest, "m0")
    orders = compiled(tmp_path, project, people, models_of(1, table="orders"))
    (balance,) = balances(orders, make_plan(orders).actions)
    assert balance.account == "people"
    assert 0.5 < balance.spent <= 1
    spend(orders, "m0")
    separate = compiled(tmp_path, PROJECT, SOURCES, models_of(1))  # no population any more: what was spent stays so
    found = {b.account: b for b in statements(separate, read_ledger(separate.project.root / FILE))}
    assert found["crm.customers"].entries == 1
    assert found["crm.customers"].spent == balance.spent


def in_parts(*parts: str) -> str:
    """The two sources as tables of one population, each with its part, if it is not empty."""
    text = SOURCES
    for part in parts:
        declared = "population: people\n            privacy_unit: customer_id"
        named = f"\n            part: {part}" if part else ""
        text = text.replace("row_count: 1000\n", f"row_count: 1_000\n            {declared}{named}\n", 1)
    return text


def test_parts_of_a_population_are_spent_of_side_by_side(tmp_path: Path) -> None:
    project = PROJECT.replace("crm.customers: {epsilon: 3", "people: {epsilon: 1.05")
    north = compiled(tmp_path, project, in_parts("north", "south"), models_of(1))
    spend(north, "m0")
    south = compiled(tmp_path, project, in_parts("north", "south"), models_of(1, table="orders"))
    (balance,) = balances(south, make_plan(south).actions)
    assert (balance.account, balance.after) == ("people", balance.spent)  # nobody is in both
    spend(south, "m0")
    again = compiled(tmp_path, project, in_parts("north", "south"), models_of(1))
    ledger = read_ledger(again.project.root / FILE)
    (found,) = statements(again, ledger)
    assert (found.spent, found.entries) == (balance.spent, 2)
    with pytest.raises(OverBudgetError):  # a second time of the same people
        spend(again, "m0", run="r2")
    # A table that names no part may be about anybody, as does one that is not declared any more.
    for parts in (("north", ""), ("", "south"), ("", "")):
        (all_of,) = statements(compiled(tmp_path, project, in_parts(*parts), models_of(1)), ledger)
        assert all_of.spent == epsilon([m for e in ledger.entries for m in e.charge.mechanisms], 1e-5) > 1.2


def test_an_account_without_a_budget_is_recorded_and_never_refused(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, "name: shop\nholdout: 0\n", models=models_of(5, 5, 5))
    found = balances(manifest, make_plan(manifest).actions)
    refuse_over_budget(manifest, found)
    assert (found[0].budget, found[0].left, found[0].over) == (None, None, False)
    spend(manifest, "m0")
    assert len(read_ledger(manifest.project.root / FILE).entries) == 1


def test_what_a_project_no_longer_declares_stays_in_the_statement(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, models=models_of(1))
    spend(manifest, "m0")
    renamed = compiled(tmp_path, "name: shop\n", SOURCES.replace("name: crm", "name: sales"), "version: 1\n")
    (gone,) = statements(renamed, read_ledger(renamed.project.root / FILE))
    assert (gone.account, gone.budget, gone.entries) == ("crm.customers", None, 1)
    assert 0.5 < gone.spent <= 1


def test_a_generator_that_would_spend_more_is_never_charged(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, models=MODEL.replace("dp.histogram", "{name: dp.histogram, factor: 0.5}"))
    with pytest.raises(BuildError, match=r"would spend ε = 2\.\d+ at δ = 1e-05, more than 1"):
        spend(manifest, "fake")
    assert not (manifest.project.root / FILE).exists()


@pytest.fixture
def seeded(tmp_path: Path) -> Manifest:
    return compiled(tmp_path, models=MODEL.replace("size: 50", "size: 50\n        insecure_seed: 9"))


def test_the_same_noise_again_is_free_and_other_noise_is_not(seeded: Manifest, tmp_path: Path) -> None:
    model = seeded.models["fake"]
    first = charge(seeded, model, "ab" * 32, "a")
    assert charge(seeded, model, "ab" * 32, "b") == first
    assert charge(seeded, model, "cd" * 32, "c") != first  # other rows, say
    secure = replace(model, budget=replace(model.budget, insecure_seed=None)) if model.budget else model
    for run in "de":
        charge(seeded, secure, "ab" * 32, run)
    entries = read_ledger(seeded.project.root / FILE).entries
    assert [e.charge.insecure_seed for e in entries] == [9, 9, None, None]


def test_the_train_hash_is_not_in_the_ledger_as_it_is(seeded: Manifest) -> None:
    charge(seeded, seeded.models["fake"], "ab" * 32, "a")
    assert b"ab" * 32 not in (seeded.project.root / FILE).read_bytes()


def test_a_broken_ledger_spends_nothing(tmp_path: Path) -> None:
    manifest = compiled(tmp_path)
    spend(manifest, "fake")
    path = manifest.project.root / FILE
    path.write_bytes(path.read_bytes().replace(b'"epsilon":1', b'"epsilon":2'))
    for act in (lambda: spend(manifest, "fake"), lambda: balances(manifest, make_plan(manifest).actions)):
        with pytest.raises(LedgerError, match="line 1"):
            act()


@pytest.mark.parametrize(
    ("project", "sources", "row"),
    [
        (PROJECT, SOURCES, "| crm.customers | 1 | 1 | 3 | m0 |"),
        (
            PROJECT.replace("budgets:\n    crm.customers: {epsilon: 3, delta: 1e-5}", "default_budget: {epsilon: 4}"),
            SOURCES,
            "| crm.customers | 1 | 1 | 4 | m0 |",
        ),
        ("name: shop\n", SOURCES, "| crm.customers | 1 | 1 | – | m0 |"),
        # The table joined a population after it was charged: the budget is that of the population, and so is the sum.
        (
            PROJECT.replace("crm.customers:", "people:"),
            SOURCES.replace(
                "            primary_key: customer_id\n",
                "            primary_key: customer_id\n            privacy_unit: customer_id\n            population: people\n",
            ),
            "| people | 1 | 1 | 3 | m0 |",
        ),
    ],
    ids=["its own", "the default", "none", "joined a population"],
)
def test_a_report_names_the_budget_that_is_declared(tmp_path: Path, project: str, sources: str, row: str) -> None:
    from synthkit.report.around import surroundings
    from synthkit.report.page import to_markdown
    from synthkit.report.sections import spent_section

    spend(compiled(tmp_path, models=models_of(1)), "m0", run="this")
    root = compiled(tmp_path, project, sources, models_of(1)).project
    assert row in to_markdown(list(spent_section(surroundings(root, "this", None).spent, "by this run")))
