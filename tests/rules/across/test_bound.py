"""What rules across tables compute, and which rows break them, beside the same said in SQL."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from synthkit.rules.across.bound import Compared, Copied, Hop, RolledUp
from synthkit.rules.across.language import Sum, parse_across

TO_ORDER = Hop(("order_id",), "orders", ("id",))
TO_HOME = Hop(("street", "number"), "homes", ("street", "number"))


def shop(seed: int = 1) -> dict[str, pa.Table]:
    rng = random.Random(seed)
    orders = [
        {"id": n, "customer": f"C{n % 30}", "day": dt.date(2025, 1, 1) + dt.timedelta(n), "total": 0.0}
        for n in range(1, 101)
    ]
    lines = [
        {"order_id": rng.choice([*range(1, 90), 500, None]), "price": round(rng.uniform(1, 9), 2), "many": rng.randint(1, 4),
         "at": dt.datetime(2025, 3, 1) + dt.timedelta(days=rng.randint(-90, 90)), "customer": f"C{rng.randint(0, 29)}"}
        for _ in range(400)
    ]  # fmt: skip
    return {"orders": pa.Table.from_pylist(orders), "lines": pa.Table.from_pylist(lines)}


def rolled(function: str, decimals: int | None = None) -> RolledUp:
    inner = "lines" if function == "count" else "lines.price * lines.many"
    found = parse_across(f"orders.total = {function}({inner})")
    assert isinstance(found, Sum)
    return RolledUp(found.text, "orders", "total", found.function, "lines", TO_ORDER, found.expression, decimals)


@pytest.mark.parametrize("function", ["sum", "count", "min", "max", "mean"])
def test_a_rolled_up_column_is_what_sql_says(function: str) -> None:
    tables = shop()
    orders, lines = tables["orders"], tables["lines"]  # noqa: F841 - DuckDB finds them by their names
    inner = "l.order_id" if function == "count" else "l.price * l.many"
    call = {"mean": "avg"}.get(function, function)
    sql = f"SELECT {call}({inner}) FROM orders o LEFT JOIN lines l ON l.order_id = o.id GROUP BY o.id ORDER BY o.id"
    said = [r[0] for r in duckdb.sql(sql).fetchall()]
    said = [0.0 if v is None and function == "sum" else np.nan if v is None else v for v in said]
    rule = rolled(function)
    np.testing.assert_allclose(rule.computed(tables), said)
    kept = {**tables, "orders": orders.set_column(3, "total", pa.array(rule.computed(tables)))}
    assert not rule.violations(kept).any()
    broken = np.asarray(rule.computed(tables)).copy()
    broken[[3, 50]] += 0.02
    tables["orders"] = orders.set_column(3, "total", pa.array(broken))
    assert np.flatnonzero(rule.violations(tables)).tolist() == [3, 50]


def test_a_rounded_sum_of_decimals() -> None:
    orders = pa.table({"id": [1, 2], "total": pa.array([Decimal("1.01"), Decimal("2.50")], pa.decimal128(9, 2))})
    lines = pa.table({"order_id": [1, 1, 2], "price": [0.335, 0.67, 2.51], "many": [1, 1, 1]})
    rule = rolled("sum", 2)
    assert rule.violations({"orders": orders, "lines": lines}).tolist() == [False, True]


def test_a_diamond_and_its_missing_corners() -> None:
    tables = shop()
    rule = Copied("lines.customer = lines.order_id.customer", "lines", "customer", (TO_ORDER,), "customer")
    expected = {n: f"C{n % 30}" for n in range(1, 101)}
    named = [expected.get(n) for n in tables["lines"]["order_id"].to_pylist()]
    assert rule.computed(tables).to_pylist() == named
    own = tables["lines"]["customer"].to_pylist()
    assert rule.violations(tables).tolist() == [n is not None and n != c for n, c in zip(named, own, strict=True)]
    at = tables["lines"].column_names.index("customer")
    tables["lines"] = tables["lines"].set_column(at, "customer", rule.computed(tables))
    assert not rule.violations(tables).any()


def test_a_moment_after_the_parents_day() -> None:
    tables = shop()
    rule = Compared("lines.at >= lines.order_id.day", "lines", "at", ">=", (TO_ORDER,), "day")
    days = dict(zip(tables["orders"]["id"].to_pylist(), tables["orders"]["day"].to_pylist(), strict=True))
    rows = tables["lines"].to_pylist()
    late = [r["order_id"] in days and r["at"] < dt.datetime.combine(days[r["order_id"]], dt.time()) for r in rows]
    assert rule.violations(tables).tolist() == late
    assert any(late)
    assert not all(late)


def test_two_hops_one_of_them_by_two_columns() -> None:
    homes = pa.table({"street": ["a", "a", "b"], "number": [1, 2, 1], "zone": ["x", "y", "z"]})
    meters = pa.table({"meter": [10, 11, 12, 13], "street": ["b", "a", None, "c"], "number": [1, 2, 1, 1]})
    readings: dict[str, Any] = {"meter": [11, 10, 12, 13, None, 99]}
    tables = {
        "homes": homes,
        "meters": meters,
        "readings": pa.table({**readings, "zone": ["y", "q", "q", "q", "q", "q"]}),
    }
    hops = (Hop(("meter",), "meters", ("meter",)), TO_HOME)
    rule = Copied("readings.zone = readings.meter.homes.zone", "readings", "zone", hops, "zone")
    assert rule.computed(tables).to_pylist() == ["y", "z", None, None, None, None]
    assert rule.violations(tables).tolist() == [False, True, False, False, False, False]
    assert rule.tables == ("readings", "meters", "homes")
