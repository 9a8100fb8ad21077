"""The jobs that a worker can do. Each is paths and specs in JSON, so that it can run in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

STOPPED = "the build was stopped"  # what a job says that was ended because its build was


@dataclass(frozen=True)
class IngestJob:
    """Read a source once into its training and holdout rows.

    ``declared`` is how a training under a budget reads it: {schema, max_rows_per_unit}.
    """

    spec: Mapping[str, Any]
    connections: Mapping[str, Any]
    root: str
    holdout: float
    directory: str
    source_hash: str
    declared: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SplitJob:
    """Split a published table, for a model that learns from it, as a source is split, but by a ``salt`` of its own."""

    path: str
    schema: Mapping[str, Any]
    rows: int
    holdout: float
    directory: str
    salt: str


@dataclass(frozen=True)
class InheritJob:
    """Hold a published table against its source's held-out rows, put through the queries that made the table.

    ``held_out`` are the files of those rows; ``queries`` those of the SQL models from the source down to the table:
    {sql, over: the relation that the rows stand for, relations: the files of all others, seed}.
    """

    path: str
    schema: Mapping[str, Any]
    rows: int
    holdout: float
    directory: str
    held_out: list[str]
    queries: list[Mapping[str, Any]]


@dataclass(frozen=True)
class GenerateJob:
    """Fit (or load) a generator and stage its rows.

    ``size`` is {rows} or {factor} of the source's rows; ``constraints`` are rule → where it is declared;
    ``checkpoint`` is the file that keeps the state of an unfinished training; ``budget`` holds the fields of a
    :class:`~synthkit.generators.base.Budget`, and ``charge`` what the ledger was charged for it: without a charge
    nothing is trained under a budget. Both it and ``guarantees``, which the rows carry, go into the record of the rows.
    ``declared`` is the schema that a training under a budget works with, whatever the rows look like; ``size`` then is
    a number of rows.
    """

    model: str
    generator: str
    params: Mapping[str, Any]
    split: str
    columns: Mapping[str, Mapping[str, Any]]
    model_dir: str
    checkpoint: str
    stage_dir: str
    sample: str
    size: Mapping[str, Any]
    conditions: Mapping[str, Any]
    constraints: Mapping[str, str]
    seed: int
    device: str
    budget: Mapping[str, Any] | None
    declared: Mapping[str, Any] | None
    charge: Mapping[str, Any] | None
    metadata: Mapping[str, str]
    guarantees: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class QueryJob:
    """Run an SQL model's SELECT over Parquet files and stage its rows."""

    model: str
    sql: str
    relations: Mapping[str, list[str]]
    schema: Mapping[str, Any]
    stage_dir: str
    sample: str
    seed: int
    metadata: Mapping[str, str]
    guarantees: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class ComposeJob:
    """Ask a teacher for the rows of a model and stage them.

    ``split`` is the folder of the source's rows: its training rows are shown to the teacher, its held-out ones never.
    ``root`` is the project's, which keeps the requests and may override prices; ``dropped`` the file of what did not
    get into the table.
    """

    model: str
    generator: str
    params: Mapping[str, Any]
    split: str
    schema: Mapping[str, Any]
    root: str
    dropped: str
    stage_dir: str
    sample: str
    size: Mapping[str, Any]
    seed: int
    metadata: Mapping[str, str]
    guarantees: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class AuditJob:
    """Judge staged (or published) rows.

    ``split`` is the folder of the real rows, if there are any; they are judged in the types of ``declared``, if given.
    ``training`` holds the fields of a :class:`~synthkit.audits.context.PrivateTraining`, where there was one;
    ``recipe``, where an audit trains the model again, {generator, params, columns: the types that the model itself
    declares, conditions, device}.
    ``failures`` is the folder for failing rows and what messages call it. ``previous`` holds the fields of the version
    published before (:meth:`synthkit.store.previous.Earlier.to_json`), ``seconds`` what making these rows took.
    ``profile`` asks for the pictures: {path, real: whether real rows may be in them, stamp: what is kept beside them}.
    """

    model: str
    schema: Mapping[str, Any]
    synthetic: str
    rows: int
    split: str | None
    relations: Mapping[str, list[str]]
    audits: list[Mapping[str, Any]]
    seed: int
    declared: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    recipe: Mapping[str, Any] | None = None
    failures: tuple[str, str] | None = None
    previous: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    profile: Mapping[str, Any] | None = None


Job = IngestJob | SplitJob | InheritJob | GenerateJob | QueryJob | ComposeJob | AuditJob
_KINDS: dict[str, type[Any]] = {
    "ingest": IngestJob,
    "split": SplitJob,
    "inherit": InheritJob,
    "generate": GenerateJob,
    "query": QueryJob,
    "compose": ComposeJob,
    "audit": AuditJob,
}
_NAMES = {cls: name for name, cls in _KINDS.items()}


def job_to_json(job: Job) -> dict[str, Any]:
    return {"kind": _NAMES[type(job)], **asdict(job)}


def job_from_json(data: Mapping[str, Any]) -> Job:
    rest = {k: v for k, v in data.items() if k != "kind"}
    job: Job = _KINDS[data["kind"]](**rest)
    return job


class JobProgress(Protocol):
    """How a running job reports: phase (load, train, sample, audit), done of total units, a short note."""

    def __call__(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None: ...


class Executor(Protocol):
    """Where jobs run. ``run`` blocks, may be called from many threads, and returns the job's manifest."""

    def run(self, job: Job, progress: JobProgress) -> Mapping[str, Any]:
        """Raises BuildError (or SynthError) with the job's own reason, or that its process died."""

    def stop(self) -> None:
        """End every running job now; their ``run`` raises."""

    def close(self) -> None: ...
