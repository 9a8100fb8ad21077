"""Kinds of files whose rows come typed, but not by DuckDB: one module each, which opens one as Arrow batches.

A folder may be such a file, too: a Delta or an Iceberg table. What a kind opens is put at rest as Parquet, batch by
batch, and read on from there (:mod:`.parquetfile`), so that all that is promised of Parquet holds of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.extras import refuse_absent
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import column_location, location

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rows:
    """The columns of a file, and its rows."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


Open = Callable[[SourceTableSpec, Path], AbstractContextManager[Rows]]


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Args:
        module: has ``opened``, an :data:`Open`, which raises SynthError, and whatever its library raises; where a value
            can stop its library, also ``opened_leniently``, which no value stops.
        called: what to call such a file.
        extra: that brings the package which reads it; None: what synthkit needs anyway.
    """

    module: str
    called: str
    extra: str | None = None

    def load(self, spec: SourceTableSpec, lenient: bool) -> Open:
        """Raises SynthError where its package is not installed."""
        self.check(spec)
        module = import_module(f"synthkit.sources.{self.module}")
        found: Open = getattr(module, "opened_leniently", module.opened) if lenient else module.opened
        return found

    def check(self, spec: SourceTableSpec) -> None:
        """Raises SynthError where its package is not installed."""
        if self.extra is not None:
            refuse_absent(f"{spec.path} is {self.called}: it", self.extra, where=location(spec, "path"))


KINDS = {
    "arrow": FileKind("arrowfile", "an Arrow or Feather file"),
    "avro": FileKind("avrofile", "an Avro file", "avro"),
    "delta": FileKind("deltatable", "a Delta table", "delta"),
    "iceberg": FileKind("icebergtable", "an Iceberg table", "iceberg"),
}


def at_rest(
    spec: SourceTableSpec, kind: str, files: Sequence[Path], scratch: Path, *, lenient: bool, look: bool
) -> list[Path]:
    """The files as Parquet in ``scratch``, under their own names; without rows where it is only a ``look``.

    Args:
        lenient: no row stops the others.

    Raises:
        SynthError: a package is missing; a column that Parquet or DuckDB has no type for.
        BuildError: a file is not of that kind, or torn.
    """
    opened = KINDS[kind].load(spec, lenient)
    found = []
    for i, file in enumerate(files):
        found.append(_written(spec, KINDS[kind], opened, file, scratch / f"as-{i}", lenient=lenient, look=look))
    return found


def _written(
    spec: SourceTableSpec, kind: FileKind, opened: Open, file: Path, folder: Path, *, lenient: bool, look: bool
) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    try:
        with opened(spec, file) as rows:
            schema = pa.schema([_plain(field, file, spec) for field in rows.schema])
            with pq.ParquetWriter(target, schema) as writer:
                for batch in () if look else rows.batches:
                    # A moment too far for milliseconds is another one then, which harms no row but its own.
                    writer.write_batch(batch if batch.schema == schema else batch.cast(schema, safe=not lenient))
    except SynthError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # each library has errors of its own; whatever it is, this file was not read
        reason = " ".join(str(error).split()) or type(error).__name__
        what = f"{file.name} does not read as {kind.called}: {reason[:300]}"
        hint = "is it whole, and of that kind? format: says another; write it again where it is torn"
        raise BuildError(what, location(spec, "path"), hint) from None
    return target


def _plain(field: pa.Field, file: Path, spec: SourceTableSpec) -> pa.Field:
    """A field in a type that Parquet keeps. Raises SynthError for a column that it cannot hold."""
    import pyarrow as pa
    import pyarrow.types as t

    kind = field.type
    if t.is_dictionary(kind):
        kind = kind.value_type
    if t.is_null(kind) or t.is_string_view(kind) or t.is_large_string(kind):
        kind = pa.string()
    elif t.is_float16(kind):
        kind = pa.float32()
    elif t.is_timestamp(kind) and kind.unit == "s":
        kind = pa.timestamp("ms", kind.tz)
    elif t.is_date64(kind):
        kind = pa.date32()
    elif t.is_interval(kind) or t.is_union(kind):
        message = f"column {field.name!r} of {file.name} is {kind}: no type of Parquet"
        raise SynthError(message, column_location(spec, field.name), "write the file with it as text")
    return pa.field(field.name, kind)
