"""What tells one kind of warehouse from another: a value of functions, in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.sources.projection import Dialect, Name
from synthkit.sources.reader import Entry, Listed
from synthkit.sources.warehouses.address import Address

if TYPE_CHECKING:
    import pyarrow as pa

UNBOUND = "NUMERIC"  # more digits than any type of DuckDB has, or none that are declared
BINARY = "BLOB"


@dataclass(frozen=True)
class Described:
    """A column of a result, as the driver describes it: ``kind`` is its type in the server's words."""

    name: str
    kind: str
    precision: int | None = None
    scale: int | None = None

    @property
    def stored(self) -> str:
        return self.kind if self.precision is None else f"{self.kind}({self.precision},{self.scale})"


def as_it_is(column: str) -> str:
    return column


@dataclass(frozen=True)
class Field:
    """How a column is fetched and what it is read as.

    Args:
        sql_type: DuckDB's; :data:`UNBOUND`, or :data:`BINARY`, which is refused.
        fetched: SQL (of the column's SQL) for what is fetched.
        text: whether that is text, which is cast here, value by value; else it arrives in a type that holds all values
            there may be.
        nested: whether it is the text of documents, lists or the like.
    """

    sql_type: str
    fetched: Callable[[str], str] = as_it_is
    text: bool = False
    nested: bool = False


class NoTypeError(ValueError):
    """A type of which no table holds a column."""


class Session(Protocol):
    """An open connection."""

    def begin(self) -> None:
        """The first statements, before any other; what they raise is as if there were no connection."""

    def describe(self, query: str) -> list[Described]:
        """The columns of a query, of which no row is read."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a small answer."""

    def batches(self, query: str, schema: pa.Schema, /) -> Iterator[pa.RecordBatch | pa.Table]:
        """The rows of a large one, as they arrive: columns in the schema's order, whatever their names and widths."""

    def close(self) -> None:
        """Raises nothing that matters."""


@dataclass(frozen=True)
class Engine:
    """One kind of warehouse.

    Args:
        called: what people call it.
        extra: that brings its driver.
        url: how one is written, without secrets.
        parsed: the parts of a url; raises ValueError, which does not repeat it.
        connect: opens a connection that only reads; what it and its session raise is of ``errors``.
        errors: classes of what the driver raises.
        missing: whether an error says that there is no such table.
        broken: whether an error says that the connection, not the query, is at fault.
        field: what becomes of a type; raises NoTypeError.
        named: a part of a name as the YAML writes it, in SQL.
        quoted: a name as the catalogue has it, in SQL, whatever characters it has.
        digested: SQL for a whole number that tells a row from others, as text, of the SQL of all its columns.
        totalled: SQL for the sum of these numbers, as text.
        schema: that of a name without one, behind a url.
        looked_up: what the catalogue says of a name; the SQL is that of the source's query.
        listed: all tables with what the catalogue declares of them.
        tables: their names, for whoever misspelt one.
        database: what to call the database behind a url: the same, by whatever user it is read.
        lineage: OpenLineage's namespace and name of a table, by its schema and its own name.
    """

    called: str
    extra: str
    dialect: Dialect
    schemes: tuple[str, ...]
    url: str
    parsed: Callable[[str], Address]
    connect: Callable[[Address], Session]
    errors: Callable[[], tuple[type[Exception], ...]]
    missing: Callable[[Exception], bool]
    broken: Callable[[Exception], bool]
    field: Callable[[Described], Field]
    named: Callable[[str], str]
    quoted: Callable[[str], str]
    digested: Callable[[Sequence[str]], str]
    totalled: Callable[[Sequence[str]], str]
    schema: Callable[[Address], str]
    looked_up: Callable[[Session, Address, Name, str], Entry | None]
    listed: Callable[[Session, Address], Iterator[Listed]]
    tables: Callable[[Session, Address], list[str]]
    database: Callable[[Address], str]
    lineage: Callable[[Address, str, str], tuple[str, str]]
