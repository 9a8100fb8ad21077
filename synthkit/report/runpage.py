"""The report of one run: a pure function of run_results.json, and of the receipts at a base where one is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthkit.records.audit import AuditRecord, undecided, untold
from synthkit.records.receipt import Receipt
from synthkit.report.advice import advice
from synthkit.report.annotations import Notice
from synthkit.report.compare import State, compare
from synthkit.report.families import run_families
from synthkit.report.hosting import Host
from synthkit.report.page import Block, Code, Heading, Line, Paragraph, Rows, Strong, line, para
from synthkit.report.sections import audits_section, columns_section, links_section, spent_section, tables_section
from synthkit.report.style import MARKS, NOTICED, measured, number, plural
from synthkit.results import ModelResult, RunResults
from synthkit.verify.review import Spent

_HEADS = {"pass": "passed", "warn": "passed with warnings", "fail": "failed", "interrupted": "failed"}
_KINDS = {"fail": "error", "error": "error", "warn": "warning", "inconclusive": "warning"}


@dataclass(frozen=True)
class Surroundings:
    """What a report shows besides the run.

    Args:
        before: receipts at the commit ``base``, by model; None where nothing is compared.
        spent: the trainings that the run was charged for.
    """

    before: Mapping[str, Receipt] | None = None
    base: str = ""
    spent: tuple[Spent, ...] = ()
    host: Host = field(default_factory=Host)


def run_blocks(run: RunResults, around: Surroundings) -> list[Block]:
    """A table of models, what did not simply pass, and what changed against the base."""
    counts = ", ".join(f"{n} {s}" for s, n in run.counts().items()) or "nothing to do"
    blocks: list[Block] = [Heading(f"synthkit: {_HEADS[run.status]}", 2)]
    unclear = f" {plural(run.untold, 'audit')} can't tell." if run.untold else ""
    blocks.append(para("Target ", Code(run.target), f": {counts}.{unclear}"))
    blind = [r.model for r in run.results if undecided(r.audits)]
    if blind:
        named = ", ".join(blind[:10]) + (f" and {len(blind) - 10} more" if len(blind) > 10 else "")
        blocks.append(Paragraph((line(f"No comparison with real rows could decide about {named}."),), "warning"))
    if run.interrupted:
        blocks.append(para("The run was interrupted; what was published before is as it was."))
    head = ("model", "action", "status", "rows", "ε", "audits")
    blocks.append(Rows(head, tuple(map(_row, run.results)), frozenset({3, 4})))
    for result in run.results:
        blocks += [_noticed(result.model, a) for a in result.audits if a.status in NOTICED]
    blocks += run_families(run, around.before, around.base)
    blocks += columns_section((r.model, r.column_origins) for r in run.results)
    if around.before is not None:
        changes = compare(_known(around.before, run), {r.model: State.of_result(r) for r in run.results if _told(r)})
        blocks += [*tables_section(changes, around.base), *audits_section(changes)]
    blocks += [*spent_section(around.spent, "by this run"), *links_section(around.host)]
    return blocks


def _row(result: ModelResult) -> tuple[Line, ...]:
    passed = sum(1 for a in result.audits if a.status == "pass")
    epsilon = "none" if result.epsilon is None else number(result.epsilon)
    rows = "–" if result.rows is None else f"{result.rows:,}"
    audits = f"{passed} of {len(result.audits)} passed" if result.audits else result.message or "none"
    audits += f", {count} can't tell" if (count := untold(result.audits)) else ""
    cells = (result.action, MARKS[result.status], rows, epsilon, audits)
    return ((Code(result.model),), *map(line, cells))


def _noticed(model: str, audit: AuditRecord) -> Paragraph:
    column = f" on {audit.column}" if audit.column else ""
    first: Line = (
        Strong(MARKS[audit.status]),
        " ",
        Code(model),
        " · ",
        Code(audit.name),
        f"{column}: {measured(audit)}.",
    )
    found: list[Line] = [first]
    if audit.message:
        found.append(line(f"{audit.message}."))
    hint = advice(audit) if audit.status == "fail" else None
    if hint:
        found.append(line(f"Try: {hint}."))
    return Paragraph(tuple(found), _KINDS.get(audit.status, ""))


def _told(result: ModelResult) -> bool:
    """Whether the run says anything of a published table: what was skipped or broke is as it was."""
    return result.rows is not None and result.materialized != "ephemeral"


def _known(before: Mapping[str, Receipt], run: RunResults) -> dict[str, State]:
    told = {r.model for r in run.results if _told(r)}
    return {name: State.of_receipt(receipt) for name, receipt in before.items() if name in told}


def run_notices(run: RunResults, host: Host) -> list[Notice]:
    """What did not pass, at its place in the YAML."""
    found = []
    for result in run.results:
        file = None if result.path is None else host.path(result.path)
        for index, audit in enumerate(result.audits, 1):
            kind = _KINDS.get(audit.status)
            if kind is not None:
                text = f"{measured(audit)}. {audit.message}".strip()
                found.append(_notice(kind, f"{result.model}: {audit.name}", text, file, result.places, index))
        if result.failed and all(a.passes for a in result.audits):
            found.append(_notice("error", result.model, result.message, file, result.places, 0))
    return found


def _notice(kind: str, title: str, text: str, file: str | None, places: tuple[str, ...], index: int) -> Notice:
    place = places[index] if index < len(places) and places[index] else places[0] if places else ""
    row, _, column = place.partition(":")
    level: Any = kind
    return Notice(level, title, text, file, int(row) if row.isdigit() else 1, int(column) if column.isdigit() else 1)
