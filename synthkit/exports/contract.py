"""What an exporter is: a function of tables and a path. A third party's comes by the group ``synthkit.exports``.

An exporter is given tables that passed the gate and whose bytes were held against their receipts, and writes them, with
what they are worth, where it is told. It reads rows by :meth:`ExportedTable.batches`, so that no table is in memory as
a whole::

    def write(package: Package, path: Path) -> None:
        for table in package.tables:
            with (path / f"{table.name}.txt").open("w") as file:
                print(table.statement, file=file)
                for batch in table.batches():
                    print(batch.num_rows, file=file)

    LINES = Exporter("lines", write)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.digests import digest
from synthkit.privacy.guarantee import in_words
from synthkit.records.audit import AuditRecord
from synthkit.records.columns import ColumnOrigin, TypedColumn
from synthkit.records.joins import Join
from synthkit.records.receipt import Receipt
from synthkit.records.sure import demanded, listed, sure_key
from synthkit.records.usage import UNSAID, Usage

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 65_536  # rows


@dataclass(frozen=True)
class ExportedTable:
    """A published table, with what the project says of it today.

    Args:
        path: its Parquet file, whose SHA-256 is the receipt's.
        keys: to tables of the same export, that join.
    """

    name: str
    path: Path
    receipt: Receipt
    description: str | None = None
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = UNSAID
    keys: tuple[Join, ...] = ()

    @property
    def rows(self) -> int:
        return self.receipt.rows

    @property
    def synthetic(self) -> bool:
        """Whether no row of a source is in it as it was."""
        return not self.receipt.contains_real_rows

    @property
    def statement(self) -> str:
        """Its guarantee, in one sentence."""
        return in_words(self.receipt)

    @property
    def audits(self) -> tuple[AuditRecord, ...]:
        return self.receipt.audits

    @property
    def columns(self) -> tuple[TypedColumn, ...]:
        return self.receipt.table_schema.columns

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns that name a row, none where that is not sure: a query may have doubled what its source had."""
        return sure_key(self.receipt)

    @property
    def origins(self) -> Mapping[str, ColumnOrigin]:
        return {o.name: o for o in self.receipt.column_origins or ()}

    def demanded(self, audit: str) -> Iterator[Mapping[str, Any]]:
        """The parameters of each audit of that name that blocks on the first row: what the rows keep for sure."""
        yield from demanded(self.receipt, audit)

    def listed(self, audit: str) -> frozenset[str]:
        """The columns that such an audit names."""
        return listed(self.receipt, audit)

    @property
    def not_null(self) -> frozenset[str]:
        """The columns that never have a null: keys, and what audits demand."""
        return self.listed("not_null") | {*self.primary_key}

    @property
    def unique(self) -> frozenset[str]:
        """The columns that have no value twice: a key, and what audits demand."""
        return self.listed("unique") | ({*self.primary_key} if len(self.primary_key) == 1 else set())

    @property
    def arrow(self) -> pa.Schema:
        import pyarrow.parquet as pq

        return pq.read_schema(self.path).remove_metadata()

    def batches(self, size: int = BATCH) -> Iterator[pa.RecordBatch]:
        """Its rows, ``size`` at a time."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            yield from file.iter_batches(batch_size=size)


@dataclass(frozen=True)
class Package:
    """Tables that are exported together.

    Args:
        name: of the table, where it is one; of the family; else of the project.
        project: its name.
        target: whose tables they are.
        database: the DuckDB file that shows them, where there is one.
        shown: the tables that are in it.
    """

    name: str
    project: str
    target: str
    tables: tuple[ExportedTable, ...]
    database: Path | None = None
    shown: frozenset[str] = frozenset()

    @property
    def synthetic(self) -> bool:
        return all(table.synthetic for table in self.tables)

    @property
    def natures(self) -> tuple[str, ...]:
        """The words for what its rows are: ``synthetic``, ``contains real rows``, or both of different tables."""
        words = ("synthetic" if table.synthetic else "contains real rows" for table in self.tables)
        return tuple(sorted({*words}, reverse=True))

    @property
    def usage(self) -> Usage:
        """What all of its tables say; of a key that they say otherwise, or not all of them, nothing."""
        kept = {}
        first, *others = [table.usage.to_json() for table in self.tables]
        for key, value in first.items():
            if all(other.get(key) == value for other in others):
                kept[key] = value
        return Usage.from_json(kept)

    @property
    def version(self) -> str:
        """What names these very rows, in the form of semantic versioning: the tables' hashes decide it."""
        return f"1.0.0+{digest([t.receipt.sha256 for t in self.tables])[:12]}"

    @property
    def description(self) -> str:
        """In a sentence or two: what it is, and what it is worth."""
        if len(self.tables) == 1 and self.tables[0].description:
            return self.tables[0].description
        names = ", ".join(table.name for table in self.tables)
        return f"{'Synthetic tables' if self.synthetic else 'Tables'} of the project {self.project}: {names}."


@dataclass(frozen=True)
class Exporter:
    """A form that tables are exported in.

    Args:
        name: as the command line has it.
        write: is given the tables, and a folder that is empty or, of an exporter with ``suffixes``, a file's path.
        suffixes: what the name of the file ends in that it writes; none: it writes a folder.
        needs: the module that it cannot do without.
        extra: of this package, which brings that module.
    """

    name: str
    write: Callable[[Package, Path], None]
    suffixes: tuple[str, ...] = ()
    needs: str | None = None
    extra: str | None = None
