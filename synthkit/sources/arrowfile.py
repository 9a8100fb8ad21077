"""Arrow IPC files, which Feather (version 2) is another name of, and Arrow streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthkit.project.types import SourceTableSpec
from synthkit.sources.filekinds import Rows

_FILE = b"ARROW1"


@contextmanager
def opened(_spec: SourceTableSpec, file: Path) -> Iterator[Rows]:
    """A file's batches, one after another: it is mapped, not read into memory."""
    import pyarrow as pa

    with pa.memory_map(str(file)) as source:
        if source.read(len(_FILE)) == _FILE:
            reader = pa.ipc.open_file(source)
            yield Rows(reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches)))
            return
        source.seek(0)
        with pa.ipc.open_stream(source) as stream:
            yield Rows(stream.schema, iter(stream))
