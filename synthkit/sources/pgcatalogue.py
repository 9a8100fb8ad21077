"""What the catalogue of a PostgreSQL server says of a name, and of what could look at many rows behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from synthkit.project.types import SourceTableSpec
from synthkit.sources.projection import Name
from synthkit.sources.reader import Entry, Listed, ListedColumn
from synthkit.sql.quoting import quote

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
# Tables (whole ones, not their parts) that this user may read; and their keys, columns in the keys' own order.
_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
"""
_CONSTRAINTS = """
SELECT n.nspname, c.relname, k.contype::text, p.nspname, r.relname,
    (SELECT array_agg(a.attname::text ORDER BY u.at) FROM unnest(k.conkey) WITH ORDINALITY u(num, at)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num),
    (SELECT array_agg(a.attname::text ORDER BY u.at) FROM unnest(k.confkey) WITH ORDINALITY u(num, at)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num),
    CASE WHEN k.contype = 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) END
FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace p ON p.oid = r.relnamespace
WHERE k.contype IN ('p', 'f', 'u', 'c') AND k.conparentid = 0
ORDER BY k.oid
"""
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, pg_catalog.col_description(c.oid, a.attnum), NOT a.attnotnull,
    (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e
     WHERE e.enumtypid = a.atttypid)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_'
ORDER BY 1, 2, a.attnum
"""
_PRIMARY = """
SELECT array_agg(a.attname::text) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisprimary
    AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid))
"""
_KINDS = {"f": "a foreign table: what is behind it cannot be seen", "m": None, "v": None, "r": None, "p": None}


def listed(server: object) -> Iterator[Listed]:
    """All tables that this user may read, with what the database declares of them."""
    import psycopg

    assert isinstance(server, psycopg.Connection)
    keys = server.execute(_CONSTRAINTS).fetchall()
    columns = server.execute(_COLUMNS).fetchall()
    for schema, table, comment in server.execute(_TABLES).fetchall():
        own = [k for k in keys if k[:2] == (schema, table)]
        primary = next((tuple(k[5]) for k in own if k[2] == "p"), ())
        foreign = tuple((tuple(k[5]), _named(k[3], k[4]), tuple(k[6])) for k in own if k[2] == "f")
        yield Listed(
            _named(schema, table),
            primary,
            foreign,
            comment=comment or None,
            columns=tuple(
                ListedColumn(name, said or None, None if values is None else tuple(values), nullable)
                for name, said, nullable, values in (c[2:] for c in columns if c[:2] == (schema, table))
            ),
            unique=tuple(tuple(k[5]) for k in own if k[2] == "u"),
            checks=tuple(str(k[7]) for k in own if k[2] == "c"),
        )


def unique_by(server: object, spec: SourceTableSpec) -> bool:
    """Whether the table's primary key is the one that is declared: then its rows have one order. Tables that inherit
    from it keep keys of their own."""
    import psycopg

    assert isinstance(server, psycopg.Connection)
    if spec.query is not None:
        return False
    name = ".".join(quote(part) for part in (spec.table or spec.name).split("."))
    row = server.execute(_PRIMARY, [name]).fetchone()
    return row is not None and row[0] is not None and set(row[0]) == set(spec.primary_key)


def _named(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def looked_up(server: object, name: Name, query: str) -> Entry | None:
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
    return Entry(
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
