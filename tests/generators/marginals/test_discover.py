"""What is not declared: bounds that hold nearly all rows, categories that many rows have, and none that few have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import norm

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, silent
from synthkit.generators.marginals.discover import discover, threshold, unknown
from synthkit.generators.marginals.generator import AIM
from synthkit.generators.marginals.release import Releases, same
from synthkit.generators.marginals.schedule import schedule
from synthkit.privacy.accounting.mechanisms import ApproximateDP, DiscreteGaussian
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, LogicalType, Schema, Table


def table(tmp_path: Path, values: Any, kind: LogicalType, sql: str = "", **declared: Any) -> Table:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": values}), path)
    return Table(Schema((Column("x", kind, sql, **declared),)), (path,), len(values))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (np.arange(20, 70), 16, 128),
        (np.array([0, 0, 5]), 0, 8),
        (np.array([-300, 4]), -512, 8),
        (np.array([0.3, 0.2]), 0.125, 0.5),
        (np.array([1e-30, -1e30]), -(2.0**64) * 2, 2.0**-63),
    ],
)
def test_bounds_are_powers_of_two_around_the_rows(tmp_path: Path, values: Any, low: float, high: float) -> None:
    rows = np.repeat(values, 500)
    kind: LogicalType = "integer" if rows.dtype == np.int64 else "float"
    found = discover(table(tmp_path, rows, kind), 5.0, 0.0, Releases(Noise.seeded(0)))
    assert found.ends["x"] == (low, high)


def test_few_rows_far_out_do_not_show(tmp_path: Path) -> None:
    rows = np.concatenate([np.full(5_000, 40), [10**12] * 5, [-(10**9)] * 5])
    found = discover(table(tmp_path, rows, "integer"), 10.0, 0.0, Releases(Noise.seeded(0)))
    assert found.ends["x"] == (32, 64)


def test_without_rows_there_are_bounds_still(tmp_path: Path) -> None:
    found = discover(table(tmp_path, pa.array([], pa.float64()), "float"), 10.0, 0.0, Releases(Noise.seeded(0)))
    low, high = found.ends["x"]
    assert low < high


@pytest.mark.parametrize(("sigma", "delta", "unit"), [(4.4, 1e-5, 1), (20.0, 1e-6, 1), (50.0, 1e-6, 4)])
def test_the_threshold_lets_a_unit_of_its_own_pass_with_delta_at_most(sigma: float, delta: float, unit: int) -> None:
    least = threshold(sigma, delta, unit)
    # The exact discrete tail, summed: P[unit + X >= least], once for each category that the unit brings.
    ks = np.arange(-int(20 * sigma), int(20 * sigma) + 1)
    mass = np.exp(-(ks**2) / (2 * sigma**2))
    tail = mass[ks >= least - unit].sum() / mass.sum()
    assert unit * tail <= delta
    assert unit * norm.sf((least - unit - 2) / sigma) > delta / 3  # and no higher than that calls for


def test_singletons_hardly_ever_show_and_frequent_categories_do(tmp_path: Path) -> None:
    """10,000 categories of one row: at delta = 1e-5 each, two may pass (P < 0.001 of more)."""
    values = [f"only-{i}" for i in range(10_000)] + ["often"] * 300
    releases = Releases(Noise.seeded(3))
    found = discover(table(tmp_path, values, "categorical"), 20.0, 1e-5, releases)
    kept = found.schema.columns[0].values
    assert kept is not None
    assert "often" in kept
    assert len(kept) <= 3
    assert same(releases.spent, [DiscreteGaussian(20.0, 1.0, 1), ApproximateDP(0.0, 1e-5)])


def test_no_category_at_all_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="frequent enough"):
        discover(table(tmp_path, ["a", "b"], "categorical"), 20.0, 1e-5, Releases(Noise.seeded(0)))


def test_a_share_of_the_budget_pays_for_what_is_not_declared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "rows.parquet"
    rows = pa.table({
        "age": rng.integers(18, 90, 5_000),
        "city": rng.choice(["Bern", "Chur"], 5_000),
        "day": pa.array(rng.integers(19_000, 19_700, 5_000).astype("int32")).cast(pa.date32()),
    })  # fmt: skip
    pq.write_table(rows, path)
    schema = Schema((
        Column("age", "integer", "BIGINT", nullable=False),
        Column("city", "categorical", "VARCHAR", nullable=False),
        Column("day", "date", "DATE", nullable=False),
    ))  # fmt: skip
    assert all(unknown(c) for c in schema.columns)
    private = Table(schema, (path,), 5_000)
    budget = Budget(2.0, 1e-5, insecure_seed=0)
    with pytest.raises(BuildError, match=r"age \(bounds\), city \(values\), day \(bounds\)"):
        AIM.fit(private, AIM.params(), budget=budget, seed=0, device="cpu", progress=silent)  # type: ignore[misc]
    params = AIM.params(preprocessing_share=0.2)
    plan = schedule(params, budget, schema)  # type: ignore[arg-type]
    assert (plan.discovery.columns, plan.discovery.lists) == (3, 1)
    paid = sum(m.count * (m.sensitivity / m.sigma) ** 2 for m in plan.mechanisms if isinstance(m, DiscreteGaussian))
    assert 3 / plan.discovery.sigma**2 / paid == pytest.approx(0.2, rel=0.05)
    model = AIM.fit(private, params, budget=budget, seed=0, device="cpu", progress=silent)  # type: ignore[misc]
    found = pa.Table.from_batches(AIM.sample(model, 2_000, conditions=(), seed=0, progress=silent))  # type: ignore[misc]
    assert found.schema.equals(rows.schema)
    frame = found.to_pandas()
    assert set(frame.city) == {"Bern", "Chur"}
    assert frame.age.between(16, 128).all()
    assert frame.age.between(18, 90).mean() > 0.9
    assert math.isclose(frame.age.median(), 54, abs_tol=6)
