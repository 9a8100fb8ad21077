"""Rules kept by construction: what is learnt without them, and drawn rows with every rule kept."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.encoding.kept.choosing import keep_rules
from synthkit.encoding.kept.step import KeptRules
from synthkit.rules.find.search import find_rules
from synthkit.rules.language import parse_rule, violations
from tests.rules.test_find import planted

TABLE = pa.table(planted())
RULES = [one.rule for one in find_rules(TABLE) if one.exact]


def step_of(
    table: pa.Table = TABLE,
    rules: Any = tuple(RULES),
    unit: Any = None,
    declared: Any = frozenset(),
    measured: Any = (),
) -> KeptRules:
    step = keep_rules(table, rules, unit=unit, min_count=5, declared=declared, measured=measured)
    return KeptRules.from_json(json.loads(json.dumps(step.to_json())))  # as a cached model has it


def batch(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]


def shuffled(rows: pa.RecordBatch, seed: int = 1) -> pa.RecordBatch:
    """Each column dealt out anew: the worst that a generator can do to what columns have to do with each other."""
    rng = np.random.default_rng(seed)
    order = [pa.array(rng.permutation(rows.num_rows)) for _ in rows.schema.names]
    return pa.record_batch([c.take(o) for c, o in zip(rows.columns, order, strict=True)], schema=rows.schema)


def broken(rows: pa.RecordBatch, rules: Any = tuple(RULES), real: pa.Table = TABLE) -> dict[str, int]:
    found = {str(rule): int(violations(rule, pa.Table.from_batches([rows]), real).sum()) for rule in rules}
    return {text: n for text, n in found.items() if n}


def test_what_rules_give_is_not_learnt() -> None:
    step = step_of()
    learnt = step.learn(batch(TABLE))
    names = set(learnt.schema.names)
    assert {"gross", "amount", "vat", "land", "red", "green", "blue"}.isdisjoint(names)
    assert {"month", "reason", "city"} <= names  # of a date or number of more values than a generator tells apart
    assert "red & green & blue" in names
    assert pa.types.is_integer(learnt.schema.field("delivered").type)  # days after the order
    assert set(step.found) == {str(rule) for rule in RULES}


def test_real_rows_come_back_as_they_were() -> None:
    step = step_of()
    rows = batch(TABLE)
    back = step.restore(step.learn(rows), np.random.default_rng(0))
    assert back.schema == rows.schema
    for name in set(back.schema.names) - {"reason", "closed", "delivered", "gross", "amount", "vat"}:
        assert back.column(name).equals(rows.column(name)), name
    for name, near in (("gross", 1e-9), ("amount", 1e-9), ("vat", 0.010001)):  # numpy rounds halves to even numbers
        assert np.allclose(back.column(name).to_numpy(), rows.column(name).to_numpy(), atol=near), name
    days = [r.column("delivered").to_numpy(zero_copy_only=False) for r in (back, rows)]
    late = np.flatnonzero(days[0] != days[1])
    assert len(late) < 5  # the very last days are those of single rows


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_drawn_keeps_every_rule(seed: int) -> None:
    step, rows = step_of(), batch(TABLE)
    assert broken(shuffled(rows, seed)).keys() == {str(rule) for rule in RULES}
    assert broken(step.restore(shuffled(step.learn(rows), seed), np.random.default_rng(seed))) == {}


def test_types_of_every_kind_come_back() -> None:
    rng = np.random.default_rng(3)
    n = 400
    euros = [Decimal(int(cents)) / 100 for cents in rng.integers(0, 10_000, n)]
    base = np.datetime64("2024-01-01T00:00:00", "us") + rng.integers(0, 10**6, n) * np.timedelta64(1, "s")
    stay = rng.integers(1, 500, n)
    table = pa.table(
        {
            "a": pa.array(euros, pa.decimal128(12, 2)),
            "b": pa.array(rng.integers(0, 100, n), pa.int16()),
            "came": pa.array(base),
            "left": pa.array(base + stay * np.timedelta64(60_000_000, "us")),
            "stay": pa.array(stay, pa.int32()),
            "day": pa.array(base.astype("datetime64[D]")),
            "flag": pa.array(rng.random(n) < 0.5),
            "code": pa.array(rng.integers(0, 7, n)).cast(pa.string()),
        }
    )
    total = pa.array([x + y for x, y in zip(table["a"].to_pylist(), table["b"].to_pylist(), strict=True)])
    name = pa.array([f"name {c}" for c in table["code"].to_pylist()]).dictionary_encode().cast(pa.string())
    table = table.append_column("total", total.cast(pa.decimal128(14, 2))).append_column("name", name)
    rules = [
        parse_rule(text)
        for text in ("total = a + b", "left = came + minutes(stay)", "day = date(came)", "code <-> name", "came < left")
    ]
    step = step_of(table, rules)
    rows = batch(table)
    drawn = step.restore(shuffled(step.learn(rows)), np.random.default_rng(0))
    assert drawn.schema == rows.schema
    assert broken(drawn, rules, table) == {}


def test_what_goes_with_values_of_few_people_is_not_given_out() -> None:
    """600 titles of one person each, 12 of many: what a single person earns goes with no title of theirs."""
    rng = np.random.default_rng(4)
    common = rng.integers(0, 12, 3_000)
    title = [f"common {c}" for c in common] + [f"rare {i:03}" for i in range(600)]
    band = [f"band {c % 4}" for c in common] + [f"own {i:03}" for i in range(600)]
    table = pa.table({"title": title, "band": band})
    rule = parse_rule("title -> band")
    step = step_of(table, [rule])
    rows = batch(table)
    drawn = step.restore(step.learn(rows), rng)
    assert broken(drawn, [rule], table) == {}
    same = np.array(drawn.column("band").to_pylist()) == np.array(band)
    assert same[:3_000].all()
    assert same[3_000:].mean() < 0.05  # 1 in 5 of those that stand in the middle of their pool may meet its own


def test_units_count_as_people() -> None:
    """Twenty rows of one person are one person's."""
    place = np.repeat([f"place {i}" for i in range(60)], 20)
    doctor = np.repeat([f"doctor {i}" for i in range(60)], 20)
    table = pa.table({"place": place, "doctor": doctor})
    unit = pa.chunked_array([np.repeat(np.arange(60), 20)])
    rule = parse_rule("place -> doctor")
    free, counted = step_of(table, [rule]), step_of(table, [rule], unit, frozenset({rule}))
    rows = batch(table)
    assert free.restore(free.learn(rows), np.random.default_rng(0)).column("doctor").equals(rows.column("doctor"))
    drawn = counted.restore(counted.learn(rows), np.random.default_rng(0))
    assert broken(drawn, [rule], table) == {}
    assert (np.array(drawn.column("doctor").to_pylist()) == doctor).mean() < 0.3
    # What nobody declared is not kept at that price: names have no neighbours to stand for them.
    assert step_of(table, [rule], unit).kept == ()


