"""Delta tables, through deltalake (Apache-2.0): the newest version, or the one that ``options: {version: …}`` names.

Delta has no unsigned numbers, and its points in time count microseconds: what was written into it in other types was
changed then. A table whose readers have to know of deletion vectors or renamed columns is refused, as deltalake's
reading of it into Arrow is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.filekinds import KINDS, Rows
from synthkit.sources.location import location

LOG = "_delta_log"


def _table(spec: SourceTableSpec, folder: Path) -> Any:
    """The table at its version. Raises SynthError."""
    KINDS["delta"].check(spec)
    import deltalake

    version = spec.options.get("version")
    try:
        return deltalake.DeltaTable(str(folder), version=version)
    except Exception as error:  # deltalake's and the object store's have no common class
        reason = " ".join(str(error).split())
        if version is None:
            raise SynthError(
                f"{spec.path} is no Delta table that can be read: {reason}", location(spec, "path")
            ) from None
        newest = deltalake.DeltaTable(str(folder)).version()
        hint = f"the newest is {newest}; versions whose files were vacuumed are gone"
        raise SynthError(f"{spec.path} has no version {version}", location(spec, "options", "version"), hint) from None


def files_of(spec: SourceTableSpec, folder: Path) -> list[Path]:
    """The files that hold the rows of the version, by name. Raises SynthError for one outside the table's folder."""
    found = []
    for one in _table(spec, folder).file_uris():
        file = Path(unquote(one.removeprefix("file://"))) if "://" in one else Path(one)
        if not file.resolve().is_relative_to(folder.resolve()):
            hint = "copy the table: only files below its own folder are read"
            raise SynthError(f"{spec.path} takes rows from {file}", location(spec, "path"), hint)
        if not file.is_file():
            hint = "vacuum removes the files of old versions: name a newer one"
            raise SynthError(f"{spec.path} has lost {file.name}", location(spec, "path"), hint)
        found.append(file)
    return sorted(found)


def state_of(spec: SourceTableSpec, folder: Path) -> str:
    """What the table's log says of the rows, beside its files: names, types, and what their folders stand for."""
    import pyarrow as pa

    table = _table(spec, folder)
    adds = pa.table(table.get_add_actions(flatten=True))
    partitions = [n for n in adds.column_names if n.startswith("partition.")]
    values = sorted(str(row) for row in adds.select(["path", *partitions]).to_pylist()) if partitions else []
    return json.dumps([json.loads(table.schema().to_json()), values], sort_keys=True)


@contextmanager
def opened(spec: SourceTableSpec, folder: Path) -> Iterator[Rows]:
    """The rows, file by file in the order of the files' names."""
    import pyarrow.dataset as ds

    dataset = _table(spec, folder).to_pyarrow_dataset()
    fragments = sorted(dataset.get_fragments(), key=lambda fragment: str(fragment.path))

    def batches() -> Iterator[Any]:
        for fragment in fragments:
            yield from ds.FileSystemDataset(
                [fragment], dataset.schema, fragment.format, fragment.filesystem
            ).to_batches()

    yield Rows(dataset.schema, batches())
