"""How old a source is, by its rows or its files, against a clock that the test brings."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from synthkit.project.types import ConnectionSpec, FreshnessSpec, SourceTableSpec
from synthkit.sources.freshness import check_freshness, judged, last_loaded

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIMITS = {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": 2, "period": "day"}}


def spec(**given: Any) -> SourceTableSpec:
    return SourceTableSpec.model_validate({"name": "orders", "path": "orders.csv", "freshness": LIMITS, **given})


def orders(directory: Path, *moments: str) -> Path:
    file = directory / "orders.csv"
    file.write_text("id,loaded,kind\n" + "".join(f"{i},{m},k{i % 2}\n" for i, m in enumerate(moments)), "utf-8")
    return directory


def loaded(root: Path, **given: Any) -> datetime | None:
    return last_loaded(spec(loaded_at_field="loaded", **given), root=root, connections={})


@pytest.mark.parametrize(
    ("moments", "newest"),
    [
        (("2026-01-30 10:00:00", "2026-01-31 09:30:00", ""), datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (("2026-01-30", "2026-01-29"), datetime(2026, 1, 30, tzinfo=UTC)),
        (("2026-01-31T10:00:00+02:00", "2026-01-31T07:30:00Z"), datetime(2026, 1, 31, 8, tzinfo=UTC)),
        (("", ""), None),
    ],
)
def test_the_newest_row_counts(tmp_path: Path, moments: tuple[str, ...], newest: datetime | None) -> None:
    assert loaded(orders(tmp_path, *moments)) == newest


def test_a_filter_narrows(tmp_path: Path) -> None:
    root = orders(tmp_path, "2026-01-30 10:00:00", "2026-01-31 09:30:00")
    found = loaded(root, freshness={**LIMITS, "filter": "kind = 'k0'"})
    assert found == datetime(2026, 1, 30, 10, tzinfo=UTC)


def test_without_a_field_the_file_counts(tmp_path: Path) -> None:
    root = orders(tmp_path, "2020-01-01")
    os.utime(root / "orders.csv", (NOON.timestamp(), NOON.timestamp()))
    assert last_loaded(spec(), root=root, connections={}) == NOON


def test_a_database(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("create table orders as select timestamp '2026-01-30 12:00' as loaded")
    connections = {"shop": ConnectionSpec(type="duckdb", path="shop.duckdb")}
    table = spec(path=None, connection="shop", table="orders", loaded_at_field="loaded")
    assert last_loaded(table, root=tmp_path, connections=connections) == NOON - timedelta(days=1)


@pytest.mark.parametrize(
    ("age", "verdict"),
    [(0, "pass"), (12, "pass"), (12.01, "warn"), (48, "warn"), (48.01, "error"), (10_000, "error")],
)
def test_limits_are_not_over_themselves(age: float, verdict: str) -> None:
    assert judged(timedelta(hours=age), FreshnessSpec.model_validate(LIMITS))[0] == verdict


def check(root: Path, now: datetime = NOON, **given: Any) -> tuple[str, str]:
    table = spec(loaded_at_field="loaded", **given)
    found = check_freshness("crm.orders", table, root=root, connections={}, now=now)
    return found.status, found.message


def test_what_is_said(tmp_path: Path) -> None:
    root = orders(tmp_path, "2026-01-30 10:30:00")
    assert check(root) == ("warn", "crm.orders: last loaded 1 day 1 hour ago, warn_after 12 hours")
    assert check(root, NOON + timedelta(days=2))[1] == "crm.orders: last loaded 3 days 1 hour ago, error_after 2 days"
    assert check(root, NOON - timedelta(hours=20)) == ("pass", "crm.orders: last loaded 5 hours 30 minutes ago")


def test_the_future_is_no_freshness(tmp_path: Path) -> None:
    status, message = check(orders(tmp_path, "2026-01-31 14:00:00"))
    assert status == "warn"
    assert "2 hours ahead of the clock" in message


def test_what_is_not_known_is_an_error(tmp_path: Path) -> None:
    assert check(orders(tmp_path, ""))[0] == "error"
    status, message = check(orders(tmp_path, "2026-01-31"), freshness={**LIMITS, "filter": "nothing > 3"})
    assert status == "error"
    assert "nothing" in message
