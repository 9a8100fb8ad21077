"""Catalogues by the SQL standard's INFORMATION_SCHEMA, as far as a warehouse has it: names, columns, views, comments.

What is a comment, a key or a check is not the same everywhere: each kind says its own queries, and this puts together
what they give. Names of the catalogue are in capitals, as a database of SQL Server may tell the case of letters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthkit.sources.projection import Dialect, Name, NotRowwise, projection
from synthkit.sources.reader import Entry, Listed, ListedColumn
from synthkit.sources.warehouses.address import Address
from synthkit.sources.warehouses.engine import Session

Table = tuple[str, str]  # schema and name
_KEYS = """
SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_SCHEMA, k.CONSTRAINT_NAME, c.CONSTRAINT_TYPE, k.COLUMN_NAME,
    {position}
FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS c JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS k
    ON k.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = c.CONSTRAINT_NAME
    AND k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION
"""
_REFERRED = """
SELECT CONSTRAINT_SCHEMA, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, UNIQUE_CONSTRAINT_NAME
FROM INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS
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


def standard_keys(session: Session, *, foreign: bool = True) -> Keys:
    """The keys of all tables, by the standard's views of constraints.

    Args:
        foreign: whether the views say to which column of the other table each column of a foreign key leads.
    """
    keys, leading = Keys(), []
    position = "k.POSITION_IN_UNIQUE_CONSTRAINT" if foreign else "NULL"
    of: dict[tuple[str, str], tuple[Table, list[str]]] = {}
    for schema, table, own_schema, key, kind, column, at in session.rows(_KEYS.format(position=position)):
        own = (str(schema), str(table))
        if kind == "FOREIGN KEY":
            leading.append((own, (own_schema, key), str(column), int(at or 1)))
            continue
        of.setdefault((own_schema, key), (own, []))[1].append(str(column))
        (keys.primary[own] if kind == "PRIMARY KEY" else keys.unique[own][str(key)]).append(str(column))
    if not foreign:
        return keys
    referred = {(row[0], row[1]): (row[2], row[3]) for row in session.rows(_REFERRED)}
    for own, named, column, at in leading:
        if (found := of.get(referred.get(named, ("", "")))) is not None:
            keys.refer(own, str(named[1]), column, found[0], found[1][at - 1])
    return keys


def names(session: Session, _address: Address) -> list[str]:
    """Those of all tables."""
    return [str(row[0]) for row in session.rows("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES")]


def columns(session: Session, query: str) -> list[Sequence[Any]]:
    """Columns as :func:`listed` takes them, by a query whose last column is the standard's IS_NULLABLE."""
    return [(*row[:4], row[4] != "NO") for row in session.rows(query)]


def in_short(view: Entry, dialect: Dialect) -> bool:
    """Whether a view's SELECT names its table without a schema: then it is that of wherever the view's maker was."""
    try:
        return projection(view.definition or "", dialect, view.database).table[0] is None
    except NotRowwise:  # whoever follows it says that
        return False


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
    asked = f"lower(TABLE_SCHEMA) = lower({within}) AND lower(TABLE_NAME) = lower({called})"
    views = session.rows(
        f"SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM INFORMATION_SCHEMA.VIEWS WHERE {asked}"
    )
    tables = session.rows(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES"
        f" WHERE {asked} AND TABLE_TYPE <> 'VIEW'"
    )
    found = [*((*row[:2], "VIEW") for row in views), *tables]
    if not found:
        return None
    own_schema, own, kind = (str(part) for part in found[0])
    says = None if kind == "VIEW" else kinds.get(kind, f"a table ({kind.lower()}): what is behind it cannot be seen")
    columns = session.rows(
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS"
        f" WHERE TABLE_SCHEMA = {literal(own_schema)} AND TABLE_NAME = {literal(own)} ORDER BY ORDINAL_POSITION"
    )
    definition = views[0][2] if views else None
    if len(found) > 1:
        says = "one of several whose names differ in case only"
    elif kind == "VIEW" and not definition:
        says = "a view whose SELECT this user may not see"
    return Entry(own_schema, own, tuple(str(row[0]) for row in columns), str(definition) if definition else None, says)
