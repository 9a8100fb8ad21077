"""What belongs to made-up keys: a panel of units, their states and names, and the years that tell a unit's rows apart."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthkit
from synthkit.encoding.dealing import dealt, units_in_order
from synthkit.errors import SynthError
from synthkit.rules.language import parse_rule, violations

QUICK: dict[str, dict[str, Any]] = {
    "circuit": {"states": 4, "min_steps": 20, "refinements": 0},
    "cart": {"trees": 2},
    "tvae": {"epochs": 1, "min_steps": 10, "compress_dims": [16], "decompress_dims": [16], "embedding_dim": 8},
    "ctgan": {"epochs": 1, "min_steps": 4, "generator_dim": [16], "discriminator_dim": [16], "embedding_dim": 8},
    "sdv.gaussian_copula": {},
}
TYPES = {"unit": {"type": "id"}, "name": {"type": "text"}}


def panel(units: int = 300, seed: int = 0) -> pa.Table:
    """Units of a state and a region in up to seven years; a size that belongs to the unit, and a count that does not."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        state = int(rng.integers(0, 6))
        size = int(rng.integers(10, 500))
        for year in rng.choice(np.arange(2010, 2017), int(rng.integers(2, 8)), replace=False):
            count = size + int(rng.integers(0, 40))
            rows.append(
                (f"U{unit:05}", f"Hall {unit} of state {state}", f"S{state}", f"R{state // 2}", size, int(year), count)
            )
    names = ("unit", "name", "state", "region", "size", "year", "count")
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    return pa.table({n: [r[i] for r in shuffled] for i, n in enumerate(names)})


PANEL = panel()
RULES = ("unit -> state", "unit -> region", "unit -> name", "unit -> size", "state -> region", "unique: [unit, year]")


def broken(rows: pa.Table, texts: Any = RULES) -> dict[str, int]:
    found = {text: int(violations(parse_rule(text), rows, PANEL).sum()) for text in texts}
    return {text: n for text, n in found.items() if n}


@pytest.mark.parametrize("generator", QUICK)
def test_a_panel_stays_one(generator: str) -> None:
    """Found, not declared; whatever draws."""
    model = synthkit.fit(PANEL, generator={"name": generator, **QUICK[generator]}, columns=TYPES)
    rows = model.draw(1_200)
    assert broken(rows) == {}
    assert not set(rows["unit"].to_pylist()) & set(PANEL["unit"].to_pylist())
    per_unit = rows.num_rows / len(set(rows["unit"].to_pylist()))
    assert per_unit > 2.5  # 4.5 in the panel; less where a poor model repeats a year within hundreds of rows
    bare = synthkit.fit(PANEL, generator={"name": generator, **QUICK[generator]}, columns=TYPES, rules="none")
    assert broken(bare.draw(1_200)).keys() >= {"unit -> state", "unit -> size", "unit -> name", "unique: [unit, year]"}


def test_units_are_as_large_as_real_ones_and_rows_stay_what_they_were() -> None:
    model = synthkit.fit(PANEL, generator={"name": "circuit", **QUICK["circuit"]}, columns=TYPES, rules=list(RULES[:2]))
    rows = model.draw(3_000)
    assert broken(rows, RULES[:2]) == {}
    sizes = [Counter(Counter(t["unit"].to_pylist()).values()) for t in (PANEL, rows)]
    shares = [np.array([s[k] for k in range(2, 8)]) / sum(s.values()) for s in sizes]
    assert np.abs(shares[0] - shares[1]).max() < 0.06  # 300 units: three standard errors of a share of 1/6
    states = [np.array([t["state"].to_pylist().count(f"S{i}") for i in range(6)]) / t.num_rows for t in (PANEL, rows)]
    assert np.abs(states[0] - states[1]).max() < 0.05


def test_rows_that_cannot_share_a_unit_get_their_own() -> None:
    """A comparison and a computed column over what a unit holds, and a condition on it."""
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(200), 6)
    born = np.repeat(rng.integers(1940, 2000, 200), 6)
    seen = born + rng.integers(0, 30, 1_200)
    kind = np.repeat(rng.choice(["a", "b"], 200), 6)
    table = pa.table({"unit": unit, "born": born, "seen": seen, "age": seen - born, "kind": kind})
    rules = ["unit -> born", "unit -> kind", "age = seen - born"]
    model = synthkit.fit(
        table,
        generator={"name": "circuit", **QUICK["circuit"]},
        columns={"unit": {"type": "id"}},
        rules=rules,
        constraints="born <= seen",
    )
    rows = model.draw(1_000, {"kind": {"a": "30%", "b": "70%"}})
    assert broken(rows, [*rules, "born <= seen"]) == {}
    assert Counter(rows["kind"].to_pylist()) == {"a": 300, "b": 700}
    assert len(set(rows["unit"].to_pylist())) < 400


