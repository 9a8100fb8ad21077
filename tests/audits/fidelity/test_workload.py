"""Answers to a random workload: right ones, the same ones for the same seed, and far-off ones named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.audits.fidelity.answers import blocks_of_answers, errors, units
from synthkit.audits.fidelity.queries import workload
from synthkit.audits.fidelity.workload import QueryWorkloadParams, query_workload
from tests.audits.sides import context


def orders(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 1, rows)
    frame = pd.DataFrame({"units": rng.integers(1, 50, rows), "size": size, "price": 3 * size + rng.normal(0, 1, rows)})
    frame["shop"] = np.where(size > 1, rng.choice(["north", "south"], rows), "o'hara")
    frame["paid"] = rng.random(rows) < 0.7
    frame["day"] = [d.date() for d in pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")]
    frame["many"] = rng.integers(0, 500, rows).astype(str)
    frame["constant"] = "x"
    frame.loc[rng.random(rows) < 0.1, ["price", "shop"]] = None
    return frame


TRAIN, HOLDOUT, FRESH = orders(2_000, 1), orders(1_000, 2), orders(2_000, 3)


def here(folder: Path, synthetic: pd.DataFrame, holdout: pd.DataFrame = HOLDOUT) -> Any:
    return context(folder, *(pa.Table.from_pandas(f, preserve_index=False) for f in (synthetic, TRAIN, holdout)))


def judged(folder: Path, synthetic: pd.DataFrame, **params: Any) -> Any:
    return query_workload(here(folder, synthetic), QueryWorkloadParams(**{"queries": 60, **params}))


def test_fresh_rows_answer_alike(tmp_path: Path) -> None:
    found = judged(tmp_path, FRESH)
    assert found.status == "pass"
    assert found.value == pytest.approx(found.floor, abs=0.05)
    assert found.ci_low < found.value < found.ci_high
    assert set(found.details["by_kind"]) == {"count", "mean", "group"}
    assert found == judged(tmp_path, FRESH)


def test_shuffled_columns_and_shifted_dates_answer_otherwise(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    apart = pd.DataFrame({c: FRESH[c].sample(frac=1, random_state=int(rng.integers(1000))).to_numpy() for c in FRESH})
    found = judged(tmp_path, apart, columns=["size", "price", "shop"])
    assert found.status == "fail"
    assert found.details["worst"][0]["sql"].startswith("SELECT ")
    late = FRESH.assign(day=[d + pd.Timedelta(days=700) for d in FRESH["day"]])
    assert judged(tmp_path, late, columns=["day", "paid"]).status == "fail"


def test_the_named_queries_run_and_answer_as_written(tmp_path: Path) -> None:
    """Every query's SQL, run on its own, gives the numbers that the single scans gave."""
    one = here(tmp_path, FRESH)
    columns = tuple(c for c in FRESH)
    queries = workload(one, columns, 60, 3, 0.02)
    assert len(queries) == 60
    assert {q.kind for q in queries} == {"count", "mean", "group"}
    totals = blocks_of_answers(one, "synthetic", queries).over(np.ones(20))
    for i, query in enumerate(queries):
        rows = one.query(query.sql)
        if query.kind == "count":
            assert rows[0][0] == totals.selected[i]
        elif query.kind == "mean":
            assert rows[0][0] == pytest.approx(totals.sums[i] / totals.present[i])
        else:
            assert sorted(n for _, n in rows) == sorted(n for n in totals.groups[i].tolist() if n)


def test_errors_against_the_same_rows_are_zero(tmp_path: Path) -> None:
    one = here(tmp_path, FRESH)
    queries = workload(one, tuple(FRESH), 60, 3, 0.02)
    blocks = blocks_of_answers(one, "holdout", queries)
    unit = units(one, queries)
    every = np.ones(20)
    assert np.nanmax(errors(queries, blocks.over(every), blocks.over(every), unit, 0.02)) == 0
    with_half = errors(queries, blocks.over(np.arange(20) < 10), blocks.over(every), unit, 0.02)
    assert np.nanmax(with_half) > 0


def test_too_few_rows_or_columns(tmp_path: Path) -> None:
    small = query_workload(here(tmp_path, FRESH, HOLDOUT.head(50)), QueryWorkloadParams())
    assert (small.status, small.value) == ("inconclusive", None)
    assert "50 held-out rows" in small.message
    constant = judged(tmp_path, FRESH, columns="constant")
    assert constant.status == "inconclusive"


def test_a_column_gone_null_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, FRESH.assign(price=pd.Series([None] * len(FRESH), dtype=float)), columns=["price", "shop"])
    assert found.status == "fail"
