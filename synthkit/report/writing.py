"""Reports go where they were asked to go: files, a step's summary, annotations on a pull request."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.files import explained, write_text_atomic
from synthkit.report.annotations import SUMMARY_BYTES, Notice, commands, fitting
from synthkit.report.files import html, junit, markdown, public
from synthkit.report.hosting import Host
from synthkit.report.page import to_html, to_markdown
from synthkit.report.reviewpage import review_blocks, review_junit, review_notices
from synthkit.report.runpage import Surroundings, run_notices
from synthkit.results import RunResults
from synthkit.verify.review import Review

FORMATS = ("markdown", "junit", "github", "html")
SUMMARY = "GITHUB_STEP_SUMMARY"  # names the file that GitHub shows on the page of a run


@dataclass(frozen=True)
class Report:
    """A report that was asked for; without a path, ``github`` writes to standard output and to the step's summary."""

    kind: str
    path: Path | None = None


@dataclass(frozen=True)
class Rendered:
    """The forms of one report, each made when it is asked for."""

    markdown: Callable[[], str]
    html: Callable[[], str]
    junit: Callable[[], str]
    notices: Callable[[], Sequence[Notice]]


def marker(kind: str, target: str) -> str:
    """A comment that nobody sees, by which a later run finds the comment to edit."""
    return f"<!-- synthkit:{kind} target={target} -->\n"


def of_run(run: RunResults, around: Surroundings) -> Rendered:
    """A run, without what only those who may see the sources should read."""
    shown = public(run)
    return Rendered(
        lambda: markdown(shown, around) + marker("run", run.target),
        lambda: html(shown, around),
        lambda: junit(shown),
        lambda: run_notices(shown, around.host),
    )


def of_review(found: Review, host: Host) -> Rendered:
    return Rendered(
        lambda: to_markdown(review_blocks(found, host)) + marker("verify", found.target),
        lambda: to_html(f"synthkit: {found.project}", review_blocks(found, host)),
        lambda: review_junit(found),
        lambda: review_notices(found, host),
    )


def write(
    report: Report, rendered: Rendered, say: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> None:
    """Write one report. Raises BuildError where it cannot be written.

    Args:
        say: prints a line where a CI system reads annotations.
    """
    if report.kind != "github":
        text = {"markdown": rendered.markdown, "html": rendered.html, "junit": rendered.junit}[report.kind]()
        if report.path is None:
            raise BuildError(f"the report {report.kind!r} has no path", hint=f"--report {report.kind}=PATH")
        write_text_atomic(report.path, text)
        return
    lines = commands(rendered.notices())
    if report.path is not None:
        write_text_atomic(report.path, "".join(f"{x}\n" for x in lines))
        return
    for text in lines:
        say(text)
    if environ.get(SUMMARY):
        _append(Path(environ[SUMMARY]), rendered.markdown())


def _append(path: Path, text: str) -> None:
    """Other tools of the same step write their summaries to the same file."""
    with explained(path):
        written = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(fitting(text, max(0, SUMMARY_BYTES - 1 - written)))
