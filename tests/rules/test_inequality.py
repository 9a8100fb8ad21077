"""The little language of declared inequalities: what it reads, what it refuses, what it finds contradictory."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.rules.inequality import (
    MIRRORED,
    Inequality,
    check_inequality,
    contradiction,
    parse_constant,
    parse_inequality,
)
from synthkit.schema import Column, Schema

SCHEMA = Schema(
    (
        Column("start", "date", "DATE"),
        Column("end", "datetime", "TIMESTAMP"),
        Column("seen", "datetime", "TIMESTAMP WITH TIME ZONE"),
        Column("opens", "time", "TIME"),
        Column("age", "integer", "BIGINT"),
        Column("pay", "decimal", "DECIMAL(10,2)"),
        Column("tier", "categorical", "VARCHAR"),
        Column("grade", "categorical", "INTEGER"),
        Column("flag", "boolean", "BOOLEAN"),
        Column("id", "id", "BIGINT"),
        Column("mail", "categorical", "VARCHAR", pii="email"),
    )
)

names = st.one_of(
    st.from_regex(r"[a-z_]\w{0,8}", fullmatch=True),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8),
)
numbers = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=4)
moments = st.one_of(
    numbers,
    st.dates(),
    st.datetimes(dt.datetime(1000, 1, 1)),
    st.times(),
)
rules = st.builds(Inequality, names, st.sampled_from(list(MIRRORED)), st.one_of(names, moments))


@given(rules, st.booleans())
def test_what_is_written_is_read_back(rule: Inequality, swapped: bool) -> None:
    text = str(rule)
    assert parse_inequality(text) == rule
    if not isinstance(rule.right, str) and swapped:  # a constant on the left says the same
        left = str(Inequality("x", "<", rule.right)).removeprefix("x < ")
        column = str(Inequality(rule.column, "<", Decimal(0))).removesuffix(" < 0")
        assert parse_inequality(f"  {left}{MIRRORED[rule.operator]}{column} ") == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("start<=end", Inequality("start", "<=", "end")),
        ("0 <= age", Inequality("age", ">=", Decimal(0))),
        ('"two words" > "say ""hi"""', Inequality("two words", ">", 'say "hi"')),
        ("joined < 2026-01-31", Inequality("joined", "<", dt.date(2026, 1, 31))),
        ("joined >= '2026-01-31 9:05'", Inequality("joined", ">=", dt.datetime(2026, 1, 31, 9, 5))),
        ("opens >= 9:30", Inequality("opens", ">=", dt.time(9, 30))),
        ("größe > -1.5e3", Inequality("größe", ">", Decimal(-1500))),
        ("x > 1_000", Inequality("x", ">", Decimal(1000))),
    ],
)
def test_rules_are_read(text: str, rule: Inequality) -> None:
    assert parse_inequality(text) == rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start == end", "'=='"),
        ("start != end", "'!='"),
        ("start <= end <= now", "more than once"),
        ("start", "no comparison"),
        ("<= end", "no comparison"),
        ("", "no comparison"),
        ("5 < 6", "names no column"),
        ("age >= 18 years", "no comparison"),
        ("first name <= b", "no comparison"),
        ("age + 1 < pay", "not understood"),
        ("age > 'many'", "neither a number nor an ISO date"),
        ("start > 2026-02-30", "neither a number nor an ISO date"),
        ("age < 1e999", "neither a number nor an ISO date"),
        ("seen < '2026-01-01T00:00:00+02:00'", "neither a number nor an ISO date"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_inequality(text)
    assert len(caught.value.args) == 2  # the second says how to mend it


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    rule = None
    with contextlib.suppress(ValueError):
        rule = parse_inequality(text)
    assert rule is None or parse_inequality(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    ["start <= end", "age < pay", "grade >= 1", "seen < 2026-01-01", "start > 2026-01-01 12:00", "opens < 9:30"],
)
def test_comparable_columns_pass(text: str) -> None:
    assert check_inequality(parse_inequality(text), SCHEMA) is None


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("strat <= end", "no column 'strat'", "start"),
        ("start <= edn", "no column 'edn'", "end"),
        ("age <= tier", "'tier' is VARCHAR", "declare"),
        ("flag < age", "'flag' is BOOLEAN", "drop the rule"),
        ("age < start", "cannot be compared", "numbers with numbers"),
        ("seen <= end", "cannot be compared", "dates with dates"),
        ("age > 2026-01-01", "cannot be compared with 2026-01-01", "number"),
        ("start > 5", "cannot be compared with 5", "ISO date"),
        ("opens > 2026-01-01", "cannot be compared", "time"),
        ("id > 0", "made up, not modelled (id)", "drop the rule"),
        ("mail < tier", "pii: email", "drop the rule"),
        ("age <= age", "with itself", "two columns"),
    ],
)
def test_what_cannot_be_compared_is_said(text: str, message: str, fix: str) -> None:
    problem = check_inequality(parse_inequality(text), SCHEMA)
    assert problem is not None
    assert message in problem[0]
    assert fix in problem[1]


@pytest.mark.parametrize(
    ("texts", "clash"),
    [
        (["a < b", "b <= c", "c < a", "x > 0"], {"a < b", "b <= c", "c < a"}),
        (["a > 5", "a <= b", "b < 5"], {"a > 5", "a <= b", "b < 5"}),
        (["a >= 2026-01-02", "a < 2026-01-01 12:00"], {"a >= 2026-01-02", "a < 2026-01-01T12:00:00"}),
        (["a <= b", "b <= a"], None),
        (["a >= 5", "a <= 5"], None),
    ],
)
def test_contradictions_are_named(texts: list[str], clash: set[str] | None) -> None:
    found = contradiction([parse_inequality(t) for t in texts])
    assert (None if found is None else {str(r) for r in found}) == clash


small = st.builds(
    Inequality,
    st.sampled_from("abc"),
    st.sampled_from(list(MIRRORED)),
    st.one_of(st.sampled_from("abc"), st.integers(0, 2).map(Decimal)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(small.filter(lambda r: r.right != r.column), min_size=1, max_size=5))
def test_a_contradiction_is_found_when_and_only_when_no_values_satisfy_the_rules(rules: list[Inequality]) -> None:
    # Between, below and above the constants 0, 1, 2 there are three values: enough for three columns in any order.
    grid = [Decimal(i) / 4 for i in range(-3, 12)]

    def holds(rule: Inequality, row: dict[str, Any]) -> bool:
        right = row[rule.right] if isinstance(rule.right, str) else rule.right
        return Inequality("v", rule.operator, right).allows(row[rule.column])

    possible = any(
        all(holds(r, dict(zip("abc", values, strict=True))) for r in rules) for values in product(grid, repeat=3)
    )
    assert (contradiction(rules) is None) == possible


def test_constants_of_conditions() -> None:
    assert parse_constant("10.5") == Decimal("10.5")
    assert parse_constant("2026-01-31") == dt.date(2026, 1, 31)
    assert parse_constant("yes") is None
    assert parse_constant("NaN") is None
