"""A source as DuckDB sees it: one connection with a view ``raw`` over the real rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.canonical import canonical, joined, named, told_apart, unit_value
from synthkit.sources.files import open_scan
from synthkit.sources.found import Snapshot, binary_column, check_names
from synthkit.sources.location import column_location
from synthkit.sources.reader import Asked
from synthkit.sources.readerror import read_error
from synthkit.sources.readers import connection_of, reader_of
from synthkit.sources.types import cast, cast_text, is_nested, normal, written_sql_type
from synthkit.sources.written import LOSSLESS, Column, Found, Kind, understand
from synthkit.sql.quoting import quote
from synthkit.sql.statements import NO_EXTENSIONS

if TYPE_CHECKING:
    import duckdb

MEMORY = "4GB"  # DuckDB spills to disk beyond it


@dataclass(frozen=True)
class Opened:
    """A source at hand. ``raw`` is a view of its rows, each value as the source holds it: text where the format knows
    nothing else (CSV, JSON lines, SQLite), else the type that the table is defined with.

    Attributes:
        names: of the columns; of JSON lines, in the order in which they first appear.
        loose: whether a row may bring a column of its own (JSON lines).
    """

    connection: duckdb.DuckDBPyConnection
    spec: SourceTableSpec
    names: tuple[str, ...]
    stored: Mapping[str, str]
    loose: bool = False
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    inferred: Mapping[str, str] = field(default_factory=dict)
    nested: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> bool:
        """Whether the rows are text that is cast row by row."""
        return not self.stored

    def found(self) -> dict[str, Found]:
        """The columns' types: as the source defines them, as they are declared, or else inferred from all rows.

        Raises BuildError for binary data, for nested values of which nothing is declared, and for rows that cannot be
        read.
        """
        self._check_nested()
        if not self.written:
            return {n: Found(self.stored[n]) for n in self.names}
        declared = {c.name: c for c in self.spec.columns}
        found, asked = {}, []
        for name in self.names:
            said = declared.get(name)
            fixed = None if said is None else written_sql_type(said)
            if self.inferred:
                hint = self.inferred[name]
                if said is None and hint == "BLOB":
                    raise binary_column(name, self.spec)
                open_to = hint if said is None or hint in LOSSLESS else "VARCHAR"
                found[name] = Found(fixed or open_to, written=True)
            else:
                found[name] = Found(fixed or "VARCHAR", written=True)
                kind, kinds = None if said is None else said.type, self.kinds.get(name, "any")
                kind = kind if said is None or said.format is None else "text"  # how it is read is said: not at all
                asked.append(Column(name, kinds, kind, formats_of(self.spec), separators_of(self.spec)))
        for name, reading in self._understood(asked).items():
            said = declared.get(name)
            if said is None or written_sql_type(said) is None:
                found[name] = reading
            elif reading.format is not None:
                found[name] = replace(found[name], format=reading.format, note=reading.note)
        return found

    def _check_nested(self) -> None:
        """As text they would be made up like any other: with keys that nobody has, and brackets that do not close."""
        said = {c.name for c in self.spec.columns if c.type is not None}
        for name in self.names:
            if name in self.nested and name not in said:
                what = f"column {name!r} holds objects or lists, which no generator learns"
                raise BuildError(what, column_location(self.spec, name), nested_hint(name))

    def _understood(self, asked: Sequence[Column]) -> dict[str, Found]:
        import duckdb

        if self.inferred:
            return {}
        try:
            return understand(self.connection, asked)
        except duckdb.Error as error:
            raise read_error(error, self.spec) from None

    def value(self, name: str, found: Found, wanted: str) -> str:
        """SQL for a column of ``raw`` as ``wanted``; NULL where it is no such value."""
        if not self.written:
            return cast(name, found.sql_type, wanted)
        known = list(formats_of(self.spec).values())
        formats = known if found.format is None or found.format in known else [found.format, *known]
        return cast_text(quote(name), wanted, formats, separators_of(self.spec))

    def canonical(self, name: str) -> str:
        """SQL for the text that tells a column's value, whatever the other rows are; NULL where it is missing."""
        return quote(name) if self.written else canonical(name, self.stored[name])

    def unit(self, name: str) -> str:
        """SQL for the text that tells a privacy unit; NULL where it is missing.

        A declared number, date or boolean is told by its value, whichever way it is written. Keys and categories are
        told by their text: that 7 and 07 are one person nobody said.
        """
        said = next((c for c in self.spec.columns if c.name == name), None)
        wanted = None if said is None else written_sql_type(said)
        if wanted is None or wanted == "VARCHAR":
            return self.canonical(name)
        found = Found(self.stored.get(name, "VARCHAR"), self.written)  # with no format that other rows decide
        return unit_value(self.canonical(name), self.value(name, found, wanted), wanted)

    def row(self, salt: str) -> str:
        """SQL for the text that tells a row."""
        if self.loose:
            return joined(salt, [named(n, self.canonical(n)) for n in sorted(self.names)])
        return joined(salt, [told_apart(self.canonical(n)) for n in self.names])


