"""Connections to the PostgreSQL server of a target. No message shows the password."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.extras import refuse_absent
from synthkit.sql.serveraddress import ServerAddress, without

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

CONNECT_TIMEOUT = 10  # seconds
# Names are written whole, and values read the same, whatever the user's and the database's settings are.
_SETTINGS = (
    "SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; "
    "SET standard_conforming_strings = on; SET row_security = off"  # an error, where rows would be passed over
)


class Server:
    """The server of one address, for one process."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.schema, self.meta = str(address.schema), address.meta
        self._reading: Connection | None = None
        self._process = os.getpid()
        self._lock = threading.RLock()

    def __str__(self) -> str:
        return str(self.address)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection of its own, whose transaction ends with the block: all of it, or nothing where it raises.

        Raises:
            BuildError: the server is not reached, or refuses something.
        """
        with self._explained():
            connection = self._connected()
            with connection:
                yield connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query, outside of any transaction. Raises BuildError."""
        with self._lock, self._explained():
            import psycopg

            for again in (True, False):
                connection = self._standing()
                try:
                    return connection.execute(query, values or None).fetchall()
                except psycopg.OperationalError:  # the server may end a connection that waits, and be there
                    if not (again and connection.broken):
                        raise
            raise AssertionError

    def close(self) -> None:
        if self._reading is not None and self._process == os.getpid():
            self._reading.close()
        self._reading = None

    def _standing(self) -> Connection:
        """One connection for all that is read; a process that was forked off makes its own."""
        if self._process != os.getpid():
            self._reading, self._process, self._lock = None, os.getpid(), threading.RLock()
        if self._reading is None or self._reading.closed:
            self._reading = self._connected()
            self._reading.autocommit = True
        return self._reading

    def _connected(self) -> Connection:
        import psycopg

        try:
            connection = psycopg.connect(
                self.address.url, connect_timeout=CONNECT_TIMEOUT, application_name="synthkit", client_encoding="utf8"
            )
        except psycopg.ProgrammingError:
            hint = "write postgresql://user:password@host:port/database, special characters in % notation"
            raise BuildError(f"the URL of {self.address.shown} cannot be parsed", hint=hint) from None
        except psycopg.Error as error:
            hint = "check the URL, the network and the server"
            raise BuildError(f"cannot reach {self.address.shown}: {self._said(error)}", hint=hint) from None
        connection.execute(_SETTINGS)
        connection.commit()
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        refuse_absent(self.address.shown, "postgres")
        import psycopg

        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            hint = f"GRANT it to the user of the target, or name another schema than {self.schema}"
            raise BuildError(f"{self.address.shown}: {self._said(error)}", hint=hint) from None
        except psycopg.Error as error:
            raise BuildError(f"{self.address.shown}: {self._said(error)}", hint="see the server's log") from None

    def _said(self, error: Exception) -> str:
        from psycopg.conninfo import conninfo_to_dict

        said = conninfo_to_dict(self.address.url)
        text = str(error).strip() or type(error).__name__
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        told = "; ".join(line for line in lines if not line.startswith(("LINE ", "^")))
        return without((str(said.get(key) or "") for key in ("password", "sslpassword")), told)


@cache
def server_of(address: ServerAddress) -> Server:
    """The server of an address, once for each process."""
    return Server(address)
