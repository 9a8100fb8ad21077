"""What the stand-ins for warehouses share: a DuckDB in memory whose schema ``shop`` is what they hold, and a port.

A stand-in speaks the protocol of one warehouse, so that its own driver talks to it over the network; sqlglot puts the
warehouse's SQL into DuckDB's. What is shown is the driver, the protocol and how types and rows are read; not that the
warehouse itself takes each function.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import duckdb
import sqlglot

FAULTS = (duckdb.Error, sqlglot.errors.SqlglotError)
USER, SECRET = "tester", "pa55word"


@dataclass
class Server:
    """A running stand-in.

    Args:
        queries: all that it was asked.
        secret: the password or token that it wants; None: it lets everybody in.
    """

    port: int
    database: duckdb.DuckDBPyConnection
    queries: list[str] = field(default_factory=list)
    secret: str | None = None

    def execute(self, *statements: str) -> None:
        """Statements in DuckDB's SQL."""
        for statement in statements:
            self.database.cursor().execute(f"USE memory.shop; {statement}")

    def asked(self, sql: str, dialect: str) -> duckdb.DuckDBPyConnection:
        """The result of one statement of the warehouse's. Raises one of FAULTS."""
        cursor = self.database.cursor()
        cursor.execute("USE memory.shop; SET TimeZone = 'UTC'")
        (written,) = sqlglot.transpile(sql, read=dialect, write="duckdb")
        return cursor.execute(written)


def names_and_kinds(found: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The columns of a result, with DuckDB's types."""
    return [(str(one[0]), str(one[1])) for one in found.description or ()]


class Handler(BaseHTTPRequestHandler):
    """Answers over HTTP."""

    protocol_version = "HTTP/1.1"

    @property
    def known(self) -> Server:
        return self.server.known  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        self.post()

    def do_DELETE(self) -> None:
        self.answer(204)

    def get(self) -> None:
        self.answer(404)

    def post(self) -> None:
        self.answer(404)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def answer(self, status: int, body: Any = None, kind: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _TCP(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 32
    known: Server


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler], setup: str, kind: type[Server] = Server) -> Iterator[Any]:
    """A server with an empty schema ``shop``, on a port of this machine."""
    database = duckdb.connect()
    database.execute(f"CREATE SCHEMA shop; {setup}")
    tcp = _TCP(("127.0.0.1", 0), handler)
    tcp.known = kind(tcp.server_address[1], database)
    threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield tcp.known
    finally:
        tcp.shutdown()
        tcp.server_close()
        database.close()
