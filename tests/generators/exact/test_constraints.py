"""Declared inequalities held by rejection: exact, seeded, undistorted, bounded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.encoding.fill import plan_columns
from synthkit.errors import BuildError
from synthkit.generators.base import Quota, silent
from synthkit.generators.exact import rejection
from synthkit.generators.exact.constraints import check_real_rows, keeps, unchanging, within
from synthkit.rules.comparing import satisfied
from synthkit.rules.inequality import MIRRORED, Inequality, parse_inequality
from tests.tables import make_table

# -- which rows satisfy a rule: DuckDB's comparison is the oracle -----------------------------------------

ORACLE = duckdb.connect(":memory:", config={"threads": 1})
DAY = dt.date(2020, 1, 1)
NUMBERS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "tiny": (pa.int8(), st.integers(-128, 127)),
    "whole": (pa.int64(), st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)]))),
    "unsigned": (pa.uint64(), st.one_of(st.integers(0, 3), st.just(2**64 - 1))),
    "money": (pa.decimal128(10, 2), st.integers(-350, 350).map(lambda i: Decimal(i) / 100)),
    "single": (pa.float32(), st.integers(-30, 30).map(lambda i: i / 10)),
    "double": (pa.float64(), st.integers(-30, 30).map(lambda i: i / 10)),
}
MOMENTS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "day": (pa.date32(), st.integers(0, 3).map(lambda i: DAY + dt.timedelta(i))),
    "moment": (
        pa.timestamp("us"),
        st.integers(0, 8).map(lambda i: dt.datetime(2020, 1, 1) + dt.timedelta(hours=12 * i)),
    ),
}
CONSTANTS = {
    "numbers": st.one_of(
        st.integers(-300, 300).map(lambda i: Decimal(i) / 100), st.sampled_from([Decimal(10) ** 25, Decimal(200)])
    ),
    "moments": st.one_of(MOMENTS["day"][1], MOMENTS["moment"][1]),
}


@st.composite
def comparisons(draw: Callable[..., Any]) -> tuple[pa.RecordBatch, Inequality]:
    """Some rows of two columns that can be compared, with nulls, and a rule about them."""
    kinds, constants = draw(st.sampled_from([(NUMBERS, CONSTANTS["numbers"]), (MOMENTS, CONSTANTS["moments"])]))
    rows = draw(st.integers(0, 12))
    columns = {}
    for name in ("a", "b"):
        kind, values = kinds[draw(st.sampled_from(list(kinds)))]
        columns[name] = pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
    right = draw(st.just("b") | constants)
    return pa.record_batch(columns), Inequality("a", draw(st.sampled_from(list(MIRRORED))), right)


def as_sql(rule: Inequality) -> str:
    right = rule.right
    if isinstance(right, dt.date):
        return f"a {rule.operator} {'TIMESTAMP' if isinstance(right, dt.datetime) else 'DATE'} '{right}'"
    return f"a {rule.operator} {right if isinstance(right, str) else format(right, 'f')}"


@settings(max_examples=300, deadline=None)
@given(comparisons())
def test_the_mask_is_what_sql_says_of_a_check(case: tuple[pa.RecordBatch, Inequality]) -> None:
    batch, rule = case
    ORACLE.register("t", pa.Table.from_batches([batch]))
    expected = [r[0] for r in ORACLE.execute(f"SELECT coalesce({as_sql(rule)}, true) FROM t").fetchall()]
    assert satisfied(rule, batch).tolist() == expected


def test_nan_times_zones_and_fixed_values() -> None:
    batch = pa.record_batch(
        {
            "x": pa.array([float("nan"), 1.0, 3.0]),
            "opens": pa.array([dt.time(9), dt.time(10), None], pa.time64("us")),
            "seen": pa.array([dt.datetime(2020, 1, 1, h) for h in (0, 1, 2)], pa.timestamp("us", tz="UTC")),
        }
    )

    def mask(text: str, **fixed: pa.Scalar) -> list[bool]:
        return satisfied(parse_inequality(text), batch, fixed).tolist()

    assert mask("x < 2") == [True, True, False]  # NaN is a missing value
    assert mask("opens <= 9:30") == [True, False, True]
    assert mask("seen > 2020-01-01 00:30") == [False, True, True]
    assert mask("x > base", base=pa.scalar(2)) == [True, False, True]
    assert mask("x > base", base=pa.scalar(None, pa.int64())) == [True, True, True]
    assert mask("low <= base", low=pa.scalar(3), base=pa.scalar(2)) == [False] * 3


# -- rows that satisfy the rules ---------------------------------------------------------------------------


def uniform(
    model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Any
) -> Iterator[pa.RecordBatch]:
    """A generator of two independent uniform columns and a class; ``model`` is the class → its shift of ``a``."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(model), rows)
    if conditions:
        kinds = rng.permutation(np.repeat([q.values["kind"] for q in conditions], [q.rows for q in conditions]))
    shift = np.array([model[k] for k in kinds])
    table = pa.table({"kind": kinds, "a": rng.uniform(size=rows) + shift, "b": rng.uniform(size=rows)})
    yield from table.to_batches(max_chunksize=700)


