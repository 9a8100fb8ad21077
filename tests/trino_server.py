"""A stand-in for Trino: the documented protocol of ``/v1/statement`` over a DuckDB in memory, on a port of this machine.

Trino's own client talks to it over HTTP as it does to Trino: a query is posted, its pages are fetched one after the
other by ``nextUri``, errors come as Trino words them. sqlglot puts Trino's SQL into DuckDB's, so what is shown is the
client, the protocol and how types and rows are read; not that Trino itself takes each function.
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pytest
import sqlglot

from tests.postgres_server import PASSWORD

USER, CATALOG, PAGE = "tester", "lake", 1_000  # rows of a page
_SETUP = """
CREATE MACRO to_utf8(x) AS x; CREATE MACRO xxhash64(x) AS hash(x);
CREATE MACRO from_big_endian_64(x) AS CAST(x // 2 AS BIGINT);
CREATE SCHEMA info; CREATE SCHEMA metadata; CREATE SCHEMA jdbc; CREATE SCHEMA shop;
CREATE VIEW info.tables AS SELECT schema_name AS table_schema, table_name, 'BASE TABLE' AS table_type FROM duckdb_tables() WHERE schema_name = 'shop'
    UNION ALL SELECT schema_name, view_name, 'VIEW' FROM duckdb_views() WHERE schema_name = 'shop';
CREATE VIEW info.views AS SELECT schema_name AS table_schema, view_name AS table_name,
    regexp_replace(sql, '^CREATE VIEW .*? AS ', '') AS view_definition FROM duckdb_views() WHERE NOT internal;
CREATE VIEW info.columns AS SELECT schema_name AS table_schema, table_name, column_name, column_index AS ordinal_position FROM duckdb_columns();
CREATE VIEW metadata.table_comments AS SELECT 'lake' AS catalog_name, schema_name, table_name, comment FROM duckdb_tables();
CREATE VIEW metadata.materialized_views AS SELECT 'lake' AS catalog_name, 'shop' AS schema_name, 'made' AS name;
CREATE TABLE metadata.catalogs AS SELECT 'lake' AS catalog_name, 'iceberg' AS connector_name;
CREATE VIEW jdbc.columns AS SELECT 'lake' AS table_cat, schema_name AS table_schem, table_name, column_name, comment AS remarks,
    CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable, column_index AS ordinal_position
    FROM duckdb_columns() WHERE schema_name = 'shop';
USE memory.shop;
"""
_SCHEMAS = (("system.metadata.", "metadata."), ("system.jdbc.", "jdbc."), ("information_schema.", "info."))
_NAMES = {"FLOAT": "real", "BLOB": "varbinary", "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone"}
_NAMES |= {"TIMESTAMP": "timestamp(6)", "TIMESTAMP_NS": "timestamp(9)", "TIME": "time(6)", "HUGEINT": "decimal(38,0)"}


def _type(name: str) -> str:
    if name.endswith("[]"):
        return f"array({_type(name[:-2])})"
    if name.startswith(("STRUCT", "MAP")):
        return "row(k bigint)" if name.startswith("S") else "map(varchar, bigint)"
    return _NAMES.get(name, name.lower())


def _signature(kind: str) -> dict[str, Any]:
    found = re.match(r"^([\w ]+?)(?:\(([^)]*)\))?( with time zone)?$", kind)
    assert found is not None
    raw = found[1] + (found[3] or "")
    inner = [part.strip() for part in (found[2] or "").split(",") if part.strip()]
    if raw in ("array", "map"):
        return {"rawType": raw, "arguments": [{"kind": "TYPE", "value": _signature(part)} for part in inner]}
    if raw == "row":
        own = {"fieldName": {"name": "k"}, "typeSignature": _signature("bigint")}
        return {"rawType": raw, "arguments": [{"kind": "NAMED_TYPE", "value": own}]}
    if raw == "varchar" and not inner:
        inner = ["2147483647"]
    return {"rawType": raw, "arguments": [{"kind": "LONG", "value": int(part)} for part in inner]}


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


@dataclass
class Server:
    """A running server; ``url`` is of the schema ``lake.shop``. What it holds is ``database``."""

    port: int
    database: duckdb.DuckDBPyConnection
    queries: list[str] = field(default_factory=list)
    secret: str | None = None

    def url_of(self, password: str | None = None, more: str = "", port: int | None = None) -> str:
        secret = "" if password is None else f":{password}"
        return f"trino://{USER}{secret}@localhost:{port or self.port}/{CATALOG}/shop{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.database.cursor().execute(f"USE memory.shop; {statement}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTP

    def log_message(self, *_: Any) -> None: ...

    def _answer(self, status: int, body: dict[str, Any] | None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        known = self.server.known
        if known.secret is not None:
            wanted = base64.b64encode(f"{USER}:{known.secret}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                self._answer(401, None)
                return
        known.queries.append(sql)
        number = str(len(known.queries))
        try:
            self.server.pages[number] = self._pages(sql)
        except duckdb.CatalogException as error:
            self._failed(number, "TABLE_NOT_FOUND", str(error))
        except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
            self._failed(number, "SYNTAX_ERROR", str(error))
        else:
            self._answer(
                200,
                {
                    "id": number,
                    "infoUri": "http://localhost/",
                    "nextUri": self._uri(number, 0),
                    "stats": {"state": "QUEUED"},
                },
            )

    def _failed(self, number: str, name: str, message: str) -> None:
        error = {"message": message, "errorCode": 1, "errorName": name, "errorType": "USER_ERROR"}
        self._answer(200, {"id": number, "infoUri": "http://localhost/", "stats": {"state": "FAILED"}, "error": error})

    def _uri(self, number: str, page: int) -> str:
        return f"http://{self.headers['Host']}/v1/statement/executing/{number}/{page}"

    def _pages(self, sql: str) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        for name, own in _SCHEMAS:
            sql = sql.replace(name, own)
        cursor = self.server.known.database.cursor()
        cursor.execute("USE memory.shop; SET TimeZone = 'UTC'")
        (written,) = sqlglot.transpile(sql, read="trino", write="duckdb")
        found = cursor.execute(written)
        kinds = [_type(str(one[1])) for one in found.description or ()]
        names = [one[0] for one in found.description or ()]
        columns = [{"name": n, "type": k, "typeSignature": _signature(k)} for n, k in zip(names, kinds, strict=True)]
        return columns, [[_json(value) for value in row] for row in found.fetchall()]

    def do_GET(self) -> None:
        number, page = self.path.split("/")[-2:]
        columns, rows = self.server.pages[number]
        start = int(page) * PAGE
        body: dict[str, Any] = {
            "id": number,
            "infoUri": self._uri(number, 0),
            "columns": columns,
            "stats": {"state": "RUNNING"},
        }
        if rows[start : start + PAGE]:
            body["data"] = rows[start : start + PAGE]
        if start + PAGE < len(rows):
            body["nextUri"] = self._uri(number, int(page) + 1)
        else:
            body["stats"]["state"] = "FINISHED"
        self._answer(200, body)

    def do_DELETE(self) -> None:
        self._answer(204, None)


class _HTTP(ThreadingHTTPServer):
    daemon_threads = True
    known: Server
    pages: dict[str, tuple[list[dict[str, Any]], list[list[Any]]]]


@pytest.fixture
def trino() -> Iterator[Server]:
    """A server with an empty schema."""
    database = duckdb.connect()
    database.execute(_SETUP)
    http = _HTTP(("127.0.0.1", 0), _Handler)
    http.known, http.pages = Server(http.server_port, database), {}
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield http.known
    finally:
        http.shutdown()
        http.server_close()
        database.close()


__all__ = ["PASSWORD", "Server", "trino"]
