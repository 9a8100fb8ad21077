"""A stand-in for BigQuery: the documented REST API (v2) of jobs, results and the catalogue over a DuckDB in memory.

Google's own client talks to it over HTTP as it does to BigQuery (:mod:`tests.stand_in` says what that shows): a query
is a job, its rows come page by page, a table is a resource with schema and keys, errors are as Google words them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from tests.stand_in import FAULTS, Handler, Server, names_and_kinds, serving

PROJECT = "our-shop"
_SETUP = """CREATE MACRO farm_fingerprint(x) AS CAST(hash(x) // 2 AS BIGINT);
CREATE MACRO json_text(x) AS coalesce(CAST(to_json(x) AS VARCHAR), 'null');"""
_NAMES = {"VARCHAR": "STRING", "BOOLEAN": "BOOLEAN", "DOUBLE": "FLOAT", "FLOAT": "FLOAT", "BLOB": "BYTES"}
_NAMES |= {"TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "HUGEINT": "NUMERIC", "UUID": "STRING"}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_FORMATS = (
    ("%E4Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M:%S.%f"),
    (" AS NUMERIC)", " AS INT128)"),
    ("TO_JSON_STRING(", "json_text("),  # of a missing value the text null
)


def _field(name: str, kind: str, stored: bool = False, **more: Any) -> dict[str, Any]:
    """A column as BigQuery describes it; the digits of a number are known of a table's own alone."""
    if kind.endswith("[]"):
        return {**_field(name, kind[:-2]), "mode": "REPEATED"}
    if kind.startswith("STRUCT"):
        return {"name": name, "type": "RECORD", "fields": [_field("k", "BIGINT")]}
    sized = re.match(r"DECIMAL\((\d+),(\d+)\)", kind)
    if sized:
        big = int(sized[2]) > 9 or int(sized[1]) - int(sized[2]) > 29
        digits = {"precision": sized[1], "scale": sized[2]} if stored else {}
        return {"name": name, "type": "BIGNUMERIC" if big else "NUMERIC", **digits, **more}
    return {"name": name, "type": "INTEGER" if kind in _WHOLE else _NAMES.get(kind, kind), **more}


def _cell(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and math.isinf(value):
        value = "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float) and math.isnan(value):
        value = "NaN"
    return {"v": None if value is None else str(value)}


@dataclass
class BigQuery(Server):
    """``url`` is of the dataset ``shop``.

    Args:
        kinds: by a table's name, what type of table the catalogue says that it is.
        keys: by a table's name, its tableConstraints.
        clones: tables that are clones of others.
        lent: whether the dataset is a linked one.
        statement: what a dry run says that a query is.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    clones: set[str] = field(default_factory=set)
    lent: bool = False
    statement: str = "SELECT"
    jobs: dict[str, Any] = field(default_factory=dict)

    def url_of(self, secret: str | None = None, more: str = "", port: int | None = None) -> str:
        token = "" if secret is None else f"&token={secret}"
        return f"bigquery://{PROJECT}/shop?endpoint=http://localhost:{port or self.port}{token}{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def job(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a query. Raises one of FAULTS."""
        sql = asked["configuration"]["query"]["query"]
        self.queries.append(sql)
        for theirs, ours in _FORMATS:
            sql = sql.replace(theirs, ours)
        found = self.asked(sql.replace(f"`{PROJECT}.", "`"), "bigquery")
        schema = {"fields": [_field(*one) for one in names_and_kinds(found)]}
        dry = asked["configuration"].get("dryRun", False)
        number = asked["jobReference"]["jobId"]
        if not dry:
            self.jobs[number] = (schema, found.fetchall())
        return {
            **asked,
            "id": number,
            "status": {"state": "DONE"},
            "statistics": {"query": {"schema": schema, "statementType": self.statement}},
        }

    def page(self, number: str, start: int, most: int) -> dict[str, Any]:
        schema, rows = self.jobs[number]
        found: dict[str, Any] = {
            "jobReference": {"projectId": PROJECT, "jobId": number},
            "jobComplete": True,
            "schema": schema,
            "totalRows": str(len(rows)),
            "rows": [{"f": [_cell(value) for value in row]} for row in rows[start : start + most]],
        }
        if start + most < len(rows):
            found["pageToken"] = str(start + most)
        return found

    def tables(self) -> list[dict[str, Any]]:
        rows = self.database.cursor().execute(
            "SELECT table_name, 'TABLE' FROM duckdb_tables() WHERE schema_name = 'shop'"
            " UNION ALL SELECT view_name, 'VIEW' FROM duckdb_views() WHERE schema_name = 'shop'"
        )
        return [
            {"tableReference": _reference(name), "type": self.kinds.get(name, kind)} for name, kind in rows.fetchall()
        ]

    def table(self, name: str) -> dict[str, Any] | None:
        known = next((one for one in self.tables() if one["tableReference"]["tableId"] == name), None)
        if known is None:
            return None
        cursor = self.database.cursor()
        columns = cursor.execute(
            "SELECT column_name, data_type, comment, is_nullable FROM duckdb_columns()"
            " WHERE schema_name = 'shop' AND table_name = ? ORDER BY column_index",
            [name],
        ).fetchall()
        fields = [
            _field(c, k, True, description=d, mode="NULLABLE" if nullable else "REQUIRED")
            for c, k, d, nullable in columns
        ]
        said = cursor.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
        found = {**known, "schema": {"fields": fields}, "description": said[0] if said else None}
        if name in self.keys:
            found["tableConstraints"] = self.keys[name]
        if name in self.clones:
            found["cloneDefinition"] = {"baseTableReference": _reference("other"), "cloneTime": "2024-01-05T10:00:00Z"}
        view = cursor.execute("SELECT sql FROM duckdb_views() WHERE view_name = ?", [name]).fetchone()
        if view:
            select = re.sub(r"^CREATE VIEW .*? AS |;$", "", view[0])
            found["view"] = {"query": select.replace(" shop.", f" `{PROJECT}.shop`."), "useLegacySql": False}
        return found

    def routines(self) -> list[dict[str, Any]]:
        rows = self.database.cursor().execute("SELECT function_name FROM duckdb_functions() WHERE schema_name = 'shop'")
        dataset = {"projectId": PROJECT, "datasetId": "shop"}
        return [{"routineReference": {**dataset, "routineId": name}} for (name,) in rows.fetchall()]


def _reference(table: str) -> dict[str, str]:
    return {"projectId": PROJECT, "datasetId": "shop", "tableId": table}


class _Handler(Handler):
    known: BigQuery  # type: ignore[assignment]

    def failed(self, status: int, reason: str, message: str) -> None:
        self.answer(
            status, {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
        )

    def let_in(self) -> bool:
        if self.known.secret is None or self.headers.get("Authorization") == f"Bearer {self.known.secret}":
            return True
        self.failed(401, "authError", "Request had invalid authentication credentials.")
        return False

    def post(self) -> None:
        asked = json.loads(self.body())
        if not self.let_in():
            return
        try:
            self.answer(200, self.known.job(asked))
        except duckdb.CatalogException as error:
            self.failed(404, "notFound", f"Not found: {error}")
        except FAULTS as error:
            self.failed(400, "invalidQuery", str(error))

    def get(self) -> None:
        url = urlsplit(self.path)
        said = {key: values[0] for key, values in parse_qs(url.query).items()}
        if not self.let_in():
            return
        match url.path.removeprefix(f"/bigquery/v2/projects/{PROJECT}/").split("/"):
            case ["queries", number]:
                most = int(said.get("maxResults", "1000"))
                self.answer(200, self.known.page(number, int(said.get("pageToken", "0")), most))
            case ["datasets"]:
                self.answer(200, {"datasets": [{"datasetReference": {"projectId": PROJECT, "datasetId": "shop"}}]})
            case ["datasets", "shop"]:
                kind = "LINKED" if self.known.lent else "DEFAULT"
                self.answer(200, {"datasetReference": {"projectId": PROJECT, "datasetId": "shop"}, "type": kind})
            case ["datasets", "shop", "tables"]:
                self.answer(200, {"tables": self.known.tables()})
            case ["datasets", "shop", "routines"]:
                self.answer(200, {"routines": self.known.routines()})
            case ["datasets", "shop", "tables", name] if found := self.known.table(name):
                self.answer(200, found)
            case _:
                self.failed(404, "notFound", f"Not found: {url.path}")


@pytest.fixture
def bigquery() -> Iterator[BigQuery]:
    """A service with an empty dataset."""
    with serving(_Handler, _SETUP, BigQuery) as known:
        yield known
