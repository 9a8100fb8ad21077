"""Catalogues by the SQL standard's INFORMATION_SCHEMA, as far as a warehouse has it: names, columns, views, comments.

What is a comment, a key or a check is not the same everywhere: each kind says its own queries, and this puts together
what they give.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthkit.sources.projection import Name
from synthkit.sources.reader import Entry, Listed, ListedColumn
from synthkit.sources.warehouses.engine import Session

Table = tuple[str, str]  # schema and name
_KEYS = """
SELECT k.table_schema, k.table_name, k.constraint_schema, k.constraint_name, c.constraint_type, k.column_name,
    k.position_in_unique_constraint
FROM information_schema.table_constraints AS c JOIN information_schema.key_column_usage AS k
    ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
    AND k.table_schema = c.table_schema AND k.table_name = c.table_name
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
"""
_REFERRED = """
SELECT constraint_schema, constraint_name, unique_constraint_schema, unique_constraint_name
FROM information_schema.referential_constraints
"""


@dataclass
class Keys:
    """What a catalogue says of tables' keys, gathered row by row: each row is one column of a key, in its order."""

    primary: dict[Table, list[str]] = field(default_factory=lambda: defaultdict(list))
    unique: dict[Table, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    foreign: dict[Table, dict[str, tuple[Table, list[str], list[str]]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    checks: dict[Table, list[str]] = field(default_factory=lambda: defaultdict(list))

    def refer(self, table: Table, key: str, column: str, to: Table, other: str) -> None:
        """One column of a foreign key."""
        _, columns, others = self.foreign[table].setdefault(key, (to, [], []))
        columns.append(column)
        others.append(other)


def standard_keys(session: Session) -> Keys:
    """The keys of all tables, by the standard's views of constraints."""
    keys, foreign = Keys(), []
    of: dict[tuple[str, str], tuple[Table, list[str]]] = {}
    for schema, table, own_schema, key, kind, column, position in session.rows(_KEYS):
        own = (str(schema), str(table))
        if kind == "FOREIGN KEY":
            foreign.append((own, (own_schema, key), str(column), int(position or 1)))
            continue
        of.setdefault((own_schema, key), (own, []))[1].append(str(column))
        (keys.primary[own] if kind == "PRIMARY KEY" else keys.unique[own][str(key)]).append(str(column))
    referred = {(row[0], row[1]): (row[2], row[3]) for row in session.rows(_REFERRED)}
    for own, named, column, position in foreign:
        if (found := of.get(referred.get(named, ("", "")))) is not None:
            keys.refer(own, str(named[1]), column, found[0], found[1][position - 1])
    return keys


def without_database(view: str, database: str, quoted: Callable[[str], str]) -> str:
    """A view's SELECT, its table without the name of the database that it is in.

    The name of another one stays, and is refused by whoever follows it.

    >>> from synthkit.sql.quoting import backticked
    >>> print(without_database("SELECT id FROM `our-shop.sales.people` WHERE id > 1", "our-shop", backticked))
    SELECT id FROM `sales`.`people` WHERE id > 1
    """
    begins, part, ends = r"[`\"\[]?", r"([\w$#-]+)", r"[`\"\]]?"
    own = rf"(?i)\bFROM\s+{begins}{re.escape(database)}{ends}\.{begins}{part}{ends}\.{begins}{part}{ends}(?![\w.$#-])"
    return re.sub(own, lambda found: f"FROM {quoted(found[1])}.{quoted(found[2])}", view)


def listed(
    tables: Iterable[Sequence[Any]],
    columns: Iterable[Sequence[Any]],
    keys: Keys,
    default: str,
    written: Callable[[str], str],
) -> Iterator[Listed]:
    """Tables with what is declared of them.

    Args:
        tables: schema, name, comment.
        columns: schema, table, name, comment, whether it may be missing.
        default: the schema whose name is left out.
        written: a name as the YAML writes it.
    """
    of: dict[Table, list[ListedColumn]] = defaultdict(list)
    for schema, table, name, comment, nullable in columns:
        of[schema, table].append(ListedColumn(str(name), comment or None, None, bool(nullable)))

    def named(table: Table) -> str:
        before = "" if table[0] == default else f"{written(table[0])}."
        return f"{before}{written(table[1])}"

    for schema, name, comment in tables:
        own = (str(schema), str(name))
        yield Listed(
            named(own),
            tuple(keys.primary.get(own, ())),
            tuple((tuple(cs), named(to), tuple(others)) for to, cs, others in keys.foreign.get(own, {}).values()),
            comment=comment or None,
            columns=tuple(of[own]),
            unique=tuple(tuple(cs) for cs in keys.unique.get(own, {}).values()),
            checks=tuple(keys.checks.get(own, ())),
        )


def looked_up(
    session: Session,
    name: Name,
    schema: str,
    literal: Callable[[str], str],
    kinds: Mapping[str, str | None],
) -> Entry | None:
    """A table or view by name, whatever its letters' case; ``kind`` says what stands against reading it row by row.

    Which of several it is whose names differ in case alone depends on quotes, which are not seen here: it is none.

    Args:
        schema: that of a name without one.
        kinds: of ``table_type``: None for what is a table, else what to call it.
    """
    within, called = literal(name[0] or schema), literal(name[1])
    asked = f"lower(table_schema) = lower({within}) AND lower(table_name) = lower({called})"
    views = session.rows(
        f"SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE {asked}"
    )
    tables = session.rows(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        f" WHERE {asked} AND table_type <> 'VIEW'"
    )
    found = [*((*row[:2], "VIEW") for row in views), *tables]
    if not found:
        return None
    own_schema, own, kind = (str(part) for part in found[0])
    says = None if kind == "VIEW" else kinds.get(kind, f"a table ({kind.lower()}): what is behind it cannot be seen")
    columns = session.rows(
        "SELECT column_name FROM information_schema.columns"
        f" WHERE table_schema = {literal(own_schema)} AND table_name = {literal(own)} ORDER BY ordinal_position"
    )
    definition = views[0][2] if views else None
    if len(found) > 1:
        says = "one of several whose names differ in case only"
    elif kind == "VIEW" and not definition:
        says = "a view whose SELECT this user may not see"
    return Entry(own_schema, own, tuple(str(row[0]) for row in columns), str(definition) if definition else None, says)
