"""What the catalogue of a MySQL or MariaDB server says of a name, and of what could look at many rows behind it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synthkit.project.types import SourceTableSpec
from synthkit.sources.mysqlserver import rows
from synthkit.sources.projection import Name, routine
from synthkit.sources.reader import Entry, Listed, ListedColumn, enumerated

if TYPE_CHECKING:
    import pymysql

_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
_TABLE = """
SELECT t.table_schema, t.table_name, t.table_type, COALESCE(t.engine, ''), v.view_definition
FROM information_schema.tables t LEFT JOIN information_schema.views v
    ON v.table_schema = t.table_schema AND v.table_name = t.table_name
WHERE t.table_schema = COALESCE(NULLIF(%s, ''), database()) AND t.table_name = %s
ORDER BY BINARY t.table_name = %s DESC
"""
_COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
# Engines that keep their rows themselves. The others show those of other tables, other servers, or files.
_OWN = frozenset(
    ("innodb", "myisam", "aria", "rocksdb", "columnstore", "memory", "archive", "csv", "ndbcluster", "myrocks")
)
_JSON = re.compile(r"json_valid\(`(.+)`\)", re.IGNORECASE)

_TABLES = """
SELECT table_name, table_comment FROM information_schema.tables
WHERE table_schema = database() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY BINARY table_name
"""
_LISTED = """
SELECT table_name, column_name, column_type, column_comment, is_nullable FROM information_schema.columns
WHERE table_schema = database() ORDER BY table_name, ordinal_position
"""
_KEYS = """
SELECT c.table_name, c.constraint_name, c.constraint_type, k.column_name, k.referenced_table_name,
    k.referenced_column_name, k.referenced_table_schema = database()
FROM information_schema.table_constraints c JOIN information_schema.key_column_usage k
    ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
    AND k.table_name = c.table_name
WHERE c.table_schema = database() AND c.constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
ORDER BY c.table_name, c.constraint_type, c.constraint_name, k.ordinal_position
"""


def looked_up(server: pymysql.Connection[Any], name: Name, query: str) -> Entry | None:
    """A table or view by name, and what stands against reading it row by row."""
    found = rows(server, _TABLE, name[0] or "", name[1], name[1])
    if not found or found[0][0] in _SYSTEM:
        return None
    schema, own, kind, engine, definition = found[0]
    says = None
    if kind == "VIEW" and not definition:
        says = "a view whose SELECT this user may not see: grant SHOW VIEW"
    elif kind not in ("BASE TABLE", "SYSTEM VERSIONED", "VIEW"):
        says = "neither a table nor a view"
    elif kind != "VIEW" and engine.lower() not in _OWN:
        says = f"a table of the engine {engine}: what is behind it cannot be seen"
    columns = tuple(row[0] for row in rows(server, _COLUMNS, schema, own))
    view = str(definition) if kind == "VIEW" and definition else None
    return Entry(schema, own, columns, view, says or _routine(server, f"{query} {view or ''}"))


def _routine(server: pymysql.Connection[Any], sql: str) -> str | None:
    named = rows(server, "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'FUNCTION'")
    return routine((name for (name,) in named), sql)


def unique_by(server: pymysql.Connection[Any], spec: SourceTableSpec) -> bool:
    """Whether the table's primary key is the one that is declared: then its rows have one order."""
    if spec.query is not None:
        return False
    schema, _, table = (spec.table or spec.name).rpartition(".")
    query = (
        "SELECT column_name FROM information_schema.statistics WHERE index_name = 'PRIMARY'"
        " AND table_schema = COALESCE(NULLIF(%s, ''), database()) AND table_name = %s"
    )
    return {row[0] for row in rows(server, query, schema, table)} == set(spec.primary_key)


def json_columns(server: pymysql.Connection[Any], spec: SourceTableSpec) -> frozenset[str]:
    """Columns that MariaDB knows to be JSON by a check alone: of a table; a query's come as text."""
    if spec.query is not None or not _has_checks(server):
        return frozenset()
    schema, _, table = (spec.table or spec.name).rpartition(".")
    found = _checks(server, table, schema)
    return frozenset(m[1] for _, check in found if (m := _JSON.fullmatch(check)) is not None)


def _has_checks(server: pymysql.Connection[Any]) -> bool:
    """Servers before MySQL 8.0.16 have none."""
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'information_schema' AND table_name = %s"
    return bool(rows(server, query, "CHECK_CONSTRAINTS"))


def _checks(server: pymysql.Connection[Any], table: str = "", schema: str = "") -> list[tuple[str, str]]:
    """Table and condition of the checks of one table, or of all. MariaDB's names are unique in a table alone."""
    maria = bool(
        rows(
            server,
            "SELECT 1 FROM information_schema.columns WHERE table_schema = 'information_schema'"
            " AND table_name = 'CHECK_CONSTRAINTS' AND column_name = %s",
            "TABLE_NAME",
        )
    )
    join = " AND k.table_name = c.table_name" if maria else ""
    query = (
        "SELECT k.table_name, c.check_clause FROM information_schema.check_constraints c"
        " JOIN information_schema.table_constraints k"
        f" ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name{join}"
        " WHERE k.constraint_type = 'CHECK' AND k.table_schema = COALESCE(NULLIF(%s, ''), database())"
        " AND (%s = '' OR k.table_name = %s) ORDER BY k.table_name, c.constraint_name"
    )
    return [(str(name), str(clause)) for name, clause in rows(server, query, schema, table, table)]


def listed(server: pymysql.Connection[Any]) -> Iterator[Listed]:
    """All tables of the url's database that this user may read, with what the catalogue declares of them."""
    columns: dict[str, list[ListedColumn]] = defaultdict(list)
    for table, name, kind, comment, nullable in rows(server, _LISTED):
        columns[table].append(ListedColumn(name, comment or None, enumerated(kind), nullable == "YES"))
    keys: dict[str, dict[tuple[str, str], list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for table, constraint, kind, *rest in rows(server, _KEYS):
        keys[table][kind, constraint].append(tuple(rest))
    checks = _checks(server) if _has_checks(server) else []
    for table, comment in rows(server, _TABLES):
        own = keys[table]
        yield Listed(
            table,
            next((tuple(p[0] for p in parts) for (kind, _), parts in own.items() if kind == "PRIMARY KEY"), ()),
            tuple(
                (tuple(p[0] for p in parts), str(parts[0][1]), tuple(p[2] for p in parts))
                for (kind, _), parts in own.items()
                if kind == "FOREIGN KEY" and parts[0][3]
            ),
            comment=comment or None,
            columns=tuple(columns[table]),
            unique=tuple(tuple(p[0] for p in parts) for (kind, _), parts in own.items() if kind == "UNIQUE"),
            checks=tuple(check for name, check in checks if name == table and not _JSON.fullmatch(check)),
        )
