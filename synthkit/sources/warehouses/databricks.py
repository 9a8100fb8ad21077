"""Databricks, through its own connector (Apache-2.0), which fetches results as Arrow, chunk by chunk.

| Databricks | is read as | fetched |
| --- | --- | --- |
| BOOLEAN, TINYINT … BIGINT, FLOAT, DOUBLE | the same | as it is |
| DECIMAL(p, s) | DECIMAL(p, s) | as it is |
| STRING, VARCHAR(n); CHAR(n) | VARCHAR | as it is; without the blanks that fill it up, where it is not called STRING |
| DATE | DATE | as it is |
| TIMESTAMP_NTZ | TIMESTAMP | its text |
| TIMESTAMP | TIMESTAMP WITH TIME ZONE | its text, in UTC |
| STRUCT, ARRAY, MAP, VARIANT, OBJECT | nested | its JSON |
| BINARY, intervals, shapes, VOID | refused | |

Columns are asked for by DESCRIBE QUERY, which runs no query and says the types as SQL writes them; the catalogue is
Unity Catalog's INFORMATION_SCHEMA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.sources.projection import Name, routine
from synthkit.sources.reader import Entry, Listed
from synthkit.sources.warehouses import catalogue
from synthkit.sources.warehouses.address import Address, parsed
from synthkit.sources.warehouses.engine import BINARY, Described, Engine, Field, NoTypeError
from synthkit.sources.warehouses.reader import reader_of
from synthkit.sql.quoting import backslashed, backticked

if TYPE_CHECKING:
    import pyarrow as pa

PATIENCE = 900.0  # seconds for which one request is tried again: a warehouse that was stopped takes minutes to start
ANSWER_TIMEOUT = 120  # seconds; who asks for a query that takes longer is told to ask again
BATCH, BUFFER = 50_000, 16 * 1024 * 1024  # rows and bytes of one answer
DOWNLOADS = 2  # at once, of results that lie in cloud storage
_SIZED = re.compile(r"decimal\((\d+), ?(\d+)\)")
_PLAIN = {"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT"}
_PLAIN |= {"float": "FLOAT", "double": "DOUBLE", "string": "VARCHAR", "varchar": "VARCHAR", "date": "DATE"}
_KINDS = {
    "MANAGED": None,
    "EXTERNAL": "an external table: other tables may have the same files",
    "FOREIGN": "a table of another database: what is behind it cannot be seen",
    "MATERIALIZED_VIEW": "a materialized view: what is behind it cannot be seen",
    "STREAMING_TABLE": "a streaming table: what is behind it cannot be seen",
}
_TABLES = """
SELECT table_schema, table_name, comment FROM information_schema.tables
WHERE table_schema <> 'information_schema' AND table_type IN ('MANAGED', 'EXTERNAL') ORDER BY table_schema, table_name
"""
_COLUMNS = """
SELECT table_schema, table_name, column_name, comment, is_nullable FROM information_schema.columns
WHERE table_schema <> 'information_schema' ORDER BY table_schema, table_name, ordinal_position
"""


class _Session:
    """A session in which times are in UTC."""

    def __init__(self, address: Address) -> None:
        from databricks import sql

        open_http = address.options.get("http_scheme") == "http"
        where = f"http://{address.host}:{address.port}{address.options['http_path']}"
        self.catalog = address.path[0]
        self.connection = sql.connect(
            server_hostname=address.host,
            http_path=address.options["http_path"],
            access_token=address.password or address.secret.get("token", ""),
            catalog=self.catalog,
            schema=_schema(address),
            user_agent_entry="synthkit",
            enable_telemetry=False,
            max_download_threads=DOWNLOADS,
            _port=address.port,
            **({"_connection_uri": where} if open_http else {}),
            _socket_timeout=ANSWER_TIMEOUT,
            _retry_stop_after_attempts_duration=PATIENCE,
        )

    def begin(self) -> None:
        self.rows("SET TIME ZONE 'UTC'")

    def describe(self, query: str) -> list[Described]:
        found = []
        for name, kind, *_ in self.rows(f"DESCRIBE QUERY {query}"):
            sized = _SIZED.fullmatch(str(kind))
            digits = (int(sized[1]), int(sized[2])) if sized else (None, None)
            found.append(Described(str(name), "decimal" if sized else str(kind), *digits))
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            return [tuple(row) for row in cursor.execute(query).fetchall()]

    def batches(self, query: str, _schema: pa.Schema) -> Iterator[pa.Table]:
        with self.connection.cursor(arraysize=BATCH, buffer_size_bytes=BUFFER) as cursor:
            cursor.execute(query)
            while (found := cursor.fetchmany_arrow(BATCH)).num_rows:
                yield found

    def close(self) -> None:
        self.connection.close()


def _errors() -> tuple[type[Exception], ...]:
    from databricks.sql import exc
    from thrift.Thrift import TException
    from urllib3.exceptions import HTTPError

    return (exc.Error, TException, HTTPError, OSError)


def _missing(error: Exception) -> bool:
    return any(f"{what}_NOT_FOUND" in str(error) for what in ("TABLE_OR_VIEW", "SCHEMA"))


def _broken(error: Exception) -> bool:
    from databricks.sql import exc

    return isinstance(error, exc.RequestError | exc.InterfaceError) or not isinstance(error, exc.Error)


def field_of(column: Described) -> Field:
    """Raises NoTypeError."""
    base = re.split(r"[(< ]", column.kind)[0]
    if base in _PLAIN:
        return Field(_PLAIN[base])
    if base == "char":
        return Field("VARCHAR", lambda c: f"RTRIM({c})")
    if base == "decimal":
        return Field(f"DECIMAL({column.precision},{column.scale})")
    if base == "timestamp_ntz":
        return Field("TIMESTAMP", _text, text=True)
    if base == "timestamp":
        return Field("TIMESTAMP WITH TIME ZONE", lambda c: f"CONCAT({_text(c)}, '+00')", text=True)
    if base in ("struct", "array", "map", "variant", "object"):
        return Field("JSON", lambda c: f"TO_JSON({c})", text=True, nested=True)
    if base == "binary":
        return Field(BINARY)
    raise NoTypeError(column.kind)


def _text(column: str) -> str:
    return f"CAST({column} AS STRING)"


def _number(row: Sequence[str]) -> str:
    """A BIGINT of a row, by its JSON: a hash of the values themselves would pass over those that are missing."""
    values = ", ".join(f"'c{i}', {one}" for i, one in enumerate(row))
    return f"XXHASH64(TO_JSON(NAMED_STRUCT({values})))"


def _parsed(url: str) -> Address:
    found = parsed(url, ("databricks",), ("http_path", "http_scheme"), ("token",), needs=("host", "catalog"))
    if not found.options.get("http_path", "").startswith("/"):
        raise ValueError("says no http_path=/sql/1.0/warehouses/…")
    if not found.secrets:
        raise ValueError("has no token")
    found.checked("http_scheme", "http", "https")
    return replace(found, port=found.port or 443)


def _schema(address: Address) -> str:
    return address.schema("default")


def _looked_up(session: Any, address: Address, name: Name, query: str) -> Entry | None:
    found = catalogue.looked_up(session, name, _schema(address), backslashed, _KINDS)
    if found is None or found.kind is not None:
        return found
    made = session.rows("SELECT routine_name FROM information_schema.routines")
    says = routine((row[0] for row in made), f"{query} {found.definition or ''}")
    if says is not None or found.definition is None:
        return replace(found, kind=says)
    view = replace(found, database=address.path[0])
    return replace(view, kind=_why_not(session, address, view))


def _why_not(session: Any, address: Address, view: Entry) -> str | None:
    """What stands against following a view: what it says in short is of where its maker was."""
    own = f"{backticked(view.schema)}.{backticked(view.name)}"
    said = {str(row[0]): str(row[1]) for row in session.rows(f"DESCRIBE TABLE EXTENDED {own}")}
    within = said.get("View Catalog and Namespace", "").replace("`", "").lower()
    catalog, _, schema = within.partition(".")
    bare = catalogue.in_short(view, "databricks")
    if catalog != address.path[0].lower() or (bare and schema != view.schema.lower()):
        return "a view that was made in another catalog or schema, where what it says in short is read"
    return None


def _listed(session: Any, address: Address) -> Iterator[Listed]:
    columns = catalogue.columns(session, _COLUMNS)
    keys = catalogue.standard_keys(session)
    yield from catalogue.listed(session.rows(_TABLES), columns, keys, _schema(address), str)


READER = reader_of(
    Engine(
        called="Databricks",
        extra="databricks",
        dialect="databricks",
        schemes=("databricks",),
        url="databricks://host/catalog/schema?http_path=/sql/1.0/warehouses/id",
        parsed=_parsed,
        connect=_Session,
        errors=_errors,
        missing=_missing,
        broken=_broken,
        field=field_of,
        named=lambda part: backticked(part.strip("`")),
        quoted=backticked,
        digested=lambda row: f"CAST({_number(row)} AS STRING)",
        totalled=lambda row: f"CAST(SUM(CAST({_number(row)} AS DECIMAL(38, 0))) AS STRING)",
        schema=_schema,
        looked_up=_looked_up,
        listed=_listed,
        tables=catalogue.names,
        database=lambda address: f"{address.shown}/{address.path[0]}",
        lineage=lambda address, schema, table: (
            f"databricks://{address.host}",
            f"{address.path[0]}.{schema}.{table}",
        ),
    )
)
