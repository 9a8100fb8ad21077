"""A table's rows in a new table of ``<schema>_synth_meta``, which readers of the schema do not see."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.records.joins import Join
from synthkit.records.receipt import AuditedTable
from synthkit.records.sure import sure_key
from synthkit.sql.mysql import KEY, type_of
from synthkit.sql.quoting import backticked, literal
from synthkit.sql.types import NoPlaceError, is_nested
from synthkit.store.servers.ahead import made_ahead
from synthkit.store.servers.mysql.connection import rows
from synthkit.store.servers.mysql.textrows import HOW, lines, text_batches

if TYPE_CHECKING:
    from synthkit.store.servers.mysql.connection import Connection, Server

_NO_LOADING = (1148, 3948, 4166)  # the server, or PyMySQL, refuses LOAD DATA LOCAL
ROWS = 500  # of an INSERT, where it is refused
_COMMENTS = 1_024, 2_048  # characters of a column's and a table's


@dataclass(frozen=True)
class Loaded:
    """A table that is loaded, and not yet under its name.

    Args:
        new: what it is called so far, in ``<schema>_synth_meta``.
        columns: (name, type), as the server's catalogue spells them.
        key: its primary key, where there is one.
    """

    name: str
    new: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()


def columns_of(table: AuditedTable, keyed: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """The columns as the server has them. Raises BuildError where it has no place for one."""
    found = []
    for column in table.columns:
        try:
            found.append((column.name, type_of(column.type, key=column.name in keyed)))
        except NoPlaceError as error:
            message = f"the column {column.name!r} of {table.model!r}: {error}"
            raise BuildError(message, hint=error.hint) from None
    return tuple(found)


def keyed_columns(
    receipts: Mapping[str, AuditedTable], files: Mapping[str, Path], joins: Mapping[str, Sequence[Join]]
) -> dict[str, set[str]]:
    """Table → its columns that are in a key, of those whose texts an index holds."""
    found = {n: {*sure_key(r)} for n, r in receipts.items()}
    for name, keys in joins.items():
        for join in keys:
            found.get(name, set()).update(join.columns if join.holds else ())
    return {n: {c for c in columns if _short(files[n], c)} for n, columns in found.items()}


def load(
    connection: Connection, server: Server, new: str, table: AuditedTable, data: Path, keyed: Collection[str]
) -> Loaded:
    """A new table with the rows, the comments, and the primary key where it is sure."""
    columns = columns_of(table, keyed)
    relation = f"{server.meta}.{backticked(new)}"
    said = table.column_descriptions
    parts = [f"{backticked(n)} {t} NULL{_comment(said.get(n), _COMMENTS[0])}" for n, t in columns]
    made = f"CREATE TABLE {relation} ({', '.join(parts)}) CHARACTER SET utf8mb4 COLLATE {collation(connection)}"
    rows(connection, made + _comment(table.description, _COMMENTS[1]))
    fill(connection, relation, table, data)
    key = sure_key(table)
    if not {*key} <= {*keyed} or not _has(connection, relation, key):
        key = ()
    return Loaded(table.model, new, columns, key)


def fill(connection: Connection, relation: str, table: AuditedTable, data: Path) -> None:
    """Load the rows of a Parquet file into a relation, which is quoted. Raises BuildError for what it does not take."""
    import pymysql

    nested = frozenset(c.name for c in table.columns if is_nested(c.type))
    try:
        with _pipe(lines(one) for one in text_batches(data, nested)) as path, _sending(connection):
            rows(connection, f"LOAD DATA LOCAL INFILE {literal(path)} INTO TABLE {relation} {HOW}")
    except pymysql.Error as error:
        if error.args[0] not in _NO_LOADING:
            raise
        places = ", ".join(["%s"] * len(table.columns))
        with connection.cursor() as cursor:
            for batch in text_batches(data, nested):
                values = list(zip(*(column.to_pylist() for column in batch), strict=True))
                for first in range(0, len(values), ROWS):
                    cursor.executemany(f"INSERT INTO {relation} VALUES ({places})", values[first : first + ROWS])
    warned = rows(connection, "SHOW WARNINGS LIMIT 1")  # what does not fit LOAD DATA makes fit
    if warned:
        hint = "cast the column, or leave the value out"
        raise BuildError(f"the server does not take a value of {table.model!r}: {warned[0][2]}", hint=hint)
    ((count,),) = rows(connection, f"SELECT COUNT(*) FROM {relation}")
    if count != table.rows:
        raise BuildError(f"the server took {count:,} of {table.rows:,} rows of {table.model!r}", hint="see its log")


@contextmanager
def _sending(connection: Connection) -> Iterator[None]:
    """Answer the server when it asks for a file: in PyMySQL a matter of the whole connection, of ours a statement's."""
    connection._local_infile = True
    try:
        yield
    finally:
        connection._local_infile = False


def collation(connection: Connection) -> str:
    """One that compares text as it is written, spaces at its end included."""
    ((version,),) = rows(connection, "SELECT VERSION()")
    return "utf8mb4_nopad_bin" if "MariaDB" in version else "utf8mb4_0900_bin"


def _has(connection: Connection, relation: str, key: Sequence[str]) -> bool:
    """Give a table its primary key; whether its rows let it."""
    import pymysql

    if not key:
        return False
    with suppress(pymysql.err.IntegrityError, pymysql.err.DataError, pymysql.err.OperationalError):
        rows(connection, f"ALTER TABLE {relation} ADD PRIMARY KEY ({', '.join(map(backticked, key))})")
        return True
    return False


def _comment(text: str | None, most: int) -> str:
    return f" COMMENT {literal(text[:most])}" if text else ""


def _short(path: Path, column: str) -> bool:
    """Whether an index holds the texts of a column."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import pyarrow.types as t

    with pq.ParquetFile(path) as file:
        if not t.is_string(file.schema_arrow.field(column).type):
            return True
        longest = (pc.max(pc.utf8_length(b.column(0))).as_py() or 0 for b in file.iter_batches(columns=[column]))
        return all(n <= KEY for n in longest)


@contextmanager
def _pipe(blocks: Iterator[memoryview]) -> Iterator[str]:
    """A path from which a client reads what is written meanwhile: nothing of it is on a disk."""
    failed: list[BaseException] = []
    with tempfile.TemporaryDirectory(prefix="synth-load-") as folder:
        path = Path(folder, "rows")
        os.mkfifo(path, 0o600)

        ended = threading.Event()

        def write() -> None:
            pipe = _opened_by_a_reader(path, ended)
            if pipe is None:
                return
            with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as file:
                try:
                    for block in made_ahead(blocks):
                        file.write(block)
                except BrokenPipeError:
                    raise
                except BaseException as error:
                    failed.append(error)

        writer = threading.Thread(target=write, name="synth-load", daemon=True)
        writer.start()
        try:
            yield str(path)
        finally:
            ended.set()
            writer.join()
        if failed:
            raise failed[0]


def _opened_by_a_reader(path: Path, ended: threading.Event) -> int | None:
    """The writing end of a pipe, once somebody has opened the other; None where nobody did."""
    while not ended.wait(0.001):
        with suppress(OSError):  # ENXIO: nobody has
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(pipe, True)
            return pipe
    return None
