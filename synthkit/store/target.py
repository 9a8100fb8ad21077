"""What synthkit asks of a place that tables are published to: a class of a few methods, in a file of its own.

Whatever it is, a table appears whole or not at all, with its receipt; the last good one stays until then; and what was
published is found again by its hash. A third party's comes by the entry-point group ``synthkit.targets``
(:mod:`.targets`); the local one, Parquet files and a DuckDB file, is :mod:`.local`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from synthkit.errors import BuildError
from synthkit.files import digests, parsed_json, sha256_file
from synthkit.memory import uncollected
from synthkit.records.audit import AuditRecord
from synthkit.records.history import RunEntry
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.records.usage import Usage
from synthkit.schema import Table
from synthkit.store.hashing import Hashes
from synthkit.store.signing import Sign
from synthkit.store.staging import StagedRows


@dataclass(frozen=True)
class Place:
    """Where a target lies.

    Args:
        path: its ``warehouse:``, a folder or a file.
        database: its ``database:``.
        scratch: a folder for what it derives; whatever is in it may be removed at any time.
        address: its ``warehouse:`` where that is one (``s3://bucket/prefix``); ``path`` is the receipts' folder then.
            It may hold a password, and is not shown.
        schema: its ``schema:``.
        catalog: its ``catalog:``.
    """

    path: Path
    database: Path
    scratch: Path
    address: str | None = field(default=None, repr=False)
    schema: str | None = None
    catalog: str | None = None


@dataclass(frozen=True)
class PassingAudit:
    """Proof that every required audit passed; :meth:`of` is the only way to one, and `publish` asks for it."""

    records: tuple[AuditRecord, ...]

    def __post_init__(self) -> None:
        bad = [r.name for r in self.records if not r.passes]
        if bad:
            raise ValueError(f"audits that did not pass cannot publish a table: {', '.join(bad)}")

    @staticmethod
    def of(records: Sequence[AuditRecord]) -> PassingAudit:
        return PassingAudit(tuple(records))


@dataclass(frozen=True)
class Sealed:
    """A table that may be published, and by its hashes is known again.

    Args:
        sha256, md5: of the Parquet file.
        keep: is given the file in its place and its MD5 before any receipt names it, to keep a version of it.
    """

    table: AuditedTable
    audit: PassingAudit
    sha256: str
    md5: str
    sign: Sign | None = None
    keep: Callable[[Path, str], None] | None = None

    @property
    def file(self) -> str:
        """What the receipt calls the rows, by their hash."""
        return f"{self.table.model}/{self.sha256[:16]}.parquet"

    def receipt(self, size: int, previous: str | None) -> Receipt:
        """The receipt, signed where a key is configured.

        Args:
            size: of the Parquet file, in bytes.
            previous: SHA-256 of the receipt that it replaces: receipts form a chain.
        """
        whole = {
            **self.table.to_json(),
            "file": self.file,
            "sha256": self.sha256,
            "md5": self.md5,
            "previous": previous,
            "bytes": size,
            "audits": [record.to_json() for record in self.audit.records],
        }
        receipt = Receipt.from_json(parsed_json(json.dumps(whole, default=str)))  # as it will be read
        return receipt if self.sign is None else receipt.having(signature=self.sign(receipt))


@dataclass(frozen=True)
class Publication:
    """One of the tables that are published together; the fields are the arguments of :meth:`Gate.publish`."""

    name: str
    data: Path
    audit: PassingAudit
    table: AuditedTable
    hashes: Hashes | None = None


@dataclass(frozen=True)
class Exposed:
    """Somebody who depends on a table, as the YAML declares it; ``owner`` and ``email`` are of whom to ask."""

    name: str
    type: str
    owner: str | None = None
    email: str | None = None
    url: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class TableInfo:
    """How a published table appears in DuckDB, and what the YAML says of it there.

    Args:
        usage: its data sheet.
        exposures: who depends on it.
    """

    name: str
    materialized: str
    description: str | None = None
    column_descriptions: Mapping[str, str | None] = field(default_factory=dict)
    usage: Usage | None = None
    exposures: tuple[Exposed, ...] = ()


class Tables(Protocol):
    """Published tables, for who reads them."""

    def names(self) -> list[str]:
        """The tables that have a receipt, whole or not."""
        ...

    def receipt(self, name: str) -> Receipt | None:
        """The receipt, whether or not its rows are there."""
        ...

    def published(self, name: str) -> Receipt | None:
        """The receipt of a table whose rows are there, whole; else None."""
        ...

    def file(self, receipt: Receipt) -> Path:
        """A Parquet file of the rows that a receipt names, whose SHA-256 is the receipt's. Raises BuildError."""
        ...

    def original(self, receipt: Receipt) -> Path:
        """:meth:`file`, as it is published now, whatever was kept of it on this machine: what `verify` hashes."""
        return self.file(receipt)

    def shown_in(self) -> Path | None:
        """The DuckDB file that shows the tables to others, where there is one."""
        ...

    def shown_otherwise(self, receipt: Receipt, *, full: bool) -> Iterator[str]:  # noqa: ARG002
        """What of the table that others read there is not what its receipt says, in words; of a target that has the
        rows twice, for its own readers and for others.

        Args:
            full: look at every row; else at how many there are.
        """
        return iter(())

    def all_published(self) -> dict[str, Receipt]:
        """Receipts of all published tables, by name.

        Of tables that are published together (:meth:`Gate.put_all`) all old or all new ones: a target that does so
        reads them at one instant.
        """
        with uncollected(held=False):  # as often as others publish, and beside what trains
            found = {name: self.published(name) for name in self.names()}
        return {name: receipt for name, receipt in found.items() if receipt is not None}

    def rows(self, name: str) -> StagedRows | None:
        """The published rows as a table, or None where there are none."""
        receipt = self.published(name)
        if receipt is None:
            return None
        table = Table(receipt.table_schema.as_schema(), (self.file(receipt),), receipt.rows)
        return StagedRows(
            table,
            receipt.fingerprints.sample,
            receipt.source_rows,
            receipt.privacy,
            receipt.guarantees,
            receipt.teacher,
            None,
            receipt.environment,
            receipt.rules or (),
            receipt.column_origins,
        )


class Gate(Tables, Protocol):
    """The way to a published table: :meth:`publish` asks for passing audits, and calls :meth:`put`."""

    def put(self, name: str, data: Path, sealed: Sealed) -> Receipt:
        """Put the Parquet file ``data`` in its place, and with it the receipt that ``sealed`` makes.

        Readers, and whoever comes after a kill at any moment, find the table before or the one after, each with its
        receipt. Raises BuildError where it cannot be written; the last table is then as it was.
        """
        ...

    def publish(
        self,
        name: str,
        data: Path,
        audit: PassingAudit,
        table: AuditedTable,
        keep: Callable[[Path, str], None] | None = None,
        hashes: Hashes | None = None,
        sign: Sign | None = None,
    ) -> Receipt:
        """Publish the Parquet file ``data`` (which may lie anywhere) under ``name``.

        Args:
            keep: see :class:`Sealed`.
            sign: signs the receipt as it is written; without it, it has no signature.
            hashes: of ``data`` as it was written; MD5, which takes longest, is then believed where SHA-256 agrees.

        Returns the receipt as written, with the file's name, hashes and size, and the hash of the receipt that it
        replaces.

        Raises:
            BuildError: the disk does not take it, or ``data`` is not what was written; the last published table is
                then as it was.
        """
        return self.put(name, data, _sealed(Publication(name, data, audit, table, hashes), keep, sign))

    def alone(self) -> str | None:
        """Why several tables cannot be published together, in words; None where they can.

        A target that has :meth:`put_all` says None here; any other is refused a family before anything is built.
        """
        return "a target of this type publishes one table at a time"

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """Put several tables in their places, name → file and seal, so that they appear at one instant.

        Whoever reads :meth:`all_published`, or two of them one after the other, never finds one of them new and then
        another old; after a kill at any moment all are as before, or all are new. Raises BuildError where one cannot
        be written; all are then as they were.
        """
        hint = "choose another target, or one model for each table"
        raise BuildError(f"{' and '.join(tables)} cannot be published together: {self.alone()}", hint=hint)

    def publish_all(
        self,
        publications: Sequence[Publication],
        keep: Callable[[Path, str], None] | None = None,
        sign: Sign | None = None,
    ) -> dict[str, Receipt]:
        """Publish several tables at one instant, or none of them. Otherwise as :meth:`publish`."""
        return self.put_all({p.name: (p.data, _sealed(p, keep, sign)) for p in publications})


@runtime_checkable
class Target(Gate, Protocol):
    """Published tables, for who publishes them. Inherit from it: what is written out here is the same for all."""

    def remove(self, name: str) -> None:
        """Withdraw a table: no reader finds a name without its rows."""
        ...

    def size(self, name: str) -> int:
        """Bytes that :meth:`remove` would free."""
        ...

    def mend(self) -> None:
        """Remove what a killed process left; the project's lock is held."""
        ...

    def folders(self) -> Iterable[Path]:
        """Where temporaries of killed processes may lie."""
        ...

    def ready(self) -> str:
        """That it can be published to, in words. Leaves nothing behind. Raises SynthError."""
        ...

    def unversioned(self) -> str | None:
        """Why git and DVC keep no versions of its tables; None where they may."""
        ...

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:  # noqa: ARG002
        """Remove old versions that the target keeps itself, and what killed builds left there.

        Args:
            keep: of each table, so many of the last; None: all.
            older_than: seconds: only what is older; None: whatever its age.
            dry_run: only find what would go.

        Returns kind → bytes; None where it keeps none itself.
        """
        return None

    def refuse_taken(self, names: Sequence[str]) -> None:
        """Raises BuildError where somebody else holds one of the names, before anything is built."""
        ...

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        """Bring up to date what is derived of the published tables. Raises SynthError; they are there regardless."""
        ...


def _sealed(what: Publication, keep: Callable[[Path, str], None] | None, sign: Sign | None) -> Sealed:
    """The table with the hashes of its file. Raises TypeError without a proof, BuildError as :meth:`Gate.publish`."""
    if not isinstance(what.audit, PassingAudit):
        raise TypeError("publish needs a PassingAudit")
    data, hashes = what.data, what.hashes
    digest, md5 = digests(data) if hashes is None else (sha256_file(data), hashes.md5)
    if hashes is not None and digest != hashes.sha256:
        raise BuildError(
            f"{data} is not what was staged for {what.name!r}: its SHA-256 is {digest[:16]}…, not "
            f"{hashes.sha256[:16]}…",
            hint="rows that were not audited are not published; run synth clean, and build again",
        )
    return Sealed(what.table, what.audit, digest, md5, sign, keep)
