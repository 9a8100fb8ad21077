"""Columns of many values that say something else are learnt together with what they say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.encoding.kept.calendar import Calendar
from synthkit.encoding.kept.choosing import keep_rules
from synthkit.encoding.kept.matched import Matched
from synthkit.encoding.kept.nearest import in_order_of_surprise, nearest_agreeing
from synthkit.encoding.kept.precision import Precision, precision_of
from synthkit.encoding.kept.step import KeptRules
from synthkit.rules.language import parse_rule

ROWS = 3_000


def drawn_apart(rows: pa.Table, seed: int = 1) -> pa.RecordBatch:
    """Rows whose columns have nothing to do with each other: each is shuffled by itself."""
    rng = np.random.default_rng(seed)
    shuffled = {
        n: rows.column(n).take(pa.array(rng.permutation(rows.num_rows))).combine_chunks() for n in rows.schema.names
    }
    return pa.record_batch(list(shuffled.values()), names=list(shuffled))


def kept(rows: pa.Table, *rules: str) -> KeptRules:
    return keep_rules(rows, [parse_rule(text) for text in rules], unit=None, min_count=5)


def sales() -> pa.Table:
    rng = np.random.default_rng(0)
    start = datetime(2021, 1, 1)
    moments = [start + timedelta(seconds=int(s)) for s in rng.integers(0, 700 * 86_400, ROWS)]
    return pa.table(
        {
            "at": pa.array(moments, pa.timestamp("us")),
            "hour": pa.array([m.hour for m in moments], pa.int64()),
            "weekday": pa.array([m.isoweekday() for m in moments], pa.int64()),
            "month": pa.array([m.strftime("%B") for m in moments]),
        }
    )


def test_what_a_moment_says_is_learnt_and_holds_in_rows_drawn_apart() -> None:
    rules = ("hour = hour(at)", "weekday = weekday(at)", "month = month_name(at)")
    step = kept(sales(), *rules)
    assert [type(part) for part in step.parts] == [Calendar]
    rows = drawn_apart(sales())
    assert step.learn(rows) is rows
    again = pa.Table.from_batches([step.restore(rows, np.random.default_rng(0))])
    for text in rules:
        assert not parse_rule(text).violations(again).any()
    # What was drawn stays: a day with this weekday and month is never far.
    for name in ("hour", "weekday", "month"):
        assert again.column(name).equals(pa.chunked_array([rows.column(name)]))
    moved = np.abs(again.column("at").to_numpy() - rows.column("at").to_numpy()).astype("timedelta64[D]").astype(int)
    assert np.median(moved) < 365 / 2


def test_the_same_step_comes_back_from_json() -> None:
    step = kept(sales(), "hour = hour(at)", "weekday = weekday(at)")
    rows = drawn_apart(sales())
    again = KeptRules.from_json(step.to_json())
    one, two = (s.restore(rows, np.random.default_rng(0)) for s in (step, again))
    assert one.equals(two)


def test_a_missing_moment_stays_missing() -> None:
    rows = sales()
    holes = pa.array(
        [None if i % 7 == 0 else v for i, v in enumerate(rows.column("at").to_pylist())], pa.timestamp("us")
    )
    hours = pa.array([None if v is None else v.hour for v in holes.to_pylist()], pa.int64())
    rows = pa.table({"at": holes, "hour": hours})
    step = kept(rows, "hour = hour(at)")
    drawn = drawn_apart(rows)
    again = step.restore(drawn, np.random.default_rng(0))
    assert again.column("at").is_null().equals(drawn.column("at").is_null())
    assert not parse_rule("hour = hour(at)").violations(again).any()


def test_the_last_of_two_ordered_moments_is_still_learnt_as_a_gap() -> None:
    rows = sales().select(["at", "hour"])
    later = pa.array([v + timedelta(days=2) for v in rows.column("at").to_pylist()], pa.timestamp("us"))
    rows = rows.append_column("later", later).append_column(
        "later_month", pa.array([v.month for v in later.to_pylist()])
    )
    step = kept(rows, "hour = hour(at)", "later_month = month(later)", "at <= later")
    assert {type(p).__name__ for p in step.parts} == {"Calendar", "Computed", "Gap"}


def codes() -> pa.Table:
    """A code of 1,000 values in ranges by town; two columns that follow from it."""
    rng = np.random.default_rng(3)
    code = 10_000 + rng.integers(0, 1_000, ROWS * 4)
    town = np.array([f"town {c % 37}" for c in code])
    return pa.table({"code": code, "town": town, "even": code % 2 == 0})


def test_what_follows_from_a_code_of_many_values_is_learnt_with_it() -> None:
    step = kept(codes(), "code -> town", "code -> even")
    (part,) = step.parts
    assert isinstance(part, Matched)
    rows = drawn_apart(codes())
    again = step.restore(rows, np.random.default_rng(0))
    both = pa.Table.from_batches([again])
    assert not parse_rule("code -> town").violations(both).any()
    assert not parse_rule("code -> even").violations(both).any()
    assert set(again.column("code").to_pylist()) <= set(codes().column("code").to_pylist())
    same = np.mean(
        [a == b for a, b in zip(again.column("town").to_pylist(), rows.column("town").to_pylist(), strict=True)]
    )
    assert same > 0.97  # 74 towns and parities, and a dozen codes of each


def test_a_missing_code_has_what_goes_with_it() -> None:
    rows = codes()
    holes = pa.array([None if i % 5 == 0 else v for i, v in enumerate(rows.column("code").to_pylist())], pa.int64())
    towns = pa.array(
        ["nowhere" if c is None else t for c, t in zip(holes.to_pylist(), rows.column("town").to_pylist(), strict=True)]
    )
    rows = pa.table({"code": holes, "town": towns})
    step = kept(rows, "code -> town")
    again = step.restore(drawn_apart(rows), np.random.default_rng(0)).to_pydict()
    assert {t for c, t in zip(again["code"], again["town"], strict=True) if c is None} == {"nowhere"}


def test_few_values_are_looked_up_as_before() -> None:
    few = codes().filter(pa.array(np.asarray(codes().column("code")) < 10_050))
    step = kept(few, "code -> town")
    assert [part.KIND for part in step.parts] == ["dependents"]


@given(st.data())
def test_the_nearest_that_agrees_by_looking_at_all(data: Any) -> None:
    numbers = st.lists(st.integers(-20, 20), min_size=1, max_size=12)
    known, drawn = data.draw(numbers), data.draw(numbers)
    some = st.integers(0, 2)
    first = [data.draw(st.lists(some, min_size=len(n), max_size=len(n))) for n in (known, drawn)]
    second = [data.draw(st.lists(some, min_size=len(n), max_size=len(n))) for n in (known, drawn)]
    arrays = [np.array(v) for v in (*first, *second)]
    found = nearest_agreeing(
        np.array(known, float), np.array(drawn, float), [arrays[0], arrays[2]], [arrays[1], arrays[3]]
    )
    for i, place in enumerate(found):

        def cost(k: int, i: int = i) -> tuple[bool, bool, int]:
            one, both = first[0][k] == first[1][i], second[0][k] == second[1][i]
            return not one, not (one and both), abs(known[k] - drawn[i])

        assert cost(int(place)) == min(map(cost, range(len(known))))


def test_what_the_number_tells_least_of_must_agree_first() -> None:
    number = np.arange(1_000.0)
    parity, half = np.arange(1_000) % 2, (np.arange(1_000) >= 500).astype(int)
    assert in_order_of_surprise(number, [half, parity]) == [1, 0]


@pytest.mark.parametrize(
    "wanted",
    [Precision(), Precision(digits=8), Precision(single=True), Precision(single=True, digits=15), Precision(digits=15)],
)
def test_how_a_number_is_written_is_found_to_the_last_bit(wanted: Precision) -> None:
    exact = np.log(np.random.default_rng(0).uniform(1, 1e6, 2_000))
    exact[::50] = 0.0
    real = wanted.applied(exact)
    real[3] = np.nan
    found = precision_of(real, exact, None)
    np.testing.assert_array_equal(found.applied(exact)[~np.isnan(real)], real[~np.isnan(real)])
    assert found == wanted


def test_digits_are_those_of_written_text() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 500) * 10.0 ** np.random.default_rng(2).integers(-6, 7, 500)
    for digits in (7, 12, 15):
        np.testing.assert_array_equal(
            Precision(digits=digits).applied(values), [float(f"{v:.{digits}g}") for v in values]
        )
