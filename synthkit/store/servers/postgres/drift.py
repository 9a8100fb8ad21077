"""Whether the table that others read has the rows of its receipt: each row is compared with the published file's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.records.receipt import Receipt
from synthkit.sql.quoting import quote
from synthkit.store.servers.postgres.loading import columns_of, definition, fill
from synthkit.store.servers.postgres.standing import missing, relations

if TYPE_CHECKING:
    from synthkit.store.servers.postgres.connection import Connection, Server


def drifted(server: Server, receipt: Receipt, file: Callable[[Receipt], Path], *, full: bool) -> Iterator[str]:
    """What of a table is not what its receipt says, in words.

    Args:
        file: gives the Parquet file whose SHA-256 is the receipt's: its rows are loaded into a temporary table, so
            that the server itself compares the two, whatever their types.
        full: compare rows; else count them.
    """
    name = receipt.model
    found = relations(server).get(name)
    shown = f"{server.schema}.{name}"
    if found is None or found.kind != "r":
        yield f"{shown} is no table any more"
        return
    columns = columns_of(receipt)
    differs = missing(found.columns, columns)
    if differs is not None:
        yield f"{shown} {differs}"
        return
    relation = f"{quote(server.schema)}.{quote(name)}"
    with server.transaction() as connection:
        if not full:
            count = _counted(connection, f"SELECT count(*) FROM {relation}")
            if count != receipt.rows:
                yield f"{shown} has {count:,} rows, and its receipt {receipt.rows:,}"
            return
        connection.execute(f"CREATE TEMPORARY TABLE synth_published ({definition(columns)}) ON COMMIT DROP")
        fill(connection, "synth_published", receipt, file(receipt))
        names = ", ".join(quote(column) for column, _ in columns)
        here, there = f"SELECT {names} FROM {relation}", f"SELECT {names} FROM synth_published"
        strange = _counted(connection, f"SELECT count(*) FROM ({here} EXCEPT ALL {there}) AS rows")
        gone = _counted(connection, f"SELECT count(*) FROM ({there} EXCEPT ALL {here}) AS rows")
    if strange or gone:
        yield f"{shown} is not as it was published: rows that are not its own: {strange:,}, missing: {gone:,}"


def _counted(connection: Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
