"""Changed audits are held against what was recorded, by the rule of the gate, or must be audited again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from synthkit.audits import registry
from synthkit.audits.gate import Estimate, GateParams, judge, limit_of
from synthkit.audits.runner import BoundAudit, audit_hash
from synthkit.records.audit import AuditRecord
from synthkit.records.parts import Demand
from synthkit.verify.verdicts import rejudged
from tests.verify.shop import Shop, verify

Capture = pytest.CaptureFixture[str]


def value_of(shop: Shop, model: str, audit: str) -> float:
    records = json.loads(shop.receipt(model).read_text("utf-8"))["audits"]
    return float(next(r["value"] for r in records if r["name"] == audit))


def findings(shop: Shop, capsys: Capture) -> list[tuple[str, str, str]]:
    answer = verify(shop, capsys)
    assert {f["kind"] for f in answer.findings} <= {"audit"}, answer.text
    return [(f["level"], f["model"], f["message"]) for f in answer.findings]


def test_a_tighter_limit_that_the_recorded_value_keeps(open_shop: Shop, capsys: Capture) -> None:
    value = value_of(open_shop, "customers", "ks")
    assert 0.01 < value < 0.4
    open_shop.tables("ks: {max: 0.5}", "ks: {max: 0.45}")
    ((level, model, message),) = findings(open_shop, capsys)
    assert (level, model) == ("note", "customers")
    assert "passes today too" in message
    assert f"{value:.3g}" in message


def test_a_tighter_limit_that_it_does_not(open_shop: Shop, capsys: Capture) -> None:
    open_shop.tables("ks: {max: 0.5}", "ks: {max: 0.00001}")
    answer = verify(open_shop, capsys)
    assert answer.code == 1
    (found,) = answer.findings
    # On which side of noise it was the record does not hold, so either it fails or nobody can tell.
    assert found["level"] == "error"
    assert "ks" in found["message"]
    assert found["file"] == "models/tables.yml"
    assert found["details"] == ["audit hash changed: ks.max 0.5 → 1e-05"]


def test_a_number_of_rows_cannot_be_judged_by_the_gate_and_is_audited_again(open_shop: Shop, capsys: Capture) -> None:
    open_shop.tables("row_count: {min: 10}", "row_count: {min: 20}")
    ((level, _, message),) = findings(open_shop, capsys)
    assert (level, "what was recorded does not answer what it asks now: it must be audited again" in message) == (
        "error",
        True,
    )


def test_a_condition_on_the_value_is_judged(open_shop: Shop, capsys: Capture) -> None:
    open_shop.tables("row_count: {min: 10}", 'row_count: {min: 10, error_if: "> 5"}')
    ((level, _, message),) = findings(open_shop, capsys)
    assert (level, "does not pass under today's limit" in message) == ("error", True)
    open_shop.tables('error_if: "> 5"', 'error_if: "> 5", severity: warn')
    ((level, _, message),) = findings(open_shop, capsys)
    assert level == "note"


def test_an_audit_that_nobody_tried(shop: Shop, capsys: Capture) -> None:
    shop.tables("row_count: {min: 10}", "row_count: {min: 10}\n      - unique: {columns: [customer_id]}")
    ((level, _, message),) = findings(shop, capsys)
    assert (level, "never held against its audit 'unique'" in message) == ("error", True)
    shop.tables("unique: {columns: [customer_id]}", "unique: {columns: [customer_id], severity: warn}")
    ((level, _, _),) = findings(shop, capsys)
    assert level == "warning"


def test_another_question_is_not_answered_by_the_old_figures(open_shop: Shop, capsys: Capture) -> None:
    open_shop.tables("ks: {max: 0.5}", "ks: {max: 0.5, columns: [age]}")
    ((level, _, message),) = findings(open_shop, capsys)
    assert (level, "must be audited again" in message) == ("error", True)


def test_order_and_removal_of_audits_are_nothing(shop: Shop, capsys: Capture) -> None:
    shop.tables("      - ks: {max: 0.5}\n", "")
    shop.tables("- row_count: {min: 10}", "- row_count: {min: 10}\n      - ks: {max: 0.5}")
    assert findings(shop, capsys) == []
    shop.tables("      - ks: {max: 0.5}\n", "")
    assert findings(shop, capsys) == []


def test_of_a_private_table_the_hash_decides(shop: Shop, capsys: Capture) -> None:
    shop.tables("ks: {max: 0.9}", "ks: {max: 0.95}")
    ((level, model, message),) = findings(shop, capsys)
    assert (level, model) == ("error", "fake")
    assert "its figures are not in the receipt, as the table is private: it must be audited again" in message
    shop.tables("ks: {max: 0.95}", "ks: {max: 0.9, severity: warn}")  # the verdict is known, and it was a pass
    ((level, _, _),) = findings(shop, capsys)
    assert level == "note"


def test_a_verdict_that_cannot_have_been_published(shop: Shop, capsys: Capture) -> None:
    shop.forge("customers", lambda r: r["audits"][0].update(status="fail"))
    ((level, _, message),) = findings(shop, capsys)
    assert (level, "did not pass (fail)" in message) == ("error", True)


# -- the rule itself -----------------------------------------------------------------------------------


def bound(name: str, **params: Any) -> BoundAudit:
    full = registry.get(name).params.model_validate(params).model_dump(mode="json")
    one = BoundAudit(name, name, None, full)
    from dataclasses import replace

    return replace(one, hash=audit_hash(one, registry.get(name).judged_as))


def demand(one: BoundAudit) -> Demand:
    return Demand.from_json({k: v for k, v in one.to_json().items() if k != "location"})


def record(value: float, low: float, high: float, status: str, **rest: Any) -> AuditRecord:
    base = {
        "name": "x",
        "status": status,
        "value": value,
        "ci": [low, high],
        "floor": 0.05,
        "severity": "error",
        "columns": [],
    }
    return AuditRecord.from_json({**base, **rest})


@pytest.mark.parametrize("decide", ["interval", "point", "lower", "upper"])
@pytest.mark.parametrize("new", [0.50, 0.55, 0.58, 0.6, 0.62, 0.65, 0.7])
def test_rejudging_gives_what_the_gate_would(decide: str, new: float) -> None:
    """membership_inference takes one measure without a noise level, so its record tells all."""
    found = Estimate(0.58, 0.55, 0.61, 0.5)
    kind = registry.get("membership_inference").params
    assert issubclass(kind, GateParams)
    old = bound("membership_inference", max=0.61, decide="interval")
    status = judge(found, limit_of(kind.model_validate({"max": 0.61}), 0.5, {}))
    now = bound("membership_inference", max=new, decide=decide)
    expected = judge(found, limit_of(kind.model_validate({"max": new, "decide": decide}), 0.5, {}))
    got = rejudged(now, demand(old), record(0.58, 0.55, 0.61, status, floor=0.5, limit=0.61))
    assert got is not None
    assert expected in got
    if expected != "fail":
        assert got == {expected}
    else:
        assert got <= {"fail", "inconclusive"}


def test_the_worst_column_decides_and_a_floor_moves_the_limit() -> None:
    columns = [
        {"column": "a", "value": 0.12, "status": "pass", "ci_low": 0.1, "ci_high": 0.14, "floor": 0.1},
        {"column": "b", "value": 0.08, "status": "pass", "ci_low": 0.07, "ci_high": 0.09, "floor": 0.02},
    ]
    old = bound("ks", max=0.2)
    found = record(0.12, 0.1, 0.14, "pass", columns=columns, limit=0.2)
    assert rejudged(bound("ks", max=0.13), demand(old), found) == {"pass"}
    assert rejudged(bound("ks", max=0.11), demand(old), found) == {"fail", "inconclusive"}
    assert rejudged(bound("ks", max=0.05), demand(old), found) == {"fail"}
    # Twice its own floor: a keeps 0.2, but b, which is nearer to the real rows, does not keep 0.04.
    assert rejudged(bound("ks", within="2x floor"), demand(old), found) == {"fail"}
    assert rejudged(bound("ks", within="5x floor"), demand(old), found) == {"pass"}


def test_nothing_is_told_where_the_record_does_not_tell() -> None:
    old = bound("ks", max=0.2)
    found = record(0.12, 0.1, 0.14, "pass", limit=0.2)
    assert rejudged(bound("ks"), demand(old), found) is None  # today's limit is the audit's default
    assert rejudged(bound("ks", max=0.1, combine="mean"), demand(old), found) is None  # another measure
    forged = record(0.3, 0.28, 0.32, "pass", limit=0.2)  # no gate gave a pass here
    assert rejudged(bound("ks", max=0.4), demand(old), forged) is None
    other = demand(old).having(hash="0" * 64)
    assert rejudged(bound("ks", max=0.1), other, found) is None
