"""This version against the one before: no drift passes, a planted one fails and is named; sizes and times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.context import AuditContext, Version
from synthkit.audits.contract import AuditResult
from tests.audits.sides import context, table


def run(audit: str, ctx: AuditContext, **params: Any) -> AuditResult:
    found = registry.get(audit)
    return found.run(ctx, found.params.model_validate(params))


def people(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    return {
        "age": rng.integers(18, 90, rows),
        "spend": rng.gamma(2, 30, rows),
        "tier": rng.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
        "visits": [None if v < 0 else int(v) for v in rng.integers(-1, 9, rows)],
    }


def versions(directory: Path, now: Any, before: Any, seconds: Any = None, took: Any = None) -> AuditContext:
    old = table(directory, "before", before)
    earlier = Version(old, old.paths[0].stat().st_size, seconds or {}, "2026-01-31T12:00:00.000Z")
    return replace(context(directory, now), previous=earlier, seconds=took or {})


# -- drift ---------------------------------------------------------------------------------------------


def test_the_first_version_is_skipped(tmp_path: Path) -> None:
    rows = people(np.random.default_rng(1), 50)
    for audit in ("drift", "volume"):
        result = run(audit, context(tmp_path, rows))
        assert (result.status, result.message) == ("skipped", "no earlier version")


def test_another_sample_of_the_same_table_passes_and_knows_its_floor(tmp_path: Path) -> None:
    """At the 5 % level shared out over columns, and max 0.1, four pairs of versions of 1,000 rows all pass."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        result = run("drift", versions(tmp_path, people(rng, 1000), people(rng, 1000)))
        assert result.status == "pass", result.message
        assert result.floor is not None
        assert result.floor < 0.1
        assert "without drift" in result.message
        assert "real against real" not in result.message


def test_the_same_rows_do_not_drift(tmp_path: Path) -> None:
    rows = people(np.random.default_rng(2), 500)
    result = run("drift", versions(tmp_path, rows, rows))
    assert (result.status, result.value) == ("pass", 0)


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [
        ("age", lambda rng, n: rng.integers(40, 90, n), ""),
        ("tier", lambda rng, n: rng.choice(["basic", "plus", "gold"], n, p=[0.3, 0.3, 0.4]), ""),
        ("visits", lambda rng, n: [int(v) if v < 9 else None for v in rng.integers(0, 18, n)], "the share of missing"),
        ("tier", lambda rng, n: rng.integers(0, 3, n), ""),  # another type
    ],
)
def test_a_column_that_changed_is_named(tmp_path: Path, column: str, values: Any, what: str) -> None:
    rng = np.random.default_rng(3)
    now = {**people(rng, 1000), column: values(rng, 1000)}
    result = run("drift", versions(tmp_path, now, people(rng, 1000)))
    assert result.status == "fail"
    assert [c.column for c in result.columns if c.status == "fail"] == [column]
    assert f"{column!r} differs most" in result.message
    assert what in result.columns[0].message
    assert result.columns[0].floor is not None
    assert result.value is not None
    assert result.columns[0].floor < result.value / 2


def test_columns_that_came_and_went_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    now, before = people(rng, 500), people(rng, 500)
    now["region"] = now.pop("spend")
    result = run("drift", versions(tmp_path, now, before))
    assert result.status == "warn"
    assert "'region' is new; 'spend' is gone" in result.message


def test_few_rows_and_foreign_conditions(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    assert run("drift", versions(tmp_path, people(rng, 20), people(rng, 500))).status == "inconclusive"
    now = {**people(rng, 500), "new": [1] * 500}
    ctx = versions(tmp_path, now, people(rng, 500)).narrowed("new = 1")
    for audit in ("drift", "volume"):
        assert run(audit, ctx).status == "skipped"
        assert "lacks a column" in run(audit, ctx).message


def test_the_mean_of_the_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    now = {**people(rng, 1000), "tier": ["basic"] * 1000}
    ctx = versions(tmp_path, now, people(rng, 1000))
    worst, mean = run("drift", ctx), run("drift", ctx, combine="mean", max=0.3)
    assert (worst.status, mean.status) == ("fail", "pass")
    assert mean.floor is not None
    assert mean.floor == pytest.approx(sum(c.floor or 0 for c in mean.columns) / 4)


# -- volume --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "status"), [(100, "pass"), (150, "pass"), (151, "fail"), (50, "pass"), (49, "fail")])
def test_rows_may_change_by_half(tmp_path: Path, rows: int, status: str) -> None:
    ctx = versions(tmp_path, {"a": list(range(rows))}, {"a": list(range(100))})
    result = run("volume", ctx, measures=["rows"], max_change="50%")
    assert (result.status, result.value) == (status, pytest.approx(abs(rows / 100 - 1)))
    assert f"rows 100 → {rows}" in result.message
    assert run("volume", ctx, measures=["rows"], max_change=5).status == "pass"


def test_a_column_that_fell_apart_shows_in_the_bytes(tmp_path: Path) -> None:
    text = [f"{i * 7919 % 10_007:040d}" for i in range(2000)]
    ctx = versions(tmp_path, {"a": ["x"] * 2000}, {"a": text})
    result = run("volume", ctx)
    assert (result.status, result.columns[0].column) == ("fail", "bytes")
    assert run("volume", ctx, measures=["rows"]).status == "pass"


def test_time_warns_and_never_fails(tmp_path: Path) -> None:
    rows = {"a": list(range(100))}
    before, now = {"train": 10.0, "sample": 1.0}, {"train": 25.0, "sample": 1.0}
    ctx = versions(tmp_path, rows, rows, before, now)
    assert run("volume", ctx).status == "pass"
    result = run("volume", ctx, max_slowdown="100%")
    assert result.status == "warn"
    assert "Slower by 150% (train)" in result.message
    assert result.details["rows_per_second"] == {"now": 100, "before": 100}
    assert run("volume", replace(ctx, seconds={}), max_slowdown="1%").status == "pass"  # not made in this run


@pytest.mark.parametrize("wrong", ["half", 0, "-5%"])
def test_what_is_no_share(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        registry.get("volume").params.model_validate({"max_change": wrong})
