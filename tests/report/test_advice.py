"""What to try: there is something for every audit that ships."""

from __future__ import annotations

from synthkit.audits import registry
from synthkit.records.audit import AuditRecord
from synthkit.report.advice import OTHERWISE, advice


def test_every_built_in_audit_has_advice_of_its_own() -> None:
    for name in registry.names():
        found = advice(AuditRecord(name=name, status="fail", message="it failed"))
        assert found is not None
        assert found != OTHERWISE, f"{name} has no advice in report/advice.py"


def test_a_custom_audit_points_to_its_sql() -> None:
    assert "target/compiled" in (advice(AuditRecord(name="no_minors", status="fail", message="")) or "")


def test_no_second_advice() -> None:
    assert advice(AuditRecord(name="ks", status="fail", message="too far. Try a larger max")) is None
