"""Catalogues by the SQL standard's INFORMATION_SCHEMA, as far as a warehouse has it: names, columns, views, comments.

What is a comment, a key or a check is not the same everywhere: each kind says its own queries, and this puts together
what they give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthkit.sources.projection import Name
from synthkit.sources.reader import Entry, Listed, ListedColumn
from synthkit.sources.warehouses.engine import Session

Table = tuple[str, str]  # schema and name


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
    *,
    within: str = "",
    kinds: Mapping[str, str | None],
    definitions: str = "view_definition",
) -> Entry | None:
    """A table or view by name, whatever its letters' case; ``kind`` says what stands against reading it row by row.

    Args:
        schema: that of a name without one.
        within: what comes before ``information_schema``, with its dot.
        kinds: of ``table_type``: None for what is a table, else what to call it.
    """
    wanted, of = name[0] or schema, f"{within}information_schema"
    asked = f"lower(table_schema) = lower({literal(wanted)}) AND lower(table_name) = lower({literal(name[1])})"
    views = session.rows(f"SELECT table_schema, table_name, {definitions} FROM {of}.views WHERE {asked}")
    found = [(*row[:2], "VIEW") for row in views]
    if not found:
        tables = session.rows(f"SELECT table_schema, table_name, table_type FROM {of}.tables WHERE {asked}")
        found = [(*row[:2], str(row[2])) for row in tables]
    same = [row for row in found if row[:2] == (wanted, name[1])] or found
    if not same:
        return None
    own_schema, own, kind = (str(part) for part in same[0])
    says = None if kind == "VIEW" else kinds.get(kind, f"a {kind.lower()}: what is behind it cannot be seen")
    exactly = f"table_schema = {literal(own_schema)} AND table_name = {literal(own)}"
    columns = session.rows(f"SELECT column_name FROM {of}.columns WHERE {exactly} ORDER BY ordinal_position")
    definition = next((row[2] for row in views if tuple(row[:2]) == (own_schema, own)), None)
    if len(same) > 1:
        says = "one of several whose names differ in case only"
    elif kind == "VIEW" and not definition:
        says = "a view whose SELECT this user may not see"
    view = str(definition) if kind == "VIEW" and definition else None
    return Entry(own_schema, own, tuple(str(row[0]) for row in columns), view, says)
