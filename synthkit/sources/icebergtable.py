"""Iceberg tables, through pyiceberg (Apache-2.0): the newest snapshot, or that of ``options: {snapshot: …}``.

A table is named by its folder, of which the newest metadata counts, or by one ``….metadata.json`` of it. No catalogue
is asked. Iceberg has no unsigned numbers and none of less than 32 bits, and its points in time count microseconds:
what was written into it in other types was changed then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.filekinds import KINDS, Rows
from synthkit.sources.location import location

ENDS = ".metadata.json"
_MOVED = "an Iceberg table names its files in full: read it where it was written, or copy its rows"
_NUMBER = re.compile(r"v?(\d+)")


def newest_metadata(folder: Path) -> Path | None:
    """The metadata of a table's folder with the greatest number; None where it is no table."""
    found = list((folder / "metadata").glob(f"*{ENDS}")) if (folder / "metadata").is_dir() else []
    numbered = [(int(m[1]), f) for f in found if (m := _NUMBER.match(f.name)) is not None]
    return max(numbered)[1] if numbered else None


def _scan(spec: SourceTableSpec, place: Path) -> tuple[Any, Path]:
    """What is read, and the table's folder. Raises SynthError."""
    KINDS["iceberg"].check(spec)
    from pyiceberg.table import StaticTable

    metadata = newest_metadata(place) if place.is_dir() else place
    assert metadata is not None
    table = StaticTable.from_metadata(str(metadata))
    snapshot = spec.options.get("snapshot")
    if snapshot is None and table.current_snapshot() is None:
        raise SynthError(f"{spec.path} has no snapshot yet", location(spec, "path"), "write rows to it")
    if snapshot is not None and table.snapshot_by_id(snapshot) is None:
        known = ", ".join(str(s.snapshot_id) for s in table.snapshots()[-3:])
        where = location(spec, "options", "snapshot")
        raise SynthError(f"{spec.path} has no snapshot {snapshot}", where, f"the newest ones are {known}")
    return table.scan(snapshot_id=snapshot), metadata.parent.parent


def _planned(spec: SourceTableSpec, place: Path) -> tuple[Any, list[Any]]:
    """The scan, and the data files of it by name. Raises SynthError for one outside the table's folder."""
    scan, folder = _scan(spec, place)
    try:
        tasks = sorted(scan.plan_files(), key=lambda task: str(task.file.file_path))
    except OSError as error:
        what = f"{spec.path} names a file that is not there: {' '.join(str(error).split())}"
        raise SynthError(what, location(spec, "path"), _MOVED) from None
    for task in tasks:
        for one in (task.file, *task.delete_files):
            file = _path(one.file_path)
            if not file.resolve().is_relative_to(folder.resolve()):
                raise SynthError(f"{spec.path} takes rows from {file}", location(spec, "path"), _MOVED)
    return scan, tasks


def _path(uri: str) -> Path:
    return Path(unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri)


def files_of(spec: SourceTableSpec, place: Path) -> list[Path]:
    """The files that hold the snapshot's rows, and those that take rows away again. Raises SynthError."""
    _, tasks = _planned(spec, place)
    return sorted({_path(one.file_path) for task in tasks for one in (task.file, *task.delete_files)})


def state_of(spec: SourceTableSpec, place: Path) -> str:
    """What the table's metadata say of the rows, beside its files: names and types."""
    scan, _ = _scan(spec, place)
    return str(scan.projection().model_dump_json())


@contextmanager
def opened(spec: SourceTableSpec, place: Path) -> Iterator[Rows]:
    """The rows, file by file in the order of the files' names."""
    from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow

    scan, tasks = _planned(spec, place)
    schema = schema_to_pyarrow(scan.projection(), include_field_ids=False)
    reader = ArrowScan(scan.table_metadata, scan.io, scan.projection(), scan.row_filter)

    def batches() -> Iterator[Any]:
        for task in tasks:
            yield from reader.to_record_batches([task])

    yield Rows(schema, batches())
