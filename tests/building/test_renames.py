"""A table under a new name: what was spent under the old one is asked for, carried over, and never evaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from synthkit.building.renames import never_charged, refuse_unanswered, unanswered
from synthkit.building.spending import balances, statements
from synthkit.compiler import Manifest
from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.planning.plan import make_plan
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from tests.building.test_spending import compiled, models_of, spend, tight
from tests.dp_histogram import HISTOGRAM
from tests.private import PROJECT, SOURCES

BUDGET = PROJECT.replace("crm.customers:", "crm.people:")
RENAMED = SOURCES.replace("- name: customers\n", "- name: people\n            WAS\n")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: registry.get(name) for name in ("circuit", "sql")}
    found["dp.histogram"] = replace(HISTOGRAM, mechanisms=tight)
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])


def renamed(root: Path, was: str = "", epsilon: float = 1) -> Manifest:
    sources = RENAMED.replace("WAS", was or "description: The same people")
    return compiled(root, BUDGET, sources, models_of(epsilon, table="people"))


def asked(manifest: Manifest) -> list[dict[str, int]]:
    return [q.gone for q in unanswered(manifest, read_ledger(manifest.project.root / FILE))]


def test_a_new_name_for_charged_rows_is_asked_about_before_anything_is_trained(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(2)), "m0", "m0")
    manifest = renamed(tmp_path)
    with pytest.raises(BuildError) as caught:
        refuse_unanswered(manifest, make_plan(manifest).actions)
    assert "charged for crm.customers (2 trainings), which no source table declares any more" in caught.value.message
    assert "was: crm.customers on the source table people" in str(caught.value.hint)
    assert caught.value.where is not None
    assert caught.value.where.file.name == "sources.yml"


def test_what_was_spent_is_carried_over(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(2)), "m0")
    manifest = renamed(tmp_path, "was: crm.customers")
    assert asked(manifest) == []
    (balance,) = balances(manifest, make_plan(manifest).actions)
    assert (balance.account, balance.budget, balance.entries) == ("crm.people", 3, 1)
    assert balance.spent == pytest.approx(2, abs=0.01)
    assert balance.after > 2.2
    assert renamed(tmp_path, "was: crm.customers", 2.5).accounts["crm.people"].formerly == ("source:crm.customers",)
    more = renamed(tmp_path, "was: crm.customers", 2.5)
    (over,) = balances(more, make_plan(more).actions)
    assert over.over
    assert [s.account for s in statements(manifest, read_ledger(manifest.project.root / FILE))] == ["crm.people"]


def test_other_people_are_said_to_be_others(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(2)), "m0")
    manifest = renamed(tmp_path, "was: []")
    assert asked(manifest) == []
    (balance,) = balances(manifest, make_plan(manifest).actions)
    assert balance.spent == 0


def test_an_answer_that_is_taken_back_is_asked_for_again(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(2)), "m0")
    spend(renamed(tmp_path, "was: crm.customers"), "m0")
    assert asked(renamed(tmp_path)) == [{"crm.customers": 1}]


def test_a_chain_of_names_and_several(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(1)), "m0")
    first = compiled(
        tmp_path,
        PROJECT.replace("crm.customers:", "crm.clients:"),
        SOURCES.replace("- name: customers\n", "- name: clients\n            was: crm.customers\n"),
        models_of(1, table="clients"),
    )
    spend(first, "m0")
    assert asked(renamed(tmp_path)) == [{"crm.customers": 1, "crm.clients": 1}]  # all that it may have been
    half = renamed(tmp_path, "was: crm.clients")
    listed = statements(half, read_ledger(half.project.root / FILE))
    assert [s.account for s in listed] == ["crm.people", "crm.customers"]
    whole = renamed(tmp_path, "was: [crm.clients, crm.customers]")
    (balance,) = balances(whole, make_plan(whole).actions)
    assert balance.entries == 2


def test_a_table_that_was_charged_beside_it_is_no_new_name(tmp_path: Path) -> None:
    both = compiled(
        tmp_path, models=models_of(1) + models_of(1, table="orders").split("models:\n")[1].replace("m0", "o0")
    )
    spend(both, "o0", "m0")
    only = (
        SOURCES[: SOURCES.index("          - name: customers")] + SOURCES[SOURCES.index("          - name: orders") :]
    )
    only = only.replace(
        "columns: *columns",
        "columns:\n              - {name: customer_id, type: id}\n              - {name: tier, type: categorical, nullable: false, values: [basic, plus, pro]}",
    )
    manifest = compiled(tmp_path, "name: shop\n", only, models_of(1, table="orders"))
    assert asked(manifest) == []


def test_a_former_name_that_was_never_charged_is_pointed_out(tmp_path: Path) -> None:
    spend(compiled(tmp_path, models=models_of(1)), "m0")
    manifest = renamed(tmp_path, "was: [crm.customers, crm.custmers]")
    ((old, where),) = never_charged(manifest, read_ledger(manifest.project.root / FILE))
    assert old == "crm.custmers"
    assert where.file.name == "sources.yml"
