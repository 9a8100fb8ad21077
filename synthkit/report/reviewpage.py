"""The summary of `synth verify` that a reviewer reads on a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from synthkit.report.annotations import Notice
from synthkit.report.compare import State, TableChange, compare
from synthkit.report.families import review_families
from synthkit.report.files import clean
from synthkit.report.findings import LEVELS
from synthkit.report.hosting import Host
from synthkit.report.page import Block, Code, Heading, Line, Paragraph, Strong, line, para
from synthkit.report.sections import (
    audits_section,
    columns_section,
    limits_section,
    links_section,
    placed,
    schema_section,
    spent_section,
    tables_section,
    unseen_section,
    values_section,
)
from synthkit.report.style import plural
from synthkit.verify.findings import Finding
from synthkit.verify.review import Review

_HEADINGS: Mapping[str, str] = {"error": "To mend before merging", "warning": "To know", "note": "Looked at"}
_MOST = 50  # findings of a level that a summary lists


def review_blocks(found: Review, host: Host) -> list[Block]:
    """Verdict, findings, tables and audits before and after, ε spent."""
    verdict = "not to be merged" if found.failed else "verified"
    blocks: list[Block] = [Heading(f"synthkit: {verdict}", 2)]
    counts = ", ".join(plural(n, level) for level in LEVELS if (n := len(found.of(level)))) or "nothing found"
    changes = changed(found)
    what = (
        ""
        if found.before is None
        else f"; {plural(len(changes), 'table')} changed"
        if changes
        else "; no table changed"
    )
    lead: Line = (f"{plural(found.models, 'model')} of ", Code(found.project), ", target ", Code(found.target))
    against: Line = () if found.base is None else (", against ", Code(found.base))
    blocks.append(Paragraph(((*lead, *against, f": {counts}{what}."),)))
    for level in LEVELS:
        of = found.of(level)
        if of:
            blocks.append(Heading(_HEADINGS[level]))
            blocks += [_finding(f, host) for f in of[:_MOST]]
        if len(of) > _MOST:
            blocks.append(para(f"… and {plural(len(of) - _MOST, level)} more: ", Code("synth verify"), " lists all."))
    blocks += review_families(found.after, found.before, found.base)
    if found.before is not None and found.base is not None:
        blocks += [
            *tables_section(changes, found.base),
            *schema_section(found.columns, found.base),
            *limits_section(found.limits),
            *audits_section(changes),
            *values_section(found.values),
        ]
        after = found.after or {}
        blocks += columns_section((c.model, after[c.model].column_origins or ()) for c in changes if c.model in after)
        blocks += unseen_section({n: c for n, c in found.unseen.items() if n in {change.model for change in changes}})
        blocks += spent_section(found.spent, f"since {found.base}")
    else:
        blocks += unseen_section(found.unseen)
    return [*blocks, *links_section(host)]


def changed(found: Review) -> tuple[TableChange, ...]:
    if found.before is None:
        return ()
    before, after = ({n: State.of_receipt(r) for n, r in side.items()} for side in (found.before, found.after))
    return compare(before, after)


def _finding(finding: Finding, host: Host) -> Paragraph:
    where = finding.where
    first: Line = (Strong(finding.level), " ", *placed(where.file.as_posix(), f"{where.line}:{where.column}", host))
    found: list[Line] = [(*first, f": {finding.message}")]
    found += [line(f"– {detail}") for detail in finding.details]
    if finding.hint:
        found.append(line(f"Fix: {finding.hint}"))
    return Paragraph(tuple(found), finding.level)


def review_notices(found: Review, host: Host) -> list[Notice]:
    """Findings at their places."""
    notices = []
    for f in found.findings:
        text = "\n".join([f.message, *f.details, *([f"fix: {f.hint}"] if f.hint else [])])
        place = host.path(f.where.file.as_posix())
        notices.append(Notice(f.level, f"synthkit: {f.kind}", text, place, f.where.line or 1, f.where.column or 1))
    return notices


def review_junit(found: Review) -> str:
    """A suite per model with a case per finding, or one that passes; what is about no model is the project's."""
    suites: dict[str, list[Finding]] = {name: [] for name in found.places}
    for finding in found.findings:
        suites.setdefault(finding.model or "project", []).append(finding)
    body = "".join(_suite(name, findings) for name, findings in suites.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="synthkit verify">\n{body}</testsuites>\n'


def _suite(name: str, findings: list[Finding]) -> str:
    errors = sum(1 for f in findings if f.level == "error")
    cases = "".join(_case(name, f) for f in findings) or f'    <testcase classname={quoteattr(name)} name="verify"/>\n'
    head = f'  <testsuite name={quoteattr(name)} tests="{max(1, len(findings))}" failures="{errors}" errors="0">\n'
    return f"{head}{cases}  </testsuite>\n"


def _case(name: str, finding: Finding) -> str:
    text = clean(f"{finding.where}: {finding.message}" + (f" (fix: {finding.hint})" if finding.hint else ""))
    head = f"    <testcase classname={quoteattr(name)} name={quoteattr(f'{finding.kind} at {finding.where}')}"
    if finding.level != "error":
        return f"{head}>\n      <system-out>{escape(text)}</system-out>\n    </testcase>\n"
    return f"{head}>\n      <failure message={quoteattr(text)}>{escape(text)}</failure>\n    </testcase>\n"
