"""What a run came to, as the lines that close it: every audit and model that did not pass, and the count."""

from __future__ import annotations

from collections.abc import Iterator

from synthkit.records.audit import AuditRecord, undecided
from synthkit.records.columns import learnt_in_words
from synthkit.report.advice import advice
from synthkit.report.style import COLOURS, MARKS, measured, plural, seconds
from synthkit.results import ModelResult, RunResults

Line = tuple[tuple[str, str | None], ...]  # parts of a line, each with its colour
_WORDS = {"reused": "unchanged", "pass": "passed", "warn": "passed with warnings", "fail": "failed"}
_ORDER = {"warn": 0, "fail": 1, "error": 1}


def closing_lines(run: RunResults, took: float, quiet: bool = False) -> Iterator[Line]:
    """The closing lines, at last what tables make up; with ``quiet`` only where something went wrong, and then only it.

    Args:
        took: wall time of the run in seconds.
    """
    if quiet and not run.failed:
        return
    noticed = [r for r in run.results if r.status in (("fail", "error") if quiet else _ORDER)]
    for result in sorted(noticed, key=lambda r: _ORDER[r.status]):  # what failed comes last, where it is seen
        yield (("", None),)
        yield from _model(result)
    if noticed:
        yield (("", None),)
    if run.interrupted:
        yield (("interrupted", "red"), (": what was published before is as it was", None))
    counts = ", ".join(f"{n} {_WORDS.get(s, s)}" for s, n in run.counts().items()) or "nothing to do"
    verdict = "FAILED" if run.failed else "done"
    colour = {"pass": "green", "warn": "yellow"}.get(run.status, "red")
    yield ((verdict, colour), (f": {counts} in {seconds(took)}", None), *_untold(run))
    for result in run.results:  # last, where it is read: audits pass a table in which a column tells nothing
        partly = any(o.how == "in part" for o in result.column_origins)
        if (result.made_up or partly) and result.status != "reused":
            yield ((f"{result.model}: {learnt_in_words(result.column_origins)}", None),)


def _untold(run: RunResults) -> Line:
    """What could not be told, for the last line, so that nobody takes it for passed."""
    if not run.untold:
        return ()
    audits = plural(sum(len(r.audits) for r in run.results), "audit")
    blind = [r.model for r in run.results if undecided(r.audits)]
    text = f"; {run.untold} of {audits} can't tell"
    if blind:
        shown = ", ".join(blind[:3]) + (f" and {len(blind) - 3} more" if len(blind) > 3 else "")
        text += f", no comparison with real rows decides about {shown}"
    return ((text, "yellow"),)


def audit_line(model: str, record: AuditRecord) -> Line:
    """``FAIL  churn: ks on age: 0.18 [0.16, 0.2] against max 0.1, floor 0.03``."""
    return (
        (f"{MARKS[record.status]:<5} ", COLOURS[record.status]),
        (f"{model}: {_what(record)}", None),
    )


def _what(record: AuditRecord) -> str:
    column = f" on {record.column}" if record.column else ""
    return f"{record.name}{column}: {measured(record)}"


def _model(result: ModelResult) -> Iterator[Line]:
    place = f" ({result.path})" if result.path else ""
    message = f": {result.message}" if result.message else ""
    yield ((MARKS[result.status], COLOURS[result.status]), (f" {result.model}{place}{message}", None))
    for record in result.audits:
        if record.status not in _ORDER:
            continue
        yield ((f"  {MARKS[record.status]:<5} ", COLOURS[record.status]), (_what(record), None))
        if record.message:
            yield ((f"        {record.message}", None),)
        hint = advice(record) if record.status == "fail" else None
        if hint:
            yield ((f"        try: {hint}", None),)
