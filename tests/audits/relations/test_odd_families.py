"""Every audit of families takes odd ones: no rows, no keys, no columns, no held-out rows, values at the ends of types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import PRIMARY, Rows, family_context
from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.family import Member
from synthkit.audits.runner import BoundAudit, run_audits
from tests.audits.families import healthy, put

Family = dict[str, pa.Table]
AUDITS: Mapping[str, dict[str, Any]] = {
    "references": {}, "cardinality": {"of": "children"}, "rollup": {}, "parent_child": {}, "joined_detection": {},
    "sequence": {}, "entity_membership": {}, "entity_copies": {},
}  # fmt: skip
SIZES = (80, 80, 110)


def empty(rows: Family) -> Family:
    return {**rows, "orders": rows["orders"].slice(0, 0), "lines": rows["lines"].slice(0, 0)}


def unlinked(rows: Family) -> Family:
    orders = rows["orders"]
    return {**rows, "orders": put(orders, "customer_id", pa.nulls(orders.num_rows, pa.int64()))}


def keys_alone(rows: Family) -> Family:
    keys = {
        **PRIMARY,
        "orders": ("order_id", "customer_id", "ordered_at"),
        "lines": ("order_id", "line_no", "product_id"),
    }
    return {name: table.select(list(keys[name])) for name, table in rows.items()}


def constant(rows: Family) -> Family:
    orders = rows["orders"]
    for name in ("channel", "card", "points", "total"):
        orders = put(orders, name, [orders[name][0].as_py()] * orders.num_rows if orders.num_rows else [])
    return {**rows, "orders": orders}


def at_limits(rows: Family) -> Family:
    orders, rng = rows["orders"], np.random.default_rng(0)
    ends = np.array([1e308, -1e308, np.inf, -np.inf, np.nan, 5e-324, 0.0])
    orders = put(orders, "total", rng.choice(ends, orders.num_rows))
    orders = put(orders, "points", rng.choice(np.array([2**63 - 1, -(2**63), 0]), orders.num_rows))
    text = np.array(["", "é" * 3_000, "\x00", "null"], dtype=object)
    return {**rows, "orders": put(orders, "channel", rng.choice(text, orders.num_rows).tolist())}


def doubled(rows: Family) -> Family:
    """Keys of parents that are not unique, and rows that are all alike."""
    customers = rows["customers"]
    return {**rows, "customers": pa.concat_tables([customers, customers])}


def odd(fault: Callable[[Family], Family], everywhere: bool) -> tuple[Rows, Rows, Rows]:
    synthetic, train, holdout = (dict(side) for side in healthy(sizes=SIZES))
    if everywhere:
        return fault(synthetic), fault(train), fault(holdout)
    return fault(synthetic), train, holdout


FAULTS = (empty, unlinked, constant, at_limits, doubled)
CASES = [
    pytest.param(f, e, marks=pytest.mark.slow) for f in FAULTS for e in (False, True) if (f, e) != (at_limits, True)
]
CASES += [pytest.param(at_limits, True), pytest.param(keys_alone, True, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("fault", "everywhere"), CASES, ids=lambda v: v.__name__ if callable(v) else str(v))
def test_odd_families(tmp_path: Path, fault: Callable[[Family], Family], everywhere: bool) -> None:
    sides = odd(fault, everywhere)
    for table in ("customers", "orders", "lines"):
        sound(family_context(sides, table, tmp_path / table))


def test_without_held_out_rows_nothing_is_compared(tmp_path: Path) -> None:
    for table in ("customers", "orders"):
        ctx = family_context(healthy(sizes=SIZES), table, tmp_path / table)
        assert ctx.family is not None
        members = {n: Member(m.synthetic, m.train, None) for n, m in ctx.family.members.items()}
        sound(replace(ctx, holdout=None, family=replace(ctx.family, members=members), _cache={}))


def sound(ctx: AuditContext) -> None:
    """No audit breaks, and value and interval lie in its range, the value in the interval."""
    bound = [BoundAudit(a, a, None, params) for a, params in AUDITS.items()]
    for record in run_audits(ctx, bound, lambda *_a, **_k: None):
        assert record.status != "error", (record.name, record.message)
        low, high = registry.get(record.name).between
        for part in (record, *record.columns):
            if part.value is None:
                continue
            assert low <= part.value <= high, record.name
            if part.ends is not None:
                assert low <= part.ends[0] - 0.0 <= part.value + 1e-9, (record.name, part)
                assert part.value - 1e-9 <= part.ends[1] <= high, (record.name, part)
