"""Where a source's rows are, by whatever way it names them: to see that two sources are of the same rows.

Links are followed, hard links are known by their inode, a database by its file or its server. Every table that a query
names counts, and those that the views among them read; a query that cannot be read may be of any table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.earlier import names
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.behind import written
from synthkit.sources.projection import Dialect, Name
from synthkit.sources.readers import reader_of


@dataclass(frozen=True)
class Address:
    """Where rows are: a file, or a table of a database.

    Args:
        identity: of the file or database, the same by whatever way it is named.
        shown: the same for people.
        table: of a database, as ``schema.table``; None for all of its tables, and of a file.
    """

    identity: str
    shown: str
    table: str | None = None

    def overlaps(self, other: Address) -> bool:
        same = self.identity == other.identity
        return same and (self.table is None or other.table is None or self.table == other.table)

    def __str__(self) -> str:
        return self.shown if self.table is None else f"{self.table} of {self.shown}"


def tables_read(
    spec: SourceTableSpec, chosen: ConnectionSpec, root: Path, *, opened: bool
) -> frozenset[tuple[str, str]] | None:
    """Schema and name of all tables that a source of a database reads, row by row or not; None where nobody can tell.

    Args:
        opened: look into the database for what its views read; else a view counts as a table.
    """
    reader = reader_of(chosen)
    default = reader.schema_of(chosen)
    names = frozenset({written(spec)}) if spec.query is None else _named(spec.query, reader.dialect)
    if names is None:
        return None
    if not opened:
        fold = _without_case if reader.folds else str
        return frozenset((fold(s or default), fold(n)) for s, n in names)
    found: set[tuple[str, str]] = set()
    with reader.catalogue(spec, chosen, root) as lookup:
        waiting, seen = list(names), set[Name]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            known = lookup(name)
            if known is None:
                found.add((name[0] or default, name[1]))
                continue
            found.add((known.schema, known.name))
            if known.definition is not None:
                below = _named(known.definition, reader.dialect)
                if below is None:
                    return None
                waiting += [(schema or known.schema, table) for schema, table in below]
    return frozenset(found)


def _named(sql: str, dialect: Dialect) -> frozenset[Name] | None:
    """The tables that a query names; None where it cannot be read."""
    import sqlglot
    from sqlglot import exp

    try:
        trees = [t for t in sqlglot.parse(sql, dialect=dialect) if t is not None]
    except (sqlglot.errors.SqlglotError, RecursionError):
        return None
    found: set[Name] = set()
    for tree in trees:
        tree = tree.expression if isinstance(tree, exp.Create) else tree
        local = {c.alias.lower() for c in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if table.name.lower() not in local or table.db:
                schema = table.args.get("db")
                found.add((None if schema is None else _folded(schema, dialect), _folded(table.this, dialect)))
    return frozenset(found)


def _without_case(name: str) -> str:
    return name.strip('"`').lower()


def _folded(identifier: Any, dialect: Dialect) -> str:
    name = str(identifier.name)
    return name.lower() if dialect == "postgres" and not identifier.args.get("quoted") else name


__getattr__ = names(__name__, {"Place": Address})
