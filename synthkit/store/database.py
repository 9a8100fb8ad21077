"""The DuckDB file: derived from the receipts and their Parquet files, built beside and renamed over.

A DuckDB writer locks out every other process, so the file that people read is never written to: readers that hold
the old one go on reading it, and the next connection sees the new one. What others keep in it stays (:mod:`.others`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.files import clean_temporaries, parsed_json, replacing, write_json_atomic, write_text_atomic
from synthkit.records.history import RunEntry
from synthkit.records.joins import Join, of_receipts
from synthkit.records.receipt import Receipt
from synthkit.records.record import Record, Several, shallow
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote
from synthkit.store.meta import LAYOUT, write_meta
from synthkit.store.others import (
    HELD,
    Contents,
    contents_of,
    index_again,
    refuse_taken_names,
    settle_log,
    take_over,
    unwritten,
)
from synthkit.store.target import TableInfo
from synthkit.store.warehouse import Warehouse, link_or_copy

if TYPE_CHECKING:
    import duckdb


def rebuild(
    warehouse: Warehouse,
    infos: Mapping[str, TableInfo],
    runs: Sequence[RunEntry],
    receipts: Mapping[str, Receipt] | None = None,
) -> bool:
    """Bring the DuckDB file up to date; returns whether it had to be written.

    Args:
        receipts: of all published tables, where they have been read already.

    Raises:
        BuildError: the file cannot be written, or somebody else's table or view has the name of one of these; the old
            file is then as it was.
    """
    database = warehouse.database
    receipts = warehouse.all_published() if receipts is None else receipts
    inputs = _inputs(warehouse, receipts, infos, runs)
    if not receipts and not runs and not database.exists():
        return False
    marker = _marker(warehouse)
    if _is_current(database, marker, inputs):
        return False
    import duckdb

    known = _unchanged(database, marker)
    shown = {name: infos.get(name) or TableInfo(name, r.materialized) for name, r in receipts.items()}
    clean_temporaries(database.parent)
    contents = held_by_others(warehouse)
    refuse_taken_names(database, contents, [n for n, i in shown.items() if i.materialized in HELD])
    try:
        settle_log(database, _log_of(database))
        with unwritten(database, contents), replacing(database) as temporary:
            take_over(database, contents, temporary)
            with duckdb.connect(str(temporary)) as connection:
                keys = of_receipts(receipts)
                used = [
                    _add_table(connection, warehouse, info, receipts[name], keys.get(name, ()))
                    for name, info in shown.items()
                ]
                write_meta(connection, warehouse, receipts, shown, runs)
                index_again(connection, contents)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise BuildError(
            f"cannot write {database}: {reason}", hint="the Parquet files are whole; free some space and build again"
        ) from error
    views = sorted(path.name for path in used if path is not None)
    _remove_stale_views(warehouse, {*views, *(() if known is None else known.views)})
    status = database.stat()
    size, time = status.st_size, status.st_mtime_ns
    written = _Written(inputs=inputs, others=contents.keeps, views=tuple(views), size=size, mtime_ns=time)
    write_json_atomic(marker, written.to_json())
    return True


def held_by_others(warehouse: Warehouse) -> Contents:
    """What somebody else keeps in the DuckDB file; it is not opened where nobody wrote to it since synthkit did.

    Raises:
        BuildError: somebody did, and it cannot be read.
    """
    known = _unchanged(warehouse.database, _marker(warehouse))
    return Contents() if known is not None and known.others is False else contents_of(warehouse.database)


def _marker(warehouse: Warehouse) -> Path:
    return warehouse.directory / ".database-state"


class _Written(Record):
    """What is noted when the DuckDB file was written.

    ``inputs`` is the hash of what it was made of; ``others`` says whether somebody else keeps anything in it; ``views``
    are the names of the files that its views read.
    """

    inputs: str
    others: bool | None = None
    views: Several[str] = ()
    size: int
    mtime_ns: int


def _unchanged(database: Path, marker: Path) -> _Written | None:
    """What was noted when the file was written, if nobody wrote to it since; opens neither of the two."""
    try:
        known, status = _Written.from_json(parsed_json(marker.read_text("utf-8"))), database.stat()
    except (OSError, ValueError):
        return None
    same = (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns)
    return known if same and not _log_of(database).exists() else None


def _is_current(database: Path, marker: Path, inputs: str) -> bool:
    known = _unchanged(database, marker)
    return known is not None and known.inputs == inputs


def _inputs(
    warehouse: Warehouse,
    receipts: Mapping[str, Receipt],
    infos: Mapping[str, TableInfo],
    runs: Sequence[RunEntry],
) -> str:
    decides = {
        "layout": LAYOUT,
        "directory": str(warehouse.directory.resolve()),  # paths in the file are absolute
        "receipts": dict(receipts),
        "infos": {k: asdict(v) for k, v in infos.items()},
        "runs": [r.run_id for r in runs],
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=shallow).encode()).hexdigest()


def _log_of(database: Path) -> Path:
    """DuckDB's write-ahead log, there while someone writes to the file, and after they were killed."""
    return database.with_name(f"{database.name}.wal")


