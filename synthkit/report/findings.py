"""The findings of `synth verify` on a terminal, in a pipe, or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from synthkit.errors import Fault
from synthkit.report.faults import paragraph
from synthkit.report.style import plural
from synthkit.verify.findings import Finding
from synthkit.verify.review import Review

LEVELS = ("error", "warning", "note")


def render_findings(found: Review, root: Path, *, color: bool = False, quiet: bool = False) -> str:
    """A paragraph for each finding and a closing line; with ``quiet`` errors alone, or nothing."""
    shown = found.of("error") if quiet else found.findings
    parts = [_paragraph(f, root, color) for f in shown]
    if not quiet or parts:
        parts.append(closing(found))
    return "\n\n".join(parts)


def _paragraph(finding: Finding, root: Path, color: bool) -> str:
    where = replace(finding.where, file=root / finding.where.file)
    fault = Fault(finding.message, where, None, finding.hint)
    return paragraph(fault, finding.level, color, Path.cwd(), finding.details)


def closing(found: Review) -> str:
    """``verified: 9 models, 1 note`` or ``NOT verified: 9 models, 2 errors, 1 warning``."""
    counts = [plural(n, level) for level in LEVELS if (n := len(found.of(level)))]
    against = f" against {found.base}" if found.base else ""
    verdict = "NOT verified" if found.failed else "verified"
    return ", ".join([f"{verdict}{against}: {plural(found.models, 'model')}", *counts])


def json_lines(found: Review, *, quiet: bool = False) -> Iterator[str]:
    """One JSON object per finding, and a last one with the counts."""
    for finding in found.of("error") if quiet else found.findings:
        yield json.dumps({"event": "Finding", **finding.to_json()}, ensure_ascii=False)
    counts = {f"{level}s": len(found.of(level)) for level in LEVELS}
    last = {"event": "VerifyFinished", "models": found.models, "base": found.base, "failed": found.failed, **counts}
    yield json.dumps(last, ensure_ascii=False)
