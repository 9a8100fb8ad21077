"""What is read of a unit depends on that unit alone: a unit more, however odd, moves no row of another."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.generators.units.bounding import bounded
from synthkit.generators.units.levels import root_level
from tests.generators.units.made import Rows, family, together, unit

ODD: dict[str, Rows] = {
    "one more": unit(900, random.Random(900)),
    "huge": {
        "people": [{"id": "huge", "tier": "pro", "age": 5}],
        "orders": [{"order": f"h{n}", "of": "huge", "day": n % 366, "kind": "a"} for n in range(3000)],
        "lines": [{"in": f"h{n % 50}", "item": "i0", "many": n % 20} for n in range(5000)],
    },
    "odd values": {
        "people": [{"id": "odd", "tier": "never declared", "age": 10**12}],
        "orders": [
            {"order": "o", "of": "odd", "day": -(10**9), "kind": "z"},
            {"order": None, "of": "odd", "kind": "a"},
        ],
        "lines": [{"in": "o", "item": "nothing", "many": -5}],
    },
    "the same as another, under its own key": {
        "people": [{"id": "901", "tier": "basic", "age": 7}, {"id": "901", "tier": "pro", "age": 8}],
        "orders": [{"order": "x", "of": "901", "day": 1, "kind": "a"}] * 30,
        "lines": [{"in": "x", "item": "i1", "many": 1}] * 30,
    },
    "written otherwise": {
        "people": [{"id": "07", "tier": "pro", "age": 1}, {"id": " 7", "age": 2}, {"id": "7.0", "age": 3}],
        "orders": [{"order": "7-00", "of": "07", "day": 1, "kind": "a"}, {"order": "y", "of": " 7", "kind": "b"}],
        "lines": [{"in": "7-00", "item": "i1", "many": 1}],
    },
    "of nobody": {
        "people": [{"id": None, "tier": "pro", "age": 1}],
        "orders": [{"order": "n", "of": None, "day": 1, "kind": "a"}, {"order": "m", "of": "no one", "kind": "a"}],
        "lines": [{"in": None, "item": "i1", "many": 1}, {"in": "n", "many": 2}, {"in": "none", "many": 3}],
    },
}

ABOVE = {"orders": "people", "lines": "orders"}


def read(rows: Rows, folder: Path) -> dict[str, dict[str, list[Any]]]:
    """Of each unit, by its key, what is read of each table, in order; and through which rows it is seen."""
    tables = family(rows, folder)
    found = bounded(tables, root_level(tables.shape))
    seen: dict[str, dict[str, list[Any]]] = {}
    for name, held in found.items():
        chosen = set(held.chosen.tolist())
        for i in range(len(held)):
            unit = str(found["people"].hashes[held.unit[i]])
            values = [int(p[i]) for p in held.positions] + [int(k[i]) for k in held.looked_up]
            above = str(found[ABOVE[name]].hashes[held.owner[i]]) if name in ABOVE else ""
            said = (values, int(held.place[i]), i in chosen, above)
            seen.setdefault(unit, {}).setdefault(name, []).append(said)
    return seen


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_unit_more_moves_no_row_of_another(odd: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    units = [unit(n, chance) for n in range(25)]
    before = read(together(units), tmp_path / "before")
    for place in (0, 11, 25):
        after = read(together([*units[:place], ODD[odd], *units[place:]]), tmp_path / f"after{place}")
        assert {k: v for k, v in after.items() if k in before} == before
        _within_bounds(after)


def _within_bounds(seen: Mapping[str, Mapping[str, list[Any]]]) -> None:
    for of_unit in seen.values():
        assert len(of_unit["people"]) == 1
        assert len(of_unit.get("orders", [])) <= 4
        owners = [owner for *_, owner in of_unit.get("lines", [])]
        assert all(owners.count(o) <= 3 for o in owners)
        for rows in of_unit.values():
            assert sum(chosen for _, _, chosen, _ in rows) == 1


def test_the_order_of_the_file_is_nobody_s_matter(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = together([unit(n, chance) for n in range(30)])
    before = read(rows, tmp_path / "before")
    for held in rows.values():
        chance.shuffle(held)
    assert read(rows, tmp_path / "after") == before


def test_rows_that_fit_no_declaration_take_along_what_is_theirs(tmp_path: Path) -> None:
    rows = {
        "people": [{"id": "1", "tier": "pro", "age": 1}],
        "orders": [{"order": "bad", "of": "1", "kind": "never declared"}, {"order": "good", "of": "1", "kind": "a"}],
        "lines": [{"in": "bad", "many": 1}, {"in": "good", "many": 2}],
    }
    (found,) = read(rows, tmp_path).values()
    assert len(found["orders"]) == 1
    assert [values[0] for values, *_ in found["lines"]] == [2]


def test_whose_rows_name_an_order_of_two_people_is_not_known(tmp_path: Path) -> None:
    rows = {
        "people": [{"id": "1", "tier": "pro", "age": 1}, {"id": "2", "tier": "pro", "age": 1}],
        "orders": [{"order": "same", "of": "1", "kind": "a"}, {"order": "same", "of": "2", "kind": "a"}],
    }
    with pytest.raises(BuildError, match="belong to different rows of the root"):
        read(rows, tmp_path)


def test_no_row_is_seen_sooner_than_another(tmp_path: Path) -> None:
    """Each of a person's orders is as likely to be the one through which she is seen, also where all people's are alike."""
    people = [{"id": str(n), "tier": "pro", "age": 1} for n in range(2000)]
    orders = [{"order": f"{n}-{k}", "of": str(n), "day": k, "kind": "abcd"[k]} for n in range(2000) for k in range(4)]
    tables = family({"people": people, "orders": orders}, tmp_path)
    found = bounded(tables, root_level(tables.shape))["orders"]
    counts = [int((found.positions[1][found.chosen] == k).sum()) for k in range(4)]
    assert sum(counts) == 2000
    assert all(abs(c - 500) < 4 * 19.4 for c in counts)  # four standard deviations of a share of a quarter
