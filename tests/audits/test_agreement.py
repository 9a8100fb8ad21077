"""The same numbers as scipy and SDMetrics on the same rows, nulls, dates and booleans among them."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr, wasserstein_distance
from scipy.stats.contingency import association

from benchmarks.audits.populations import made_up
from synthkit.audits.measures.statistics import newcombe, wilson
from synthkit.audits.rows.transport import wasserstein_statistic
from tests.audits.sides import context, part, run

SDTYPES = {"age": "numerical", "income": "numerical", "gain": "numerical", "day": "datetime", "active": "boolean"}


def three(seed: int, rows: int = 1_500) -> tuple[pa.Table, pa.Table, pa.Table]:
    rng = np.random.default_rng(seed)
    return made_up(rows, rng, 0.6), made_up(rows, rng), made_up(rows // 2, rng)


def sdmetrics(synthetic: pa.Table, real: pa.Table, *, every: bool = False) -> dict[str, float]:
    from sdmetrics.reports.single_table import QualityReport

    frames = [t.to_pandas() for t in (real, synthetic)]
    for frame in frames:
        frame["day"] = pd.to_datetime(frame["day"]).astype("datetime64[ns]")
    metadata = {"columns": {c: {"sdtype": SDTYPES.get(c, "categorical")} for c in real.column_names}}
    report = QualityReport()
    if every:  # pairs that have nothing to do with one another among them, as before SDMetrics 0.32
        report.real_correlation_threshold = report.real_association_threshold = 0
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        report.generate(*frames, metadata, verbose=False)
    return dict(report.get_properties().set_index("Property")["Score"])


@pytest.mark.parametrize("seed", [1, 2])
def test_shapes_and_trends_are_those_of_sdmetrics(tmp_path: Path, seed: int) -> None:
    synthetic, train, holdout = three(seed)
    ctx = context(tmp_path, synthetic, train, holdout)
    theirs = sdmetrics(synthetic, holdout)
    assert run("column_shapes", ctx).value == pytest.approx(theirs["Column Shapes"], abs=1e-3)
    assert run("pair_trends", ctx).value == pytest.approx(theirs["Column Pair Trends"], abs=1e-3)
    every = sdmetrics(synthetic, holdout, every=True)["Column Pair Trends"]
    assert run("pair_trends", ctx, correlation=0, association=0).value == pytest.approx(every, abs=1e-3)


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=40),
    st.lists(st.floats(-50, 50), min_size=1, max_size=40),
)
@settings(max_examples=100, deadline=None)
def test_wasserstein_is_scipys(x: list[int], y: list[float]) -> None:
    a, b = np.sort(np.array(x, dtype=float)), np.sort(np.array(y))
    assert wasserstein_statistic(a, b) == pytest.approx(wasserstein_distance(a, b), rel=1e-12, abs=1e-12)


def test_wasserstein_in_standard_deviations(tmp_path: Path) -> None:
    synthetic, train, holdout = three(3)
    found = part(run("wasserstein", context(tmp_path, synthetic, train, holdout)), "gain")
    x, y = (np.asarray(t["gain"]) for t in (synthetic, holdout))
    assert found.value == pytest.approx(wasserstein_distance(x, y) / np.asarray(train["gain"]).std())


def test_correlations_are_scipys(tmp_path: Path) -> None:
    """Spearman's to the ranks' reference (training rows), Pearson's exactly, Cramér's V with its correction."""
    synthetic, train, holdout = three(4)
    ctx = context(tmp_path, synthetic, train, holdout)
    for method, tolerance in (("pearson", 1e-9), ("spearman", 0.01)):
        found = run("correlation", ctx, method=method).details["columns"]["age × income"]
        for name, rows in (("real", holdout), ("synthetic", synthetic)):
            frame = rows.select(["age", "income"]).to_pandas().dropna()
            theirs = frame.corr().iloc[0, 1] if method == "pearson" else spearmanr(frame).statistic
            assert found[name] == pytest.approx(theirs, abs=tolerance)
    table = pd.crosstab(holdout["region"].to_pandas(), holdout["grade"].to_pandas())
    found = run("correlation", ctx).details["columns"]["region × grade"]
    assert found["kind"] == "categories"
    assert found["real"] == pytest.approx(association(table.to_numpy(), method="cramer"), abs=0.02)


def test_intervals_of_shares_are_the_published_ones() -> None:
    """Newcombe 1998, table II, example (a): 56/70 against 48/80, and Wilson's interval of 81/263 (part I, table I)."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
