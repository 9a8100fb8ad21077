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
STANDARD = (("INFORMATION_SCHEMA.", "info."), ("information_schema.", "info."))
# The standard's catalogue, as far as readers ask it, of the schema ``shop``; {table} is the type that a table has there.
INFORMATION_SCHEMA = """
CREATE SCHEMA info;
CREATE VIEW info.tables AS SELECT schema_name AS table_schema, table_name, comment, '{table}' AS table_type FROM duckdb_tables() WHERE schema_name = 'shop'
    UNION ALL SELECT schema_name, view_name, comment, 'VIEW' FROM duckdb_views() WHERE schema_name = 'shop';
CREATE VIEW info.views AS SELECT schema_name AS table_schema, view_name AS table_name,
    regexp_replace(sql, '^CREATE VIEW .*? AS ', '') AS view_definition FROM duckdb_views() WHERE schema_name = 'shop';
CREATE VIEW info.columns AS SELECT schema_name AS table_schema, table_name, column_name, comment, column_index AS ordinal_position,
    CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable FROM duckdb_columns() WHERE schema_name = 'shop';
CREATE VIEW info.table_constraints AS SELECT schema_name AS constraint_schema, constraint_name, schema_name AS table_schema, table_name,
    constraint_type FROM duckdb_constraints() WHERE schema_name = 'shop';
CREATE VIEW info.key_column_usage AS SELECT schema_name AS constraint_schema, constraint_name, schema_name AS table_schema, table_name,
    unnest(constraint_column_names) AS column_name, generate_subscripts(constraint_column_names, 1) AS ordinal_position,
    generate_subscripts(constraint_column_names, 1) AS position_in_unique_constraint
    FROM duckdb_constraints() WHERE schema_name = 'shop' AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY');
CREATE VIEW info.referential_constraints AS SELECT f.schema_name AS constraint_schema, f.constraint_name,
    p.schema_name AS unique_constraint_schema, p.constraint_name AS unique_constraint_name
    FROM duckdb_constraints() f JOIN duckdb_constraints() p ON p.schema_name = 'shop' AND p.table_name = f.referenced_table
    AND p.constraint_column_names = f.referenced_column_names AND p.constraint_type IN ('PRIMARY KEY', 'UNIQUE')
    WHERE f.constraint_type = 'FOREIGN KEY';
CREATE VIEW info.routines AS SELECT function_name AS routine_name FROM duckdb_functions() WHERE schema_name = 'shop';
"""


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

    def session(self) -> duckdb.DuckDBPyConnection:
        cursor = self.database.cursor()
        cursor.execute("USE memory.shop; SET TimeZone = 'UTC'")
        return cursor

    def asked(self, sql: str, dialect: str) -> duckdb.DuckDBPyConnection:
        """The result of one statement of the warehouse's. Raises one of FAULTS."""
        return self.session().execute(written(sql, dialect))


def written(sql: str, dialect: str) -> str:
    """One statement in DuckDB's SQL."""
    (found,) = sqlglot.transpile(sql, read=dialect, write="duckdb")
    return found


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
