"""``rollup``: rules across tables that all real rows keep."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import KEYS, Rows, family_context
from synthkit.audits.context import AuditContext
from synthkit.generators.tables import Key
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import context, part, run

Family = dict[str, pa.Table]
TOTAL, COUNT = "orders.total = sum(lines.quantity * lines.price)", "customers.orders = count(orders)"


def test_totals_are_found_and_hold(tmp_path: Path) -> None:
    lines = run("rollup", family_context(healthy(), "lines", tmp_path / "lines"))
    assert (lines.status, lines.value) == ("pass", 0), lines.message
    assert set(lines.details["rules"]) == {TOTAL}
    orders = run("rollup", family_context(healthy(), "orders", tmp_path / "orders"))
    assert (orders.status, set(orders.details["rules"])) == ("pass", {COUNT})


def test_totals_that_are_not_those_of_the_lines_are_counted(tmp_path: Path) -> None:
    def off(rows: Family) -> Family:
        total = np.asarray(rows["orders"]["total"]).copy()
        total[:5] += 0.02
        return {**rows, "orders": put(rows["orders"], "total", total)}

    result = run("rollup", faulty(tmp_path, "lines", off))
    assert (result.status, result.value) == ("fail", 5)
    assert part(result, TOTAL).value == 5
    assert run("rollup", faulty(tmp_path / "b", "lines", off), leave_out=[TOTAL]).status == "pass"


def test_children_that_went_elsewhere_break_the_count(tmp_path: Path) -> None:
    def dealt(rows: Family) -> Family:
        ids = np.asarray(rows["customers"]["customer_id"])
        other = np.random.default_rng(1).choice(ids, rows["orders"].num_rows)
        return {**rows, "orders": put(rows["orders"], "customer_id", other)}

    result = run("rollup", faulty(tmp_path, "orders", dealt))
    assert result.status == "fail"
    assert part(result, COUNT).value is not None


def further(rows: Family, broken: bool) -> Family:
    """Lines say again whose order and what kind of customer it is, and are shipped after the order."""
    orders, lines = rows["orders"], rows["lines"]
    at = {o: i for i, o in enumerate(orders["order_id"].to_pylist())}
    place = [at[o] for o in lines["order_id"].to_pylist()]
    customers = np.asarray(orders["customer_id"])[place].copy()
    channel = np.asarray(orders["channel"].to_pylist())[place].astype(object)
    day = orders["ordered_at"].to_pylist()
    shipped = [day[p] + timedelta(days=p % 3) for p in place]
    if broken:
        customers[0] = customers[-1]
        channel[1] = "web" if channel[1] != "web" else "shop"
        shipped[2] -= timedelta(days=9)
    for name, values in (("customer_id", customers), ("channel", channel.tolist()), ("shipped", shipped)):
        lines = lines.append_column(name, pa.array(values))
    return {**rows, "lines": lines}


@pytest.mark.parametrize("broken", [False, True])
def test_copies_dates_and_diamonds(tmp_path: Path, broken: bool) -> None:
    synthetic, train, holdout = (dict(side) for side in healthy())
    sides: tuple[Rows, Rows, Rows] = (further(synthetic, broken), further(train, False), further(holdout, False))
    ctx = with_keys(family_context(sides, "lines", tmp_path), Key("lines", ("customer_id",), "customers"))
    result = run("rollup", ctx)
    rules = result.details["rules"]
    wanted = {
        TOTAL,
        "lines.channel = lines.order_id.channel",
        "lines.shipped >= lines.order_id.ordered_at",
        "lines.customer_id = lines.order_id.customer_id",
    }
    assert set(rules) == wanted
    assert {r["broken"] for t, r in rules.items() if t != TOTAL} == {1 if broken else 0}
    assert result.status == ("fail" if broken else "pass")


def with_keys(ctx: AuditContext, *more: Key) -> AuditContext:
    from dataclasses import replace

    assert ctx.family is not None
    return replace(ctx, family=replace(ctx.family, keys=(*KEYS, *more)), _cache={})


def test_without_a_family_there_is_nothing_to_find(tmp_path: Path) -> None:
    assert run("rollup", context(tmp_path, {"a": [1]}, {"a": [1]}, {"a": [1]})).status == "skipped"