def test_no_column_follows_from_itself() -> None:
    rng = np.random.default_rng(5)
    a = rng.integers(0, 30, 900)
    table = pa.table({"a": a, "b": a * 2, "c": a * 2 + 5, "d": rng.integers(0, 5, 900)})
    rules = [parse_rule(t) for t in ("b = 2 * a", "a = b / 2", "c = b + 5", "b = c - 5", "a <-> c", "c -> b")]
    step = step_of(table, rules)
    learnt = step.learn(batch(table))
    assert len(set(learnt.schema.names) & {"a", "b", "c"}) == 1
    assert broken(step.restore(shuffled(learnt), rng), rules, table) == {}


def test_mending_takes_what_follows_along() -> None:
    """A rule over a column that another one determines: rows that break it change both, or neither."""
    rng = np.random.default_rng(8)
    lines = rng.choice(["none", "one", "many"], 2_000, p=[0.1, 0.5, 0.4])
    phone = np.where(lines == "none", "no", "yes")
    net = np.where(phone == "no", "dsl", rng.choice(["dsl", "fibre", "no"], 2_000))
    table = pa.table({"phone": phone, "lines": lines, "net": net})
    rules = [parse_rule("lines -> phone"), parse_rule("when net in ('fibre', 'no') then phone = 'yes'")]
    step = step_of(table, rules)
    for seed in range(5):
        drawn = step.restore(shuffled(step.learn(batch(table)), seed), np.random.default_rng(seed))
        assert broken(drawn, rules, table) == {}


