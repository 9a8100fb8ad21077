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
        max_rows_per_unit: rows kept of each value of the schema's privacy unit; ignored where a row is the unit.
    """

    schema: Schema
    max_rows_per_unit: int


def bounded_query(scan: str, names: Sequence[str], *, keep: str, unit: str | None, order: str, most: int) -> str:
    """SQL for the rows of ``scan`` (SQL, with a column ``file_row_number``) that satisfy ``keep``, in their order; of
    each value of the column ``unit`` at most ``most``, those with the least ``order``."""
    listed = ", ".join(quote(n) for n in names)
    if unit is None:
        return f"SELECT {listed} FROM {scan} WHERE {keep} ORDER BY file_row_number"
    ranked = f"row_number() OVER (PARTITION BY {quote(unit)} ORDER BY {quote(order)}) <= {most}"
    return f"SELECT {listed} FROM {scan} WHERE {keep} QUALIFY {ranked} ORDER BY file_row_number"
