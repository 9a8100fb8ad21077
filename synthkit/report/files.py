"""One run as Markdown, HTML and JUnit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from synthkit.privacy.disclosure import public_result
from synthkit.report.page import to_html, to_markdown
from synthkit.report.runpage import Surroundings, run_blocks
from synthkit.report.style import MARKS, measured
from synthkit.results import ModelResult, RunResults, undecided, untold

# JUnit knows passed, failure, error and skipped; a warning passes, and what cannot be told was not decided.
_TAGS = {"fail": "failure", "error": "error", "skipped": "skipped", "inconclusive": "skipped"}


def public(run: RunResults) -> RunResults:
    """The run without what only people who may see the sources should read."""
    return replace(run, results=tuple(public_result(r) for r in run.results))


def markdown(run: RunResults, around: Surroundings | None = None) -> str:
    """A table of models, below it the audits that did not simply pass, and what changed against the base."""
    return to_markdown(run_blocks(run, around or Surroundings()))


def html(run: RunResults, around: Surroundings | None = None) -> str:
    """The same as one page that needs no other file."""
    return to_html("synthkit", run_blocks(run, around or Surroundings()))


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
    if untold(result.audits):
        kept = {"status": result.status, "inconclusive": untold(result.audits), "undecided": undecided(result.audits)}
        rows = "".join(f"<property name={quoteattr(k)} value={quoteattr(str(v).lower())}/>" for k, v in kept.items())
        head += f"    <properties>{rows}</properties>\n"
    return head + "".join(_case(result.model, a) for a in audits) + "  </testsuite>\n"


def _case(model: str, audit: Mapping[str, Any]) -> str:
    head = f"    <testcase classname={quoteattr(model)} name={quoteattr(clean(str(audit['name'])))}"
    head += f' time="{audit["seconds"]:.3f}"' if audit.get("seconds") is not None else ""
    tag = _TAGS.get(str(audit["status"]))
    if tag is None:
        return f"{head}/>\n"
    parts = [MARKS["inconclusive"]] if audit["status"] == "inconclusive" else []
    parts += [measured(audit)] if "value" in audit else []
    text = clean(". ".join([*parts, str(audit["message"])] if audit.get("message") else parts))
    return f"{head}>\n      <{tag} message={quoteattr(text)}>{escape(text)}</{tag}>\n    </testcase>\n"


def clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
