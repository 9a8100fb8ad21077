"""One run as Markdown, HTML and JUnit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from synthkit.privacy.disclosure import public_result
from synthkit.records.audit import AuditRecord, undecided, untold
from synthkit.report.page import to_html, to_markdown
from synthkit.report.runpage import Surroundings, run_blocks
from synthkit.report.style import MARKS, join_in_words, measured
from synthkit.results import ModelResult, RunResults

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
    # What has no audits, or did not come to them, is one case: whether it was built.
    cases = [_audited(a) for a in result.audits] or [_Case("build", result.status, result.message)]
    counts = {tag: sum(1 for c in cases if _TAGS.get(c.status) == tag) for tag in ("failure", "error", "skipped")}
    head = f"  <testsuite name={quoteattr(result.model)}"
    head += f' tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}"'
    head += f' skipped="{counts["skipped"]}" time="{sum(result.seconds.values()):.3f}">\n'
    kept: list[tuple[str, object]] = [] if result.family is None else [("family", result.family)]
    kept += [
        ("key", f"{', '.join(key.columns)} {join_in_words(result.model, key, result.audits)}") for key in result.keys
    ]
    if untold(result.audits):
        blind = str(undecided(result.audits)).lower()
        kept += [("status", result.status), ("inconclusive", untold(result.audits)), ("undecided", blind)]
    if kept:
        rows = "".join(f"<property name={quoteattr(k)} value={quoteattr(clean(str(v)))}/>" for k, v in kept)
        head += f"    <properties>{rows}</properties>\n"
    return head + "".join(_written(result.model, c) for c in cases) + "  </testsuite>\n"


@dataclass(frozen=True)
class _Case:
    name: str
    status: str
    text: str
    seconds: float | None = None


def _audited(a: AuditRecord) -> _Case:
    parts = [MARKS["inconclusive"]] if a.status == "inconclusive" else []
    return _Case(a.name, a.status, ". ".join([*parts, measured(a), *([a.message] if a.message else [])]), a.seconds)


def _written(model: str, case: _Case) -> str:
    head = f"    <testcase classname={quoteattr(model)} name={quoteattr(clean(case.name))}"
    head += f' time="{case.seconds:.3f}"' if case.seconds is not None else ""
    tag = _TAGS.get(case.status)
    if tag is None:
        return f"{head}/>\n"
    text = clean(case.text)
    return f"{head}>\n      <{tag} message={quoteattr(text)}>{escape(text)}</{tag}>\n    </testcase>\n"


def clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
