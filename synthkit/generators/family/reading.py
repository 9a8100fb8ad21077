"""Tables as they are learnt: cells of their columns, and which row of the parent each key names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Encoder
from synthkit.generators.conditional.columns import Field, encoded, field_of, spread
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.tables import Key
from synthkit.rules.coding import codes_of
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Read:
    """Rows of one table.

    Args:
        fields: of the columns that are learnt.
        cells, values: shape (rows, fields); values are positions, NaN where missing.
        keys: the columns that are not learnt.
    """

    table: Table
    encoder: Encoder | None
    fields: tuple[Field, ...]
    cells: Array
    values: Array
    keys: pa.Table
    kinds: pa.Schema

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def units(self) -> Array:
        """Whose each row is, as numbers: its privacy unit's, and where the table names none its own. Shape (rows,)."""
        import numpy as np

        unit = self.table.schema.privacy_unit
        return np.arange(len(self)) if unit is None else codes_of(self.table.to_arrow([unit]).column(0))

    def field(self, name: str) -> int:
        """The number of a column's field; -1 where it has none."""
        return next((i for i, f in enumerate(self.fields) if f.name == name), -1)


def read(table: Table, unlearnt: Sequence[str], params: ConditionalParams, seed: int) -> Read:
    """Read a table; ``unlearnt`` are columns of keys."""
    import numpy as np

    schema = table.schema
    names = [c.name for c in schema.columns if c.modelled and c.name not in unlearnt]
    whole = table.to_arrow([c.name for c in schema.columns])
    keys = whole.select([n for n in schema.names if n not in names])
    if not names or not table.rows:
        none = np.zeros((whole.num_rows, 0))
        return Read(table, None, (), none.astype(np.int64), none, keys, whole.schema)
    # The unit is not learnt, but who holds a value is counted by it: one that few people have must not come back.
    counted = replace(schema.select(names), privacy_unit=schema.privacy_unit)
    learnt = Table(counted, table.paths, table.rows, table.metadata)
    encoder = encoded(learnt, params, seed)
    found = encoder.encode_table(learnt)
    cells, places = found.codes.astype(np.int64), spread(encoder, found.residuals)
    fields = tuple(field_of(codec, cells[:, j]) for j, codec in enumerate(encoder.columns))
    values = np.zeros(cells.shape)
    for j, field in enumerate(fields):
        values[:, j] = _positions(field, whole.column(field.name), cells[:, j], places[:, j])
    return Read(table, encoder, fields, cells, values, keys, whole.schema)


def _positions(field: Field, column: pa.ChunkedArray, cells: Array, places: Array) -> Array:
    """The exact positions of a number: its place in a cell would be rounded."""
    import numpy as np

    from synthkit.encoding.numbers import raw_numbers

    if field.codec.grid is None:
        return field.values(cells, places)
    raw, valid = raw_numbers(column.combine_chunks(), field.name)
    return np.where(valid, field.codec.grid.positions(raw), np.nan)


def key_columns(schema_names: Sequence[str], primary: Sequence[str], keys: Sequence[Key], name: str) -> tuple[str, ...]:
    """Columns of a table that no model learns: those of keys to others, and a primary key of one column."""
    named = {c for k in keys if k.table == name for c in k.columns}
    named |= {c for k in keys if k.references == name for c in primary if len(primary) == 1}
    if len(primary) == 1:
        named |= set(primary)
    return tuple(n for n in schema_names if n in named)


def file_of(keys: pa.Table) -> Array:
    """A table as the bytes of an Arrow file: uint8."""
    import numpy as np
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, keys.schema) as writer:
        writer.write_table(keys)
    return np.frombuffer(sink.getvalue(), dtype=np.uint8).copy()
