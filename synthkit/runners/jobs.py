"""The jobs that a worker can do, as values: whoever carries one out needs nothing else.

What they come to: :mod:`.done`; how both travel: :mod:`.wire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, get_args, get_origin

from pydantic import Field, TypeAdapter

from synthkit.files import Json
from synthkit.generators.base import Budget
from synthkit.generators.tables import Key
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.partition import Partition
from synthkit.project.resources import UNASKED, Resources
from synthkit.project.size import Size
from synthkit.project.types import ConnectionSpec, Keys, Options, SourceTableSpec
from synthkit.rules.across.bound import Hop
from synthkit.runners.done import Audited, Divided, Drawn, FamilyMade, Learnt, Made, Prepared, Repeated, Surveyed
from synthkit.runners.parts import (
    DrawnMember,
    FailureFolder,
    Files,
    Judged,
    Modelled,
    Passage,
    Pictures,
)
from synthkit.runners.wire import packed, unpacked
from synthkit.schema import Schema, Table
from synthkit.sources.bounding import Declared
from synthkit.sources.family import Ownership

STOPPED = "the build was stopped"  # what a job says that was ended because its build was
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Job(Generic[R]):
    """Something to do that comes to an ``R``.

    Args:
        root: the project's folder. Paths below it mean the same on each machine that has the project, wherever.
        resources: that it asks for.
    """

    root: Path
    resources: Resources = UNASKED


@dataclass(frozen=True, kw_only=True)
class IngestJob(Job[Divided]):
    """Read a source once into its training and holdout rows.

    Args:
        holdout: the share that no model reads.
        directory: below which the folder of the two sides lies.
        source_hash: of the content that is to be read.
        declared: how a training under a budget reads it.
        ownership: by whose key its rows are divided, where they belong to rows of another table, or own some.
    """

    spec: SourceTableSpec
    connections: Mapping[str, ConnectionSpec]
    holdout: float
    directory: Path
    source_hash: str
    declared: Declared | None = None
    ownership: Ownership | None = None
    kind: Literal["ingest"] = "ingest"


@dataclass(frozen=True, kw_only=True)
class SplitJob(Job[Divided]):
    """Split a published table, for a model that learns from it, as a source is split, but by a ``salt`` of its own."""

    table: Table
    holdout: float
    directory: Path
    salt: str
    kind: Literal["split"] = "split"


@dataclass(frozen=True, kw_only=True)
class InheritJob(Job[Divided]):
    """Hold a published table against its source's held-out rows, put through the queries that made the table.

    Args:
        held_out: the files of those rows.
        queries: of the SQL models from the source down to the table.
    """

    table: Table
    holdout: float
    directory: Path
    held_out: tuple[Path, ...]
    queries: tuple[Passage, ...]
    kind: Literal["inherit"] = "inherit"


@dataclass(frozen=True, kw_only=True)
class Staged(Job[Made]):
    """A job that stages the rows of a model.

    Args:
        stage_dir: the folder of the rows and of the record that says that they are whole.
        sample: the hash under which they wait for their audits.
        seed: every random choice follows from it.
        metadata: what is stamped into the Parquet file.
        guarantees: what the rows may reveal, for the record.
    """

    model: str
    stage_dir: Path
    sample: str
    seed: int
    metadata: Mapping[str, str]
    guarantees: tuple[Guarantee, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GenerateJob(Modelled, Staged):
    """Fit (or load) a generator, draw all rows, and stage them."""

    kind: Literal["generate"] = "generate"


@dataclass(frozen=True, kw_only=True)
class TrainJob(Modelled, Job[Learnt]):
    """Fit a generator, where that is not done yet; rows are drawn by others.

    Args:
        partitions: that are to be drawn.
    """

    partitions: int
    kind: Literal["train"] = "train"


@dataclass(frozen=True, kw_only=True)
class PrepareJob(Modelled, Job[Prepared]):
    """Decide what is learnt of a large table, unless that is done, and lay down how it is learnt."""

    kind: Literal["prepare"] = "prepare"


@dataclass(frozen=True, kw_only=True)
class SurveyJob(Modelled, Job[Surveyed]):
    """Survey one column of a table that is prepared, unless that is done. To run it again, or twice, does no harm.

    Args:
        column: its number among those that are learnt.
    """

    column: int
    kind: Literal["survey"] = "survey"


@dataclass(frozen=True, kw_only=True)
class PartitionJob(Modelled, Job[Drawn]):
    """Draw one partition of a table from a model that is trained, into a file of its own, unless it is there.

    It depends on no other partition's. To run it again, or twice at once, does no harm.

    Args:
        partition: which one.
        rows: of the whole table.
        trained: digest of the trained model.
        sample: the hash of what decides the rows.
        directory: of the partitions of this table.
        metadata: what is stamped into the Parquet file.
    """

    partition: Partition
    rows: int
    trained: str
    sample: str
    directory: Path
    metadata: Mapping[str, str]
    kind: Literal["partition"] = "partition"


@dataclass(frozen=True, kw_only=True)
class AssembleJob(Modelled, Staged):
    """Put the partitions of a table together, in their order, and stage the rows.

    Args:
        partitions: how many there are.
        rows, trained, directory: as those of the partitions' jobs.
    """

    partitions: int
    rows: int
    trained: str
    directory: Path
    kind: Literal["assemble"] = "assemble"


@dataclass(frozen=True, kw_only=True)
class FamilyJob(Job[FamilyMade]):
    """Fit (or load) a generator of tables that hang together, draw all of them, and stage each.

    Args:
        members: by their names in the source, each after all that its keys name.
        keys: between them, by the same names.
        first: the table that the size is of.
        model_dir: of the trained model, found or made.
        seed: every random choice follows from it.
        at_least, at_most: table → how many of its rows belong to each row of its owner, where that is asked for.
        rules: across the tables, each as its text and the keys that it goes along (:func:`.rules.across.bound.bound`).
        numbering: what made-up keys are, as ``keys:`` of a model has it.
        budget, charge: that they are learnt under, and what the ledger says of the training.
    """

    family: str
    generator: str
    params: Options
    members: Mapping[str, DrawnMember]
    keys: tuple[Key, ...]
    first: str
    model_dir: Path
    size: Size
    seed: int
    device: str
    at_least: Mapping[str, int] = field(default_factory=dict)
    at_most: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[tuple[str, tuple[Hop, ...]], ...] = ()
    numbering: Keys = "own"
    budget: Budget | None = None
    charge: Charged | None = None
    kind: Literal["family"] = "family"


@dataclass(frozen=True, kw_only=True)
class QueryJob(Staged):
    """Run an SQL model's SELECT over Parquet files and stage its rows.

    Args:
        schema: the columns as far as the compiler knows them.
    """

    sql: str
    relations: Files
    schema: Schema
    kind: Literal["query"] = "query"


@dataclass(frozen=True, kw_only=True)
class ComposeJob(Staged):
    """Ask a teacher for the rows of a model and stage them. What was asked is kept below the root.

    Args:
        split: the folder of the source's two sides: training rows are shown to the teacher, held-out ones never.
        dropped: the file of what did not get into the table.
        device: on which a model runs that is on the machine.
    """

    generator: str
    params: Options
    split: Path
    schema: Schema
    dropped: Path
    size: Size
    device: str = "auto"
    kind: Literal["compose"] = "compose"


@dataclass(frozen=True, kw_only=True)
class AuditJob(Judged, Job[Audited]):
    """Judge staged (or published) rows.

    Args:
        failures: where failing rows are kept; None: none are.
        pictures: that are asked for.
        repeats: the folder of trainings that were carried out for its one audit.
    """

    failures: FailureFolder | None = None
    pictures: Pictures | None = None
    repeats: Path | None = None
    kind: Literal["audit"] = "audit"


@dataclass(frozen=True, kw_only=True)
class RepeatJob(Judged, Job[Repeated]):
    """Carry out some of the trainings that an audit repeats, unless they are there, for the audit to read.

    Args:
        audits: that one.
        repeats: the folder that they are kept in.
        part, of: every ``of``-th of them, from number ``part`` on.
    """

    repeats: Path
    part: int
    of: int
    kind: Literal["repeat"] = "repeat"


AnyJob = (
    IngestJob
    | SplitJob
    | InheritJob
    | GenerateJob
    | TrainJob
    | PrepareJob
    | SurveyJob
    | PartitionJob
    | AssembleJob
    | FamilyJob
    | QueryJob
    | ComposeJob
    | AuditJob
    | RepeatJob
)


def job_to_json(job: Job[Any]) -> dict[str, Any]:
    """The job as JSON: its kind, its fields, and as ``root`` where the project lies here."""
    fields = packed(_jobs().dump_python(job), job.root)  # type: ignore[arg-type]
    return {**fields, "root": str(job.root)}


def job_from_json(data: Json, root: Path | None = None) -> Job[Any]:
    """The job that :func:`job_to_json` wrote.

    Args:
        root: where the project lies on this machine; default: where it lay on the one that wrote the job.

    Raises:
        ValueError: it is no job, or a field is not of its type.
    """
    here = Path(data["root"]) if root is None else root
    rest = {key: value for key, value in data.items() if key != "root"}
    return _jobs().validate_python({**unpacked(rest, here), "root": here})


def done_to_json(job: Job[R], done: R) -> Any:
    """What the job came to, as JSON."""
    return packed(_done_by(type(job)).dump_python(done), job.root)


def done_from_json(job: Job[R], data: Any) -> R:
    """What :func:`done_to_json` wrote, with its paths below the job's root. Raises ValueError where it is not that."""
    done: R = _done_by(type(job)).validate_python(unpacked(data, job.root))
    return done


@cache
def _jobs() -> TypeAdapter[AnyJob]:
    return TypeAdapter(Annotated[AnyJob, Field(discriminator="kind")])


def _done_by(kind: type[Job[Any]]) -> TypeAdapter[Any]:
    """For what jobs of a kind come to: the ``R`` of the ``Job[R]`` among its bases."""
    (base,) = (b for k in kind.__mro__ for b in vars(k).get("__orig_bases__", ()) if get_origin(b) is Job)
    return _adapter(get_args(base)[0])


@cache
def _adapter(done: Any) -> TypeAdapter[Any]:
    return TypeAdapter(done)


class JobProgress(Protocol):
    """How a running job reports: phase (load, train, sample, audit), done of total units, a short note."""

    def __call__(self, phase: str, done: int, total: int, unit: str, note: str = "") -> None: ...


class Executor(Protocol):
    """Where jobs run. ``run`` blocks, may be called from many threads, and returns what the job came to."""

    def run(self, job: Job[R], progress: JobProgress) -> R:
        """Raises BuildError (or SynthError) with the job's own reason, or that its process died."""

    def stop(self) -> None:
        """End every running job now; their ``run`` raises."""

    def close(self) -> None: ...
