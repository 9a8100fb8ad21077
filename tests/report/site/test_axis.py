"""Places on an axis: in order, inside it, and on the right side of the threshold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.records.audit import AuditRecord, ColumnRecord
from synthkit.report.site.axis import Axis, axis_of, limit_of
from tests.report.runs import KS, NOT_NULL, audit


@pytest.mark.parametrize(
    ("threshold", "limit"),
    [
        ("max 0.1", (0.1, "lower")),
        ("max gap 0.05", (0.05, "lower")),
        ("max AUC 0.6 at the upper end", (0.6, "lower")),
        ("max 0.1 for the mean at the interval's upper end", (0.1, "lower")),
        ("max ε 1", (1.0, "lower")),
        ("min gain 0.01", (0.01, "higher")),
        ("min 5,000", (5000.0, "higher")),
        ("max 1e-05", (1e-05, "lower")),
        ("no rows", (0.0, "lower")),
        ("error_if > 10, warn_if > 5", (10.0, "lower")),
        ("warn_if <= 0.5", (0.5, "higher")),
        ("error_if = 3", (None, None)),
        ("min 3 max 5", (None, None)),
        ("min 3, max 5", (None, None)),
        ("equals 600", (None, None)),
        ("one of 'max 3'", (None, None)),
        (None, (None, None)),
    ],
)
def test_the_limit_is_read_from_the_threshold(threshold: str | None, limit: tuple[float | None, str | None]) -> None:
    assert limit_of(audit("a", "pass", value=1, threshold=threshold)) == limit


def test_a_record_that_says_its_limit_is_believed() -> None:
    record = audit("a", "pass", value=1, threshold="within 2x floor", limit=0.08, better="lower")
    assert limit_of(record) == (0.08, "lower")


def test_a_rule_counts_rows_whatever_its_threshold_says() -> None:
    """``min 0`` of accepted_range bounds values, and its value is a number of rows."""
    record = audit("accepted_range", "fail", value=3, threshold="min 0", details={"rows": 10, "failing": 3})
    assert limit_of(record) == (0.0, "lower")


def axis(record: AuditRecord) -> Axis | None:
    return axis_of(record, limit_of(record))


def test_a_failing_value_lies_in_the_forbidden_part() -> None:
    found = axis(KS)
    assert found is not None
    assert found.bad is not None
    assert found.limit == found.bad[0]
    assert found.value > found.bad[0]
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found.floor is not None
    assert found.floor < found.limit
    assert found.says == "value 0.182; 95 % interval 0.16 to 0.204; floor 0.03; threshold 0.1, lower is better"


def test_where_more_is_better_the_forbidden_part_lies_below() -> None:
    found = axis(audit("a", "pass", value=0.3, ci=[0.2, 0.4], threshold="min gain 0.1"))
    assert found is not None
    assert found.bad is not None
    assert found.bad[0] == 0
    assert found.value > found.bad[1]


def test_an_exact_count_has_no_interval() -> None:
    found = axis(NOT_NULL)
    assert found is not None
    assert (found.low, found.high) == (None, None)


def test_without_a_value_there_is_no_axis() -> None:
    assert axis(audit("a", "error")) is None


def test_columns_share_a_scale() -> None:
    parts = [ColumnRecord(column=c, value=v, status="pass", ci_low=v, ci_high=v) for c, v in (("a", 0.05), ("b", 0.5))]
    first, second = (axis_of(p, (0.1, "lower"), parts) for p in parts)
    assert first is not None
    assert second is not None
    assert first.end == second.end
    assert first.limit == second.limit
    assert first.value < (first.limit or 0) < second.value


finite = st.floats(-1e6, 1e6, allow_nan=False)


@settings(deadline=None)
@given(
    value=finite,
    spread=st.floats(0, 1e3),
    floor=st.none() | finite,
    limit=finite,
    better=st.sampled_from(["lower", "higher"]),
)
def test_every_mark_is_on_the_axis_and_in_order(
    value: float, spread: float, floor: float | None, limit: float, better: str
) -> None:
    ci = [value - spread, value + spread]
    found = axis(audit("a", "pass", value=value, ci=ci, floor=floor, limit=limit, better=better))
    assert found is not None
    marks = [m for m in (found.low, found.value, found.high, found.floor, found.limit) if m is not None]
    assert all(0 <= m <= 100 for m in marks)
    assert found.limit is not None
    assert (value - limit) * (found.value - found.limit) >= 0
    if found.low is not None and found.high is not None:
        assert found.low <= found.value <= found.high
