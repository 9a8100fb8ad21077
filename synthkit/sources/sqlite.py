"""A table or query of an SQLite file, read through Python's own driver and streamed in batches.

(DuckDB's SQLite extension would have to be downloaded at run time.) SQLite's types are hints, and any value may be
stored in any column. So each value is read as text and cast to what the YAML declares; where that says nothing, the
type follows from the column's own declaration and from the classes of all its values:

| declared | and all values are | becomes |
| --- | --- | --- |
| BOOL… | 0 and 1 | BOOLEAN |
| DATE, TIMESTAMP or DATETIME, TIME | text in ISO form | DATE, TIMESTAMP, TIME |
| DECIMAL(p, s), NUMERIC(p, s) | numbers of at most s decimals | DECIMAL(p, s) |
| any | integers; numbers | BIGINT; DOUBLE |
| any | text, or mixed | VARCHAR |

A column of nulls alone takes its declared type's affinity (https://sqlite.org/datatype3.html).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as url_quote

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.duckdbfile import beside, database_file, file_identity, missing_table, select, subquery
from synthkit.sources.found import Scan, check_names
from synthkit.sources.location import location
from synthkit.sources.projection import Name
from synthkit.sources.reader import Asked, Entry, Listed, ListedColumn, Lookup, Reader
from synthkit.sources.stream import load_texts
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000  # rows
AT_ONCE = 100  # columns looked at in one query: SQLite allows 2,000 terms

_READS = frozenset(
    (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_PRAGMA,  # of which a file opened for reading takes none that writes
    )
)

_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_TIME = "[0-2][0-9]:[0-5][0-9]"
_ISO = {"DATE": (_DAY,), "TIMESTAMP": (_DAY, f"{_DAY}[ T]{_TIME}*"), "TIME": (_TIME, f"{_TIME}:[0-5][0-9]*")}


def open_sqlite(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    asked: Asked,
) -> Scan:
    """Make ``raw`` hold the rows as text (none, without scratch). Raises SynthError.

    SQLite checks no text: where the asking is lenient, what is no UTF-8 in one becomes U+FFFD.
    """
    path = database_file(spec, chosen, asked.root)
    try:
        with closing(sqlite3.connect(f"file:{url_quote(str(path.resolve()))}?mode=ro", uri=True)) as source:
            source.set_authorizer(_only_reads)
            if asked.lenient:
                source.text_factory = _decoded
            cursor = source.execute(select(spec))
            names = [str(d[0]) for d in cursor.description]
            check_names(names, spec)
            inferred = dict(zip(names, _types(source, spec, names), strict=True))
            load_texts(connection, names, _batches(cursor) if asked.scratch is not None else iter(()), asked.scratch)
            return Scan(written=True, inferred=inferred)
    except sqlite3.Error as error:
        raise _explained(error, spec, path) from None


def _decoded(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _only_reads(action: int, *_arguments: str | None) -> int:
    """An authorizer: also of a file opened for reading, VACUUM INTO would write a copy anywhere."""
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _explained(error: sqlite3.Error, spec: SourceTableSpec, path: Path) -> SynthError:
    if spec.query is None and "no such table" in str(error):
        with closing(sqlite3.connect(f"file:{url_quote(str(path.resolve()))}?mode=ro", uri=True)) as source:
            names = source.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        return missing_table(spec, [str(n[0]) for n in names])
    if "not a database" in str(error):
        return SynthError(f"{path.name} is no SQLite file", location(spec, "connection"), "check type: and path:")
    key = "query" if spec.query is not None else "connection"
    return SynthError(f"SQLite: {error}", location(spec, key), "mend the query, or the database")


def _types(source: sqlite3.Connection, spec: SourceTableSpec, names: list[str]) -> list[str]:
    """One look at all values: their storage classes, and whether they fit the declared types."""
    declared = dict.fromkeys(names, "")
    if spec.query is None:
        table = (spec.table or spec.name).split(".")[-1]
        declared |= {str(r[1]): str(r[2]).upper() for r in source.execute(f"PRAGMA table_info({quote(table)})")}
    types: list[str] = []
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        wanted = [_hinted(declared[n]) for n in some]
        terms = [term for n, w in zip(some, wanted, strict=True) for term in _terms(quote(n), w)]
        row = source.execute(f"SELECT {', '.join(terms)} FROM {subquery(spec)}").fetchone()
        types += [_type(hint, *(bool(v) for v in row[5 * i : 5 * i + 5])) for i, hint in enumerate(wanted)]
    return types


def _terms(column: str, hint: str) -> list[str]:
    """Is there any integer, real, text, blob; and does every value fit the declared type?"""
    classes = [f"max(typeof({column}) = '{c}')" for c in ("integer", "real", "text", "blob")]
    if hint == "BOOLEAN":
        fits = f"{column} IN (0, 1)"
    elif hint in _ISO:
        fits = " OR ".join(f"{column} GLOB '{p}'" for p in _ISO[hint])
    elif hint.startswith("DECIMAL"):
        decimals = int(hint.rstrip(")").split(",")[1])
        fits = f"abs({column} - round({column}, {decimals})) < 1e-9 * max(1, abs({column}))"
    else:
        fits = "1"
    return [*classes, f"min(CASE WHEN {column} IS NULL THEN 1 ELSE ({fits}) END)"]


def _type(hint: str, integer: bool, real: bool, text: bool, blob: bool, fits: bool) -> str:
    if blob:
        return "BLOB"
    if not (integer or real or text):
        return hint
    if hint in _ISO and text and not (integer or real) and fits:
        return hint
    if text:
        return "VARCHAR"
    if (hint == "BOOLEAN" or hint.startswith("DECIMAL")) and fits:
        return hint
    return "DOUBLE" if real else "BIGINT"


def _hinted(declared: str) -> str:
    """The DuckDB type nearest to a declared one."""
    decimal = re.match(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", declared)
    if decimal and 0 < int(decimal[1]) <= 38 and int(decimal[2] or 0) <= int(decimal[1]):
        return f"DECIMAL({decimal[1]},{decimal[2] or 0})"
    for word, sql_type in (
        ("BOOL", "BOOLEAN"),
        ("TIMESTAMP", "TIMESTAMP"),
        ("DATETIME", "TIMESTAMP"),
        ("DATE", "DATE"),
        ("TIME", "TIME"),
        ("INT", "BIGINT"),
        ("REAL", "DOUBLE"),
        ("FLOA", "DOUBLE"),
        ("DOUB", "DOUBLE"),
    ):
        if word in declared:
            return sql_type
    return "VARCHAR"


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(BATCH):
        yield rows


def _files(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> list[Path]:
    return beside(database_file(spec, chosen, root), ("-wal", "-journal"))


@contextmanager
def _catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> Iterator[Lookup]:
    path = database_file(spec, chosen, root)
    with closing(sqlite3.connect(f"file:{url_quote(str(path.resolve()))}?mode=ro", uri=True)) as file:
        yield lambda name: _in_sqlite(file, name)


def _in_sqlite(file: sqlite3.Connection, name: Name) -> Entry | None:
    if name[0] not in (None, "main"):
        return None
    query = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?)"
    row = file.execute(query, [name[1]]).fetchone()
    if row is None or str(row[1]).lower().startswith("sqlite_"):
        return None
    kind, own, sql = (str(v) for v in row)
    columns = tuple(str(c[1]) for c in file.execute(f"PRAGMA table_xinfo({quote(own)})").fetchall())
    virtual = kind == "table" and re.match(r"\s*CREATE\s+VIRTUAL", sql, re.IGNORECASE) is not None
    says = "a virtual table: what computes its rows may look at many" if virtual else None
    return Entry("main", own, columns, sql if kind == "view" else None, says)


def _listing(chosen: ConnectionSpec, root: Path) -> tuple[Listed, ...]:
    path = database_file(SourceTableSpec(name="tables", connection="it"), chosen, root)
    try:
        with closing(sqlite3.connect(f"file:{url_quote(str(path.resolve()))}?mode=ro", uri=True)) as file:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            names = [str(row[0]) for row in file.execute(f"{query} ORDER BY name").fetchall()]
            return tuple(_listed(file, name, {n.lower(): n for n in names}) for name in names)
    except sqlite3.Error as error:
        raise SynthError(f"{path.name} cannot be read: {error}", hint="is it an SQLite file?") from None


def _listed(file: sqlite3.Connection, name: str, names: Mapping[str, str]) -> Listed:
    """One table. SQLite folds names, so that a key may name a table in other letters than its own."""
    parts = sorted((int(c[5]), str(c[1])) for c in file.execute(f"PRAGMA table_info({quote(name)})") if c[5])
    columns = {str(c[1]).lower(): str(c[1]) for c in file.execute(f"PRAGMA table_info({quote(name)})")}
    keys: dict[int, tuple[str, list[str], list[str]]] = {}
    for id_, _, table, own, other, *_ in file.execute(f"PRAGMA foreign_key_list({quote(name)})").fetchall():
        _, ours, theirs = keys.setdefault(id_, (str(table), [], []))
        ours.append(columns.get(str(own).lower(), str(own)))
        theirs += [] if other is None else [str(other)]
    found = []
    for table, ours, theirs in (keys[id_] for id_ in sorted(keys)):
        parent = names.get(table.lower())
        if parent is None:
            continue
        own_names = {str(c[1]).lower(): str(c[1]) for c in file.execute(f"PRAGMA table_info({quote(parent)})")}
        found.append((tuple(ours), parent, tuple(own_names.get(t.lower(), t) for t in theirs)))
    info = [ListedColumn(str(c[1]), nullable=not c[3]) for c in file.execute(f"PRAGMA table_info({quote(name)})")]
    indexes = [str(i[1]) for i in file.execute(f"PRAGMA index_list({quote(name)})") if i[3] == "u"]
    unique = tuple(tuple(str(c[2]) for c in file.execute(f"PRAGMA index_info({quote(i)})")) for i in indexes)
    return Listed(
        name, tuple(c for _, c in parts), tuple(found), columns=tuple(info), unique=unique, checks=_checks(file, name)
    )


def _checks(file: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """The conditions of a table's CHECKs, which stand in the text that made it alone."""
    import sqlglot
    from sqlglot import exp

    (sql,) = file.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [name]).fetchone()
    try:
        tree = sqlglot.parse_one(str(sql), dialect="sqlite")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return ()
    return tuple(found.this.sql("sqlite") for found in tree.find_all(exp.CheckColumnConstraint))


READER = Reader(
    dialect="sqlite",
    default_schema="main",
    folds=True,
    open=open_sqlite,
    catalogue=_catalogue,
    database=file_identity,
    files=_files,
    listing=_listing,
)
