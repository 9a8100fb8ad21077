"""What a run found: the frozen value behind ``target/run_results.json``.

Console, JUnit, Markdown and HTML reports are pure functions of it; its JSON Schema ships as
``schemas/run_results.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from synthkit.files import parsed_json

ActionKind = Literal["train", "sample", "query", "ask", "audit", "reuse"]
ModelStatus = Literal["pass", "warn", "fail", "error", "skipped", "reused"]
_TUPLES = ("audits", "withheld", "places")
PHASES = ("train", "sample", "audit", "publish")


@dataclass(frozen=True)
class ModelResult:
    """What became of one model in one run.

    ``audits`` are audit records as the audit runner writes them. ``published`` says whether this run
    put a new version into the warehouse; ``seconds`` holds the wall time of each phase that ran. ``withheld`` names the
    audits whose figures tell of private rows: a report for others shows their verdicts alone.
    """

    model: str
    action: ActionKind
    status: ModelStatus
    rows: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    epsilon: float | None = None
    delta: float | None = None
    published: bool = False
    audits: tuple[Mapping[str, Any], ...] = ()
    message: str = ""
    generator: str | None = None
    withheld: tuple[str, ...] = ()
    path: str | None = None  # of the YAML file, relative to the project
    materialized: str | None = None
    disclosure: Literal["open", "guarded", "private"] = "open"  # what may be told of it: see privacy/release.py
    places: tuple[str, ...] = ()  # of the model and then of each of its audits: line:column in that file, or ""

    @property
    def failed(self) -> bool:
        return self.status in ("fail", "error")


def untold(audits: Sequence[Mapping[str, Any]]) -> int:
    """How many of these audits cannot tell."""
    return sum(a["status"] == "inconclusive" for a in audits)


def undecided(audits: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the table was held against real rows, and no audit that does so could decide anything."""
    compared = [a["status"] for a in audits if a.get("compares")]
    return "inconclusive" in compared and not {"pass", "warn", "fail", "error"} & set(compared)


@dataclass(frozen=True)
class RunResults:
    """One run. Times are ISO 8601 in UTC; ``git`` is {commit, dirty} or None outside a repository."""

    run_id: str
    started_at: str
    ended_at: str
    target: str
    seed: int
    device: str
    versions: Mapping[str, str]
    results: tuple[ModelResult, ...]
    git: Mapping[str, Any] | None = None
    command: str = "build"
    interrupted: bool = False

    @property
    def failed(self) -> bool:
        return self.interrupted or any(r.failed for r in self.results)

    @property
    def untold(self) -> int:
        """How many audits of the tables looked at cannot tell."""
        return sum(untold(r.audits) for r in self.results)

    @property
    def status(self) -> Literal["pass", "warn", "fail", "interrupted"]:
        """The worst of the run: ``warn`` also where no comparison could decide about a table, however old it is."""
        if self.interrupted:
            return "interrupted"
        if self.failed:
            return "fail"
        return "warn" if any(r.status == "warn" or undecided(r.audits) for r in self.results) else "pass"

    def counts(self) -> dict[str, int]:
        """How many models ended in each status, in a fixed order, zeros left out."""
        order = ("pass", "warn", "reused", "fail", "error", "skipped")
        found = {s: sum(1 for r in self.results if r.status == s) for s in order}
        return {s: n for s, n in found.items() if n}

    def to_json(self) -> dict[str, Any]:
        said = {"status": self.status, "untold": self.untold}
        return {**vars(self), **said, "results": [dict(vars(r)) for r in self.results]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> RunResults:
        rest = {k: v for k, v in data.items() if k not in ("results", "status", "untold")}
        results = tuple(ModelResult(**{**r, **{k: tuple(r[k]) for k in _TUPLES if k in r}}) for r in data["results"])
        return RunResults(**rest, results=results)

    @staticmethod
    def read(path: Path) -> RunResults:
        """Raises FileNotFoundError, or ValueError where the file is not a run's result."""
        return RunResults.from_json(parsed_json(path.read_text("utf-8")))
