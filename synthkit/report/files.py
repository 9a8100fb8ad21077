"""Reports written to files: Markdown for a pull request, JUnit for a CI system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from synthkit.files import write_text_atomic
from synthkit.report.advice import advice
from synthkit.report.style import MARKS, measured, number
from synthkit.results import ModelResult, RunResults


def markdown(run: RunResults) -> str:
    """A table of models, and the audits that did not simply pass."""
    counts = ", ".join(f"{n} {s}" for s, n in run.counts().items()) or "nothing to do"
    lines = [f"## synthkit: {'failed' if run.failed else 'passed'}", "", f"Target `{run.target}`: {counts}.", ""]
    lines += ["| model | action | status | rows | ε | audits |", "| --- | --- | --- | ---: | ---: | --- |"]
    for r in run.results:
        passed = sum(1 for a in r.audits if a["status"] == "pass")
        epsilon = "none" if r.epsilon is None else number(r.epsilon)
        rows = "–" if r.rows is None else f"{r.rows:,}"
        audits = f"{passed} of {len(r.audits)} passed" if r.audits else r.message.replace("|", "\\|")
        lines.append(f"| `{r.model}` | {r.action} | {MARKS[r.status]} | {rows} | {epsilon} | {audits} |")
    noticed = [
        (r, a) for r in run.results for a in r.audits if a["status"] in ("warn", "inconclusive", "fail", "error")
    ]
    for r, a in noticed:
        lines += [
            "",
            f"**{MARKS[a['status']]}** `{r.model}` · `{a['name']}`: {measured(a)}. {a.get('message') or ''}".rstrip(),
        ]
        if a["status"] == "fail":
            lines.append(f"Try: {advice(a)}.")
    return "\n".join(lines) + "\n"


def junit(run: RunResults) -> str:
    """A test suite per model, a test case per audit (https://github.com/testmoapp/junitxml)."""
    suites = "".join(_suite(r) for r in run.results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="synthkit">\n{suites}</testsuites>\n'


def _suite(result: ModelResult) -> str:
    cases = "".join(_case(result.model, str(a["name"]), a) for a in result.audits)
    if result.status in ("error", "skipped") and not result.audits:
        cases = _case(result.model, "build", {"status": result.status, "message": result.message})
    failures = sum(1 for a in result.audits if a["status"] == "fail")
    errors = sum(1 for a in result.audits if a["status"] == "error") + (result.status == "error" and not result.audits)
    total = max(len(result.audits), cases.count("<testcase"))
    name = quoteattr(result.model)
    return f'  <testsuite name={name} tests="{total}" failures="{failures}" errors="{errors}">\n{cases}  </testsuite>\n'


def _case(model: str, name: str, audit: Mapping[str, object]) -> str:
    head = f"    <testcase classname={quoteattr(model)} name={quoteattr(name)}"
    status = str(audit["status"])
    tag = {"fail": "failure", "error": "error", "skipped": "skipped", "inconclusive": "skipped"}.get(status)
    if tag is None:
        return f"{head}/>\n"
    text = f"{measured(audit)} {audit.get('message') or ''}".strip()
    clean = "".join(c for c in text if c >= " " or c in "\n\t")
    return f"{head}>\n      <{tag} message={quoteattr(clean)}>{escape(clean)}</{tag}>\n    </testcase>\n"


FORMATS: Mapping[str, Callable[[RunResults], str]] = {"markdown": markdown, "junit": junit}


def write_report(kind: str, path: Path, run: RunResults) -> None:
    """Write a report in one of :data:`FORMATS`."""
    write_text_atomic(path, FORMATS[kind](run))
