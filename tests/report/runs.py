"""Run results of every kind, made by hand: what the reports are pure functions of."""

from __future__ import annotations

from typing import Any

from synthkit.records.audit import AuditRecord
from synthkit.records.parts import Git
from synthkit.results import ModelResult, RunResults


def audit(name: str, status: str, **rest: Any) -> AuditRecord:
    base = {
        "name": name,
        "column": None,
        "value": None,
        "ci": None,
        "threshold": None,
        "floor": None,
        "severity": "error",
        "status": status,
        "message": "",
        "seconds": 0.25,
        "columns": [],
        "details": {},
    }
    return AuditRecord.from_json({**base, **rest})


KS = audit(
    "ks",
    "fail",
    column="age",
    value=0.182,
    ci=[0.16, 0.204],
    threshold="max 0.1",
    floor=0.03,
    message="'age' differs most",
)
NOT_NULL = audit("not_null", "pass", column="tier", value=0, ci=[0, 0], threshold="no nulls")
UNTOLD = audit("chi_square", "inconclusive", value=0.2, ci=[0, 0.4], threshold="max 0.1", message="too few rows")
WARNED = audit("row_count", "warn", value=12_345, threshold="min 20000", severity="warn", message="fewer rows")
BROKEN = audit("no_minors", "error", message='Binder Error: no column "agee" <x> | `y`\nLINE 1: \x00')

PASSED = ModelResult(
    "customers",
    "train",
    "pass",
    rows=5_000,
    seconds={"train": 11.0, "audit": 1.34},
    published=True,
    audits=(NOT_NULL, UNTOLD),
)
WARNING = ModelResult("orders", "sample", "warn", rows=12_345, seconds={"sample": 75.0}, audits=(WARNED,))
FAILED = ModelResult(
    "churn",
    "train",
    "fail",
    rows=100,
    audits=(KS, NOT_NULL, BROKEN),
    message="not published: 2 of 3 audits did not pass",
    path="models/churn.yml",
)
SKIPPED = ModelResult("report", "query", "skipped", message="skipped: churn did not pass")
ERROR = ModelResult(
    "big", "query", "error", message="the disk is full\n(fix: free some [space])", epsilon=1.5, delta=1e-5
)
REUSED = ModelResult("same", "reuse", "reused", rows=1, message="nothing changed", audits=(NOT_NULL,))


def run(*results: ModelResult, interrupted: bool = False) -> RunResults:
    return RunResults(
        run_id="20260102T030405Z-abcdef",
        started_at="2026-01-02T03:04:05.000Z",
        ended_at="2026-01-02T03:05:05.000Z",
        target="dev",
        seed=7,
        device="cpu",
        versions={"synthkit": "0.1.0"},
        results=results,
        git=Git(commit="0" * 40, dirty=False),
        interrupted=interrupted,
    )


EVERYTHING = run(PASSED, WARNING, FAILED, SKIPPED, ERROR, REUSED)
FINE = run(PASSED, REUSED)
