"""Is the table built like the real one: names, order, types, nulls, and how many different values."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.measures.richness import rarefied, ratio
from synthkit.errors import SynthError
from tests.audits.sides import context


def run(audit: str, ctx: AuditContext, **params: Any) -> AuditResult:
    found = registry.get(audit)
    return found.run(ctx, found.params.model_validate(params))


# -- schema --------------------------------------------------------------------------------------------

REAL = {"age": pa.array([1, 2, 3], pa.int32()), "name": ["a", "b", None], "paid": [1.0, 2.0, 3.0]}


def real_context(directory: Path, synthetic: Any) -> AuditContext:
    """``age`` and ``paid`` have no nulls in the real rows, and the schema knows it."""
    ctx = context(directory, synthetic, train={k: pa.chunked_array([pa.array(v)] * 40) for k, v in REAL.items()})
    assert ctx.train is not None
    columns = tuple(replace(c, nullable=c.name == "name") for c in ctx.train.schema.columns)
    return replace(ctx, train=replace(ctx.train, schema=replace(ctx.train.schema, columns=columns)))


def test_an_equal_schema_passes(tmp_path: Path) -> None:
    result = run("schema", real_context(tmp_path, REAL))
    assert (result.status, result.value, result.message) == ("pass", 0, "all 3 columns agree")


def test_everything_that_differs_is_named(tmp_path: Path) -> None:
    other = {"paid": [1, 2, 3], "age": pa.array([1, 2, 3], pa.int32()), "more": [1, 2, 3]}
    result = run("schema", real_context(tmp_path, other))
    assert result.status == "fail"
    found = {c.column: c.message for c in result.columns}
    assert found["name"] == "is missing"
    assert found["more"] == "is no column of the pattern"
    assert found["paid"].startswith("stands where 'age' belongs")
    assert run("schema", real_context(tmp_path, other), order=False, extra=True).value == 2  # name, and paid's type


def test_types_can_be_left_alone(tmp_path: Path) -> None:
    wider = {**REAL, "age": pa.array([1, 2, 3], pa.int64())}
    result = run("schema", real_context(tmp_path, wider))
    assert (result.status, result.columns[0].message) == ("fail", "is BIGINT, not INTEGER")
    assert run("schema", real_context(tmp_path, wider), types="any").status == "pass"


@pytest.mark.parametrize(("nulls", "status"), [(0, "pass"), (1, "inconclusive"), (6, "fail")])
def test_nulls_where_the_real_column_has_none(tmp_path: Path, nulls: int, status: str) -> None:
    """120 rows a side: one null says nothing (chance 0.5), six do (2 ** -6, and less)."""
    ages = pa.array([None] * nulls + [1] * (120 - nulls), pa.int32())
    rows = {"age": ages, "name": [None] * 120, "paid": [1.0] * 120}
    rows["name"] = pa.array(rows["name"], pa.string())
    result = run("schema", real_context(tmp_path, rows))
    assert result.status == status
    assert run("schema", real_context(tmp_path, rows), nulls=False).status == "pass"


def test_a_declared_schema_needs_no_real_table(tmp_path: Path) -> None:
    ctx = context(tmp_path, REAL)
    assert run("schema", ctx, columns={"age": "int", "name": "text", "paid": "float8"}).status == "pass"
    result = run("schema", ctx, columns={"age": "BIGINT", "name": "VARCHAR", "paid": "DOUBLE"})
    assert [c.column for c in result.columns] == ["age"]
    with pytest.raises(SynthError, match="is no SQL type"):
        run("schema", ctx, columns={"age": "numbre"})
    with pytest.raises(SynthError, match="no real table"):
        run("schema", ctx)


# -- rarefaction ---------------------------------------------------------------------------------------


def frequencies(values: list[int]) -> dict[int, int]:
    counts = np.unique(values, return_counts=True)[1]
    return dict(zip(*(x.tolist() for x in np.unique(counts, return_counts=True)), strict=True))


@pytest.mark.parametrize("rows", [1, 2, 4, 6])
def test_rarefaction_is_the_mean_over_all_choices(rows: int) -> None:
    values = [1, 1, 1, 2, 2, 3]
    exact = np.mean([len({values[i] for i in chosen}) for chosen in combinations(range(6), rows)])
    assert rarefied(frequencies(values), rows).value == pytest.approx(exact, abs=1e-12)


def test_more_rows_than_there_are() -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        rarefied({1: 3}, 4)


@pytest.mark.parametrize("shape", ["zipf", "even", "normal"])
def test_the_interval_covers(shape: str) -> None:
    """Two samples of one distribution, sizes 3,000 and 1,000: the interval of the ratio holds 1 in 95 % of 400 draws.

    The tolerance is four binomial standard errors, and the interval may be wider: Chao's estimate is a lower bound.
    """
    rng = np.random.default_rng(5)

    def draw(n: int) -> list[int]:
        if shape == "zipf":
            return rng.zipf(1.7, n).clip(0, 10**9).tolist()
        return (rng.integers(0, 2000, n) if shape == "even" else rng.normal(0, 100, n).round().astype(int)).tolist()

    held = 0
    for _ in range(400):
        a, b = (rarefied(frequencies(draw(n)), 1000) for n in (3000, 1000))
        held += ratio(a, b).low <= 1.0
    assert held / 400 >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 400)


# -- cardinality ---------------------------------------------------------------------------------------


def people(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    return {
        "age": rng.integers(18, 90, rows),
        "spend": rng.gamma(2, 30, rows).round(2),
        "tier": rng.choice(["basic", "plus", "pro"], rows),
        "one": ["x"] * rows,
    }


def test_a_fresh_sample_passes_at_any_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for rows in (200, 4000):
        ctx = context(tmp_path, people(rng, rows), people(rng, 2000), people(rng, 500))
        result = run("cardinality", ctx)
        assert result.status == "pass", result.message
        assert result.value is not None
        assert result.value < 1.3
        assert all(c.floor is not None and c.floor < 1.3 for c in result.columns)


def test_decimals_that_no_real_value_has_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    fake = people(rng, 2000)
    fake["age"] = fake["age"] + rng.random(2000)  # years with decimals
    result = run("cardinality", context(tmp_path, fake, people(rng, 2000), people(rng, 500)))
    assert result.status == "fail"
    assert result.columns[0].column == "age"
    assert "'age' differs most" in result.message
    assert [c.column for c in result.columns if c.status == "fail"] == ["age"]


def test_a_collapsed_column_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    fake = {**people(rng, 2000), "spend": [10.0, 20.0] * 1000}
    result = run("cardinality", context(tmp_path, fake, people(rng, 2000), people(rng, 500)))
    assert (result.status, result.columns[0].column) == ("fail", "spend")


def test_few_rows_and_missing_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    ctx = context(tmp_path, people(rng, 20), people(rng, 200), people(rng, 50))
    assert run("cardinality", ctx).status == "inconclusive"
    with pytest.raises(SynthError, match="no column 'agee'"):
        run("cardinality", ctx, columns=["agee"])
