"""Connections to the MySQL or MariaDB server of a target. No message shows the password."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.extras import refuse_absent
from synthkit.sources.mysqlserver import HOW, opened, parsed, words_of
from synthkit.sql.quoting import backticked
from synthkit.sql.serveraddress import ServerAddress, without

if TYPE_CHECKING:
    from typing import TypeAlias

    import pymysql

    Connection: TypeAlias = "pymysql.Connection[Any]"

# Values are read the same, and what does not fit is an error, whatever the server's and the user's settings are.
_SETTINGS = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES', time_zone = '+00:00', lock_wait_timeout = 60, "
    "default_storage_engine = 'InnoDB'"  # the one that has transactions and foreign keys
)
_GONE = (2006, 2013, 4031)  # the server ended a connection that waited


class Server:
    """The server of one address, for one process."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.schema, self.meta = backticked(str(address.schema)), backticked(address.meta)
        self._reading: Connection | None = None
        self._process = os.getpid()
        self._lock = threading.RLock()

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection of its own; each statement counts as it ends. Raises BuildError."""
        with self._explained():
            connection = self._connected()
            try:
                yield connection
            finally:
                connection.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises BuildError."""
        with self._lock, self._explained():
            import pymysql

            try:
                return rows(self._standing(), query, values)
            except pymysql.OperationalError as error:
                if error.args[0] not in _GONE:
                    raise
                self._reading = None
                return rows(self._standing(), query, values)

    def _standing(self) -> Connection:
        """One connection for all that is read; a process that was forked off makes its own."""
        if self._process != os.getpid():
            self._reading, self._process, self._lock = None, os.getpid(), threading.RLock()
        if self._reading is None or not self._reading.open:
            self._reading = self._connected()
        return self._reading

    def _connected(self) -> Connection:
        import pymysql

        try:
            there = parsed(self.address.url)
        except ValueError as error:
            raise BuildError(f"the URL of {self.address.shown} {error}", hint=HOW) from None
        try:
            connection = opened(there, autocommit=True, local_infile=True)
            connection._local_infile = False  # a server may ask for a file at any answer: loading lets it, for a moment
        except (pymysql.Error, OSError, RuntimeError, ValueError) as error:
            hint = "check the URL, the network and the server"
            raise BuildError(f"cannot reach {self.address.shown}: {self._said(error)}", hint=hint) from None
        rows(connection, _SETTINGS)
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        refuse_absent(self.address.shown, "mysql")
        import pymysql

        try:
            yield
        except pymysql.Error as error:
            refused = error.args and error.args[0] in (1044, 1142, 1227)
            hint = (
                f"GRANT it to the user of the target ({self.schema}, {self.meta})"
                if refused
                else "see the server's log"
            )
            raise BuildError(f"{self.address.shown}: {self._said(error)}", hint=hint) from None

    def _said(self, error: Exception) -> str:
        return without([parsed(self.address.url).password], words_of(error))


def rows(connection: Connection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(values) or None)
        return list(cursor.fetchall())


@cache
def server_of(address: ServerAddress) -> Server:
    """The server of an address, once for each process."""
    return Server(address)