def test_ids_that_other_columns_name() -> None:
    """``city <-> city_id``, ``street -> road_id``, and an id that names another."""
    rng = np.random.default_rng(4)
    city, road = rng.integers(0, 9, 900), rng.integers(0, 40, 900)
    table = pa.table(
        {
            "city": [f"City {c}" for c in city],
            "city_id": [f"C{c:03}" for c in city],
            "city_key": [f"K{c * 7:04}" for c in city],
            "street": [f"Street {r}" for r in road],
            "road_id": road // 2 + 100,
            "amount": rng.integers(0, 50, 900),
        }
    )
    rules = ["city <-> city_id", "city_id <-> city_key", "street -> road_id"]
    ids = {n: {"type": "id"} for n in ("city_id", "city_key", "road_id")}
    streets = {"street": {"type": "categorical"}, "city": {"type": "categorical"}}
    model = synthkit.fit(
        table, generator={"name": "circuit", **QUICK["circuit"]}, columns={**ids, **streets}, rules=rules
    )
    rows = model.draw(800)
    assert broken(rows, rules) == {}
    assert len(set(rows["city_id"].to_pylist())) == len(set(rows["city"].to_pylist())) > 5


def test_what_cannot_be_held_is_said() -> None:
    fit = {"generator": {"name": "circuit", **QUICK["circuit"]}, "columns": {**TYPES, "region": {"pii": "city"}}}
    for rule in ("name -> state", "unit, year -> name", "state -> name", "unique: [name, year]"):
        with pytest.raises(SynthError, match="made up"):
            synthkit.fit(PANEL, rules=rule, **fit)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_dealing_leaves_no_two_alike_in_a_unit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 8, 200)
    rows = int(sizes.sum()) - int(rng.integers(0, sizes[-1]))
    assert Counter(units_in_order(sizes, rows).tolist())[0] == sizes[0]
    kinds = rng.choice(7, rows, p=np.array([4, 2, 1, 1, 1, 1, 1]) / 11)
    unit = dealt(sizes, kinds, rng)
    assert len(set(zip(unit.tolist(), kinds.tolist(), strict=True))) == rows
    even = dealt(np.full(64, 7), rng.permutation(np.repeat(np.arange(7), 64)), rng)
    assert set(Counter(even.tolist()).values()) == {7}  # a full panel stays full


def test_no_two_rows_are_alike_where_that_is_said() -> None:
    """Of learnt columns: those that no rule names move, and what follows from one that moves is computed anew."""
    rng = np.random.default_rng(5)
    shop, day = (a.reshape(-1) for a in np.meshgrid(np.arange(12), np.arange(60)))
    keep = rng.random(len(shop)) < 0.7
    shop, day = shop[keep], day[keep]
    date = (np.datetime64("2024-01-01") + day).astype("datetime64[D]")
    month = date.astype("datetime64[M]").astype(int) % 12 + 1
    table = pa.table({"shop": shop, "day": date, "month": month, "till": rng.integers(0, 9, len(shop))})
    rules = ["month = month(day)", "unique: [shop, day]"]
    fit = {"generator": {"name": "circuit", **QUICK["circuit"]}, "columns": {"shop": {"type": "categorical"}}}
    rows = synthkit.fit(table, rules=rules, **fit).draw(400)  # type: ignore[arg-type]
    assert broken(rows, rules) == {}
    keyed = synthkit.fit(table, primary_key=["day", "shop"], rules="month = month(day)", **fit)  # type: ignore[arg-type]
    assert broken(keyed.draw(400), rules) == {}


def test_a_key_that_must_move_takes_along_what_follows() -> None:
    rng = np.random.default_rng(6)
    place = rng.permutation(np.arange(1_000))[:600]
    a, b = place // 40, place % 40
    table = pa.table({"a": a, "b": b, "twice": 2 * b, "third": 3 * a})
    rules = ["twice = 2 * b", "third = 3 * a"]
    model = synthkit.fit(table, generator={"name": "circuit", **QUICK["circuit"]}, primary_key=["a", "b"], rules=rules)
    assert broken(model.draw(600), [*rules, "unique: [a, b]"]) == {}
