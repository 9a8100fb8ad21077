"""One column below another: planted rows are counted and shown, types are compared as they should be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.errors import SynthError
from tests.audits.sides import context

NAN = float("nan")


def run(ctx: AuditContext, **params: Any) -> AuditResult:
    found = registry.get("inequality")
    bound = found.params.model_validate(params)
    # as it comes out of a build: through JSON
    return found.run(ctx, found.params.model_validate(bound.model_dump(mode="json")))


@pytest.fixture
def stays(tmp_path: Path) -> AuditContext:
    rows = {
        "start": [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1), None],
        "end": [date(2024, 1, 5), date(2024, 1, 31), date(2024, 3, 1), date(2024, 4, 1)],
        "low": pa.array([1, 2, 3, 4], pa.int32()),
        "high": [1.5, 1.5, NAN, None],
        "single": pa.array([0.1, 0.2, 0.3, 0.4], pa.float32()),
        "price": [Decimal("1.10"), Decimal("1.20"), Decimal("1.30"), None],
        "at": pa.array([datetime(2024, 1, 1, 0, 30, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")),
        "opens": [time(9, 0), time(10, 0), time(8, 0), time(9, 30)],
        "tier": ["a", "b", "c", "d"],
        "two words": [0, 1, 2, 3],
    }
    return context(tmp_path, rows)


def test_a_date_that_was_shifted_is_found(stays: AuditContext) -> None:
    result = run(stays, low="start", high="end")
    assert (result.value, result.status, result.threshold) == (1, "fail", "start <= end")
    assert (result.ci_low, result.ci_high) == (1, 1)
    assert "1 row (25.00%): {start: 2024-02-01, end: 2024-01-31}" in result.message
    assert [c.column for c in result.columns] == ["start", "end"]
    assert stays.query(result.failing_rows or "")[0][:2] == (date(2024, 2, 1), date(2024, 1, 31))


def test_strict_forbids_equality_and_null_keeps_the_rule(stays: AuditContext) -> None:
    assert run(stays, low="start", high="end", strict=True).value == 2


def test_nan_is_a_missing_value(stays: AuditContext) -> None:
    """DuckDB holds NaN for the largest number; here it is none."""
    assert run(stays, low="low", high="high").value == 1  # 2 above 1.5
    assert run(stays, low="high", high="low").value == 1  # 1.5 above 1, NaN not above 3


@pytest.mark.parametrize(
    ("low", "high", "failing"),
    [
        (1.5, "low", 1),  # 1 lies below; a cast of 1.5 to an integer would let 1 or 2 be judged wrongly
        ("low", 3, 1),
        ("1e0", "low", 0),
        ("single", 0.2, 2),  # 0.2 is what the 32-bit column holds
        ("price", "1.2", 1),
        ("2024-02-01", "end", 2),
        (date(2024, 2, 1), "end", 2),
        ("start", "2024-02-01T12:00:00", 1),
        ("at", "2024-01-01", 4),  # half an hour after midnight in UTC, whatever the machine's time zone
        ("at", "2024-01-01T00:30:00", 0),
        ("09:00", "opens", 1),
        ("two words", 2, 1),
    ],
)
def test_constants(stays: AuditContext, low: Any, high: Any, failing: int) -> None:
    assert run(stays, low=low, high=high).value == failing


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"low": "start", "high": "low"}, "cannot be compared"),
        ({"low": "start", "high": 5}, "cannot be compared"),
        ({"low": "opens", "high": "2024-01-01"}, "cannot be compared"),
        ({"low": "tier", "high": "low"}, "only numbers, dates and times have an order"),
        ({"low": "strat", "high": "end"}, "has no column 'strat'"),
    ],
)
def test_what_cannot_be_compared_is_an_error(stays: AuditContext, params: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthError, match=message):
        run(stays, **params)


@pytest.mark.parametrize("params", [{"low": 1, "high": 2}, {"low": "a", "high": "a"}, {"low": True, "high": "a"}, {}])
def test_parameters_that_say_nothing(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        registry.get("inequality").params.model_validate(params)


@given(
    st.lists(
        st.tuples(st.none() | st.floats(allow_infinity=False), st.none() | st.floats(allow_infinity=False)), min_size=1
    )
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_counts_what_python_counts(tmp_path: Path, rows: list[tuple[float | None, float | None]]) -> None:
    a, b = (pa.array([r[i] for r in rows], pa.float64()) for i in (0, 1))
    expected = sum(x is not None and y is not None and x > y for x, y in rows)  # false where either is NaN
    assert run(context(tmp_path, pa.table({"a": a, "b": b})), low="a", high="b").value == expected


def test_a_table_without_rows_is_skipped(tmp_path: Path) -> None:
    empty = pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64())})
    assert run(context(tmp_path, empty), low="a", high="b").status == "skipped"
