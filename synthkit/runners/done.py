"""What jobs come to, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from synthkit.records.audit import AuditRecord


@dataclass(frozen=True)
class Divided:
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
class Made:
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
class Learnt:
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
class Drawn:
    """One partition's rows, in a file; ``seconds`` is 0 where they were there already."""

    rows: int
    seconds: float


@dataclass(frozen=True)
class FamilyMade:
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
class Audited:
    """What the audits found, in their order."""

    records: tuple[_Record, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Failure:
    """Why a job came to nothing, as its process says it.

    Args:
        where: ``file:line:column``.
        trace: of an error that nobody foresaw.
    """

    message: str
    hint: str | None = None
    where: str | None = None
    trace: str | None = None
