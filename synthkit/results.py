"""What a run found: the frozen value behind ``target/run_results.json``.

Console, JUnit, Markdown and HTML reports are pure functions of it; its JSON Schema ships as
``schemas/run_results.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from synthkit.files import parsed_json
from synthkit.records.audit import AuditRecord, undecided, untold
from synthkit.records.columns import MADE_UP, ColumnOrigin
from synthkit.records.consumption import Consumption
from synthkit.records.history import Disclosure
from synthkit.records.joins import Join
from synthkit.records.parts import Git
from synthkit.records.record import Count, NamedTexts, Number, Seconds, Size, When, as_json

ActionKind = Literal["train", "sample", "query", "ask", "audit", "promote", "reuse"]
ModelStatus = Literal["pass", "warn", "fail", "error", "skipped", "reused"]
RunStatus = Literal["pass", "warn", "fail", "interrupted"]
PHASES = ("train", "sample", "audit", "publish")


@dataclass(frozen=True)
class ModelResult:
    """What became of one model in one run.

    Args:
        model: its name.
        action: what was done for it.
        status: what it came to.
        rows: of the table.
        seconds: phase → how long it took.
        fingerprints: the hashes of what trains it, draws from it and audits it.
        epsilon: what it was trained under; null: no differential privacy.
        delta: the δ beside it.
        published: whether this run published a new version.
        audits: what each audit found.
        message: one sentence, where something went wrong.
        generator: by name.
        withheld: audits whose figures tell of private rows: others are shown their verdicts alone.
        path: the YAML file, seen from the project.
        materialized: what it is published as.
        disclosure: who may see figures of it.
        places: line:column of the model, and then of each audit, in that file.
        column_origins: of a drawn table, what was learnt and what is made up.
        family: the tables that it is made and published together with, by name.
        keys: that lead to tables of this project.
        consumed: what it took, by phase and machine.
        queued: seconds that it was ready and not begun.
        paid: USD that teachers were paid in this run, exact.
    """

    model: str
    action: ActionKind
    status: ModelStatus
    rows: Count | None = None
    seconds: Seconds = field(default_factory=dict)
    fingerprints: NamedTexts = field(default_factory=dict)
    epsilon: Number | None = None
    delta: Number | None = None
    published: bool = False
    audits: tuple[AuditRecord, ...] = ()
    message: str = ""
    generator: str | None = None
    withheld: tuple[str, ...] = ()
    path: str | None = None
    materialized: str | None = None
    disclosure: Disclosure = "open"
    places: tuple[str, ...] = ()
    column_origins: tuple[ColumnOrigin, ...] = ()
    family: str | None = None
    keys: tuple[Join, ...] = ()
    consumed: tuple[Consumption, ...] = ()
    queued: Size | None = None
    paid: str = "0"

    @property
    def made_up(self) -> tuple[str, ...]:
        """The columns that only look like the source's, and tell nothing of it."""
        return tuple(o.name for o in self.column_origins if o.how in MADE_UP)

    @property
    def failed(self) -> bool:
        return self.status in ("fail", "error")


@dataclass(frozen=True)
class RunResults:
    """One run.

    Args:
        run_id: the run, as ledger, receipts and synth_meta.runs name it.
        started_at, ended_at: UTC.
        target: where was published to.
        seed: the project's, or that of the command line.
        device: where generators train, as asked for.
        versions: of synthkit, Python and the packages that compute.
        results: one for each model of the run.
        git: of the project, where it is in git.
        command: the verb.
        interrupted: whether it was stopped before its end.

    >>> RunResults("r1", "", "", "dev", 7, "cpu", {}, (ModelResult("churn", "train", "warn"),)).status
    'warn'
    """

    run_id: str
    started_at: When
    ended_at: When
    target: str
    seed: int
    device: str
    versions: NamedTexts
    results: tuple[ModelResult, ...]
    git: Git | None = None
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
    def status(self) -> RunStatus:
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
        whole: dict[str, Any] = as_json({**vars(self), **said, "results": [vars(r) for r in self.results]})
        return whole

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> RunResults:
        """Raises ValueError, KeyError or TypeError where it is not a run's result."""
        rest = {k: v for k, v in data.items() if k not in ("results", "status", "untold", "git")}
        git = None if data["git"] is None else Git.from_json(data["git"])
        return RunResults(**rest, git=git, results=tuple(map(_result, data["results"])))

    @staticmethod
    def read(path: Path) -> RunResults:
        """Raises FileNotFoundError, or ValueError where the file is not a run's result."""
        return RunResults.from_json(parsed_json(path.read_text("utf-8")))


def _result(data: Mapping[str, Any]) -> ModelResult:
    lists = {k: tuple(data[k]) for k in ("withheld", "places") if k in data}
    audits = tuple(AuditRecord.from_json(a) for a in data.get("audits", ()))
    origins = tuple(ColumnOrigin.from_json(o) for o in data.get("column_origins", ()))
    keys = tuple(Join.from_json(k) for k in data.get("keys", ()))
    consumed = tuple(Consumption.from_json(u) for u in data.get("consumed", ()))
    read = {"audits": audits, "column_origins": origins, "keys": keys, "consumed": consumed}
    return ModelResult(**{**data, **lists, **read})