@pytest.mark.parametrize("kind", ["date", "number", "text"])
def test_names_of_one_another_stay_so_where_drawn_values_lie_between(kind: str) -> None:
    """``since <-> until``: two days between those of the rows would go with one, so each becomes one of them; what is
    computed from it is computed of that."""
    rng = np.random.default_rng(4)
    number = np.sort(rng.choice(4_000, 400, replace=False))
    other = np.cumsum(rng.integers(1, 9, 400))  # rises with it, by no rule

    def values(x: Any) -> pa.Array:
        if kind == "text":
            return pa.array([f"n{v}" for v in x])
        return pa.array(np.datetime64("2020-01-01") + x if kind == "date" else x)

    table = pa.table({"since": values(number), "until": values(other)})
    more = () if kind == "text" else ("month = month(since)",) if kind == "date" else ("month = since + 1",)
    if more:
        month = [d.month for d in table["since"].to_pylist()] if kind == "date" else number + 1
        table = table.append_column("month", pa.array(month))
    rules = [parse_rule(t) for t in ("since <-> until", *more)]
    step = step_of(table, rules)
    assert {*step.kept} == {str(r) for r in rules}
    learnt = step.learn(batch(table))
    (left,) = {"since", "until"} & {*learnt.schema.names}
    drawn = values(rng.integers(0, 4_000, 400))
    if not pa.types.is_string(drawn.type):
        drawn = drawn.cast(learnt.schema.field(left).type)
    rows = learnt.set_column(learnt.schema.get_field_index(left), left, drawn)
    back = step.restore(rows, np.random.default_rng(0))
    assert not broken(back, rules, table)
    assert len(set(back.column(left).to_pylist())) > 50


def test_of_two_days_that_name_one_another_those_of_few_people_are_left_out() -> None:
    """90 of 120 days are ten people's each, and 30 one person's: drawn on or beside one, a row has the nearest other."""
    rng = np.random.default_rng(6)
    day = np.sort(rng.choice(2_000, 120, replace=False))
    few = rng.permutation(120) < 30
    number = np.repeat(np.arange(120), np.where(few, 1, 10))
    first = np.datetime64("2020-01-01")
    columns = {"since": first + day[number], "until": first + np.cumsum(rng.integers(1, 9, 120))[number]}
    table = pa.table(columns)
    rule = parse_rule("since <-> until")
    for declared in (frozenset[Any](), frozenset({rule})):
        step = step_of(table, [rule], declared=declared, measured=("since", "until"))
        assert step.kept == (str(rule),)
        drawn = step.restore(step.learn(batch(table)), rng)
        assert broken(drawn, [rule], table) == {}
        for name in columns:
            lonely = {table[name][i].as_py() for i in np.flatnonzero(few[number]).tolist()}
            assert not lonely & {*drawn.column(name).to_pylist()}
    alone = table.take(pa.array(np.unique(number, return_index=True)[1]))  # each day is one person's
    assert step_of(alone, [rule], measured=("since", "until")).kept == ()
    named = step_of(alone, [rule], declared=frozenset({rule}), measured=("since", "until"))
    assert named.restore(named.learn(batch(alone)), rng).column("until").equals(batch(alone).column("until"))
