"""A table or query of a MySQL or MariaDB server; rows stream through a cursor of the server's.

A table has no order of its own, and its content hash does not depend on one; so that the same content gives the same
bytes everywhere, rows come ordered by the primary key, else by a digest of their text. A query that ends in ORDER BY
keeps its own. The snapshot is InnoDB's; of other engines a row may be written between the digest and the reading of
it, which the second digest shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.duckdbfile import ordered, outside, select
from synthkit.sources.found import Scan, binary_column, check_names
from synthkit.sources.location import location
from synthkit.sources.mysqlcatalogue import json_columns, listed, looked_up, unique_by
from synthkit.sources.mysqlserver import connected, parsed, rows
from synthkit.sources.mysqltypes import BINARY, JSON, UNBOUND, Field, field_of, row_text
from synthkit.sources.reader import Asked, Listed, Lookup, Reader, Urls
from synthkit.sources.stream import load_lines
from synthkit.sql.quoting import backticked

if TYPE_CHECKING:
    import duckdb
    import pymysql

BATCH = 500  # rows at once from the client, whatever they weigh
_ALL = "18446744073709551615"  # a LIMIT that is none, for whose sake a server keeps the order of a derived table
_LIMITED = re.compile(r"\border\s+by\b.*\blimit\b", re.IGNORECASE | re.DOTALL)
_HALVES = ", ".join(
    f"COALESCE(SUM(CAST(CONV(SUBSTRING(d, {start}, 15), 16, 10) AS DECIMAL(20))), 0)" for start in (1, 17)
)


def open_mysql(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    asked: Asked,
) -> Scan:
    """Make ``found`` hold the rows (none, without scratch), and digest them in the same snapshot. Raises SynthError.

    A number of more than 38 digits is a DOUBLE where that keeps them all, else an error, unless the column is declared:
    then its text is cast, row by row, to what is declared. Where the asking is lenient, all come as text: there are
    values that DuckDB lacks, and one of these must not stop the others.
    """
    declared = {c.name for c in spec.columns if c.type is not None}
    with connected(spec, chosen) as server:
        fields = _describe(server, spec)
        names = [f.name for f in fields]
        unbound = [f.name for f in fields if f.sql_type == UNBOUND]
        read = [("VARCHAR" if f.name in declared else "DOUBLE") if f.name in unbound else f.sql_type for f in fields]
        exact = [n for n in unbound if n not in declared]
        if asked.lenient:
            read, exact = ["VARCHAR"] * len(names), []
        rows = _Rows(server, spec, fields, asked.lenient)
        lines = rows.lines() if asked.scratch is not None else iter(())
        notes = load_lines(connection, spec, names, read, lines, asked.scratch, exact) + rows.notes()
        if asked.snapshot is not None:
            asked.snapshot.digest = _digest(server, spec)
    return Scan(nested=frozenset(f.name for f in fields if f.sql_type == JSON), notes=tuple(notes))


def server_digest(spec: SourceTableSpec, chosen: ConnectionSpec) -> str:
    """A digest of names, types and rows that does not depend on the rows' order, computed by the server.

    Each row's MD5 is added up as two 60-bit numbers, so that neither order nor memory matter.
    """
    with connected(spec, chosen) as server:
        return _digest(server, spec)


def _digest(server: pymysql.Connection[Any], spec: SourceTableSpec) -> str:
    fields = _describe(server, spec, declared=False)
    row = row_text(fields)
    query = f"SELECT COUNT(*), COUNT(d), {_HALVES} FROM (SELECT MD5({row}) AS d FROM {_derived(spec)}) AS t"
    ((every, told, one, other),) = rows(server, query)
    return f"mysql:{[(f.name, f.sql_type) for f in fields]}:{every}:{told}:{one}:{other}"


def _describe(server: pymysql.Connection[Any], spec: SourceTableSpec, *, declared: bool = True) -> list[Field]:
    """The columns. Raises SynthError."""
    said = {c.name: c.type for c in spec.columns} if declared else {}
    with server.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_derived(spec)} LIMIT 0")
        result = cursor._result  # the only place where the protocol's flags and lengths are
        assert result is not None
        fields = [field_of(one, said.get(one.name)) for one in result.fields]
    check_names([f.name for f in fields], spec)
    for one in fields:
        if one.sql_type == BINARY:
            raise binary_column(one.name, spec)
    documents = json_columns(server, spec)
    return [Field(f.name, JSON, f.text, f.quoted) if f.name in documents else f for f in fields]


@dataclass
class _Rows:
    """Rows as the server writes them, and how many were none."""

    server: pymysql.Connection[Any]
    spec: SourceTableSpec
    fields: list[Field]
    lenient: bool
    left_out: int = 0

    def lines(self) -> Iterator[bytes]:
        """Whole lines of CSV. Raises BuildError for a row that the server does not write."""
        row = row_text(self.fields)
        query = f"SELECT {row} FROM {_derived(self.spec)}{_order(self.server, self.spec, row)}"
        with self.server.cursor() as cursor:
            cursor.execute(query)
            while batch := cursor.fetchmany(BATCH):
                found = [one for (one,) in batch if one is not None]
                if len(found) < len(batch):
                    self._without(len(batch) - len(found))
                text = b"\n".join([*found, b""])
                # Old servers took bytes that are no text; one of them must not stop the others.
                yield text.decode("utf-8", "replace").encode() if self.lenient else text

    def _without(self, rows: int) -> None:
        self.left_out += rows
        if not self.lenient:
            what = "a row is longer than the server puts into one text (max_allowed_packet)"
            hint = "raise max_allowed_packet on the server, or leave the long column out: query:"
            raise BuildError(what, location(self.spec, "query" if self.spec.query is not None else "table"), hint)

    def notes(self) -> list[str]:
        """For the console of who builds, and nobody else."""
        if not self.left_out:
            return []
        return [f"{self.left_out:,} rows are left out: they are longer than the server's max_allowed_packet"]


def _derived(spec: SourceTableSpec) -> str:
    """What is read, as a table ``t``. A derived table's ORDER BY counts only beside a LIMIT."""
    limit = f"\nLIMIT {_ALL}" if ordered(spec) and not _LIMITED.search(outside(spec)) else ""
    return f"(\n{select(spec, backticked)}{limit}\n) AS t"


