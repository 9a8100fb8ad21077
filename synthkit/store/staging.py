"""Where rows and trained models wait: scratch below ``target/``, keyed by hash, never readable as published.

```
target/staging/<model>/<sample hash>/data.parquet, stage.json    rows that no audit has passed yet
target/staging/<model>/audited.json                              the last audited state of an ephemeral model
target/cache/models/<train hash>/                                a trained model
target/cache/checkpoints/<train hash>.safetensors                the state of a training that has not ended
target/cache/surveys/<train hash>-<of the rows>/                 of a large table, what is found of its columns so far
target/cache/partitions/<sample hash>/                           of a large table, what is drawn of it so far
target/cache/repeats/                                            trainings that jobs carry out for an audit, as it runs
target/cache/splits/<key>/                                       a source's training and holdout rows
target/failures/<model>/<audit>.parquet                          failing rows of the last audits, where they are kept
target/dropped/<model>.jsonl                                     what a teacher wrote and no table took, and why
target/profiles/<model>.json                                     the pictures of a table, from its last audit
```
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from synthkit.digests import digest
from synthkit.files import explained, has_living_owner, parsed_json, put_over, temporary_folder, write_json_atomic
from synthkit.privacy.ledger.entries import Charged
from synthkit.records.columns import ColumnOrigin, TypedColumns
from synthkit.records.parts import ChargeRecord, Environment, Promise, Teaching
from synthkit.records.receipt import AuditedTable
from synthkit.records.record import Record, Several
from synthkit.schema import Table
from synthkit.sources.ingest import DERIVED_VERSION
from synthkit.store.hashing import Hashes

R = TypeVar("R", bound=Record)
DATA = "data.parquet"  # of staged rows
TRAINED = "complete.json"  # of a trained model: written last
HANDED_OUT = "target/kubernetes"  # of a project: jobs that pods find in its storage, a folder for each Job
SHORT = 32  # hexadecimal digits of a hash that name a folder: 128 bits


class StageRecord(Record):
    """``stage.json``: it is written when the rows are whole.

    ``privacy`` and what follows it are as in a receipt; ``sha256`` and ``md5`` are of the file as it was written.
    """

    sample: str
    rows: int
    sha256: str | None = None
    md5: str | None = None
    table_schema: TypedColumns = Field(alias="schema")
    source_rows: int | None = None
    privacy: ChargeRecord | None = None
    guarantees: Several[Promise] | None = None
    environment: Environment | None = None
    teacher: Teaching | None = None
    rules: Several[str] = ()
    origins: Several[ColumnOrigin] | None = None


class CachedModel(Record):
    """``complete.json`` of a trained model: it is written last. ``charge`` is what the ledger was charged for it."""

    charge: ChargeRecord | None = None


@dataclass(frozen=True)
class StagedRows:
    """Rows of one model that wait for their audits, or are published.

    Args:
        privacy: what the ledger was charged for the model that drew them; None without ε.
        guarantees: what they may reveal, by account; None where that was never recorded.
        teacher: what asking a teacher for them took; None where nobody was asked.
        hashes: of the file, taken while it was written.
        environment: where they were computed (:func:`synthkit.runners.environment.environment`); None where that was
            never recorded.
        rules: that the rows keep although nobody declared them.
        origins: of a drawn table, where each column comes from; None where that was never recorded.
    """

    table: Table
    sample: str
    source_rows: int | None
    privacy: ChargeRecord | None = None
    guarantees: tuple[Promise, ...] | None = None
    teacher: Teaching | None = None
    hashes: Hashes | None = None
    environment: Environment | None = None
    rules: tuple[str, ...] = ()
    origins: tuple[ColumnOrigin, ...] | None = None

    @property
    def path(self) -> Path:
        return self.table.paths[0]


class Staging:
    """The scratch of one project."""

    def __init__(self, target_dir: Path) -> None:
        self.root = target_dir
        self.staging = target_dir / "staging"
        self.models = target_dir / "cache" / "models"
        self.splits = target_dir / "cache" / "splits"
        self.surveys = target_dir / "cache" / "surveys"
        self.drawing = target_dir / "cache" / "partitions"
        self.checkpoints = target_dir / "cache" / "checkpoints"
        self.previous = target_dir / "previous"
        self.failures = target_dir / "failures"

    def directory(self, model: str, sample: str) -> Path:
        return self.staging / model / sample[:SHORT]

    def staged(self, model: str, sample: str) -> StagedRows | None:
        """The rows staged under this sample hash, if they are complete."""
        directory = self.directory(model, sample)
        record = _read(directory / "stage.json", StageRecord)
        data = directory / DATA
        if record is None or record.sample != sample or not data.exists():
            return None
        table = Table(record.table_schema.as_schema(), (data,), record.rows)
        hashes = None if record.sha256 is None or record.md5 is None else Hashes(record.sha256, record.md5)
        return StagedRows(
            table,
            sample,
            record.source_rows,
            record.privacy,
            record.guarantees,
            record.teacher,
            hashes,
            record.environment,
            record.rules,
            record.origins,
        )

    def adopt(self, model: str, rows: StagedRows) -> StagedRows:
        """Rows that lie elsewhere, published or staged: a copy of them waits here, with all that is known of them.

        Raises BuildError where the disk does not take it.
        """
        directory = self.directory(model, rows.sample)
        with explained(directory), temporary_folder(directory) as folder:
            shutil.copyfile(rows.path, folder / DATA)
            sha256, md5 = (None, None) if rows.hashes is None else rows.hashes
            said = StageRecord(
                sample=rows.sample,
                rows=rows.table.rows,
                sha256=sha256,
                md5=md5,
                schema=TypedColumns.from_json(rows.table.schema.to_json()),
                source_rows=rows.source_rows,
                privacy=rows.privacy,
                guarantees=rows.guarantees,
                environment=rows.environment,
                teacher=rows.teacher,
                rules=rows.rules,
                origins=rows.origins,
            )
            write_json_atomic(folder / "stage.json", said.to_json())
            put_over(folder, directory)
        return replace(rows, table=replace(rows.table, paths=(directory / DATA,)))

    def model_dir(self, train: str) -> Path:
        return self.models / train[:SHORT]

    def split(self, model: str, rows: StagedRows, holdout: float, *, inherited: bool) -> Path:
        """The folder of the two sides of another model's rows.

        Args:
            inherited: all of its rows are training rows, and those held out come from its source.
        """
        identity: dict[str, Any] = {"rows": rows.sample, "holdout": holdout, "version": DERIVED_VERSION}
        if inherited:
            identity["inherited"] = True
        if entries := [e for g in rows.guarantees or () for e in g.entries]:
            identity["entries"] = entries  # with secure noise, a second training gives other rows under the same hash
        return self.splits / f"{model}-{digest(identity)[:SHORT]}"

    def partitions(self, sample: str) -> Path:
        """The folder of the partitions of a table that is being drawn."""
        return self.drawing / sample[:SHORT]

    def repeats(self, model: str) -> Path:
        """What the temporary folder of trainings that are carried out for an audit is named after."""
        return self.root / "cache" / "repeats" / model

    def survey(self, train: str, split: Path) -> Path:
        """The folder of what is found of the columns of a large table.

        Args:
            split: the folder of its two sides; with secure noise upstream, the same hash may have several.
        """
        return self.surveys / f"{train[:SHORT]}-{digest(split.name)[:8]}"

    def checkpoint(self, train: str) -> Path:
        return self.checkpoints / f"{train[:SHORT]}.safetensors"

    def dropped(self, model: str) -> Path:
        return self.root / "dropped" / f"{model}.jsonl"

    def profile(self, model: str) -> Path:
        return self.root / "profiles" / f"{model}.json"

    def has_model(self, train: str) -> bool:
        """Whether a trained model is there, whole: its marker is written last."""
        return (self.model_dir(train) / TRAINED).exists()

    def charge(self, train: str) -> Charged | None:
        """What the ledger was charged for the cached model; None where it is not there, or was trained without ε."""
        record = _read(self.model_dir(train) / TRAINED, CachedModel)
        return None if record is None or record.charge is None else Charged.from_json(record.charge.to_json())

    def audited(self, model: str) -> AuditedTable | None:
        """The last audited state of an ephemeral model, if its rows are still there."""
        record = _read(self.staging / model / "audited.json", AuditedTable)
        if record is None or self.staged(model, record.fingerprints.sample) is None:
            return None
        return record

    def record_audited(self, model: str, table: AuditedTable) -> None:
        write_json_atomic(self.staging / model / "audited.json", table.to_json())

    def discard_others(self, model: str, keep: str | None) -> None:
        """Remove staged rows of the model but those of sample hash ``keep``."""
        folder = self.staging / model
        if not folder.is_dir():
            return
        for entry in folder.iterdir():
            if entry.is_dir() and (keep is None or entry.name != keep[:SHORT]) and not has_living_owner(entry):
                shutil.rmtree(entry, ignore_errors=True)


def _read(path: Path, kind: type[R]) -> R | None:
    try:
        return kind.from_json(parsed_json(path.read_text("utf-8")))
    except (OSError, ValueError):
        return None
