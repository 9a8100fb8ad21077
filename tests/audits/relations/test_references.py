"""``references``: what is exact is exact, and what is a share has an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.audits.families import family_context
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.relations.references import _by_chance, _circling
from synthkit.audits.rows.links import NOBODY, NULL, rows_named
from synthkit.generators.tables import Key
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import part, run

Family = dict[str, pa.Table]


@pytest.mark.parametrize("table", ["orders", "lines"])
def test_another_draw_of_the_process_passes(tmp_path: Path, table: str) -> None:
    result = run("references", family_context(healthy(), table, tmp_path))
    assert (result.status, result.value) == ("pass", 0), result.message


def test_a_table_without_keys_and_one_without_a_family_are_skipped(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "customers", tmp_path)
    assert run("references", ctx).status == "skipped"
    assert run("references", replace(ctx, family=None)).message == "the table is no member of a family of tables"


def test_keys_to_nothing_are_counted(tmp_path: Path) -> None:
    def lost(rows: Family) -> Family:
        ids = np.asarray(rows["orders"]["customer_id"]).copy()
        ids[:7] = 77_777_777
        return {**rows, "orders": put(rows["orders"], "customer_id", ids)}

    result = run("references", faulty(tmp_path, "orders", lost))
    assert (result.status, result.value) == ("fail", 7)
    assert "7 name no row that is there" in result.message
    shares = result.details["keys"]["customer_id → customers"]["synthetic"]
    assert shares["to nothing"] == 7
    assert shares["share that exists"] == 1 - 7 / shares["rows"]


def test_a_doubled_pair_in_a_link_table_is_counted(tmp_path: Path) -> None:
    def doubled(rows: Family) -> Family:
        orders, products = (np.asarray(rows["lines"][c].fill_null(0)).copy() for c in ("order_id", "product_id"))
        second = next(i for i in range(1, len(orders)) if orders[i] == orders[i - 1] and products[i - 1] > 0)
        products[second] = products[second - 1]
        return {**rows, "lines": put(rows["lines"], "product_id", pa.array(products, mask=products == 0))}

    result = run("references", faulty(tmp_path, "lines", doubled))
    assert (result.status, result.value) == ("fail", 1)
    assert part(result, "order_id → orders × product_id → products").status == "fail"


def test_another_share_of_nulls_fails_and_keeps_the_counts(tmp_path: Path) -> None:
    def emptied(rows: Family) -> Family:
        lines = rows["lines"]
        lost = np.random.default_rng(1).random(lines.num_rows) < 0.2
        return {
            **rows,
            "lines": put(lines, "product_id", pc.if_else(pa.array(lost), None, lines["product_id"].combine_chunks())),
        }

    result = run("references", faulty(tmp_path, "lines", emptied))
    assert (result.status, result.value) == ("fail", 0)
    nulls = part(result, "product_id → products: nulls")
    assert nulls.status == "fail"
    assert nulls.ci_low is not None
    assert nulls.ci_low > 0.1
    assert nulls.floor is not None
    assert nulls.floor < 0.05
    assert run("references", faulty(tmp_path / "b", "lines", emptied), max_nulls=0.5).status == "pass"


def with_partners(rows: Family, shared: bool) -> Family:
    """Each order has one invoice; ``shared``: ten invoices name another one's order."""
    ids = np.asarray(rows["orders"]["order_id"]).copy()
    if shared:
        ids[:10] = ids[10:20]
    return {
        **rows,
        "lines": pa.table(
            {"order_id": ids, "line_no": np.arange(len(ids)), "product_id": pa.nulls(len(ids), pa.int64())}
        ),
    }


@pytest.mark.parametrize("shared", [False, True])
def test_one_to_one_stays_so(tmp_path: Path, shared: bool) -> None:
    synthetic, train, holdout = healthy()
    sides = (
        with_partners(dict(synthetic), shared),
        with_partners(dict(train), False),
        with_partners(dict(holdout), False),
    )
    result = run("references", family_context(sides, "lines", tmp_path))
    assert (result.status, result.value) == (("fail", 10) if shared else ("pass", 0)), result.message


def test_more_than_max_per_parent_fails(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "orders", tmp_path)
    assert ctx.family is not None
    most = int(np.bincount(np.asarray(ctx.arrow("synthetic", ("customer_id",))["customer_id"])).max())

    def bounded(least: int) -> AuditContext:
        assert ctx.family is not None
        key = Key("orders", ("customer_id",), "customers", owner=True, max_per_parent=least)
        return replace(ctx, family=replace(ctx.family, keys=(key,)), _cache={})

    assert run("references", bounded(most)).status == "pass"
    assert run("references", bounded(most - 1)).value == 1


def test_where_real_keys_lead_to_nothing_as_many_may(tmp_path: Path) -> None:
    def lost(rows: Family, share: float, seed: int) -> Family:
        ids = np.asarray(rows["orders"]["customer_id"]).copy()
        ids[np.random.default_rng(seed).random(len(ids)) < share] = 77_777_777
        return {**rows, "orders": put(rows["orders"], "customer_id", ids)}

    synthetic, train, holdout = (dict(side) for side in healthy())
    real = (lost(train, 0.1, 1), lost(holdout, 0.1, 2))

    def judged(rows: Family, name: str, orphans: bool = True) -> AuditResult:
        ctx = family_context((rows, *real), "orders", tmp_path / name)
        assert ctx.family is not None
        key = Key("orders", ("customer_id",), "customers", owner=True, orphans=orphans)
        return run("references", replace(ctx, family=replace(ctx.family, keys=(key,)), _cache={}))

    kept, none, many = (
        judged(lost(synthetic, 0.1, 3), "kept"),
        judged(synthetic, "none"),
        judged(lost(synthetic, 0.3, 3), "many"),
    )
    assert judged(lost(synthetic, 0.1, 3), "unsaid", orphans=False).status == "fail"
    assert [r.status for r in (kept, none, many)] == ["pass", "pass", "fail"], kept.message


def test_few_entities_cannot_tell_a_share_of_nulls(tmp_path: Path) -> None:
    sides = healthy(sizes=(20, 600, 300))
    result = run("references", family_context(sides, "lines", tmp_path))
    assert result.status == "inconclusive"
    assert "fewer than 30 entities" in result.message


def test_keys_of_several_columns_and_of_text() -> None:
    parent = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"]})
    child = pa.table({"c": [1, 2, None, 2], "d": ["y", "y", "x", "x"]})
    assert rows_named(child, parent).tolist() == [1, NOBODY, NULL, 2]
    # types that differ are compared as text
    assert rows_named(pa.table({"c": ["2", "3"]}), pa.table({"a": [1, 2]})).tolist() == [1, NOBODY]


def test_rows_that_are_their_own_ancestors() -> None:
    assert _circling(np.array([NULL, 0, 1, 4, 3, 4, NOBODY])).tolist() == [False, False, False, True, True, True, False]


def test_pairs_that_chance_would_double() -> None:
    """Two parents of two rows each, over two others: of the two pairs of rows, half would be doubled."""
    assert _by_chance(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == 1.0
