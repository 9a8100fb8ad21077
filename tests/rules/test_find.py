"""Rules that were planted are found, and what has nothing to do with each other gives none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.rules.coding import joint_codes, repeated
from synthkit.rules.find import linear
from synthkit.rules.find.columns import Columns
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.proving import prove_formula
from synthkit.rules.find.search import find_rules
from synthkit.rules.formula import Formula
from synthkit.rules.language import parse_rule, violations

N = 3_000


def texts(table: pa.Table) -> list[str]:
    return [str(f.rule) for f in find_rules(table)]


def planted(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    pick = rng.integers
    day = np.datetime64("2022-01-01") + pick(0, 900, N)
    net, tax, fee = (np.round(rng.gamma(2, 50, N), 2) for _ in range(3))
    price, quantity = np.round(rng.gamma(3, 5, N), 2), pick(1, 20, N)
    zips = pick(0, 120, N)
    status = np.array(["open", "shut", "late"])[pick(0, 3, N)]
    closed: Any = np.where(status == "open", None, pick(0, 500, N))
    colour = pick(0, 3, N)
    limit = np.round(rng.gamma(2, 500, N))
    return {
        "net": net,
        "tax": tax,
        "fee": fee,
        "gross": np.round(net + tax - fee, 2),
        "price": price,
        "quantity": quantity,
        "amount": np.round(price * quantity, 2),
        "vat": np.round(np.round(price * quantity, 2) * 0.19, 2),
        "ordered": day,
        "delivered": day + pick(1, 9, N),
        "month": day.astype("datetime64[M]").astype(int) % 12 + 1,
        "zip": zips,
        "city": np.array([f"city {z // 3}" for z in range(120)])[zips],
        "land": np.array([f"land {z // 30}" for z in range(120)])[zips],
        "status": status,
        "closed": pa.array(closed, pa.int64()),
        "reason": pa.array([None if c is None else f"r{c % 7}" for c in closed]),
        "red": (colour == 0).astype(int),
        "green": (colour == 1).astype(int),
        "blue": (colour == 2).astype(int),
        "limit": limit,
        "balance": np.round(limit * np.minimum(1, rng.beta(1, 1, N) * 1.1)),
    }


WANTED = {
    "gross = net + tax - fee",
    "amount = round(price * quantity, 2)",
    "vat = round(0.19 * amount, 2)",
    "month = month(ordered)",
    "ordered < delivered",
    "zip -> city",
    "city -> land",
    "one_hot: [red, green, blue]",
    "balance <= limit",
    "nulls_together: [closed, reason]",
    "when status = 'open' then closed is null else closed is not null",
    "closed -> reason",
}


def test_what_was_planted_is_found_and_nothing_else() -> None:
    found = {
        t.replace("amount = price * quantity", "amount = round(price * quantity, 2)")
        for t in texts(pa.table(planted()))
    }
    assert found == WANTED


@pytest.mark.parametrize("seed", range(12))
def test_columns_that_have_nothing_to_do_with_each_other_have_no_rules(seed: int) -> None:
    """Twelve tables of 40 to 4,000 rows: at one false rule in a million candidates none is to be seen."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 4_000))
    columns: dict[str, Any] = {}
    for i in range(24):
        kind = i % 6
        if kind == 0:
            columns[f"x{i}"] = np.round(rng.gamma(1 + i % 3, 10, n), i % 4)
        elif kind == 1:
            columns[f"k{i}"] = rng.integers(0, 2 + 3 * i, n)
        elif kind == 2:
            columns[f"c{i}"] = np.array(list("abcdefgh"))[np.minimum(rng.geometric(0.4, n) - 1, 7)]
        elif kind == 3:
            columns[f"d{i}"] = np.datetime64("2020-01-01") + rng.integers(0, 400, n)
        elif kind == 4:
            columns[f"b{i}"] = (rng.random(n) < 0.1 * (1 + i % 5)).astype(int)
        else:
            columns[f"n{i}"] = pa.array(np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)), from_pandas=True)
    assert texts(pa.table(columns)) == []


def test_a_few_rows_that_break_a_rule_are_counted() -> None:
    columns = planted()
    columns["gross"][7] += 5
    (found,) = [f for f in find_rules(pa.table(columns)) if str(f.rule) == "gross = net + tax - fee"]
    assert (found.exact, found.evidence.exceptions, found.evidence.rows) == (False, 1, N - 1)
    for row in range(0, N, 100):
        columns["gross"][row] += 5
    assert "gross = net + tax - fee" not in texts(pa.table(columns))


def test_whoever_determines_both_is_told_and_not_one_by_the_other() -> None:
    """Each person has an income of their own and a sex, in several rows: income does not determine the sex."""
    rng = np.random.default_rng(5)
    income, sex = rng.permutation(100_000)[:200], np.array(["f", "m"])[rng.integers(0, 2, 200)]
    person = np.repeat(np.arange(200), 10)
    table = pa.table(
        {"person": person, "income": income[person], "sex": sex[person], "visit": rng.integers(0, 9, 2_000)}
    )
    assert texts(table) == ["person <-> income", "person -> sex"]


def test_a_dependency_needs_more_than_rows_that_repeat_by_chance() -> None:
    rng = np.random.default_rng(6)
    table = pa.table({"a": rng.integers(0, 100_000, 2_000), "rare": (rng.random(2_000) < 0.02).astype(int)})
    assert texts(table) == []


