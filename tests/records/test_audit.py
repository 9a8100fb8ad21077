"""What an audit found, with and without an interval; what it means for a table."""

from __future__ import annotations

import pytest

from synthkit.records.audit import AuditRecord, ColumnRecord, undecided, untold


def record(status: str, **rest: object) -> AuditRecord:
    return AuditRecord.from_json({"name": "ks", "status": status, **rest})


@pytest.mark.parametrize(
    ("status", "passes"),
    [("pass", True), ("warn", True), ("inconclusive", True), ("skipped", True), ("fail", False), ("error", False)],
)
def test_what_stands_in_the_way_of_publishing(status: str, passes: bool) -> None:
    assert record(status).passes is passes


def test_an_interval_has_both_ends_or_none() -> None:
    assert record("pass", ci=[1, 2.5]).ends == (1, 2.5)
    assert record("pass", ci=[None, 2]).ends is None
    assert record("pass").ends is None
    assert ColumnRecord(column="a", status="pass", ci_low=0, ci_high=1).ends == (0, 1)
    assert ColumnRecord(column="a", status="pass", ci_low=0).ends is None
    with pytest.raises(ValueError, match="ci"):
        record("pass", ci=[1])


def test_a_table_that_nothing_decides_about() -> None:
    unsure, other = record("inconclusive", compares=True), record("pass", compares=False)
    assert untold([unsure, other]) == 1
    assert undecided([unsure, other])
    assert not undecided([unsure, record("pass", compares=True)])
    assert not undecided([other])
