"""The stages together: order, switches, counts, fingerprint."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from synthkit.instruct.filters import FilterParams, Filters
from synthkit.instruct.items.item import Item

SEEDS = [
    Item("Explain how a lease differs from a licence.", "A lease gives possession."),
    Item("List five duties of a trustee.", "Loyalty, care, prudence, accounts, impartiality."),
]
ITEMS = [
    Item("Draft a short notice to a tenant who pays late.", "Dear tenant, the rent of May is due."),
    Item("Draft a short notice to a tenant who pays early.", "Dear tenant, thank you."),
    Item("list five duties, of a trustee", "Loyalty."),
    Item("Go", "on"),
    Item("Say what an appeal is, in one line.", "I'm sorry, but I can't help with that."),
]


def judged(filters: Filters) -> list[str | None]:
    found = []
    for item in ITEMS:
        rejection = filters.reject(item)
        if rejection is None:
            filters.accept(item)
        found.append(None if rejection is None else rejection.stage)
    return found


def test_each_item_falls_at_its_stage() -> None:
    filters = Filters(FilterParams(), SEEDS)
    assert judged(filters) == [None, "near_duplicates", "exact", "lengths", "refusals"]
    assert filters.counts == {
        "lengths": 1,
        "refusals": 1,
        "harmful": 0,
        "pii": 0,
        "exact": 1,
        "contamination": 0,
        "near_duplicates": 1,
        "language": 0,
        "domain": 0,
        "accepted": 1,
    }


def test_the_same_order_gives_the_same_verdicts() -> None:
    assert judged(Filters(FilterParams(), SEEDS)) == judged(Filters(FilterParams(), SEEDS))


def test_a_stage_that_is_off_neither_judges_nor_counts() -> None:
    params = FilterParams.model_validate({"exact": False, "near_duplicates": None, "lengths": True})
    filters = Filters(params, SEEDS)
    assert judged(filters) == [None, None, None, "lengths", "refusals"]
    assert "exact" not in filters.counts


def test_verdicts_are_those_of_all_stages_and_count_nothing() -> None:
    filters = Filters(FilterParams(), SEEDS)
    found = filters.verdicts(ITEMS[2])
    assert {n for n, f in found.items() if f.reason} == {"exact", "near_duplicates"}
    assert sum(filters.counts.values()) == 0


def test_held_out_items_do_not_leak() -> None:
    filters = Filters(FilterParams(), SEEDS, held_out=[ITEMS[0]])
    rejection = filters.reject(ITEMS[0])
    assert rejection is not None
    assert rejection.stage == "contamination"


def test_the_fingerprint_follows_what_decides() -> None:
    same = Filters(FilterParams(), SEEDS).fingerprint()
    assert same == Filters(FilterParams(), SEEDS, ITEMS).fingerprint()
    other = FilterParams.model_validate({"near_duplicates": {"threshold": 0.8}})
    assert same != Filters(other, SEEDS).fingerprint()
    assert "py3langid" in same
    assert "prefix-1" in same


def test_a_misspelt_stage_is_an_error() -> None:
    with pytest.raises(ValidationError, match="near_duplicate"):
        FilterParams.model_validate({"near_duplicate": True})


def test_the_json_schema_knows_each_stage_and_the_switch() -> None:
    schema = FilterParams.model_json_schema()
    assert schema["properties"]["pii"]["anyOf"] == [
        {"$ref": "#/$defs/PiiParams"},
        {"type": "boolean"},
        {"type": "null"},
    ]
    assert set(schema["$defs"]["PiiParams"]["properties"]) == {"kinds", "examples"}