def _order(server: pymysql.Connection[Any], spec: SourceTableSpec, row: str) -> str:
    if ordered(spec):
        return ""
    keys = [f"t.{backticked(k)}" for k in spec.primary_key]
    if keys and unique_by(server, spec):
        return " ORDER BY " + ", ".join(keys)
    return " ORDER BY " + ", ".join([*keys, f"MD5({row})"])  # keys may be declared that are not unique


@contextmanager
def _catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, _root: Path) -> Iterator[Lookup]:
    with connected(spec, chosen) as server:
        yield lambda name: looked_up(server, name, spec.query or "")


def _listing(chosen: ConnectionSpec, _root: Path) -> tuple[Listed, ...]:
    with connected(SourceTableSpec(name="tables", connection="it"), chosen) as server:
        return tuple(listed(server))


def _database(chosen: ConnectionSpec, _root: Path) -> tuple[str, str] | None:
    """The server: what MySQL calls databases are schemas of it, and one connection reads them all."""
    try:
        shown = parsed(chosen.url or "").shown
    except ValueError:  # an url that cannot be parsed was said to be so
        return None
    return f"mysql {shown}", shown


def _default_schema(chosen: ConnectionSpec) -> str:
    try:
        return parsed(chosen.url or "").database
    except ValueError:
        return ""


def _said(url: str) -> tuple[str, bool]:
    server = parsed(url)
    return server.database, bool(server.password)


READER = Reader(
    dialect="mysql",
    default_schema=_default_schema,
    folds=False,
    open=open_mysql,
    catalogue=_catalogue,
    database=_database,
    digest=server_digest,
    listing=_listing,
    urls=Urls(("mysql", "mariadb"), "mysql://user:password@host:port/database", _said),
)
