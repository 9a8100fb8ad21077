"""The language of rules: read, written again, refused with a place, and held against rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from synthkit.rules.expression import kind_in
from synthkit.rules.formula import Formula
from synthkit.rules.language import parse_rule, violations
from synthkit.rules.tokens import RuleError

SAID = (
    "a = b + c - d",
    "a = 100 * b + c",
    "t = round(p * (1 - q) / (2 * r), 2)",
    "a = b - (c - d)",
    "a = b / (c * d)",
    "a = -b",
    "z, y -> c",
    "a <-> b",
    "combination: [a, b]",
    'unique: ["a b", c]',
    "one_hot: [a, b, c]",
    "nulls_together: [a, b]",
    "when s in ('x', 'it''s') and q >= 3 then c is null else c is not null",
    "when x = -1 then y = 2020-01-01",
    "when ok = true then n != 0",
    "a <= b",
    "a < 2020-01-01",
    "age >= 18",
    "m = month(day)",
    "stop = start + minutes(stay)",
)


@pytest.mark.parametrize("text", SAID)
def test_what_is_read_is_written_as_it_was(text: str) -> None:
    rule = parse_rule(text)
    assert str(rule) == text
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("a = b +", 7, "a column is expected"),
        ("a = nothing(b)", 4, "no function 'nothing'"),
        ("hello", 0, "is no rule"),
        ("a = a + 1", 0, "computed from itself"),
        ("a = 3", 5, "computed from no column"),
        ("a -> a", 0, "both sides"),
        ("a, b <-> c", 0, "between two columns"),
        ("unique: [a, a]", 0, "each once"),
        ("when a = 1 or b = 2 then c is null", 11, "'then' is expected"),
        ("when a ~ 1 then b is null", 7, "not understood"),
        ("a <= b <= c", 0, "more than once"),
        ("total = a + b c", 14, "should end"),
        ("x = round(a, 1, 2)", 4, "takes 2 values"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_way_out(text: str, at: int, said: str) -> None:
    with pytest.raises(RuleError, match=said) as found:
        parse_rule(text)
    assert found.value.at == at
    assert found.value.hint


DAY = dt.date(2024, 2, 28)
ROWS = pa.table(
    {
        "a": [1.1, 2.0, None, 4.0],
        "b": [2.2, 3.0, 1.0, 5.0],
        "sum": [3.3, 5.0, 9.0, 9.5],
        "price": pa.array([Decimal("1.25"), Decimal("0.99"), Decimal("2.00"), None], pa.decimal128(9, 2)),
        "many": [3, 2, 2, 1],
        "half": [0.125, 0.375, 0.625, 0.5],
        "rounded": [0.12, 0.38, 0.63, 0.52],  # the first half down, the others up
        "cost": [3.75, 1.98, 4.01, 7.0],
        "day": [DAY, DAY, DAY, DAY],
        "later": [dt.date(2024, 3, 1), dt.date(2024, 2, 29), DAY, None],
        "wait": [2, 1, 1, 5],
        "month": [2, 2, 3, 2],
        "name": ["February", "February", "March", None],
        "at": [dt.datetime(2024, 2, 28, 10), dt.datetime(2024, 2, 28, 23, 30), None, dt.datetime(2024, 2, 29)],
        "iso": ["2024-02-28T10:00:00Z", "2024-02-28T23:00:00Z", "2024-02-28T00:00:00Z", "2024-02-29T01:00:00Z"],
        "hour": [10, 23, 0, 0],
        "zip": ["1", "1", "2", None],
        "city": ["A", "B", "C", "D"],
        "state": ["open", "shut", "open", None],
        "end": pa.array([None, DAY, DAY, None], pa.date32()),
        "x": [1, 0, 1, 0],
        "y": [0, 1, 1, 0],
    }
)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("sum = a + b", [3]),  # 1.1 + 2.2 is not 3.3 in floating point
        ("cost = price * many", [2]),
        ("rounded = round(half, 2)", [3]),
        ("later = day + wait", [2]),
        ("wait = days_between(day, later)", [2]),
        ("month = month(day)", [2]),
        ("name = month_name(day)", [2]),
        ("hour = hour(iso)", [3]),
        ("day = date(at)", [3]),
        ("zip -> city", [1]),
        ("zip <-> city", [1]),
        ("unique: [zip]", [1]),
        ("unique: [zip, city]", []),
        ("unique: [x, y]", []),
        ("unique: [x]", [2, 3]),
        ("one_hot: [x, y]", [2, 3]),
        ("nulls_together: [a, at]", []),
        ("nulls_together: [zip, end]", [0]),
        ("a <= b", []),
        ("x <= y", [0]),
        ("when state = 'open' then end is null", [2]),
        ("when state = 'open' then end is null else end is not null", [2, 3]),
        ("when month >= 3 then wait = 1", []),
        ("when city in ('A', 'B') and x = 0 then many = 3", [1]),
        ("when day > 2024-02-27 then x = 1", [1, 3]),
    ],
)
def test_which_rows_break_a_rule(text: str, broken: list[int]) -> None:
    if text == "unique: [x, y]":
        assert violations(parse_rule(text), ROWS.slice(0, 4)).nonzero()[0].tolist() == broken
        return
    assert violations(parse_rule(text), ROWS).nonzero()[0].tolist() == broken


def test_combinations_are_held_against_real_rows() -> None:
    rule = parse_rule("combination: [x, y]")
    assert not violations(rule, ROWS).any()
    assert violations(rule, ROWS, ROWS.slice(0, 2)).nonzero()[0].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("t = a + b", pa.float64(), [3.3000000000000003, 5.0, None, 9.0]),
        ("t = price * many", pa.decimal128(9, 2), [Decimal("3.75"), Decimal("1.98"), Decimal("4.00"), None]),
        ("t = round(half, 2)", pa.float64(), [0.13, 0.38, 0.63, 0.5]),
        ("t = day + wait", pa.date32(), [DAY + dt.timedelta(n) for n in (2, 1, 1, 5)]),
        ("t = month(day)", pa.int8(), [2, 2, 2, 2]),
        ("t = day_name(day)", pa.string(), ["Wednesday"] * 4),
        ("t = at + hours(wait)", pa.timestamp("us"), [dt.datetime(2024, 2, 28, 12), dt.datetime(2024, 2, 29, 0, 30), None, dt.datetime(2024, 2, 29, 5)]),
        ("t = make_date(2024, month, wait)", pa.date32(), [dt.date(2024, m, d) for m, d in ((2, 2), (2, 1), (3, 1), (2, 5))]),
        ("t = years_between(day, later)", pa.int64(), [0, 0, 0, None]),
        ("t = a / x", pa.float64(), [1.1, None, None, None]),
    ],
)  # fmt: skip
def test_what_is_computed_has_the_columns_own_type(text: str, kind: pa.DataType, values: list[Any]) -> None:
    rule = parse_rule(text)
    assert isinstance(rule, Formula)
    found = rule.computed(ROWS, kind)
    assert found.type == kind
    assert found.to_pylist() == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t = day + at", "a date . a moment"),
        ("t = at + many", "write hours"),
        ("t = month(many)", "takes a date or a moment"),
        ("t = later - day", "write days_between"),
        ("t = log(city)", "takes a number"),
    ],
)
def test_kinds_that_do_not_go_together_are_said(text: str, said: str) -> None:
    rule = parse_rule(text)
    assert isinstance(rule, Formula)
    kinds: Any = {"day": "date", "later": "date", "at": "moment", "many": "number", "city": "text"}
    with pytest.raises(ValueError, match=said):
        kind_in(rule.expression, kinds)