def drawn(rows: int, texts: list[str], conditions: Sequence[Quota] = (), seed: int = 1, **model: float) -> pa.Table:
    rules = [parse_inequality(t) for t in texts]
    sample = within(uniform, rules, {}, "uniform")
    batches = sample(model or {"x": 0.0}, rows, conditions=conditions, seed=seed, progress=silent)
    return pa.Table.from_batches(list(batches))


def test_every_row_satisfies_every_rule_and_none_is_missing() -> None:
    for rows in (1, 999, 60_001):  # also more than are held at once
        table = drawn(rows, ["a <= b", "b < 0.9"])
        assert table.num_rows == rows
        a, b = table["a"].to_numpy(), table["b"].to_numpy()
        assert (a <= b).all()
        assert (b < 0.9).all()
        assert len(np.unique(a)) == rows  # no draw is given twice


def test_what_is_kept_has_the_models_distribution_given_the_rule() -> None:
    # a, b uniform: given a <= b, a is Beta(1, 2), of mean 1/3 and deviation 0.236. Four standard errors of 20,000 rows.
    a = drawn(20_000, ["a <= b"])["a"].to_numpy()
    assert abs(a.mean() - 1 / 3) < 4 * 0.236 / 20_000**0.5
    assert abs(np.quantile(a, 0.5) - (1 - 0.5**0.5)) < 0.01


