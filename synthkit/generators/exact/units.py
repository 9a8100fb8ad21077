"""Whose row it is, in every table of a family: by its own column, or by that of the row that it belongs to.

A value that few people have must not come back, and who has it is counted by privacy units (customers, say). The rows
of an order's lines name no customer; they are their order's customer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.encoding.view import lay_down
from synthkit.generators.tables import Key
from synthkit.rules.coding import rows_named
from synthkit.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

UNIT = "(unit)"  # the column that is added to a table whose rows name no unit


def with_units(tables: Mapping[str, Table], keys: Sequence[Key], folder: Path) -> dict[str, Table]:
    """The tables, those with one more column that belong to others' rows and name no unit: the row of their owner, or
    the unit that this names, or the one that it belongs to.

    Args:
        tables: each after its owner.
        folder: for the files of tables that get a column.
    """
    owners = {key.table: key for key in keys if key.owner}
    found: dict[str, Table] = {}
    for number, (name, table) in enumerate(tables.items()):
        key = owners.get(name)
        above = None if key is None else found.get(key.references)
        lacks = table.schema.privacy_unit is None
        if lacks and key is not None and above is not None:
            table = _with_unit(table, key, above, folder / f"units{number}.parquet")
        found[name] = table
    return found


def _with_unit(table: Table, key: Key, owner: Table, file: Path) -> Table:
    """The table with the unit of the row that each row belongs to; missing where it belongs to none."""
    import pyarrow as pa

    primary, unit = list(owner.schema.primary_key), owner.schema.privacy_unit
    above = owner.to_arrow(list(dict.fromkeys([*primary, *([] if unit is None else [unit])])))
    at = rows_named(table.to_arrow(list(key.columns)), above.select(primary))
    named = pa.array(at, mask=at < 0)
    units = named if unit is None else above.column(unit).combine_chunks().take(named)

    def beside() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in table.batches():
            yield batch.append_column(UNIT, units.slice(start, batch.num_rows))
            start += batch.num_rows

    lay_down(beside(), file)
    return Table(replace(table.schema, privacy_unit=UNIT), (file,), table.rows, table.metadata)
