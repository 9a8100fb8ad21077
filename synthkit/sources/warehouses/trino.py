"""Trino, through its own client (Apache-2.0): rows come as JSON, page by page.

| Trino | is read as | fetched |
| --- | --- | --- |
| boolean, tinyint … bigint, real, double | the same | as it is |
| decimal(p, s) | DECIMAL(p, s) | its text |
| varchar; char(n) | VARCHAR | as it is; without the blanks that fill it up |
| date, time(p), timestamp(p) | DATE, TIME, TIMESTAMP | its text: finer values than microseconds are said |
| timestamp(p) with time zone | TIMESTAMP WITH TIME ZONE: the point in time, without the zone's name | in UTC |
| uuid, ipaddress, time(p) with time zone | VARCHAR | its text |
| json, array, map, row | nested | its JSON |
| number | DOUBLE where that keeps all digits, or what is declared | its text |
| varbinary, intervals, sketches, shapes | refused | |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.sources.projection import Name
from synthkit.sources.reader import Entry, Listed
from synthkit.sources.warehouses import byrow, catalogue
from synthkit.sources.warehouses.address import Address, parsed
from synthkit.sources.warehouses.engine import BINARY, UNBOUND, Described, Engine, Field, NoTypeError
from synthkit.sources.warehouses.reader import reader_of
from synthkit.sources.warehouses.text import told_apart
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 10, 60  # seconds; a server that works on a query answers each second or so
ATTEMPTS = 3
_SIZED = re.compile(r"^(\w+)\((\d+)(?:, ?(\d+))?\)(.*)$")
_PLAIN = {"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT"}
_PLAIN |= {"real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR"}
_TEXTS = ("uuid", "ipaddress", "time with time zone")
# Connectors whose tables are files of theirs, or made up. The others show what a database behind them has: also views.
_OWN = ("hive", "iceberg", "delta_lake", "delta-lake", "hudi", "memory", "tpch", "tpcds", "blackhole")
_TABLES = """
SELECT t.table_schema, t.table_name, c.comment FROM information_schema.tables AS t
LEFT JOIN system.metadata.table_comments AS c
    ON c.catalog_name = {catalog} AND c.schema_name = t.table_schema AND c.table_name = t.table_name
