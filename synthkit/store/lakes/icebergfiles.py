"""Which files of an Iceberg table nothing names any more: pyiceberg forgets snapshots, and removes no file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.table import Table


def replaced(table: Table, before: datetime) -> list[int]:
    """The snapshots that were followed by another one before that time, and that no branch or tag names."""
    held = {ref.snapshot_id for ref in table.refs().values()}
    limit = before.timestamp() * 1000
    followed = pairwise(sorted(table.snapshots(), key=lambda one: one.sequence_number or 0))
    return [s.snapshot_id for s, after in followed if after.timestamp_ms < limit and s.snapshot_id not in held]


def named(table: Table, without: Collection[int] = ()) -> set[str]:
    """The files that a table is made of: metadata, manifests and rows, but for those of snapshots ``without``."""
    metadata = table.metadata
    found = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    found |= {one.statistics_path for one in (*metadata.statistics, *metadata.partition_statistics)}
    for snapshot in table.snapshots():
        if snapshot.snapshot_id not in without:
            found.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                found.add(manifest.manifest_path)
                found |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io)}
    return found