@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.lists(st.tuples(*[st.sampled_from([-1, 0, 1, 2, 2**40])] * columns), min_size=1, max_size=12)
    )
)
def test_what_repeats_is_what_has_fewer_codes_than_rows(rows: list[tuple[int, ...]]) -> None:
    columns = [np.array(values, dtype=np.int64) for values in zip(*rows, strict=True)]
    assert repeated(columns) == (len(np.unique(joint_codes(columns))) < len(rows)) == (len(set(rows)) < len(rows))


def test_keys_of_a_panel() -> None:
    units, years = np.repeat(np.arange(150), 12), np.tile(np.arange(2000, 2012), 150)
    rng = np.random.default_rng(7)
    order = rng.permutation(len(units))
    state = np.array([f"S{u % 9}" for u in range(150)])[units]
    table = pa.table({"unit": units, "year": years, "state": state, "x": rng.integers(0, 5, len(units))}).take(order)
    assert texts(table) == ["unit -> state", "unique: [unit, year]"]


def test_numbers_that_lie_apart_have_no_order_worth_telling() -> None:
    rng = np.random.default_rng(8)
    table = pa.table(
        {
            "age": rng.integers(18, 90, 2_000),
            "income": rng.integers(5_000, 90_000, 2_000),
            "visits": rng.poisson(3, 2_000),
        }
    )
    assert texts(table) == []


def test_totals_of_eight_parts_with_missing_values_elsewhere() -> None:
    rng = np.random.default_rng(9)
    parts = {f"p{i}": rng.integers(0, 1_000, N) for i in range(8)}
    noise = {
        f"z{i}": pa.array(np.where(rng.random(N) < 0.4, np.nan, rng.normal(size=N)), from_pandas=True) for i in range(6)
    }
    table = pa.table({**noise, **parts, "total": sum(parts.values())})
    assert texts(table) == ["total = " + " + ".join(parts)]


def test_dates_that_are_written_as_numbers() -> None:
    rng = np.random.default_rng(10)
    days = np.datetime64("2022-01-01") + rng.integers(0, 700, N)
    whole = np.array([int(str(d).replace("-", "")) for d in days])
    assert texts(pa.table({"day": whole, "period": whole // 100, "x": rng.normal(size=N)})) == [
        "period = floor(day / 100)"
    ]


def test_what_is_found_is_broken_by_as_many_rows_as_it_says() -> None:
    table = pa.table(planted(3))
    for found in find_rules(table):
        rule = parse_rule(str(found.rule))
        assert rule == found.rule
        assert int(violations(rule, table).sum()) == found.evidence.exceptions
        assert found.evidence.chance <= 1e-6
        assert found.evidence.unseen <= found.evidence.rows + found.evidence.exceptions


def test_a_day_that_is_written_twice_and_its_month() -> None:
    """Read as dates, both are one column: an order is not dropped because it follows from its twin's."""
    rng = np.random.default_rng(3)
    ordered = np.datetime64("2021-01-01") + rng.integers(0, 800, 1_500)
    delivered = ordered + rng.integers(1, 12, 1_500)
    table = pa.table(
        {
            "ordered": ordered,
            "delivered": delivered,
            "ordered_day": ordered,
            "delivered_day": delivered,
            "period": ordered.astype("datetime64[M]").astype("datetime64[D]"),
        }
    )
    assert {str(one.rule) for one in find_rules(table)} == {
        "ordered_day = ordered",
        "delivered_day = delivered",
        "period = make_date(year(ordered), month(ordered), 1)",
        "ordered < delivered",
    }


def test_times_that_are_always_as_far_apart() -> None:
    """A year's contract of days, a shift of eight hours: the later is computed, whichever column stands first."""
    rng = np.random.default_rng(5)
    day = np.datetime64("2020-01-01") + rng.integers(0, 1500, 600)
    came = np.datetime64("2020-01-01T06:00") + rng.integers(0, 900_000, 600)
    table = {
        "until": day + 365,
        "since": day,
        "came": came.astype("datetime64[us]"),
        "went": (came + np.timedelta64(8, "h")).astype("datetime64[us]"),
    }
    missing = pa.array([None if i % 7 == 0 else t for i, t in enumerate(table["went"].tolist())], pa.timestamp("us"))
    for went in (pa.array(table["went"]), missing):
        found = texts(pa.table({**table, "went": went}))
        assert {"until = since + 365", "went = came + hours(8)"} <= {*found}
        assert not [one for one in found if "<->" in one]


def test_sums_of_a_wide_table_are_found_where_their_columns_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "MOST_FREE", 6)
    monkeypatch.setattr(linear, "NEAR", 4)
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.integers(0, 1_000, 300) for i in range(14)}
    columns |= {"n9": columns["n7"] + columns["n8"], "n13": columns["n0"] + columns["n12"]}
    found = {str(f.rule) for f in find_rules(pa.table(columns)) if isinstance(f.rule, Formula)}
    assert found == {"n9 = n7 + n8"}  # the other one's columns are far apart


def test_the_chance_of_a_sum_counts_the_candidates_of_all_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "MOST_FREE", 6)
    monkeypatch.setattr(linear, "NEAR", 4)
    tried: list[int] = []

    def prove(columns: Columns, rule: Formula, candidates: int) -> Found | None:
        tried.append(candidates)
        return prove_formula(columns, rule, candidates)

    monkeypatch.setattr(linear, "prove_formula", prove)
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.integers(0, 1_000, 300) for i in range(14)}
    columns["n4"] = columns["n0"] + columns["n1"]
    assert [str(f.rule) for f in linear.linear(Columns(pa.table(columns)))] == ["n4 = n0 + n1"]
    assert tried == [20 + 4 * 4]  # of three among the first six, and among four from the 5th, 7th, 9th and 11th on
