"""The columns of a table, as its receipt lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from synthkit.records.record import Record, Several, absent
from synthkit.schema import Schema


class PublishedColumn(Record):
    """A column as it is published.

    Args:
        name: as published.
        type: its SQL type.
    """

    name: str
    type: str


How = Literal["learnt", "computed", "in part", "key", "pii", "made up", "constant", "empty"]

LEARNT: frozenset[How] = frozenset({"learnt", "computed", "constant", "empty"})  # what is as it is in the source
MADE_UP: frozenset[How] = frozenset({"made up", "pii"})  # what looks like the source's values, and tells nothing


class ColumnOrigin(Record):
    """Where a column of a drawn table comes from.

    Args:
        name: as published.
        how: learnt of the source; computed from other columns; in part: learnt in some of its parts; key: made up to
            tell rows apart; pii: made up in place of personal data; made up: text that only looks like the source's;
            constant or empty, as in the source.
        by: the rule that computes it, its parts that are learnt, what makes the personal data up, or the table whose
            rows a key names; withheld with figures.
    """

    name: str
    how: How
    by: str | None = None

    @property
    def in_words(self) -> str:
        """``made up (pii: email)``, ``computed (total = a + b)``, ``key, made up``, ``key → customers``."""
        if self.how == "key" and self.by:
            return f"key → {self.by}"
        if self.how == "pii":
            return f"made up (pii: {self.by})" if self.by else "made up (pii)"
        words = {"key": "key, made up", "in part": "learnt in part"}.get(self.how, self.how)
        return f"{words} ({self.by})" if self.by else words


def learnt_in_words(origins: Sequence[ColumnOrigin]) -> str:
    """What was learnt of a table; "" where nothing of the kind is known.

    >>> kinds = {"age": "learnt", "location": "made up", "email": "pii"}
    >>> learnt_in_words([ColumnOrigin(name=name, how=how) for name, how in kinds.items()])
    '1 of 3 columns learnt; 2 made up: location, email'
    """
    if not origins:
        return ""
    learnt, made_up = sum(o.how in LEARNT for o in origins), [o.name for o in origins if o.how in MADE_UP]
    text = f"{learnt} of {len(origins)} column{'' if len(origins) == 1 else 's'} learnt"
    some = [o.name for o in origins if o.how == "in part"]
    text += f", {len(some)} in part: {', '.join(some)}" if some else ""
    return f"{text}; {len(made_up)} made up: {', '.join(made_up)}" if made_up else text


class TypedColumn(Record):
    """A column with what it means.

    Args:
        name: as published.
        type: its logical type.
        sql_type: its SQL type.
        nullable: whether it was declared or seen to have nulls.
        format: how it is written what it means.
        rare: what becomes of the rare values of a category of many.
    """

    name: str
    type: str
    sql_type: str
    nullable: bool | None = None
    format: str | None = None
    rare: str | None = absent()


class TypedColumns(Record):
    """A table's columns and keys.

    Args:
        columns: in their order.
        primary_key: the columns that name a row.
        privacy_unit: the column that says whose row it is.
    """

    columns: Several[TypedColumn]
    primary_key: Several[str] = ()
    privacy_unit: str | None = None

    def as_schema(self) -> Schema:
        """With all that is kept of the columns. Raises TypeError where another version kept more."""
        return Schema.from_json(self.to_json())
