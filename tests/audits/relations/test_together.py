"""``parent_child`` and ``joined_detection``: what children owe to their parents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import family_context
from synthkit.audits.measures.correlations import correlations, moments
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import part, run

Family = dict[str, pa.Table]
OWNED, LOOKED_UP = "customer_id → customers", "product_id → products"


def dealt(rows: Family) -> Family:
    """Orders go to other customers, whole customers at a time: numbers per customer and sequences stay as they are."""
    ids = np.asarray(rows["customers"]["customer_id"])
    other = dict(zip(ids.tolist(), np.random.default_rng(5).permutation(ids).tolist(), strict=True))
    owner = [other[i] for i in rows["orders"]["customer_id"].to_pylist()]
    return {**rows, "orders": put(rows["orders"], "customer_id", owner)}


@pytest.mark.parametrize("audit", ["parent_child", "joined_detection"])
@pytest.mark.parametrize("table", ["orders", "lines"])
def test_another_draw_of_the_process_passes(tmp_path: Path, audit: str, table: str) -> None:
    result = run(audit, family_context(healthy(), table, tmp_path))
    assert result.status == "pass", result.message
    assert result.floor is not None
    assert result.value is not None
    assert result.ci_low is not None
    assert result.ci_high is not None
    assert result.ci_low <= result.value <= result.ci_high


def test_children_dealt_at_random_go_with_nobody(tmp_path: Path) -> None:
    result = run("parent_child", faulty(tmp_path, "orders", dealt))
    assert result.status == "fail"
    found = result.details["columns"][OWNED]
    assert abs(found["recall"]) < 0.2
    assert found["pairs"] > 10
    assert run("cardinality", faulty(tmp_path / "b", "orders", dealt)).status == "pass"


def test_a_classifier_sees_whose_orders_they_are(tmp_path: Path) -> None:
    result = run("joined_detection", faulty(tmp_path, "orders", dealt))
    assert result.status == "fail"
    assert "customers.orders" in result.message  # the number that is no longer that of the orders
    parents = part(result, f"parents with their children ({OWNED})")
    assert parents.value is not None
    assert parents.value > 0.7


def test_few_looked_up_rows_that_are_drawn_anew_are_not_told_one_by_one(tmp_path: Path) -> None:
    """Every product has another price, as prices are drawn: lines name twenty products again and again, and each price
    would tell whose line it is. What the lines themselves say is still asked, and what the owners say."""

    def other(rows: Family) -> Family:
        prices = np.asarray(rows["products"]["list_price"]) + np.random.default_rng(1).normal(
            0, 0.01, len(rows["products"])
        )
        return {**rows, "products": put(rows["products"], "list_price", prices)}

    for fault in (other, lambda rows: rows):
        result = run("joined_detection", faulty(tmp_path / fault.__name__.strip("<>"), "lines", fault))
        assert result.status == "pass", result.message
        assert ("without products, whose few rows" in result.message) == (fault is other)  # as they are, they are asked
    both = run("joined_detection", faulty(tmp_path / "both", "lines", lambda rows: other(dealt(rows))))
    assert both.status == "fail"


def test_lines_dealt_to_other_products_are_told_by_the_key_that_is_looked_up(tmp_path: Path) -> None:
    def mixed(rows: Family) -> Family:
        lines = rows["lines"]
        return {
            **rows,
            "lines": put(
                lines,
                "product_id",
                lines["product_id"].take(np.random.default_rng(5).permutation(lines.num_rows)).combine_chunks(),
            ),
        }

    result = run("parent_child", faulty(tmp_path, "lines", mixed))
    assert part(result, LOOKED_UP).status == "fail"
    assert part(result, "order_id → orders").status == "pass"


def test_dependence_that_the_real_rows_lack_is_seen(tmp_path: Path) -> None:
    """A card for those in the east alone: among the real rows, region and card have nothing to do with one another."""

    def tied(rows: Family) -> Family:
        customers = rows["customers"]
        region = dict(zip(customers["customer_id"].to_pylist(), customers["region"].to_pylist(), strict=True))
        card = ["gold" if region[i] == "east" else "blue" for i in rows["orders"]["customer_id"].to_pylist()]
        return {**rows, "orders": put(rows["orders"], "card", card)}

    found = run("parent_child", faulty(tmp_path, "orders", tied)).details["columns"][OWNED]
    assert found["only in the synthetic rows"] > 0
    assert found["furthest (synthetic, real)"][0][0] == "customers.region = east × share of orders.card = blue"


@pytest.mark.parametrize("audit", ["parent_child", "joined_detection"])
def test_few_entities_cannot_tell(tmp_path: Path, audit: str) -> None:
    result = run(audit, family_context(healthy(sizes=(20, 600, 300)), "orders", tmp_path))
    assert (result.status, result.value) == ("inconclusive", None), result.message


@pytest.mark.parametrize("audit", ["parent_child", "joined_detection"])
def test_the_root_is_skipped(tmp_path: Path, audit: str) -> None:
    assert run(audit, family_context(healthy(sizes=(40, 40, 40)), "customers", tmp_path)).status == "skipped"


def test_correlations_of_sums_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 2))
    y[:, 0] += x[:, 1]
    y[rng.random(500) < 0.3, 1] = np.nan
    groups = rng.integers(0, 7, 500)
    each = moments(x, y, groups, 7)
    found = correlations(each.sum(axis=0))
    for i in range(3):
        for j in range(2):
            there = np.isfinite(y[:, j])
            assert found[i, j] == pytest.approx(np.corrcoef(x[there, i], y[there, j])[0, 1], abs=1e-12)
    without = correlations(each.sum(axis=0)[None] - each)[3, 1, 0]
    kept = groups != 3
    assert without == pytest.approx(np.corrcoef(x[kept, 1], y[kept, 0])[0, 1], abs=1e-12)
    assert np.isnan(correlations(moments(x, np.ones((500, 1)), groups, 7).sum(axis=0))).all()
