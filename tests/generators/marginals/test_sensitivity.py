"""One row more or less: under the same earlier answers, each release changes in one cell by one, and nothing else does."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.encoding.declared import declared_encoder
from synthkit.generators.base import Budget, silent
from synthkit.generators.marginals.fit import learn
from synthkit.generators.marginals.params import AimParams, IndependentParams, MarginalParams, MstParams
from synthkit.generators.marginals.schedule import schedule
from synthkit.privacy.accounting.accountant import epsilon
from synthkit.privacy.accounting.mechanisms import ZCDP
from synthkit.schema import Table
from tests.generators.marginals.tables import COLUMNS, Recorder, Replay, declared

ROW = st.tuples(
    st.integers(-(2**62), 2**62) | st.integers(0, 99) | st.just(40),
    st.none() | st.floats(width=64) | st.just(0.0) | st.sampled_from([math.nan, math.inf, -math.inf, 0.005, 1e300]),
    st.none() | st.sampled_from(["Bern", "Basel", "Chur", "Genf", "", "bern"]),
    st.booleans(),
    st.sampled_from(["a", "b", "c", "d", "e"]),
)
ROWS = st.lists(ROW, max_size=40).flatmap(lambda rows: st.just(rows * 3) | st.just(rows))  # duplicates matter, too
# Few releases of much budget, so that answers follow the rows and every branch is taken.
BUDGET = Budget(20.0, 1e-2)
PLANS: dict[str, MarginalParams] = {
    "aim": AimParams(
        rounds=5,
        sweeps=2,
        final_sweeps=3,
        target="tier",
        workload=(("age", "income", "tier"), ("city", "paid"), ("age", "city")),
    ),
    "paid": AimParams(rounds=3, sweeps=2, final_sweeps=3, preprocessing_share=0.3),
    "mst": MstParams(final_sweeps=3),
    "independent": IndependentParams(),
}


def run(table: Table, params: MarginalParams, releases: Recorder) -> Any:
    if params.preprocessing_share:  # bounds are then not declared, and found out by releases of their own
        columns = tuple(replace(c, bounds=None) for c in table.schema.columns)
        table = replace(table, schema=replace(table.schema, columns=columns))
    return learn(table, params, schedule(params, BUDGET, table.schema), releases, silent)


def spoilt(row: tuple[Any, ...]) -> bool:
    """Whether the row has a value that its column, declared not nullable, cannot hold."""
    return row[4] == "e"


@pytest.mark.parametrize("name", PLANS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, extra=ROW, at=st.integers(0, 1_000), seed=st.integers(0, 2**31))
def test_a_row_changes_each_release_by_one_at_most(
    name: str, rows: list[tuple[Any, ...]], extra: tuple[Any, ...], at: int, seed: int
) -> None:
    more = [*rows[: at % (len(rows) + 1)], extra, *rows[at % (len(rows) + 1) :]]
    with tempfile.TemporaryDirectory() as folder:
        first, second = declared(Path(folder) / "a", rows), declared(Path(folder) / "b", more)
        one = Recorder(seed)
        model = run(first, PLANS[name], one)
        two = Replay(one)
        other = run(second, PLANS[name], two)
    assert len(one.asked) == len(two.asked)
    for (kind, a, scale), (kind_b, b, scale_b) in zip(one.asked, two.asked, strict=True):
        assert (kind, scale, a.shape) == (kind_b, scale_b, b.shape)
        if kind == "histogram":
            # What finds out a column's bounds looks at that column alone, so it counts rows that others cannot hold.
            assert np.abs(a - b).sum() <= (0 if spoilt(extra) and not PLANS[name].preprocessing_share else 1)
        else:
            assert np.abs(a - b).max(initial=0.0) <= scale + 1e-6
    # The answers were the same, so all that was learnt is: no row reaches the model by another way.
    for a, b in zip(model.model.tables, other.model.tables, strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(model.cuts, other.cuts, strict=True):
        assert np.array_equal(a.starts, b.starts)
        assert np.array_equal(a.weights, b.weights)


@given(rows=ROWS, extra=ROW)
@settings(max_examples=100, deadline=None)
def test_no_row_decides_what_the_encoder_is(rows: list[tuple[Any, ...]], extra: tuple[Any, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second = declared(Path(folder) / "a", rows), declared(Path(folder) / "b", [*rows, extra])
        a, b = declared_encoder(first), declared_encoder(second)
        assert a.to_json() == b.to_json()
        before, after = a.encode_table(first), b.encode_table(second)
    for axis, p, q in zip(a.axes, before, after, strict=True):
        assert p.dtype == q.dtype
        assert len(q) - len(p) == (0 if spoilt(extra) else 1)
        assert np.array_equal(p, q[: len(p)])
        assert q.max(initial=0) < axis.size


def test_several_rows_of_one_unit_scale_the_noise(tmp_path: Path) -> None:
    schema = declared(tmp_path, []).schema
    one = schedule(AimParams(), Budget(1.0, 1e-5), schema)
    four = schedule(AimParams(), Budget(1.0, 1e-5, max_rows_per_unit=4), schema)
    # A little more than four times: rows in several cells are accounted for by zCDP, whose conversion is looser.
    assert 4 * one.sigma < four.sigma < 6 * one.sigma
    assert 4 * one.first_sigma < four.first_sigma < 6 * one.first_sigma
    assert epsilon(four.mechanisms, 1e-5) == pytest.approx(1.0, rel=1e-3)
    released = [ZCDP(n * 16 / (2 * s**2)) for n, s in ((sum(four.levels), four.first_sigma), (four.rounds, four.sigma))]
    assert [m for m in four.mechanisms if isinstance(m, ZCDP)] == released


def test_the_declaration_above_covers_every_kind() -> None:
    assert {c.type for c in COLUMNS} == {"integer", "float", "categorical", "boolean"}
