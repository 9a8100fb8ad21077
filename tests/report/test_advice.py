"""What to try: there is something for every audit that ships."""

from __future__ import annotations

from synthkit.audits import registry
from synthkit.report.advice import OTHERWISE, advice


def test_every_built_in_audit_has_advice_of_its_own() -> None:
    for name in registry.names():
        found = advice({"name": name, "message": "it failed"})
        assert found is not None
        assert found != OTHERWISE, f"{name} has no advice in report/advice.py"


def test_a_custom_audit_points_to_its_sql() -> None:
    assert "target/compiled" in (advice({"name": "no_minors", "message": ""}) or "")


def test_no_second_advice() -> None:
    assert advice({"name": "ks", "message": "too far. Try a larger max"}) is None
