"""Partitions of a table that is being drawn: each a file and a manifest, kept until the table is put together.

```
target/cache/partitions/<sample hash>/00003-of-00020-<key>.parquet, .json
```

A partition is there when its manifest is. Both get their names when they are whole, and the names say what decides
their rows: so whoever draws a partition again, or at the same time, writes the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthkit.digests import digest
from synthkit.files import parsed_json, write_json_atomic
from synthkit.project.partition import Partition
from synthkit.records.record import Record
from synthkit.store.parquet import Written
from synthkit.store.rowgroups import Part


class PartitionRecord(Record):
    """The manifest: ``key`` is a digest of what decides the rows, ``sha256`` of the file."""

    key: str
    index: int
    of: int
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class PartitionFiles:
    """Where the partitions of one table lie.

    Args:
        directory: of this table's.
        trained: digest of the model that they are drawn from.
        sample: the hash of what else decides the rows.
        rows: of the whole table.
        of: how many partitions there are.
    """

    directory: Path
    trained: str
    sample: str
    rows: int
    of: int

    def key(self, index: int) -> str:
        said = {"trained": self.trained, "sample": self.sample, "rows": self.rows, "index": index, "of": self.of}
        return digest(said)

    def data(self, index: int) -> Path:
        return self.directory / f"{index:05d}-of-{self.of:05d}-{self.key(index)[:16]}.parquet"

    def manifest(self, index: int) -> Path:
        return self.data(index).with_suffix(".json")

    def done(self, index: int) -> PartitionRecord | None:
        """The manifest of a partition that is there; whether its bytes are what it says is seen when they are read."""
        try:
            record = PartitionRecord.from_json(parsed_json(self.manifest(index).read_text("utf-8")))
            size = self.data(index).stat().st_size
        except (OSError, ValueError):
            return None
        return record if record.key == self.key(index) and record.bytes == size else None

    def record(self, index: int, written: Written) -> None:
        """Write the manifest of a partition whose file is there. Raises BuildError where it has not its rows."""
        assert written.rows == Partition(index, self.of).rows(self.rows)
        record = PartitionRecord(
            key=self.key(index),
            index=index,
            of=self.of,
            rows=written.rows,
            bytes=self.data(index).stat().st_size,
            sha256=written.hashes.sha256,
        )
        write_json_atomic(self.manifest(index), record.to_json())

    def forget(self, index: int) -> None:
        """Of a partition that is not what was written: it is drawn anew."""
        self.manifest(index).unlink(missing_ok=True)
        self.data(index).unlink(missing_ok=True)

    def parts(self) -> list[Part]:
        """All of them, in their order. Raises FileNotFoundError where one is not there."""
        found = []
        for index in range(self.of):
            record = self.done(index)
            if record is None:
                raise FileNotFoundError(self.data(index))
            found.append(Part(self.data(index), record.sha256))
        return found