def test_the_seed_decides_the_rows() -> None:
    one, two, other = (drawn(3_000, ["a < b"], seed=s) for s in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(other)


def test_quotas_are_met_exactly_in_random_order_and_undistorted() -> None:
    quotas = (Quota({"kind": "x"}, 4_000), Quota({"kind": "y"}, 1_000))
    table = drawn(5_000, ["a <= b"], quotas, x=0.0, y=0.8)  # 2 % of y's draws satisfy the rule, half of x's
    kinds = np.array(table["kind"].to_pylist())
    assert [(kinds == k).sum() for k in "xy"] == [4_000, 1_000]
    assert 50 < (kinds[:500] == "y").sum() < 150
    a, b = table["a"].to_numpy(), table["b"].to_numpy()
    assert (a <= b).all()
    # y: a - 0.8 and b are uniform with a <= b, so a - 0.8 is 0.2 times a Beta(1, 2).
    assert abs((a[kinds == "y"] - 0.8).mean() - 0.2 / 3) < 4 * 0.2 * 0.236 / 1_000**0.5


def test_rows_come_in_a_stream_of_bounded_blocks() -> None:
    asked: list[int] = []

    def counting(model: Any, rows: int, **rest: Any) -> Iterator[pa.RecordBatch]:
        asked.append(rows)
        return uniform(model, rows, **rest)

    sample = within(counting, [parse_inequality("a <= b")], {}, "uniform")
    stream = sample({"x": 0.0}, 400_000, conditions=(), seed=1, progress=silent)
    assert next(stream).num_rows == rejection.BLOCK
    assert sum(asked) < 4 * rejection.BLOCK  # the first block is out before the others are drawn
    assert max(asked) <= rejection.BLOCK
    assert sum(batch.num_rows for batch in stream) == 400_000 - rejection.BLOCK
    assert sum(asked) < 2.5 * 400_000  # half of the draws pass, so little more than 800,000 are needed


def test_without_rules_nothing_is_wrapped() -> None:
    assert within(uniform, [], {}, "uniform") is uniform


def test_the_search_is_given_up_with_the_rule_and_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection, "LEAST_SEARCH", 20_000)
    with pytest.raises(BuildError, match=r"0 of 10 rows .* in 20,000 draws: 'a > 1' holds in 0\.0%") as caught:
        drawn(10, ["a > 1"])
    assert caught.value.hint
    with pytest.raises(BuildError, match=r"'a >= 0\.9999' holds in .*, all 2 rules in 0\.0%"):
        drawn(10, ["a >= 0.9999", "b > a"], seed=3)
    with pytest.raises(BuildError, match=r"0 of 7 rows with kind = 'y' .*'a <= b'"):
        drawn(10, ["a <= b"], (Quota({"kind": "x"}, 3), Quota({"kind": "y"}, 7)), x=0.0, y=2.0)


# -- the real rows -----------------------------------------------------------------------------------------


def test_real_rows_that_break_a_rule_are_counted(tmp_path: Path) -> None:
    table = make_table(
        tmp_path / "t.parquet",
        {
            "a": ("BIGINT", pa.array([1, 2, 3, None, 5], pa.int64())),
            "b": ("DOUBLE", pa.array([1.0, 1.5, 2.5, 0.0, None])),
        },
    )
    rules = {parse_inequality(t): place for t, place in [("a <= b", "m.yml:3:5"), ("a > 0", "m.yml:4:5")]}
    with pytest.raises(BuildError, match=r"2 of 5 break 'a <= b' \(m\.yml:3:5\)(?!;)") as caught:
        check_real_rows(rules, table)
    assert "mend the rule" in str(caught.value.hint)
    check_real_rows({parse_inequality("a >= 1"): "m.yml:3:5"}, table)
    check_real_rows({}, table)


def test_columns_that_no_generator_draws(tmp_path: Path) -> None:
    table = make_table(
        tmp_path / "t.parquet",
        {
            "base": ("DECIMAL(10,2)", pa.array([Decimal("10.50")] * 4, pa.decimal128(10, 2))),
            "since": ("DATE", pa.array([DAY] * 4)),
            "nothing": ("DOUBLE", pa.array([None] * 4, pa.float64())),
            "x": ("BIGINT", pa.array([1, 2, 3, 11])),
            "number": ("BIGINT", pa.array([1, 2, 3, 4])),
        },
        number="id",
    )
    plan = plan_columns(table)
    rules = [parse_inequality(t) for t in ("x < base", "since >= 2020-01-01", "nothing > x")]
    fixed = unchanging(rules, plan)
    assert {k: v.as_py() for k, v in fixed.items()} == {"base": Decimal("10.50"), "since": DAY, "nothing": None}
    batch = pa.record_batch({"x": pa.array([1, 11])})
    assert [satisfied(r, batch, fixed).tolist() for r in rules] == [[True, False], [True, True], [True, True]]
    with pytest.raises(BuildError, match="'number' looks like a key"):
        unchanging([parse_inequality("number >= 0")], plan)


def test_columns_compared_with_another_stay_as_they_were_drawn() -> None:
    assert keeps([parse_inequality(t) for t in ("a <= b", "c > 0")]) == {"a", "b"}
