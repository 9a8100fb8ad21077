"""What stands in the schema already: the tables of now, what others made of them, and what would not outlive a swap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.sql.quoting import literal, quote
from synthkit.store.servers.postgres.loading import PROVEN

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection, Server

_COLUMNS = """
    SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY c.relname, a.attnum"""
# Whatever depends on a table or on its row type, but for its indexes and for what synthkit made; a rule is its view's.
_OTHERS = f"""
    SELECT DISTINCT CASE WHEN r.ev_class IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
        ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END
    FROM pg_depend AS d LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT {{oid}} UNION ALL
            SELECT indexrelid FROM pg_index WHERE indrelid = {{oid}})
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid = (SELECT reltype FROM pg_class WHERE oid = {{oid}}))
      AND d.deptype IN ('n', 'a') AND r.ev_class IS DISTINCT FROM {{oid}}
      AND NOT (d.classid = 'pg_class'::regclass
        AND d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = {{oid}}))
      AND NOT (d.classid = 'pg_constraint'::regclass AND (coalesce(obj_description(d.objid, 'pg_constraint'), '')
        = {literal(PROVEN)} OR (SELECT contype FROM pg_constraint WHERE oid = d.objid) = 'n'))
      AND NOT (d.classid = 'pg_class'::regclass AND d.objid = {{oid}})
    UNION SELECT 'its row security' FROM pg_class WHERE oid = {{oid}} AND (relrowsecurity OR relforcerowsecurity)
    UNION SELECT 'its storage options' FROM pg_class
        WHERE oid = {{oid}} AND (reloptions IS NOT NULL OR relreplident <> 'd')
    ORDER BY 1"""
_GRANTS = """
    SELECT g.privilege_type, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
        g.is_grantable, g.attname
    FROM (SELECT r.*, NULL::name AS attname, c.relowner FROM pg_class AS c, aclexplode(c.relacl) AS r
            WHERE c.oid = {oid}
        UNION ALL SELECT r.*, a.attname, c.relowner FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
            AND NOT a.attisdropped, aclexplode(a.attacl) AS r WHERE c.oid = {oid}) AS g
    WHERE g.grantee <> g.relowner ORDER BY 2, 1, 4"""
_INDEXES = """
    SELECT c.relname, format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
        c.relname, n.nspname, t.relname), pg_get_indexdef(i.indexrelid)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE i.indrelid = {oid} AND i.indisvalid
      AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
    ORDER BY c.relname"""


@dataclass(frozen=True)
class Grant:
    """A right that somebody was given, on a table or on a column of it. ``to`` is quoted."""

    right: str
    to: str
    grantable: bool
    column: str | None

    def on(self, relation: str) -> str:
        """The statement that gives it on a relation, which is quoted."""
        what = self.right if self.column is None else f"{self.right} ({quote(self.column)})"
        return f"GRANT {what} ON {relation} TO {self.to}" + (" WITH GRANT OPTION" if self.grantable else "")


@dataclass(frozen=True)
class Index:
    """An index that somebody made on a table; ``rest`` of its statement follows the table's name."""

    name: str
    unique: bool
    rest: str


@dataclass(frozen=True)
class Relation:
    """A table, view or other relation of the schema: its kind as the catalogue has it, and its columns."""

    kind: str
    columns: tuple[tuple[str, str], ...]


def relations(server: Server, connection: Connection | None = None) -> dict[str, Relation]:
    """All relations of the schema, by name."""
    query = _COLUMNS.format(schema=literal(server.schema))
    rows = server.rows(query) if connection is None else connection.execute(query).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    kinds = {}
    for name, kind, column, sql_type in rows:
        kinds[name] = kind
        found.setdefault(name, []).extend([] if column is None else [(column, sql_type)])
    return {name: Relation(kinds[name], tuple(columns)) for name, columns in found.items()}


def comments(connection: Connection, schema: str) -> dict[str, dict[str | None, str]]:
    """What is said of the relations of a schema: of each of their columns, and by None of themselves."""
    query = (
        "SELECT c.relname, a.attname, d.description FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid"
        " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0"
        " WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = to_regnamespace(%s)"
    )
    found: dict[str, dict[str | None, str]] = {}
    for relation, column, text in connection.execute(query, [quote(schema)]).fetchall():
        found.setdefault(relation, {})[column] = text
    return found


def oid_of(connection: Connection, schema: str, name: str) -> int | None:
    row = connection.execute("SELECT to_regclass(%s)::oid::bigint", [f"{quote(schema)}.{quote(name)}"]).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def made_by_others(connection: Connection, oid: int) -> list[str]:
    """What of others would go, or go on with the old rows, if another table took the name: views, policies, keys."""
    return [str(text) for (text,) in connection.execute(_OTHERS.format(oid=oid)).fetchall()]


def grants_of(connection: Connection, oid: int) -> list[Grant]:
    return [Grant(*row) for row in connection.execute(_GRANTS.format(oid=oid)).fetchall()]


def owner_of(connection: Connection, oid: int) -> str:
    """The owner's name, quoted."""
    row = connection.execute(
        f"SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = {oid}"
    ).fetchone()
    assert row is not None
    return str(row[0])


def indexes_of(connection: Connection, oid: int) -> list[Index]:
    found = []
    for name, prefix, text in connection.execute(_INDEXES.format(oid=oid)).fetchall():
        if text.startswith(prefix):
            found.append(Index(name, prefix.startswith("CREATE UNIQUE"), text.removeprefix(prefix)))
    return found


def missing(found: Sequence[tuple[str, str]], wanted: Sequence[tuple[str, str]]) -> str | None:
    """In words, how columns differ from those that are wanted; None where they do not."""
    have, want = dict(found), dict(wanted)
    said = [f"lacks {n}" for n in want if n not in have] + [f"has {n} besides" for n in have if n not in want]
    said += [f"has {n} as {have[n]}, not {want[n]}" for n in want if n in have and have[n] != want[n]]
    if said:
        return ", ".join(said)
    return None if tuple(have) == tuple(want) else "has its columns in another order"
