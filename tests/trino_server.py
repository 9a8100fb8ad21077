"""A stand-in for Trino: the documented protocol of ``/v1/statement`` over a DuckDB in memory, on a port of this machine.

Trino's own client talks to it over HTTP as it does to Trino (:mod:`tests.stand_in` says what that shows): a query is
posted, its pages are fetched one after the other by ``nextUri``, errors come as Trino words them.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pytest

from tests.stand_in import FAULTS, INFORMATION_SCHEMA, STANDARD, USER, Handler, Server, names_and_kinds, serving

CATALOG, PAGE = "lake", 1_000  # rows of a page
_SETUP = """
CREATE MACRO to_utf8(x) AS x; CREATE MACRO xxhash64(x) AS hash(x);
CREATE MACRO from_big_endian_64(x) AS CAST(x // 2 AS BIGINT);
CREATE SCHEMA metadata; CREATE SCHEMA jdbc;
CREATE VIEW metadata.table_comments AS SELECT 'lake' AS catalog_name, schema_name, table_name, comment FROM duckdb_tables();
CREATE VIEW metadata.materialized_views AS SELECT 'lake' AS catalog_name, 'shop' AS schema_name, 'made' AS name;
CREATE TABLE metadata.catalogs AS SELECT 'lake' AS catalog_name, 'iceberg' AS connector_name;
CREATE VIEW jdbc.columns AS SELECT 'lake' AS table_cat, schema_name AS table_schem, table_name, column_name, comment AS remarks,
    CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable, column_index AS ordinal_position
    FROM duckdb_columns() WHERE schema_name = 'shop';
"""
_SCHEMAS = (("system.metadata.", "metadata."), ("system.jdbc.", "jdbc."), *STANDARD)
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
class Trino(Server):
    """``url`` is of the schema ``lake.shop``."""

    pages: dict[str, tuple[list[dict[str, Any]], list[list[Any]]]] = field(default_factory=dict)

    def url_of(self, secret: str | None = None, more: str = "", port: int | None = None) -> str:
        password, scheme = ("", "") if secret is None else (f":{secret}", "?http_scheme=http")
        return f"trino://{USER}{password}@localhost:{port or self.port}/{CATALOG}/shop{scheme}{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def ran(self, sql: str) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """Columns and rows. Raises one of FAULTS."""
        for name, own in _SCHEMAS:
            sql = sql.replace(name, own)
        found = self.asked(sql, "trino")
        columns = [
            {"name": name, "type": _type(kind), "typeSignature": _signature(_type(kind))}
            for name, kind in names_and_kinds(found)
        ]
        return columns, [[_json(value) for value in row] for row in found.fetchall()]


class _Handler(Handler):
    known: Trino  # type: ignore[assignment]

    def post(self) -> None:
        sql = self.body().decode()
        known = self.known
        if known.secret is not None:
            wanted = base64.b64encode(f"{USER}:{known.secret}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                self.answer(401)
                return
        known.queries.append(sql)
        number = str(len(known.queries))
        said = {"id": number, "infoUri": "http://localhost/"}
        try:
            known.pages[number] = known.ran(sql)
        except FAULTS as error:
            name = "TABLE_NOT_FOUND" if isinstance(error, duckdb.CatalogException) else "SYNTAX_ERROR"
            told = {"message": str(error), "errorCode": 1, "errorName": name, "errorType": "USER_ERROR"}
            self.answer(200, {**said, "stats": {"state": "FAILED"}, "error": told})
        else:
            self.answer(200, {**said, "nextUri": self._uri(number, 0), "stats": {"state": "QUEUED"}})

    def _uri(self, number: str, page: int) -> str:
        return f"http://{self.headers['Host']}/v1/statement/executing/{number}/{page}"

    def get(self) -> None:
        number, page = self.path.split("/")[-2:]
        columns, rows = self.known.pages[number]
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
        self.answer(200, body)


@pytest.fixture
def trino() -> Iterator[Trino]:
    """A server with an empty schema."""
    with serving(_Handler, INFORMATION_SCHEMA.format(table="BASE TABLE") + _SETUP, Trino) as known:
        yield known
