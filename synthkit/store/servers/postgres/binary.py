"""Rows in the binary form of COPY, which the server reads in two thirds of the time that CSV takes it.

A row is its number of fields (16 bits) and the fields, each its length (32 bits, -1 for a null) and its bytes, all in
network order: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4. The bytes of a type are those of
its receive function in PostgreSQL's sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.store.servers.ahead import made_ahead

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Bytes = npt.NDArray[np.uint8]

BLOCK = 32_768  # rows
HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_DAYS, _MICROSECONDS = 10_957, 946_684_800_000_000  # from 1970 to 2000, PostgreSQL's epoch
_NULL = b"\xff\xff\xff\xff"
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_GROUP = 10_000  # of a numeric's digits


def binary_blocks(path: Path, types: Sequence[str]) -> Iterator[memoryview] | None:
    """The rows of a Parquet file for columns of these types; None where one of them is not written so."""
    writers = [_writer(kind) for kind in types]
    if not types or None in writers:
        return None
    return made_ahead(_blocks(path, [w for w in writers if w is not None]))


def _blocks(path: Path, writers: Sequence[Callable[[pa.Array], Bytes | None]]) -> Iterator[memoryview]:
    import numpy as np
    import pyarrow.parquet as pq

    count = np.array([len(writers)], ">i2").view(np.uint8)
    yield memoryview(HEAD)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BLOCK):
            yield _joined(batch, count, writers)
    yield memoryview(TAIL)


def _joined(batch: pa.RecordBatch, count: Bytes, writers: Sequence[Callable[[pa.Array], Bytes | None]]) -> memoryview:
    """A block of rows: fields that have one width and no null are put together as one, then all of each row."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    null = pa.scalar(_NULL, pa.binary())
    parts: list[pa.Array] = []
    fixed: list[Bytes] = [np.broadcast_to(count, (batch.num_rows, len(count)))]
    for column, writer in zip(batch.columns, writers, strict=True):
        if isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        values = writer(column)
        if values is None:  # a text
            text = column.cast(pa.binary())
            lengths = pc.binary_length(text).fill_null(-1).to_numpy(zero_copy_only=False)
            fixed.append(lengths.astype(">i4").view(np.uint8).reshape(-1, 4))
            parts += [_together(fixed), text.fill_null(b"")]
            fixed = []
            continue
        width = np.array([values.shape[1]], ">i4").view(np.uint8)
        field = [np.broadcast_to(width, (batch.num_rows, 4)), values]
        if not column.null_count:
            fixed += field
            continue
        parts += [_together(fixed)] if fixed else []
        parts.append(pc.if_else(column.is_valid(), _together(field), null))
        fixed = []
    parts += [_together(fixed)] if fixed else []
    rows = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.binary()))
    _, offsets, data = rows.buffers()
    return memoryview(data)[: np.frombuffer(offsets, np.int32)[len(rows)]]


def _together(parts: Sequence[Bytes]) -> pa.Array:
    """Bytes of each row, side by side, as one binary value a row."""
    import numpy as np
    import pyarrow as pa

    matrix = np.ascontiguousarray(np.concatenate(parts, axis=1))
    rows, width = matrix.shape
    offsets = pa.py_buffer(np.arange(0, (rows + 1) * width, width, dtype=np.int32))
    return pa.Array.from_buffers(pa.binary(), rows, [None, offsets, pa.py_buffer(matrix)])


def _writer(kind: str) -> Callable[[pa.Array], Bytes | None] | None:
    if kind in _WRITERS:
        return _WRITERS[kind]
    found = _NUMERIC.fullmatch(kind)
    precision, scale = (int(found[1]), int(found[2])) if found is not None else (39, 0)
    if precision > 18 or scale > 15:  # beyond 64 bits
        return None
    return lambda column: _numeric(column, precision, scale)


def _plain(kind: str, less: int = 0, through: str | None = None) -> Callable[[pa.Array], Bytes]:
    """Numbers of a NumPy type, ``less`` than they are in Arrow."""

    def written(column: pa.Array) -> Bytes:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        column = column if through is None else column.cast(pa.type_for_alias(through))
        values = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
        found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
        found = (found - less if less else found).astype(kind)
        return found.view(np.uint8).reshape(len(found), -1)

    return written


def _numeric(column: pa.Array, precision: int, scale: int) -> Bytes:
    """Groups of four digits before and after the point; leading and trailing zeros are the server's to leave out."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.Array.from_buffers(pa.decimal128(38, 0), len(column), column.buffers(), offset=column.offset)
    values = pc.fill_null(whole.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    size = np.abs(values)
    before, after = -(-(precision - scale) // 4) or 1, -(-scale // 4)
    high, low = np.divmod(size, 10**scale)
    low = low * 10 ** (4 * after - scale)
    groups = [high // _GROUP**k % _GROUP for k in reversed(range(before))]
    groups += [low // _GROUP**k % _GROUP for k in reversed(range(after))]
    head = [np.full(len(values), n) for n in (before + after, before - 1)]
    fields = [*head, np.where(values < 0, 0x4000, 0), np.full(len(values), scale), *groups]
    return np.stack(fields, axis=1).astype(">u2").view(np.uint8)


def _text(_column: pa.Array) -> None:
    """Its bytes are in Arrow as they are sent."""


_WRITERS: dict[str, Callable[[pa.Array], Bytes | None]] = {
    "boolean": _plain(">u1"),
    "smallint": _plain(">i2"),
    "integer": _plain(">i4"),
    "bigint": _plain(">i8"),
    "real": _plain(">f4"),
    "double precision": _plain(">f8"),
    "date": _plain(">i4", _DAYS, "int32"),
    "time without time zone": _plain(">i8", 0, "int64"),
    "timestamp without time zone": _plain(">i8", _MICROSECONDS, "int64"),
    "timestamp with time zone": _plain(">i8", _MICROSECONDS, "int64"),
    "text": _text,
}
