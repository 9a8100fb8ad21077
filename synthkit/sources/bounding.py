"""The rows that a private model may read: in their declared types, a bounded number of each privacy unit.

Each step looks at one unit's rows alone, so that what one unit adds or removes stays within ``max_rows_per_unit`` rows:
a value is cast (one that does not fit becomes missing), a row that lacks a value where the declaration demands one is
left out, and of a unit's rows those with the least salted hash are kept. The unit, and the hash, are taken of the row's
own raw values (:mod:`.canonical`): two units whose values do not fit the declared type stay two. Rows
whose unit is missing count as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthkit.schema import Schema
from synthkit.sql.quoting import quote

SALT = "synthkit unit 1"


@dataclass(frozen=True)
class Declared:
    """How a private model reads a source.

    Args:
        schema: what is declared of the columns (:func:`synthkit.privacy.knowledge.declared_schema`).
        max_rows_per_unit: rows kept of each value of the schema's privacy unit; ignored where a row is the unit; None
            where all are, as they are chosen together with the rows of other tables.
        keys: columns whose own text is kept beside their value (:func:`text_of`): by it rows of several tables are put
            together, as values may be alike that are written otherwise.
    """

    schema: Schema
    max_rows_per_unit: int | None
    keys: tuple[str, ...] = ()


def text_of(column: str) -> str:
    """The name of the column that holds the text of a key."""
    return f"(text of) {column}"


def bounded_query(scan: str, names: Sequence[str], *, keep: str, unit: str | None, order: str, most: int | None) -> str:
    """SQL for the rows of ``scan`` (SQL, with a column ``file_row_number``) that satisfy ``keep``, in their order; of
    each value of the column ``unit`` at most ``most``, those with the least ``order``."""
    listed = ", ".join(quote(n) for n in names)
    if unit is None or most is None:
        return f"SELECT {listed} FROM {scan} WHERE {keep} ORDER BY file_row_number"
    ranked = f"row_number() OVER (PARTITION BY {quote(unit)} ORDER BY {quote(order)}) <= {most}"
    return f"SELECT {listed} FROM {scan} WHERE {keep} QUALIFY {ranked} ORDER BY file_row_number"
