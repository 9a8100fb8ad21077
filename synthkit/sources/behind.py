"""The table behind a source of a database: through `query:` and views down to where rows are stored.

Under ε each step must give at most one row for each row of the one table below it (:mod:`.projection`);
a view is judged by its definition, as a query is.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as url_quote

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.cache import recall, remember
from synthkit.sources.duckdbfile import database_file
from synthkit.sources.place import place
from synthkit.sources.projection import Dialect, Name, NotRowwise, projection
from synthkit.sources.scan import connection_of
from synthkit.sources.standing import standing
from synthkit.sql.quoting import literal, quote
from synthkit.sql.statements import shut

VERSION = 1  # of what is cached
_DEEPEST = 20  # views over views
_HINT = (
    "write columns, functions of one row and a WHERE of one table; or train on the table itself, "
    "and put SQL over the synthetic one, which costs nothing"
)
_WHY = "epsilon protects each row of {source}, so what it reads must give at most one row for each row of one table"


@dataclass(frozen=True)
class Found:
    """What a catalogue says of a name. ``definition`` is a view's SELECT, ``kind`` in words what else it is."""

    schema: str
    name: str
    columns: tuple[str, ...]
    definition: str | None = None
    kind: str | None = None


Lookup = Callable[[Name], Found | None]


def table_behind(
    spec: SourceTableSpec, *, root: Path, connections: Mapping[str, ConnectionSpec], cache: Path | None
) -> tuple[str, str]:
    """Schema and name of the table whose rows a source of a database has, each at most once.

    Args:
        cache: a folder for results, keyed by how the files stand; a server is asked each time.

    Raises:
        SynthError: it is not one table row by row, with the place of ``query:`` or ``table:``; it cannot be reached.
    """
    chosen = connection_of(spec, connections)
    stands = None if cache is None else standing(spec, root, connections)
    file = None
    if cache is not None and stands is not None:
        said = [VERSION, stands.key, spec.query, spec.table, spec.name, chosen.type]
        file = cache / f"behind-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]}.json"
        known = recall(file)
        if known is not None and "table" in known:
            return known["schema"], known["table"]
    with catalogue(spec, chosen, root) as lookup:
        try:
            found = _followed(spec, chosen.type, lookup)
        except NotRowwise as error:
            key = "query" if spec.query is not None else "table"
            message = f"{_WHY.format(source=spec.name)}: {error}"
            raise SynthError(message, place(spec, key if getattr(spec, key) else "name"), _HINT) from None
    if file is not None and stands is not None and stands.settled and standing(spec, root, connections) == stands:
        remember(file, {"schema": found[0], "table": found[1]})
    return found


def _followed(spec: SourceTableSpec, dialect: Dialect, lookup: Lookup) -> tuple[str, str]:
    """Down from the query, or the name, to the table. Raises NotRowwise."""
    step = None
    if spec.query is not None:
        try:
            step = projection(spec.query.strip().rstrip(";"), dialect)
        except NotRowwise as error:
            raise NotRowwise(f"the query has {error}") from None
    name: Name = written(spec) if step is None else step.table
    for _ in range(_DEEPEST):
        found = lookup(name)
        if found is None:
            raise NotRowwise(f"it reads {'.'.join(p for p in name if p)}, which is neither a table nor a view")
        if step is not None:
            try:
                step.of(found.columns, dialect)
            except NotRowwise as error:
                raise NotRowwise(f"it reads {error}") from None
        if found.kind is not None:
            raise NotRowwise(f"{found.name} is {found.kind}")
        if found.definition is None:
            return found.schema, found.name
        try:
            step = projection(found.definition, dialect)
        except NotRowwise as error:
            raise NotRowwise(f"the view {found.name} has {error}") from None
        name = (step.table[0] or found.schema, step.table[1])
    raise NotRowwise("views over views without an end")


def written(spec: SourceTableSpec) -> Name:
    """``table:``, or the source table's own name, as schema and name."""
    parts = (spec.table or spec.name).split(".")
    return (".".join(parts[:-1]) or None, parts[-1])


# -- catalogues ----------------------------------------------------------------------------------------


@contextmanager
def catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> Iterator[Lookup]:
    if chosen.type == "postgres":
        from synthkit.sources.postgres import connected

        with connected(spec, chosen) as server:
            yield lambda name: _in_postgres(server, name, spec.query or "")
    elif chosen.type == "sqlite":
        path = database_file(spec, chosen, root)
        with closing(sqlite3.connect(f"file:{url_quote(str(path.resolve()))}?mode=ro", uri=True)) as file:
            yield lambda name: _in_sqlite(file, name)
    else:
        import duckdb

        path = database_file(spec, chosen, root)
        try:
            with duckdb.connect(":memory:", config={"threads": 1}) as connection:
                connection.execute(f"ATTACH {literal(str(path))} AS source_db (TYPE duckdb, READ_ONLY)")
                shut(connection)
                yield lambda name: _in_duckdb(connection, name, spec)
        except duckdb.Error as error:
            raise SynthError(f"cannot open {path}: {str(error).splitlines()[0]}", place(spec, "connection")) from None


