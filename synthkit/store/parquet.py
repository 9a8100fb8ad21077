"""Write Parquet so that the same rows give the same bytes, however they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from synthkit.files import replacing
from synthkit.store.hashing import HashedFile, Hashes

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 122_880  # rows: DuckDB's own, so that its scans run in parallel
FORMAT = "2.6"


class Written(NamedTuple):
    """A file as it was written."""

    rows: int
    hashes: Hashes


def write_parquet(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, metadata: Mapping[str, str]
) -> Written:
    """Write the batches under a temporary name and rename it.

    Row groups have a fixed size and the metadata only what decides the rows (no time, no run), so the file
    is a function of its rows. Raises BuildError where the disk does not take it; what ``batches`` raises goes
    through as it is.
    """
    import pyarrow.parquet as pq

    stamped = schema.with_metadata({k: metadata[k] for k in sorted(metadata)})
    rows = 0
    try:
        with (
            replacing(path) as temporary,
            temporary.open("wb") as plain,
            HashedFile(plain) as file,
            pq.ParquetWriter(file, stamped, compression="zstd", version=FORMAT) as writer,
        ):
            for group in _groups(_marked(batches), schema):
                writer.write_table(group, row_group_size=ROW_GROUP)
                rows += group.num_rows
    except _ReadError as failure:
        raise failure.error from None
    return Written(rows, file.hashes)


class _ReadError(Exception):
    """Carries an OSError of the rows' origin past those that speak of the file being written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _marked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except OSError as error:
        raise _ReadError(error) from error


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Regroup batches of any size into tables of exactly ROW_GROUP rows, but for the last."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP:
            table = pa.Table.from_batches(held, schema)
            yield table.slice(0, ROW_GROUP).combine_chunks()
            rest = table.slice(ROW_GROUP)
            held, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(held, schema).combine_chunks()


def read_metadata(path: Path) -> dict[str, str]:
    """The file's own key-value metadata, without Arrow's."""
    import pyarrow.parquet as pq

    found = pq.read_schema(path).metadata or {}
    return {k.decode(): v.decode() for k, v in found.items() if not k.startswith(b"ARROW")}