WHERE t.table_schema <> 'information_schema' AND t.table_type = 'BASE TABLE' ORDER BY t.table_schema, t.table_name
"""
_COLUMNS = """
SELECT table_schem, table_name, column_name, remarks, is_nullable FROM system.jdbc.columns
WHERE table_cat = {catalog} AND table_schem <> 'information_schema' ORDER BY table_schem, table_name, ordinal_position
"""


class _Session:
    """Queries one by one: HTTP knows no connection that stays."""

    def __init__(self, address: Address) -> None:
        import trino

        token, password = address.secret.get("token"), address.password
        auth = trino.auth.JWTAuthentication(token) if token else None
        if password:
            auth = trino.auth.BasicAuthentication(address.user, password)
        verify: bool | str = address.options.get("verify", "yes")
        self.connection = trino.dbapi.connect(
            host=address.host,
            port=address.port,
            user=address.user or None,
            auth=auth,
            http_scheme=_scheme(address),
            verify={"yes": True, "no": False}.get(str(verify), verify),
            catalog=address.path[0],
            **({"schema": address.path[1]} if len(address.path) > 1 else {}),
            source="synthkit",
            timezone="UTC",
            request_timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
            max_attempts=ATTEMPTS,
            encoding=None,  # spooled results lie in a store that whoever reads here need not reach
            allow_insecure_auth="http_scheme" in address.options,  # a password in the open, as the url says itself
        )

    def begin(self) -> None:
        self.rows("SELECT 1")

    def describe(self, query: str) -> list[Described]:
        cursor = self.connection.cursor()
        cursor.execute(f"{query} LIMIT 0")
        cursor.fetchall()
        return [_described(one.name, one.type_code) for one in cursor.description]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        cursor = self.connection.cursor()
        try:
            cursor.execute(query)
            yield from byrow.batches(cursor, schema)
        finally:
            with suppress(Exception):
                cursor.cancel()

    def close(self) -> None:
        self.connection.close()


def _described(name: str, kind: str) -> Described:
    """``timestamp(6) with time zone`` is a timestamp with time zone of precision 6."""
    found = _SIZED.match(kind)
    if found is None or found[1] in ("varchar", "array", "map", "row"):
        return Described(name, kind)
    return Described(name, found[1] + found[4], int(found[2]), int(found[3] or 0))


def _errors() -> tuple[type[Exception], ...]:
    import requests
    import trino

    return (trino.exceptions.Error, trino.exceptions.HttpError, requests.RequestException, OSError)


def _missing(error: Exception) -> bool:
    return getattr(error, "error_name", None) in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND")


def _broken(error: Exception) -> bool:
    import trino

    return not isinstance(error, trino.exceptions.TrinoQueryError)


def field_of(column: Described) -> Field:
    """Raises NoTypeError."""
    kind, base = column.kind, re.split(r"[( ]", column.kind)[0]
    if base in _PLAIN:
        return Field(_PLAIN[base])
    if kind == "char":
        return Field("VARCHAR", lambda c: f"RTRIM(CAST({c} AS VARCHAR))")
    if kind == "decimal":
        return Field(f"DECIMAL({column.precision},{column.scale})", _text, text=True)
    if kind in ("date", "time", "timestamp"):
        return Field(kind.upper(), _text, text=True)
    if kind == "timestamp with time zone":
        precision = 3 if column.precision is None else column.precision
        utc = f"CAST(CAST({{c}} AT TIME ZONE 'UTC' AS TIMESTAMP({precision})) AS VARCHAR) || '+00'"
        return Field("TIMESTAMP WITH TIME ZONE", lambda c: utc.format(c=c), text=True)
    if kind in _TEXTS:
        return Field("VARCHAR", _text)
    if base in ("array", "map", "row"):
        return Field("JSON", lambda c: f"JSON_FORMAT(CAST({c} AS JSON))", text=True, nested=True)
    if kind == "json":
        return Field("JSON", lambda c: f"JSON_FORMAT({c})", text=True, nested=True)
    if kind == "number":
        return Field(UNBOUND, _text, text=True)
    if kind == "varbinary":
        return Field(BINARY)
    raise NoTypeError(kind)


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"


def _number(row: Sequence[str]) -> str:
    """A BIGINT of a row."""
    return f"from_big_endian_64(xxhash64(to_utf8({told_apart([_text(one) for one in row])})))"


def _parsed(url: str) -> Address:
    found = parsed(url, ("trino",), ("http_scheme", "verify"), ("token",), needs=("host", "catalog"))
    found.checked("http_scheme", "http", "https")
    return replace(found, port=found.port or (443 if _scheme(found) == "https" else 8080))


def _scheme(address: Address) -> str:
    """HTTPS where there is a secret, unless the url says it otherwise."""
    return address.options.get("http_scheme", "https" if address.secrets else "http")


def _schema(address: Address) -> str:
    return address.schema("")


def _looked_up(session: Any, address: Address, name: Name, _query: str) -> Entry | None:
    catalog = literal(address.path[0])
    found = catalogue.looked_up(session, name, _schema(address), literal, {"BASE TABLE": None})
    if found is None or found.kind is not None:
        return found
    if found.definition is not None:
        short = "a view that does not say of which schema its table is, and Trino does not, either"
        return replace(found, kind=short if catalogue.in_short(found, "trino") else None)
    behind = session.rows(f"SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name = {catalog}")
    connector = str(behind[0][0]) if behind else "?"
    made = session.rows(
        f"SELECT name FROM system.metadata.materialized_views WHERE catalog_name = {catalog}"
        f" AND schema_name = {literal(found.schema)} AND name = {literal(found.name)}"
    )
    says = None
    if made:
        says = "a materialized view: what is behind it cannot be seen"
    elif connector not in _OWN:
        says = f"a table of the connector {connector}: what is behind it cannot be seen"
    return replace(found, kind=says)


def _listed(session: Any, address: Address) -> Iterator[Listed]:
    catalog = literal(address.path[0])
    columns = catalogue.columns(session, _COLUMNS.format(catalog=catalog))
    tables = session.rows(_TABLES.format(catalog=catalog))
    yield from catalogue.listed(tables, columns, catalogue.Keys(), _schema(address), str)


READER = reader_of(
    Engine(
        called="Trino",
        extra="trino",
        dialect="trino",
        schemes=("trino",),
        url="trino://user@host:port/catalog/schema",
        parsed=_parsed,
        connect=_Session,
        errors=_errors,
        missing=_missing,
        broken=_broken,
        field=field_of,
        named=quote,
        quoted=quote,
        digested=lambda row: f"CAST({_number(row)} AS VARCHAR)",
        totalled=lambda row: f"CAST(SUM(CAST({_number(row)} AS DECIMAL(38, 0))) AS VARCHAR)",
        schema=_schema,
        looked_up=_looked_up,
        listed=_listed,
        tables=catalogue.names,
        database=lambda address: f"{address.shown}/{address.path[0]}",
        lineage=lambda address, schema, table: (
            f"trino://{address.host}:{address.port}",
            f"{address.path[0]}.{schema}.{table}",
        ),
    )
)