def _in_duckdb(connection: object, name: Name, spec: SourceTableSpec) -> Found | None:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    asked = [name[0] or "main", name[1]]
    where = "database_name = 'source_db' AND lower(schema_name) = lower(?)"
    columns = connection.execute(
        f"SELECT column_name FROM duckdb_columns() WHERE {where} AND lower(table_name) = lower(?)", asked
    ).fetchall()
    table = connection.execute(
        f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {where} AND lower(table_name) = lower(?)", asked
    ).fetchone()
    view = connection.execute(
        f"SELECT schema_name, view_name, sql FROM duckdb_views()"
        f" WHERE {where} AND lower(view_name) = lower(?) AND NOT internal",
        asked,
    ).fetchone()
    names = tuple(str(c[0]) for c in columns)
    if table is not None:
        return Found(str(table[0]), str(table[1]), names, kind=_macro(connection, spec.query or ""))
    if view is None:
        return None
    kind = _macro(connection, f"{spec.query or ''} {view[2]}")
    return Found(str(view[0]), str(view[1]), names, str(view[2]), kind)


def _macro(connection: object, sql: str) -> str | None:
    """A macro of the database may bear the name of a built-in function, and stand in its place."""
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    query = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE database_name = 'source_db'"
    words = set(re.findall(r"\w+", sql.lower()))
    used = sorted(str(r[0]) for r in connection.execute(query).fetchall() if str(r[0]) in words)
    return f"read with {used[0]}, which is a macro of the database" if used else None


def _in_sqlite(file: sqlite3.Connection, name: Name) -> Found | None:
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
    return Found("main", own, columns, sql if kind == "view" else None, says)


# Names, kind, a view's SELECT, columns; whether it is under row security, whether it or any part of it that is read
# with it is foreign, and what it is a part of.
_POSTGRES = """
WITH RECURSIVE below(oid) AS (
    SELECT pg_catalog.to_regclass(%s)::oid
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid
)
SELECT n.nspname, c.relname, c.relkind::text, pg_catalog.pg_get_viewdef(c.oid),
    (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    c.relrowsecurity,
    EXISTS (SELECT FROM below b JOIN pg_catalog.pg_class d ON d.oid = b.oid WHERE d.relkind = 'f'),
    (SELECT array_agg(i.inhparent::regclass::text) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%s)
"""
_KINDS = {"f": "a foreign table: what is behind it cannot be seen", "m": None, "v": None, "r": None, "p": None}


def _in_postgres(server: object, name: Name, query: str) -> Found | None:
    import psycopg

    assert isinstance(server, psycopg.Connection)
    written = ".".join(quote(p) for p in name if p)
    row = server.execute(_POSTGRES, [written, written]).fetchone()
    if row is None or row[0] in ("pg_catalog", "information_schema"):
        return None
    schema, own, kind, definition, columns, guarded, foreign, parents = row
    says = _KINDS.get(kind, "neither a table nor a view")
    view = str(definition).strip().rstrip(";") if kind in ("v", "m") else None
    if says is None and foreign:
        says = "a table of which a part is foreign: what is behind it cannot be seen"
    elif guarded:
        says = "under row security: a policy may look at other rows"
    elif parents:
        says = f"a part of {parents[0]}, whose rows would be two accounts: read that one, with a filter"
    return Found(
        str(schema), str(own), tuple(columns or ()), view, says or _overloaded(server, f"{query} {view or ''}")
    )


def _overloaded(server: object, sql: str) -> str | None:
    """A function of the database may bear the name of a built-in one, and fit its arguments better; so may an
    operator, and a cast that nobody wrote. Each of them can look at many rows."""
    import psycopg

    assert isinstance(server, psycopg.Connection)
    words = sorted(set(re.findall(r"\w+", sql.lower())))
    named = server.execute(
        "SELECT p.proname::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND lower(p.proname) = ANY(%s) ORDER BY 1",
        [words],
    ).fetchone()
    if named is not None:
        return f"read with {named[0]}, which is a function of the database"
    if not sql.strip():
        return None
    symbols = server.execute(
        "SELECT o.oprname::text FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode"
        " JOIN pg_catalog.pg_language l ON l.oid = p.prolang"
        " WHERE o.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') ORDER BY 1"
    ).fetchall()
    used = [str(r[0]) for r in symbols if str(r[0]) in sql]
    if used:
        return f"read with {used[0]}, which is an operator of the database"
    cast = server.execute(
        "SELECT pg_catalog.format_type(c.castsource, NULL) || ' to ' || pg_catalog.format_type(c.casttarget, NULL)"
        " FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc"
        " JOIN pg_catalog.pg_language l ON l.oid = p.prolang"
        " WHERE c.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') ORDER BY 1"
    ).fetchone()
    return None if cast is None else f"in a database that casts {cast[0]} by a function of its own"
