"""Planted faults: each is found by the audits that are made for it, and by no other where that is the point."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.audits.populations import made_up
from synthkit.audits.context import AuditContext
from tests.audits.sides import context, part, replaced, run, shuffled

SUITE = (
    "ks", "chi_square", "wasserstein", "total_variation", "column_shapes", "column_pairs", "correlation", "pair_trends",
    "missingness", "coverage", "detection", "alpha_precision", "beta_recall",
)  # fmt: skip
ROWS = 3_000


def rows(seed: int, count: int = ROWS) -> pa.Table:
    return made_up(count, np.random.default_rng(seed))


def against(directory: Path, synthetic: pa.Table) -> AuditContext:
    return context(directory, synthetic, rows(2), rows(3))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> AuditContext:
    """What audits share of a table (encodings, classifiers) is made once, as in a build."""
    return against(tmp_path_factory.mktemp("fresh"), rows(1))


@pytest.mark.slow
@pytest.mark.parametrize("audit", SUITE)
def test_a_fresh_real_sample_passes(fresh: AuditContext, audit: str) -> None:
    result = run(audit, fresh)
    assert result.status == "pass", result.message
    assert result.floor is not None
    assert result.limit is not None
    assert result.ci_low is not None
    assert result.ci_high is not None
    assert result.ci_low <= result.value <= result.ci_high  # type: ignore[operator]


@pytest.mark.slow
def test_shuffled_columns_keep_their_shapes_and_lose_what_goes_together(tmp_path: Path) -> None:
    ctx = against(tmp_path, shuffled(rows(1), 9))
    for audit in ("ks", "chi_square", "wasserstein", "total_variation", "column_shapes", "coverage"):
        assert run(audit, ctx).status == "pass"
    for audit in ("column_pairs", "correlation", "detection", "missingness"):
        assert run(audit, ctx).status == "fail", audit
    worst = run("column_pairs", ctx).columns[0].column
    assert worst in ("age × grade", "region × grade", "age × churned", "grade × churned", "age × income")


def test_a_dropped_category_is_named(tmp_path: Path) -> None:
    made = rows(1)
    isle = pc.equal(made["region"], "isle")  # 3 % of the rows
    kept = replaced(made, "region", pc.if_else(isle, "west", made["region"]).combine_chunks())
    result = run("coverage", against(tmp_path, kept))
    assert result.status == "fail"
    assert [c.column for c in result.columns if c.status == "fail"] == ["region"]
    assert result.message.endswith("Not covered: 'isle'")
    assert result.value == pytest.approx(0.8)
    bands = result.details["columns"]["region"]["bands"]
    assert bands[0] == {"band": "1 to 10 %", "real": 1, "occur": 0, "judged": 1, "covered": 0}
    assert run("ks", against(tmp_path, kept)).status == "pass"


def test_nulls_made_random_fail(tmp_path: Path) -> None:
    made = rows(1)
    result = run("missingness", against(tmp_path, shuffled(made, 4, ["income"])))
    assert result.status == "fail"
    assert result.columns[0].column == "income by age"
    assert part(result, "income").status == "pass"  # as many are missing as before


def test_a_shifted_date_fails(tmp_path: Path) -> None:
    made = rows(1)
    late = [d + timedelta(days=120) for d in made["day"].cast(pa.date32()).to_pylist()]
    ctx = against(tmp_path, replaced(made, "day", pa.array(late).cast(made["day"].type)))
    for audit in ("ks", "wasserstein", "total_variation"):
        result = run(audit, ctx)
        assert result.status == "fail", audit
        assert [c.column for c in result.columns if c.status == "fail"] == ["day"]
    moved = part(run("wasserstein", ctx), "day")
    # Beta(2, 3) over 1,500 days has a standard deviation of 300 days
    assert moved.value == pytest.approx(120 / 300, rel=0.15)


def test_a_lost_tail_is_not_covered(tmp_path: Path) -> None:
    made = rows(1)
    cut = np.minimum(np.asarray(made["age"]), 60)
    result = run("coverage", against(tmp_path, replaced(made, "age", cut)))
    assert result.status == "fail"
    assert "of the real values" in result.message
    assert result.columns[0].column == "age"


@pytest.mark.slow
def test_a_collapsed_table_has_recall_no_more(tmp_path: Path) -> None:
    made = rows(1)
    typical = made.filter(pc.and_(pc.equal(made["region"], "north"), pc.equal(made["grade"], "basic")))
    ctx = against(tmp_path, typical)
    assert run("beta_recall", ctx).status == "fail"
    assert run("alpha_precision", ctx).status == "fail"
    assert run("coverage", ctx).status == "fail"


@pytest.mark.slow
def test_what_gives_a_table_away_is_named(tmp_path: Path) -> None:
    made = rows(1)
    result = run("detection", against(tmp_path, replaced(made, "age", np.asarray(made["age"]) + 0.25)))
    assert result.status == "fail"
    assert result.columns[0].column == "age"
    assert "by 'age' above all" in result.message
    assert result.details["better"] == "boosting"
