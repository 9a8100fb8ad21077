"""What of a private table is public: verdicts and guarantees, no figure of the real rows, no hash to try rows against."""

from __future__ import annotations

import pytest

from synthkit.audits.runner import AuditRecord
from synthkit.privacy.release import WITHHELD, picturable, public_receipt

KS = AuditRecord(
    name="ks",
    column="age",
    value=0.0123,
    ci=(0.011, 0.013),
    threshold="max 0.1",
    floor=0.009,
    severity="error",
    status="pass",
    message="age differs most by 0.0123",
    seconds=0.5,
    columns=({"column": "age", "value": 0.0123},),
    details={"rows": 12345},
)
COUNT = AuditRecord("row_count", None, 500, (500, 500), "equals 500", None, "error", "pass", "500 rows", 0.1)


def test_of_an_audit_that_reads_real_rows_only_the_verdict_is_published() -> None:
    receipt = {
        "audits": [KS.to_json(), COUNT.to_json()],
        "source_rows": 12345,
        "seconds": {"train": 3.2},
        "rows": 500,
        "epsilon": 1.0,
    }
    public = public_receipt(receipt, {"ks"})
    ks, count = public["audits"]
    assert (ks["name"], ks["status"], ks["threshold"], ks["message"]) == ("ks", "pass", "max 0.1", WITHHELD)
    assert count == COUNT.to_json()
    for secret in ("0.0123", "0.011", "0.009", "12345", "'age'", "3.2"):
        assert secret not in str(public), secret
    assert AuditRecord.from_json(ks).value is None  # readers read it as any record
    assert public["rows"] == 500
    assert public["epsilon"] == 1.0


@pytest.mark.parametrize(
    ("epsilon", "accounts", "protected", "show_real", "expected"),
    [
        (None, {"a"}, set(), True, True),
        (None, {"a"}, {"b"}, True, True),
        (None, {"a"}, {"a"}, True, False),
        (None, {"a", "b"}, {"b"}, True, False),
        (None, set(), {"b"}, True, True),
        (1.0, set(), set(), True, False),
        (None, {"a"}, set(), False, False),
    ],
)
def test_no_row_is_pictured_whose_people_are_protected(
    epsilon: float | None, accounts: set[str], protected: set[str], show_real: bool, expected: bool
) -> None:
    assert picturable(epsilon, accounts, protected, show_real) is expected
