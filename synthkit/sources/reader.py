"""What synthkit asks of a kind of database: a value of a few functions, in a file of its own.

A third party's comes by the entry-point group ``synthkit.sources``, as the built-in ones do (:mod:`.readers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.found import Scan, Snapshot
from synthkit.sources.projection import Dialect, Name

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Entry:
    """What a catalogue says of a name.

    Args:
        definition: a view's SELECT.
        kind: in words, what else it is.
        database: that it is in, which the SELECT may write before a schema.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    definition: str | None = None
    kind: str | None = None
    database: str | None = None


Lookup = Callable[[Name], Entry | None]


@dataclass(frozen=True)
class ListedColumn:
    """A column as a catalogue declares it.

    Args:
        values: of an enumerated type, all that there may be.
    """

    name: str
    comment: str | None = None
    values: tuple[str, ...] | None = None
    nullable: bool = True


@dataclass(frozen=True)
class Listed:
    """A table as a catalogue lists it: its name (after its schema's, where that is no default), and what it declares.

    Args:
        foreign: (columns, the table that they name, its columns; none: its primary key).
        unique: columns of which no two rows have the same values, beside the primary key.
        checks: conditions that hold in every row, in the database's SQL.
    """

    name: str
    primary: tuple[str, ...] = ()
    foreign: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = ()
    comment: str | None = None
    columns: tuple[ListedColumn, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()


def enumerated(kind: str) -> tuple[str, ...] | None:
    """The values of an ENUM, as its type is written.

    >>> enumerated("enum('a','it''s')"), enumerated("set('a')")
    (('a', "it's"), None)
    """
    if not kind.lower().startswith("enum("):
        return None
    return tuple(one.replace("''", "'") for one in re.findall(r"'((?:[^']|'')*)'", kind))


Listing = Callable[[ConnectionSpec, Path], tuple[Listed, ...]]


@dataclass(frozen=True)
class Asked:
    """How a source is to be read.

    Args:
        root: the project's folder.
        scratch: a folder for what is streamed in; None only describes: there may be no rows then.
        folders: what DuckDB may open besides, where it runs somebody's SQL.
        snapshot: takes the digest of a server's rows, of the same moment.
        lenient: no value stops the others or decides how they are read, as a budget demands: what cannot be held in
            the type that there is for its column comes as text.
    """

    root: Path
    scratch: Path | None
    folders: Sequence[Path] = ()
    snapshot: Snapshot | None = None
    lenient: bool = False


@dataclass(frozen=True)
class Urls:
    """How a server's url is written, for ``synth init --from URL``.

    Args:
        schemes: what may stand before ``://``.
        example: one without secrets.
        said: the database's name and whether the url holds a secret; raises ValueError, which does not repeat it.
    """

    schemes: tuple[str, ...]
    example: str
    said: Callable[[str], tuple[str, bool]]


@dataclass(frozen=True)
class Reader:
    """One kind of database.

    Args:
        dialect: of its SQL, for whoever reads a query without running it.
        default_schema: that of a name without one, or how a connection says it.
        folds: whether names that differ in case only are one.
        listing: all tables of the database with the keys that it declares, in the order of their names; None: it
            cannot tell.
        shuts: whether ``open`` leaves the DuckDB that it is given shut to other files.
        open: makes the view ``found`` of typed columns, or the view ``raw`` of text (:class:`.found.Scan`).
            Raises SynthError, BuildError.
        catalogue: looks up tables and views by name.
        database: the identity of the database, the same by whatever way it is named, and what to call it; None where
            the connection does not say.
        files: those that hold the rows; None for a server.
        digest: of a server's rows, whatever their order; None for files.
        urls: of a server, how ``synth init --from`` knows it.
        lineage: OpenLineage's namespace and name of a table, by the url of a connection and ``table:``; raises
            ValueError for a url that cannot be parsed.
    """

    dialect: Dialect
    default_schema: str | Callable[[ConnectionSpec], str]
    folds: bool
    open: Callable[[duckdb.DuckDBPyConnection, SourceTableSpec, ConnectionSpec, Asked], Scan]
    catalogue: Callable[[SourceTableSpec, ConnectionSpec, Path], AbstractContextManager[Lookup]]
    database: Callable[[ConnectionSpec, Path], tuple[str, str] | None]
    files: Callable[[SourceTableSpec, ConnectionSpec, Path], list[Path]] | None = None
    digest: Callable[[SourceTableSpec, ConnectionSpec], str] | None = None
    listing: Listing | None = None
    shuts: bool = False
    urls: Urls | None = None
    lineage: Callable[[str, str], tuple[str, str]] | None = None

    def schema_of(self, chosen: ConnectionSpec) -> str:
        """That of a name without one, behind a connection."""
        return self.default_schema if isinstance(self.default_schema, str) else self.default_schema(chosen)
