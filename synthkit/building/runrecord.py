"""What identifies a run: its id, time, package versions and git commit; and what is kept of it and of its tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from synthkit import __version__
from synthkit.compiler import Manifest
from synthkit.errors import SynthError
from synthkit.events import Event, Note
from synthkit.files import append_line, write_json_atomic
from synthkit.memory import uncollected
from synthkit.planning.action import Action
from synthkit.planning.fingerprint import package_version
from synthkit.privacy.disclosure import public_result
from synthkit.records.audit import AuditRecord
from synthkit.records.consumption import ConsumptionEntry, ReusedEntry
from synthkit.records.history import HistoryEntry
from synthkit.results import ModelResult, RunResults
from synthkit.stats import kept
from synthkit.stats.recipe import recipe_of
from synthkit.stats.sourcesize import source_bytes

_REPORTED = ("sdv", "torch", "duckdb", "pyarrow", "numpy", "pandas", "scikit-learn", "scipy")


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock() -> datetime:
    """The time that freshness is judged by: ``SYNTH_NOW`` (ISO 8601; UTC without an offset), else the machine's.

    Raises SynthError where the variable holds no time.
    """
    given = os.environ.get("SYNTH_NOW")
    if not given:
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise SynthError(f"SYNTH_NOW={given!r} is no time", hint="write 2026-01-31T12:00:00Z") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def new_run_id() -> str:
    """Sorts by time, and two runs started in one second differ: ``20260131T120000Z-1a2b3c``."""
    import secrets

    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + secrets.token_hex(3)


def versions() -> dict[str, str]:
    """Versions of synthkit, Python and the packages that decide results."""
    packages = {p: package_version(p) for p in _REPORTED}
    return {"synthkit": __version__, "python": sys.version.split()[0], **packages}


_KEPT = ("name", "column", "value", "ci", "floor", "threshold", "limit", "better", "status")


def history_entry(run: RunResults, result: ModelResult) -> HistoryEntry:
    """One table's audits in one run, as the report shows them over time; of a private table what may be published."""
    shown = public_result(result)
    return HistoryEntry(
        run_id=run.run_id,
        ended_at=run.ended_at,
        model=shown.model,
        action=shown.action,
        status=shown.status,
        published=shown.published,
        rows=shown.rows,
        epsilon=shown.epsilon,
        disclosure=shown.disclosure,
        sample=shown.fingerprints.get("sample"),
        audits=tuple(map(_drawn, shown.audits)),
    )


def consumption_entry(
    run_id: str,
    manifest: Manifest,
    command: str,
    threads: int,
    action: Action,
    result: ModelResult,
    began: str | None,
) -> ConsumptionEntry:
    """What one model took in a run, for who builds."""
    return ConsumptionEntry(
        run_id=run_id,
        at=now(),
        started_at=began,
        target=manifest.project.target_name,
        command=command,
        threads=threads,
        model=result.model,
        action=result.action,
        status=result.status,
        rows=result.rows,
        published=result.published,
        generator=result.generator,
        family=result.family,
        size=action.size,
        source_bytes=source_bytes(manifest, result.model),
        recipe=recipe_of(action),
        queued=result.queued,
        paid=result.paid,
        consumed=result.consumed,
    )


def reused_entry(run: RunResults, models: tuple[str, ...]) -> ReusedEntry:
    return ReusedEntry(run_id=run.run_id, at=run.ended_at, target=run.target, command=run.command, reused=models)


def _drawn(audit: AuditRecord) -> AuditRecord:
    """What a curve shows of it."""
    said = audit.to_json()
    return AuditRecord.from_json({k: said[k] for k in _KEPT if k in said})


@uncollected()
def keep(target: Path, run: RunResults, say: Callable[[Event], None]) -> None:
    """``run_results.json`` for the reports, a line in the history of runs, and one per table in that of its audits.

    None of these histories grows for ever: the oldest lines go.
    """
    whole = run.to_json()
    write_json_atomic(target / "run_results.json", whole)
    summary = {k: v for k, v in whole.items() if k != "results"}
    summary["models"] = len(run.results)
    if any(r.status != "reused" for r in run.results):
        append_line(target / "runs.jsonl", json.dumps(summary, default=str))
    reused = tuple(r.model for r in run.results if r.status == "reused")
    why_not = kept.append(target, reused_entry(run, reused)) if reused else None
    if why_not is not None:
        say(Note(f"what was reused is not recorded: {why_not}", "warn"))
    for result in run.results:
        if result.audits and result.status != "reused":
            append_line(target / "history.jsonl", json.dumps(history_entry(run, result).to_json(), default=str))
    try:
        kept.shorten(target)
    except SynthError as error:
        say(Note(f"histories of runs are not shortened: {error.message}", "warn"))
