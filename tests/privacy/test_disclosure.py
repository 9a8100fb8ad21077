"""What of a private table is public: verdicts and guarantees, no figure of the real rows, no hash to try rows against."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from synthkit.planning.fingerprint import Fingerprinter
from synthkit.privacy.disclosure import (
    RECEIPT,
    UNSAID,
    WITHHELD,
    Disclosure,
    picturable,
    public_audits,
    public_receipt,
    public_result,
)
from synthkit.records.audit import AuditRecord, ColumnRecord
from synthkit.results import ModelResult
from tests.receipts import audited

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
    columns=(ColumnRecord(column="age", value=0.0123, status="pass"),),
    details={"rows": 12345},
    limit=0.1,
)
COUNT = AuditRecord(
    name="row_count", value=500, ci=(500, 500), threshold="equals 500", status="pass", message="500 rows", seconds=0.1
)


def test_of_an_audit_that_reads_real_rows_only_the_verdict_is_published() -> None:
    table = audited(audits=[KS, COUNT], source_rows=12345, seconds={"train": 3.2}, rows=500, epsilon=1.0)
    public = public_receipt(table, {"ks"})
    ks, count = public.audits
    assert (ks.name, ks.status, ks.threshold, ks.message) == ("ks", "pass", "max 0.1", WITHHELD)
    assert count.to_json() == COUNT.to_json()
    for secret in ("0.0123", "0.011", "0.009", "12345", "'age'", "3.2"):
        assert secret not in str(public.to_json()), secret
    assert ks.value is None
    assert public.rows == 500
    assert public.epsilon == 1.0


@pytest.mark.parametrize(
    ("disclosure", "told", "withheld"),
    [
        ("open", {"value", "ci", "floor", "columns", "message", "details", "seconds", "limit"}, set()),
        ("guarded", {"value", "ci", "floor", "columns"}, {"message", "details", "seconds"}),
        ("private", set(), {"value", "ci", "floor", "columns", "message", "details", "seconds", "column"}),
    ],
)
def test_what_is_withheld_follows_from_what_a_field_is(
    disclosure: Disclosure, told: set[str], withheld: set[str]
) -> None:
    (record,) = public_audits([KS], {"ks"}, disclosure)
    shown, whole = record.to_json(), KS.to_json()
    assert {k for k in told if shown[k] != whole[k]} == set()
    assert {k for k in withheld if shown[k] == whole[k]} == set()
    for key in ("name", "severity", "status", "threshold"):
        assert shown[key] == whole[key]


def test_a_field_that_nobody_classified_is_withheld() -> None:
    receipt = audited(audits=[KS.having(rows_seen=12345)], rows=5, largest=12345, inputs={"train": {"n": 1}})
    for disclosure in ("guarded", "private"):
        public = public_receipt(receipt, {"ks"}, disclosure)
        assert "12345" not in str(public.to_json())
        assert public.inputs.train == {}
    assert public_receipt(receipt, {"ks"}, "open") == receipt


def test_a_result_says_no_more_than_a_receipt() -> None:
    seen = {"seconds": {"train": 3.2}, "audits": (KS,), "withheld": ("ks",), "rows": 500}
    for disclosure, value in (("private", None), ("guarded", KS.value)):
        result = ModelResult("m", "train", "error", message="row 'Ann Lee' is odd", disclosure=disclosure, **seen)
        public = public_result(result)
        assert (public.seconds, public.rows, public.message) == ({}, 500, UNSAID)
        assert public.audits[0].value == value
        assert (public.audits[0].details, public.audits[0].seconds) == ({}, None)
    older = ModelResult("m", "train", "pass", epsilon=1.0, **seen)  # of a run that recorded no disclosure
    assert public_result(older).audits[0].value is None


@pytest.mark.parametrize(
    ("disclosure", "show_real", "expected"),
    [("open", True, True), ("open", False, False), ("guarded", True, False), ("private", True, False)],
)
def test_no_row_is_pictured_whose_people_are_protected(disclosure: Disclosure, show_real: bool, expected: bool) -> None:
    assert picturable(disclosure, show_real) is expected


def keys_written(*functions: object) -> set[str]:
    """The keys of the dictionaries ``inputs`` (and what is merged into them) that the functions make, by their text."""
    found = set()
    for function in functions:
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):  # type: ignore[arg-type]
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "inputs":
                found |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
            made = isinstance(node, ast.Return) or "inputs" in [
                t.id for t in getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(t, ast.Name)
            ]
            if made and isinstance(given := getattr(node, "value", None), ast.Dict):
                found |= {key.value for key in given.keys if isinstance(key, ast.Constant)}
    return {str(key) for key in found}


def test_every_input_of_a_hash_is_classified_or_a_receipt_would_contradict_itself() -> None:
    train = keys_written(Fingerprinter._train_inputs, Fingerprinter._owners, Fingerprinter._family_inputs)
    sample = keys_written(Fingerprinter._sample_inputs)
    assert {"generator", "budget", "owners", "family"} <= train
    assert {"size", "engine", "member", "partitions"} <= sample
    classified = RECEIPT["inputs"]
    assert isinstance(classified, dict)
    assert (train - set(classified["train"]), sample - set(classified["sample"])) == (set(), set())
