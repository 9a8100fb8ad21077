"""What of a private table is public: verdicts and guarantees, no figure of the real rows, no hash to try rows against."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synthkit.audits.runner import AuditRecord
from synthkit.errors import SynthError
from synthkit.privacy.release import KEY_FILE, VARIABLE, WITHHELD, hash_key, keyed, picturable, public_receipt

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


def test_the_key_is_made_once_kept_from_git_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: hash_key(tmp_path), range(8)))
    assert len(keys) == 1
    file = tmp_path / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.name in (file.parent / ".gitignore").read_text("utf-8").split()
    assert [p.name for p in file.parent.iterdir() if p.name not in (".gitignore", file.name)] == []
    (key,) = keys
    assert keyed("abc", key) == keyed("abc", hash_key(tmp_path))
    monkeypatch.setenv(VARIABLE, "another key that the whole team shares")
    assert keyed("abc", key) != keyed("abc", hash_key(tmp_path))


def test_a_key_that_was_cut_off_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "privacy").mkdir()
    (tmp_path / KEY_FILE).write_text("abc")
    with pytest.raises(SynthError, match="holds no key"):
        hash_key(tmp_path)


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