def _add_table(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    info: TableInfo,
    receipt: Receipt,
    keys: Sequence[Join],
) -> Path | None:
    """Add the table or view, if it is to be one; returns the file that a view reads."""
    if info.materialized not in HELD:
        return None
    name, kind = quote(info.name), info.materialized.upper()
    file = warehouse.file(receipt)
    view = _view_file(warehouse, info.name, receipt) if info.materialized == "view" else None
    connection.execute(f"CREATE {kind} {name} AS SELECT * FROM {parquet_scan((view or file).resolve())}")
    if info.description:
        connection.execute(f"COMMENT ON {kind} {name} IS {literal(info.description)}")
    columns = {str(row[0]) for row in connection.execute(f"DESCRIBE {name}").fetchall()}
    for column in sorted(columns):
        words = [info.column_descriptions.get(column), *(_comment(key) for key in keys if column in key.columns)]
        if any(words):
            text = "; ".join(word for word in words if word)
            connection.execute(f"COMMENT ON COLUMN {name}.{quote(column)} IS {literal(text)}")
    return view


def _comment(key: Join) -> str:
    """What a column that is, or is part of, a key says of it to whoever looks at the table alone."""
    return f"names a row of {key.target}" if key.holds else f"names no row of {key.references}: these do not join"


def views_directory(database: Path) -> Path:
    return database.with_name(f"{database.stem}.views")


def _view_file(warehouse: Warehouse, name: str, receipt: Receipt) -> Path:
    """A second name of the published file that stays when the table is published anew.

    A view over the published file itself would break then, until this file is derived again, and for good in a
    process that holds the old one. The columns are part of the name: a view is bound to them when it is made. Of tables
    that are published together the rows are, so that all views show the new ones with the new DuckDB file and none
    before it; a process that holds the old file goes on reading the old rows until the publication after this one.
    """
    folder = views_directory(warehouse.database)
    columns = hashlib.sha256(json.dumps([c.to_json() for c in receipt.columns]).encode()).hexdigest()[:8]
    path = folder / f"{name}.{columns if receipt.family is None else receipt.sha256[:16]}.parquet"
    with replacing(path) as temporary:
        link_or_copy(warehouse.file(receipt), temporary)
    if not (folder / ".gitignore").exists():
        write_text_atomic(folder / ".gitignore", "*\n")
    return path


def _remove_stale_views(warehouse: Warehouse, used: set[str]) -> None:
    folder = views_directory(warehouse.database)
    clean_temporaries(folder)
    for path in folder.glob("*.parquet"):
        if path.name not in used:
            path.unlink(missing_ok=True)
