"""Reports written to files: Markdown for a pull request, JUnit for a CI system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from synthkit.files import write_text_atomic
from synthkit.report.advice import advice
from synthkit.report.style import MARKS, NOTICED, measured, number
from synthkit.results import ModelResult, RunResults

# JUnit knows passed, failure, error and skipped; a warning passes, and what cannot be told was not decided.
_TAGS = {"fail": "failure", "error": "error", "skipped": "skipped", "inconclusive": "skipped"}


def markdown(run: RunResults) -> str:
    """A table of models, and below it the audits that did not simply pass."""
    counts = ", ".join(f"{n} {s}" for s, n in run.counts().items()) or "nothing to do"
    lines = [f"## synthkit: {'failed' if run.failed else 'passed'}", "", f"Target `{run.target}`: {counts}."]
    if run.interrupted:
        lines += ["", "The run was interrupted; what was published before is as it was."]
    lines += ["", "| model | action | status | rows | ε | audits |", "| --- | --- | --- | ---: | ---: | --- |"]
    lines += [_row(r) for r in run.results]
    for r in run.results:
        for a in r.audits:
            if a["status"] in NOTICED:
                lines += _noticed(r.model, a)
    return "\n".join(lines) + "\n"


def _row(result: ModelResult) -> str:
    passed = sum(1 for a in result.audits if a["status"] == "pass")
    epsilon = "none" if result.epsilon is None else number(result.epsilon)
    rows = "–" if result.rows is None else f"{result.rows:,}"
    audits = f"{passed} of {len(result.audits)} passed" if result.audits else _inline(result.message)
    return f"| `{result.model}` | {result.action} | {MARKS[result.status]} | {rows} | {epsilon} | {audits} |"


def _noticed(model: str, audit: Mapping[str, Any]) -> Iterator[str]:
    column = f" on {_inline(audit['column'])}" if audit.get("column") else ""
    yield ""
    yield f"**{MARKS[audit['status']]}** `{model}` · `{audit['name']}`{column}: {_inline(measured(audit))}."
    if audit.get("message"):
        yield f"{_inline(audit['message'])}."
    hint = advice(audit) if audit["status"] == "fail" else None
    if hint:
        yield f"Try: {hint}."


def _inline(text: object) -> str:
    """Text from data or from an error on one line, without what Markdown or HTML would act on."""
    flat = " ".join(str(text).split())
    for character in "\\`*_|<[":
        flat = flat.replace(character, f"\\{character}")
    return flat


def junit(run: RunResults) -> str:
    """A test suite per model, a test case per audit (https://github.com/testmoapp/junitxml)."""
    suites = "".join(_suite(r) for r in run.results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="synthkit">\n{suites}</testsuites>\n'


def _suite(result: ModelResult) -> str:
    audits: list[Mapping[str, Any]] = list(result.audits)
    if not audits:
        # What has no audits, or did not come to them, is one case: whether it was built.
        audits = [{"name": "build", "status": result.status, "message": result.message}]
    counts = {tag: sum(1 for a in audits if _TAGS.get(a["status"]) == tag) for tag in ("failure", "error", "skipped")}
    head = f"  <testsuite name={quoteattr(result.model)}"
    head += f' tests="{len(audits)}" failures="{counts["failure"]}" errors="{counts["error"]}"'
    head += f' skipped="{counts["skipped"]}" time="{sum(result.seconds.values()):.3f}">\n'
    return head + "".join(_case(result.model, a) for a in audits) + "  </testsuite>\n"


def _case(model: str, audit: Mapping[str, Any]) -> str:
    head = f"    <testcase classname={quoteattr(model)} name={quoteattr(_clean(str(audit['name'])))}"
    head += f' time="{audit["seconds"]:.3f}"' if audit.get("seconds") is not None else ""
    tag = _TAGS.get(str(audit["status"]))
    if tag is None:
        return f"{head}/>\n"
    parts = [measured(audit)] if "value" in audit else []
    text = _clean(". ".join([*parts, str(audit["message"])] if audit.get("message") else parts))
    return f"{head}>\n      <{tag} message={quoteattr(text)}>{escape(text)}</{tag}>\n    </testcase>\n"


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )


FORMATS: Mapping[str, Callable[[RunResults], str]] = {"markdown": markdown, "junit": junit}


def write_report(kind: str, path: Path, run: RunResults) -> None:
    """Write a report in one of :data:`FORMATS`. Raises BuildError where it cannot be written."""
    write_text_atomic(path, FORMATS[kind](run))
