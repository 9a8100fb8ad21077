"""What jobs come to, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from synthkit.records.audit import AuditRecord


@dataclass(frozen=True)
class Measured:
    """What one phase of a job took of the machine that it ran on, as that machine says it.

    Args:
        phase: load, train, sample, assemble, query, ask or audit.
        machine: by name.
        began: in seconds since 1970, by the machine's own clock.
        seconds: from its beginning to its end.
        cpu_seconds: of all cores together.
        peak_memory: the most that the process held, in bytes.
        gpus: that it worked on.
        paid: USD that a third party was paid meanwhile, exact.
    """

    phase: str
    machine: str
    began: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    gpus: int = 0
    paid: str = "0"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What every job comes to: ``measured`` is empty where nobody looked."""

    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True)
class Divided(Done):
    """Rows in two sides, in the folder that :func:`synthkit.sources.ingest.load_split` reads.

    Args:
        rows: of both sides.
        held_out: rows of the side that no model reads.
        notes: what reading changed in the rows.
        inferred: column → the type that was read off the rows, as nothing declares it.
    """

    directory: Path
    rows: int
    held_out: int
    notes: tuple[str, ...] = ()
    inferred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Made(Done):
    """Rows that are staged.

    Args:
        source_rows: that the model's source has; None where that is private, or there is none.
        seconds: that each phase took.
        notes: what is to be told of it.
    """

    rows: int
    source_rows: int | None
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learnt(Done):
    """A model that is trained.

    Args:
        trained: digest of its files, by which it is told from another training of the same inputs.
        whole: why its table cannot be drawn in partitions; None where it can.
        seconds: that each phase took.
    """

    trained: str
    whole: str | None
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Prepared(Done):
    """What is learnt of a table; ``columns`` of it are to be surveyed, none where a model is there already."""

    columns: int
    seconds: float


@dataclass(frozen=True)
class Surveyed(Done):
    """What a training needs of one column, in files; ``seconds`` is 0 where it was there already."""

    seconds: float


@dataclass(frozen=True)
class Drawn(Done):
    """One partition's rows, in a file; ``seconds`` is 0 where they were there already."""

    rows: int
    seconds: float


@dataclass(frozen=True)
class FamilyMade(Done):
    """Tables that were drawn together and are staged, by their names in the source; ``seconds`` of all of them."""

    members: Mapping[str, Made]
    seconds: Mapping[str, float]


# An audit's record has a JSON form of its own, in which a whole number stays one.
_Record = Annotated[
    AuditRecord,
    PlainSerializer(lambda record: record.to_json()),
    PlainValidator(lambda data: data if isinstance(data, AuditRecord) else AuditRecord.from_json(data)),
]


@dataclass(frozen=True)
class Audited(Done):
    """What the audits found, in their order."""

    records: tuple[_Record, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Repeated(Done):
    """Trainings that an audit repeats, in files: so many of them are there."""

    trainings: int


@dataclass(frozen=True)
class Failure:
    """Why a job came to nothing, as its process says it.

    Args:
        where: ``file:line:column``.
        trace: of an error that nobody foresaw.
        measured: what it took until then.
    """

    message: str
    hint: str | None = None
    where: str | None = None
    trace: str | None = None
    measured: tuple[Measured, ...] = ()

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Failure:
        measured = tuple(Measured(**one) for one in data.get("measured", ()))
        return Failure(**{**data, "measured": measured})
