"""Avro files, through fastavro (MIT): the types of the writer's schema, rows in blocks as they lie in the file.

A union with null is a column that may be missing; one of several other types is none that a table has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.filekinds import Rows
from synthkit.sources.location import column_location, location

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 10_000  # rows


class _NoTypeError(ValueError):
    """A type of Avro's that no column has."""


def opened(spec: SourceTableSpec, file: Path) -> AbstractContextManager[Rows]:
    """Raises SynthError for a column of several types."""
    return _opened(spec, file, lenient=False)


def opened_leniently(spec: SourceTableSpec, file: Path) -> AbstractContextManager[Rows]:
    """Raises SynthError also for a column of which a value can stop the reader: it makes Python's dates and decimals,
    and has no way on from one that Python does not have."""
    return _opened(spec, file, lenient=True)


@contextmanager
def _opened(spec: SourceTableSpec, file: Path, lenient: bool) -> Iterator[Rows]:
    import fastavro
    import pyarrow as pa

    with file.open("rb") as source:
        reader = fastavro.reader(source, handle_unicode_errors="replace" if lenient else "strict")
        schema = reader.writer_schema
        if not isinstance(schema, dict) or schema.get("type") != "record":
            hint = "a table's file has records of one kind"
            raise SynthError(f"{file.name} holds no records", location(spec, "path"), hint)
        named: dict[str, Any] = {}
        fields = []
        for one in schema["fields"]:
            try:
                fields.append(pa.field(one["name"], _arrow(one["type"], named)))
            except _NoTypeError as error:
                what = f"column {one['name']!r} of {file.name} is {error}: no type of a table"
                where = column_location(spec, one["name"])
                raise SynthError(what, where, "write the file with it in one type") from None
        columns = pa.schema(fields)
        for field in columns if lenient else ():
            if pa.types.is_temporal(field.type) or pa.types.is_decimal(field.type):
                what = f"column {field.name!r} of {file.name} is {field.type}: one value beyond Python's stops the file"
                hint = "under epsilon no row may stop the others: write it as Parquet, or with this column as a number"
                raise SynthError(what, column_location(spec, field.name), hint)
        yield Rows(columns, _batches(reader, columns))


def _batches(reader: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    while rows := list(islice(reader, BATCH)):
        yield pa.RecordBatch.from_pylist(rows, schema)


def _arrow(kind: Any, named: dict[str, Any]) -> pa.DataType:
    """The Arrow type of an Avro one; ``named`` are those that a name was given to before."""
    import pyarrow as pa

    if isinstance(kind, list):
        others = [k for k in kind if k != "null"]
        if len(others) > 1:
            raise _NoTypeError("a union of several types")
        return _arrow(others[0], named) if others else pa.string()
    if isinstance(kind, str):
        if kind in named:
            return _arrow(named[kind], {k: v for k, v in named.items() if k != kind})
        return _plain(kind)
    logical = _logical(kind)
    if logical is not None:
        return logical
    if "name" in kind:
        named[kind["name"]] = kind
    match kind["type"]:
        case "record":
            return pa.struct([pa.field(f["name"], _arrow(f["type"], named)) for f in kind["fields"]])
        case "array":
            return pa.list_(_arrow(kind["items"], named))
        case "map":
            return pa.map_(pa.string(), _arrow(kind["values"], named))
        case "enum":
            return pa.string()
        case "fixed":
            return pa.binary()
        case other:
            return _arrow(other, named)


def _logical(kind: Mapping[str, Any]) -> pa.DataType | None:
    import pyarrow as pa

    said = kind.get("logicalType")
    if said == "decimal":
        precision, scale = int(kind["precision"]), int(kind.get("scale", 0))
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    known: dict[str, pa.DataType] = {
        "date": pa.date32(),
        "time-millis": pa.time64("us"),
        "time-micros": pa.time64("us"),
        "timestamp-millis": pa.timestamp("us", "UTC"),
        "timestamp-micros": pa.timestamp("us", "UTC"),
        "local-timestamp-millis": pa.timestamp("us"),
        "local-timestamp-micros": pa.timestamp("us"),
    }
    if said == "uuid" and kind["type"] == "string":
        return pa.string()
    return known.get(str(said))


def _plain(kind: str) -> pa.DataType:
    import pyarrow as pa

    known: dict[str, pa.DataType] = {
        "null": pa.string(),
        "boolean": pa.bool_(),
        "int": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "bytes": pa.binary(),
        "string": pa.string(),
    }
    if kind not in known:
        raise _NoTypeError(f"of the type {kind}, which holds itself")
    return known[kind]