def formats_of(spec: SourceTableSpec) -> dict[str, str]:
    """The declared formats of dates and of points in time, by SQL type."""
    known = (("DATE", "dateformat"), ("TIMESTAMP", "timestampformat"))
    return {sql_type: str(spec.options[key]) for sql_type, key in known if key in spec.options}


def separators_of(spec: SourceTableSpec) -> tuple[str, str]:
    """The declared separators of thousands and of decimals."""
    return str(spec.options.get("thousands", "")), str(spec.options.get("decimal_separator", "."))


@contextmanager
def opened(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    scratch: Path | None = None,
    making: Path | None = None,
    snapshot: Snapshot | None = None,
    lenient: bool = False,
) -> Iterator[Opened]:
    """The source's rows, in their order. The types of stored ones are those that tables at rest have
    (:func:`.types.normal`).

    Args:
        scratch: a folder for what a database streams in and for spilling; None only describes: ``raw`` then
            has the columns but, for a database server or SQLite, no rows.
        making: a folder that the caller writes to; what DuckDB may open is listed where it runs somebody's SQL.
        snapshot: takes the digest of a server's rows.
        lenient: no value stops the others or decides how they are read, as a budget demands: what a reader could not
            hold in the type that it has for the column comes as text.

    Raises:
        SynthError: the source cannot be found or reached.
        BuildError: it can, but not read.
    """
    with ExitStack() as stack:
        work = scratch or Path(stack.enter_context(TemporaryDirectory(prefix="synthkit-")))
        connection = stack.enter_context(connected(work))
        if spec.path is not None:
            scan = open_scan(connection, spec, root, work, lenient, look=scratch is None)
        else:
            chosen = connection_of(spec, connections)
            folders = [f for f in (work, making) if f is not None]
            asked = Asked(root, scratch, folders, snapshot, lenient)
            scan = reader_of(chosen).open(connection, spec, chosen, asked)
        if scan.written:
            names = tuple(str(r[0]) for r in connection.execute("DESCRIBE raw").fetchall())
            check_names(names, spec)
            more = (scan.kinds, scan.inferred, scan.nested, scan.notes)
            yield Opened(connection, spec, names, {}, scan.loose, *more)
        else:
            nested = scan.nested | _normalise(connection, spec)
            stored = {str(r[0]): str(r[1]) for r in connection.execute("DESCRIBE raw").fetchall()}
            yield Opened(connection, spec, tuple(stored), stored, nested=nested, notes=scan.notes)


@contextmanager
def connected(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty DuckDB in memory that keeps the order of rows, reckons time in UTC and spills into ``scratch``."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "preserve_insertion_order": True,
        "temp_directory": str(scratch / "spill"),
        **NO_EXTENSIONS,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")  # how a point in time is written decides its side of the split
        yield connection


def _normalise(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec) -> frozenset[str]:
    """``raw``: the columns of ``found`` in types that tables at rest have. Returns those that hold nested values.

    Raises BuildError for binary data.
    """
    described = [(str(r[0]), str(r[1])) for r in connection.execute("DESCRIBE found").fetchall()]
    check_names([name for name, _ in described], spec)
    columns = []
    for name, sql_type in described:
        column = normal(name, sql_type)
        if column is None:
            raise binary_column(name, spec)
        columns.append(column)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {', '.join(columns)} FROM found")
    return frozenset(name for name, sql_type in described if is_nested(sql_type))


def nested_hint(name: str) -> str:
    """What to do with a column of objects or lists."""
    return (
        f"declare it, {{name: {name}, type: text}}: then it is the text of its JSON, of which an SQL model takes fields"
        f" ({name}->>'key' AS {name}_key) for others to learn; a generator would make that text up"
    )
