"""Nulls, constants, tiny tables, high cardinality, columns of one side only: every audit says what it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits.context import AuditContext
from synthkit.errors import SynthError
from tests.audits.sides import context, part, run
from tests.tables import mixed_columns

SUITE = (
    "wasserstein", "total_variation", "column_shapes", "column_pairs", "correlation", "pair_trends", "missingness",
    "coverage", pytest.param("detection", marks=pytest.mark.slow), "alpha_precision", "beta_recall",
)  # fmt: skip


def odd(rows: int, seed: int) -> pa.Table:
    return pa.table({name: values for name, (_, values) in mixed_columns(rows, seed).items()})


def odd_context(directory: Path, rows: int) -> AuditContext:
    types = {"constant": "categorical", "nothing": "categorical", "kind": "categorical"}
    return context(directory, odd(rows, 1), odd(rows, 2), odd(rows, 3), types=types)


@pytest.mark.parametrize("audit", SUITE)
def test_real_rows_of_odd_columns_pass_or_are_too_few(tmp_path: Path, audit: str) -> None:
    result = run(audit, odd_context(tmp_path, 300))
    assert result.status in ("pass", "inconclusive", "skipped"), result.message  # skipped: no pair is correlated
    assert result.message


@pytest.mark.parametrize("audit", SUITE)
@pytest.mark.parametrize("rows", [1, 20])
def test_tiny_tables_are_too_few_to_tell(tmp_path: Path, audit: str, rows: int) -> None:
    result = run(audit, odd_context(tmp_path, rows))
    assert (result.status, result.value) == ("inconclusive", None)
    assert result.message.startswith("too few rows to tell")


@pytest.mark.parametrize("audit", SUITE)
def test_without_held_out_rows_there_is_nothing_to_judge_with(tmp_path: Path, audit: str) -> None:
    with pytest.raises(SynthError, match="held-out"):
        run(audit, context(tmp_path, {"x": range(100)}, {"x": range(100)}))


@pytest.mark.parametrize("audit", SUITE)
def test_without_training_rows_there_is_no_floor(tmp_path: Path, audit: str) -> None:
    rng = np.random.default_rng(1)

    def some(seed: int) -> dict[str, Any]:
        x = rng.normal(size=200)
        return {"x": x, "y": x + 1, "k": list("ab") * 100, "z": pa.array(x, mask=x > 1)}

    result = run(audit, context(tmp_path, some(1), None, some(2)))
    assert result.floor is None
    assert result.status != "fail"


@pytest.mark.parametrize("audit", SUITE)
def test_a_column_that_is_not_there_is_named(tmp_path: Path, audit: str) -> None:
    rows = {"x": range(200), "y": range(200)}
    with pytest.raises(SynthError, match="'xx'"):
        run(audit, context(tmp_path, rows, rows, rows), columns=["xx", "y"])


def test_a_real_constant_that_the_synthetic_rows_do_not_keep(tmp_path: Path) -> None:
    same = {"x": [5.0] * 100}
    assert run("wasserstein", context(tmp_path / "a", same, same, same)).value == 0.0
    moved = run("wasserstein", context(tmp_path / "b", {"x": [5.0] * 99 + [6.0]}, same, same))
    assert (moved.status, moved.value) == ("fail", 1.0)


def test_a_rare_category_is_not_named(tmp_path: Path) -> None:
    """Three of 300 held-out rows have it, and of 30,000 synthetic ones none: that is no chance, and nobody's name."""
    held = ["common"] * 297 + ["Ada Lovelace"] * 3
    result = run("coverage", context(tmp_path, {"k": ["common"] * 30_000}, {"k": held * 5}, {"k": held}))
    assert result.status == "fail"
    assert "Lovelace" not in str(result)
    assert "1 rare ones that are not named" in result.message


def test_many_categories(tmp_path: Path) -> None:
    """5,000 categories: those that chance may leave out are not judged."""
    rng = np.random.default_rng(3)
    draw = lambda n: {"k": [f"c{i}" for i in rng.zipf(1.3, n) % 5_000], "x": rng.normal(size=n)}  # noqa: E731
    ctx = context(tmp_path, draw(3_000), draw(3_000), draw(1_500), types={"k": "categorical"})
    for audit in ("total_variation", "coverage", "column_pairs", "missingness"):
        assert run(audit, ctx).status in ("pass", "inconclusive", "skipped"), audit
    details = run("coverage", ctx).details["columns"]["k"]
    assert details["judged"] < details["regions"]
    invented = context(
        tmp_path / "i",
        {"k": ["new"] * 3_000, "x": rng.normal(size=3_000)},
        draw(3_000),
        draw(1_500),
        types={"k": "categorical"},
    )
    found = run("total_variation", invented)
    assert (found.status, found.columns[0].column) == ("fail", "k")
    assert found.value > 0.7  # type: ignore[operator]


def test_pairs_are_capped_and_the_message_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = {f"x{i:02}": rng.normal(size=60) for i in range(34)}  # 561 pairs
    result = run("column_pairs", context(tmp_path, rows, rows, rows))
    assert len(result.columns) == 500
    assert result.details["pairs"] == {"judged": 500, "all": 561}
    assert "500 of 561 pairs were drawn" in result.message


@pytest.mark.slow
def test_a_table_with_epsilon_is_told_apart_without_a_limit(tmp_path: Path) -> None:
    from dataclasses import replace

    rng = np.random.default_rng(5)
    rows = [{"x": rng.normal(shift, 1, 400), "y": rng.normal(size=400)} for shift in (4, 0, 0)]
    ctx = context(tmp_path, *rows)
    assert run("detection", ctx).status == "fail"
    private = replace(ctx, training=object())  # type: ignore[arg-type]
    report = run("detection", private)
    assert (report.status, report.threshold) == ("pass", None)
    assert report.value is not None
    assert report.value > 0.9
    assert run("detection", private, max_auc=0.6).status == "fail"


@pytest.mark.parametrize("audit", SUITE)
def test_the_same_rows_give_the_same_result(tmp_path: Path, audit: str) -> None:
    first, second = (run(audit, odd_context(tmp_path / n, 120)) for n in "ab")
    assert first == second


def test_missing_values_in_one_table_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=400)
    whole, holes = {"x": x, "y": x}, {"x": pa.array(x, mask=rng.random(400) < 0.2), "y": x}
    made_up = run("missingness", context(tmp_path / "a", holes, whole, whole))
    assert (made_up.status, made_up.columns[0].column) == ("fail", "x")
    filled = run("missingness", context(tmp_path / "b", whole, holes, holes))
    assert filled.status == "fail"
    assert part(filled, "x").value == pytest.approx(0.2, abs=0.05)
    assert run("missingness", context(tmp_path / "c", whole, whole, whole)).status == "skipped"


@pytest.mark.parametrize(("audit", "more"), [("detection", {}), ("tstr", {"target": "k"}), ("trts", {"target": "k"})])
def test_a_number_that_hardly_any_row_has(tmp_path: Path, audit: str, more: dict[str, Any]) -> None:
    """The rows that a classifier is trained on may have none of it."""

    def some(seed: int) -> pa.Table:
        x = np.random.default_rng(seed).normal(size=200)
        once = pa.array(x, mask=np.arange(200) != seed)
        return pa.table(
            {"x": x, "k": np.where(x > 0, "yes", "no"), "once": once, "day": once.cast("int64", safe=False)}
        )

    result = run(audit, context(tmp_path, some(1), some(2), some(3)), **more)
    assert result.status in ("pass", "inconclusive"), result.message
    assert result.value is not None
