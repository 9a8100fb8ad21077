"""``cardinality`` of children: how many rows name a parent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import family_context
from synthkit.audits import registry
from synthkit.audits.gate import GateParams
from synthkit.audits.rows.choice import too_few
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import part, run

Family = dict[str, pa.Table]


def test_another_draw_of_the_process_passes(tmp_path: Path) -> None:
    for table in ("orders", "lines"):
        result = run("cardinality", family_context(healthy(), table, tmp_path / table))
        assert result.status in ("pass", "inconclusive"), result.message
        assert result.floor is not None
        assert result.ci_low is not None
        assert result.ci_high is not None
        assert result.value is not None
        assert result.ci_low <= result.value <= result.ci_high


def test_one_child_for_everybody_fails(tmp_path: Path) -> None:
    def dealt(rows: Family) -> Family:
        ids = np.asarray(rows["customers"]["customer_id"])
        return {**rows, "orders": put(rows["orders"], "customer_id", np.resize(ids, rows["orders"].num_rows))}

    result = run("cardinality", faulty(tmp_path, "orders", dealt))
    assert result.status == "fail"
    # a quarter of the real customers have no order
    assert result.details["columns"]["customer_id → customers"]["synthetic"]["childless"] == 0
    assert result.ci_low is not None
    assert result.ci_low > 0.1


def test_a_lost_childless_parent_fails(tmp_path: Path) -> None:
    """A copy of every parent with a child: the shape of the others stays, the childless are gone."""

    def without(rows: Family) -> Family:
        there = np.isin(np.asarray(rows["customers"]["customer_id"]), np.asarray(rows["orders"]["customer_id"]))
        return {**rows, "customers": rows["customers"].filter(pa.array(there))}

    result = run("cardinality", faulty(tmp_path, "orders", without))
    assert result.status == "fail"
    assert result.value == pytest.approx(0.24, abs=0.06)


def test_a_favourite_product_fails_and_twice_the_lines_do_not(tmp_path: Path) -> None:
    synthetic, train, holdout = healthy(sizes=(1_200, 600, 300))
    result = run("cardinality", family_context((synthetic, train, holdout), "lines", tmp_path))
    assert part(result, "product_id → products").status in ("pass", "inconclusive")
    lines = synthetic["lines"]
    half = np.arange(lines.num_rows) % 2 == 0
    drawn = np.where(half, 1, np.asarray(lines["product_id"].fill_null(1)))
    flat = {**synthetic, "lines": put(lines, "product_id", np.where(drawn > 4, 1, drawn))}
    assert (
        part(
            run("cardinality", family_context((flat, train, holdout), "lines", tmp_path / "b")), "product_id → products"
        ).status
        == "fail"
    )


def test_few_parents_cannot_tell(tmp_path: Path) -> None:
    result = run("cardinality", family_context(healthy(sizes=(20, 600, 300)), "orders", tmp_path))
    assert (result.status, result.value) == ("inconclusive", None)


def test_a_limit_below_one_is_of_children_and_one_above_of_values(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "orders", tmp_path)
    assert run("cardinality", ctx, max=0.2).columns[0].column == "customer_id → customers"
    assert {c.column for c in run("cardinality", ctx, max=2).columns} >= {"channel", "card"}
    assert run("cardinality", replace(ctx, family=None, _cache={})).columns[0].column != "customer_id → customers"
    assert run("cardinality", ctx, of="values").columns[0].column != "customer_id → customers"
    with pytest.raises(ValueError, match="a ratio is at least 1"):
        registry.get("cardinality").params.model_validate({"max": 0.1, "of": "values"})


def test_many_rows_of_a_few_people_are_not_many_rows(tmp_path: Path) -> None:
    synthetic, train, holdout = healthy(sizes=(400, 400, 12))
    context = family_context((synthetic, train, holdout), "orders", tmp_path)
    assert context.rows("holdout") >= 30
    assert context.holdout is not None
    held = replace(context.holdout, schema=replace(context.holdout.schema, privacy_unit="customer_id"))
    assert too_few(replace(context, family=None, _cache={}), GateParams(max=0.1), {}) is None  # nothing says whose
    told = too_few(context, GateParams(max=0.1), {})  # the keys do, as many tables up as there are
    lines = too_few(family_context((synthetic, train, holdout), "lines", tmp_path / "b"), GateParams(max=0.1), {})
    for found in (told, lines):
        assert found is not None
        assert "people's (at least 30 people are needed)" in found.message
    context = replace(context, holdout=held, _cache={})
    found = too_few(context, GateParams(max=0.1), {})
    assert found is not None
    assert found.status == "inconclusive"
    assert "people's (at least 30 people are needed)" in found.message
