"""CSV, JSON lines and Parquet: a file for each table, and the card beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.exports.card import write_card
from synthkit.exports.contract import ExportedTable, Exporter, Package
from synthkit.exports.kinds import Kind, kind_of
from synthkit.report.cells import as_json, as_text, values

if TYPE_CHECKING:
    import pyarrow as pa

_AS_THEY_ARE: frozenset[Kind] = frozenset({"boolean", "integer", "float", "decimal", "date", "text"})


def csv(package: Package, folder: Path) -> None:
    for table in package.tables:
        write_csv(table, folder / f"{table.name}.csv")
    write_card(package, folder)


def write_csv(table: ExportedTable, path: Path) -> None:
    """UTF-8, a comma between, a line with the names first. Text is in quotes, so that an empty one is no null.

    A timestamp is written as ISO 8601 has it, lists and the like as JSON.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    schema = pa.schema([(f.name, f.type if _stays(f.type) else pa.string()) for f in table.arrow])
    with arrow_csv.CSVWriter(str(path), schema) as writer:
        for batch in table.batches():
            columns = [_in_text(column) for column in batch.columns]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _stays(type_: pa.DataType) -> bool:
    return kind_of(type_) in _AS_THEY_ARE


def _in_text(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _stays(column.type):
        return column
    if kind_of(column.type) in ("timestamp", "instant"):
        zone = "" if column.type.tz is None else "Z"
        moments = column if column.type.tz is None else column.cast(pa.timestamp(column.type.unit, "UTC"))
        return pc.strftime(moments, format=f"%Y-%m-%dT%H:%M:%S{zone}")
    cells = (None if v is None else as_text(v, column.type) for v in values(column))
    return pa.array(cells, pa.string())


def jsonl(package: Package, folder: Path) -> None:
    for table in package.tables:
        write_jsonl(table, folder / f"{table.name}.jsonl")
    write_card(package, folder)


def write_jsonl(table: ExportedTable, path: Path) -> None:
    """An object a line, with every column. Numbers keep their digits."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for batch in table.batches():
            names = [json.dumps(name, ensure_ascii=False) for name in batch.schema.names]
            columns = [[as_json(value, column.type) for value in values(column)] for column in batch.columns]
            for row in zip(*columns, strict=True):
                file.write("{" + ", ".join(f"{n}: {v}" for n, v in zip(names, row, strict=True)) + "}\n")


def parquet(package: Package, folder: Path) -> None:
    for table in package.tables:
        write_parquet(table, folder / f"{table.name}.parquet")
        receipt = json.dumps(table.receipt.to_json(), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{table.name}.receipt.json").write_text(receipt, "utf-8")
    write_card(package, folder)


def write_parquet(table: ExportedTable, path: Path) -> None:
    """The very bytes that are published, so that the receipt's hash and signature hold of them."""
    shutil.copyfile(table.path, path)


CSV = Exporter("csv", csv)
JSONL = Exporter("jsonl", jsonl)
PARQUET = Exporter("parquet", parquet)
