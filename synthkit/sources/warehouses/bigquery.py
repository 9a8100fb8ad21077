"""BigQuery, through Google's own client (Apache-2.0): rows come as JSON, page by page; its catalogue by REST.

| BigQuery | is read as | fetched |
| --- | --- | --- |
| BOOL, INT64, FLOAT64, STRING, DATE | BOOLEAN, BIGINT, DOUBLE, VARCHAR, DATE | as it is |
| NUMERIC, NUMERIC(p, s) | DECIMAL(38, 9); of a table's column as it is declared | as it is |
| BIGNUMERIC | DOUBLE where that keeps all digits, or what is declared; of a declared one DECIMAL(p, s) | its text |
| TIME, DATETIME | TIME, TIMESTAMP | its text |
| TIMESTAMP | TIMESTAMP WITH TIME ZONE | its text, in UTC |
| JSON, STRUCT, ARRAY | nested | its JSON |
| RANGE | VARCHAR | its text |
| BYTES, GEOGRAPHY, INTERVAL | refused | |

A query's columns are asked for by a dry run, which costs nothing; the catalogue is asked by REST, which costs nothing
either, while each query of an INFORMATION_SCHEMA is charged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.sources.projection import Name, routine
from synthkit.sources.reader import Entry, Listed
from synthkit.sources.warehouses import byrow, catalogue
from synthkit.sources.warehouses.address import Address, parsed
from synthkit.sources.warehouses.alone import table_alone
from synthkit.sources.warehouses.engine import BINARY, UNBOUND, Described, Engine, Field, NoTypeError
from synthkit.sources.warehouses.googlelogin import credentials
from synthkit.sources.warehouses.reader import reader_of
from synthkit.sql.quoting import backslashed

if TYPE_CHECKING:
    import pyarrow as pa

CONNECT_PATIENCE, PATIENCE = 20.0, 300.0  # seconds for which one request is tried again
PAGE = 20_000  # rows of a page, of which the service sends no more than 20 MB
HOST = "bigquery.googleapis.com"
_PLAIN = {"BOOLEAN": "BOOLEAN", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "STRING": "VARCHAR", "DATE": "DATE"}
_OTHER_NAMES = {"BOOL": "BOOLEAN", "INT64": "INTEGER", "FLOAT64": "FLOAT", "STRUCT": "RECORD"}
_STORED = {
    "MATERIALIZED_VIEW": "a materialized view: what is behind it cannot be seen",
    "EXTERNAL": "an external table: what is behind it cannot be seen",
    "SNAPSHOT": "a snapshot, whose rows are another table's",
}


class _Session:
    """Jobs one by one: HTTP knows no connection that stays."""

    def __init__(self, address: Address) -> None:
        from google.cloud import bigquery

        endpoint, location = address.options.get("endpoint"), address.options.get("location")
        self.bigquery, self.project, self.dataset = bigquery, address.path[0], _schema(address)
        self.client = bigquery.Client(
            project=self.project,
            credentials=credentials(address),
            location=location,
            **({"client_options": {"api_endpoint": endpoint}} if endpoint else {}),
        )
        most = address.options.get("maximum_bytes_billed")
        self.options: dict[str, Any] = {"maximum_bytes_billed": int(most)} if most else {}
        self.options |= {"default_dataset": self._dataset(self.dataset)} if self.dataset else {}

    def begin(self) -> None:
        self._run("SELECT 1", CONNECT_PATIENCE)

    def _job(self, query: str, patience: float, **options: Any) -> Any:
        config = self.bigquery.QueryJobConfig(labels={"read_by": "synthkit"}, **self.options, **options)
        return self.client.query(query, job_config=config, retry=self._retry(patience), job_retry=None)

    def _run(self, query: str, patience: float | None = None) -> Any:
        job = self._job(query, patience or PATIENCE)
        return job.result(page_size=PAGE, retry=self._retry(patience), job_retry=None)

    def _retry(self, patience: float | None = None) -> Any:
        return self.bigquery.DEFAULT_RETRY.with_timeout(patience or PATIENCE)

    def describe(self, query: str) -> list[Described]:
        """Raises an error for what is no query: BigQuery takes several statements at once, and knows best."""
        from google.api_core.exceptions import BadRequest

        job = self._job(query, PATIENCE, dry_run=True, use_query_cache=False)
        if job.statement_type not in (None, "SELECT"):  # emulators say nothing
            raise BadRequest("it must be one SELECT statement")
        declared = self._declared(query)
        return [_described(one, declared.get(one.name, one)) for one in job.schema or ()]

    def _declared(self, query: str) -> dict[str, Any]:
        """The columns of the table whose columns a query names and no more: those of a result have no digits."""
        from google.api_core.exceptions import ClientError

        project, dataset, name = table_alone(query, "bigquery") or ("", "", "")
        with suppress(ClientError):  # it is no table, such as events_*
            if name:
                return {one.name: one for one in self.table(dataset or self.dataset, name, project).schema}
        return {}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._run(query)]

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for page in self._run(query).pages:
            yield byrow.batch([row.values() for row in page], schema)

    def datasets(self, every: bool = False) -> list[str]:
        """The url's, or all."""
        found = self.client.list_datasets(retry=self._retry())
        return [one.dataset_id for one in found if every or self.dataset in ("", one.dataset_id)]

    def tables(self, dataset: str) -> list[str]:
        return sorted(one.table_id for one in self.client.list_tables(self._dataset(dataset), retry=self._retry()))

    def table(self, dataset: str, name: str, project: str = "") -> Any:
        return self.client.get_table(self._dataset(dataset, project).table(name), retry=self._retry())

    def routines(self) -> list[str]:
        """Of the url's dataset, where a name in short may be one of them."""
        found = self.client.list_routines(self._dataset(self.dataset), retry=self._retry()) if self.dataset else ()
        return [one.routine_id for one in found]

    def _dataset(self, name: str, project: str = "") -> Any:
        """Names that the client would take to pieces at their dots, such as INFORMATION_SCHEMA.TABLES."""
        return self.bigquery.DatasetReference(project or self.project, name)

    def lent(self, dataset: str) -> bool:
        """Whether its tables are another's."""
        known = self.client.get_dataset(self._dataset(dataset), retry=self._retry()).to_api_repr()
        return str(known.get("type", "DEFAULT")) != "DEFAULT"

    def close(self) -> None:
        self.client.close()


def _described(column: Any, declared: Any) -> Described:
    kind = _OTHER_NAMES.get(column.field_type, column.field_type)
    if column.mode == "REPEATED":
        return Described(column.name, "ARRAY")
    if kind not in ("NUMERIC", "BIGNUMERIC") or declared.precision is None:
        return Described(column.name, kind)
    return Described(column.name, kind, int(declared.precision), int(declared.scale or 0))


def _errors() -> tuple[type[Exception], ...]:
    import requests
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return (GoogleAPIError, GoogleAuthError, requests.RequestException, OSError)


def _missing(error: Exception) -> bool:
    from google.api_core.exceptions import NotFound

    return isinstance(error, NotFound)


def _broken(error: Exception) -> bool:
    from google.api_core.exceptions import ClientError

    return not isinstance(error, ClientError)


def field_of(column: Described) -> Field:
    """Raises NoTypeError."""
    kind, sized = column.kind, f"DECIMAL({column.precision},{column.scale})"
    if kind in _PLAIN:
        return Field(_PLAIN[kind])
    if kind == "NUMERIC":
        return Field("DECIMAL(38,9)" if column.precision is None else sized)
    if kind == "BIGNUMERIC":
        bound = column.precision is not None and column.precision <= 38
        return Field(sized if bound else UNBOUND, _text, text=True)
    if kind == "TIME":
        return Field("TIME", _text, text=True)
    if kind == "DATETIME":
        return Field("TIMESTAMP", _text, text=True)
    if kind == "TIMESTAMP":
        utc = "CONCAT(FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E*S', {c}, 'UTC'), '+00')"
        return Field("TIMESTAMP WITH TIME ZONE", lambda c: utc.format(c=c), text=True)
    if kind in ("JSON", "RECORD", "ARRAY"):
        told = "IF({c} IS NULL, NULL, TO_JSON_STRING({c}))"  # which would make the text null of a missing value
        return Field("JSON", lambda c: told.format(c=c), text=True, nested=True)
    if kind == "RANGE":
        return Field("VARCHAR", _text)
    if kind == "BYTES":
        return Field(BINARY)
    raise NoTypeError(kind)


def _text(column: str) -> str:
    return f"CAST({column} AS STRING)"


def _number(row: Sequence[str]) -> str:
    """An INT64 of a row: its JSON has each value as it is, and tells none from a text."""
    values = ", ".join(f"{one} AS c{i}" for i, one in enumerate(row))
    return f"FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({values})))"


def _parsed(url: str) -> Address:
    options = ("location", "credentials", "endpoint", "maximum_bytes_billed")
    found = parsed(url, ("bigquery",), options, ("token",), needs=("project",), most=1)
    if found.user or found.password:
        raise ValueError("names a user: credentials=PATH or token= says who it is")
    if not found.options.get("maximum_bytes_billed", "1").isdecimal():
        raise ValueError("says maximum_bytes_billed= that is no whole number")
    host = re.sub(r"^https?://", "", found.options.get("endpoint", HOST))
    return replace(found, host=host, path=(found.host, *found.path))  # all projects are of one service


def _schema(address: Address) -> str:
    return address.schema("")


def _looked_up(session: Any, address: Address, name: Name, query: str) -> Entry | None:
    wanted = (name[0] or _schema(address)).lower(), name[1].lower()
    sets = [one for one in session.datasets(every=True) if one.lower() == wanted[0]]
    found = [(d, t) for d in sets for t in session.tables(d) if t.lower() == wanted[1]]
    if not found:
        return None
    known = session.table(*found[0])
    view, says = known.table_type == "VIEW", _STORED.get(known.table_type)
    if len(found) > 1:
        says = "one of several whose names differ in case only"
    elif known.table_type not in ("TABLE", "VIEW", *_STORED):
        says = f"a {str(known.table_type).lower()}: what is behind it cannot be seen"
    elif "cloneDefinition" in known.to_api_repr():  # whose moment the client does not always read
        says = "a clone, whose rows are another table's"
    elif view and known.view_use_legacy_sql:
        says = "a view in legacy SQL"
    elif session.lent(found[0][0]):
        says = "of a dataset that is another's (linked, or external): what is behind it cannot be seen"
    definition, columns = known.view_query if view else None, tuple(one.name for one in known.schema)
    says = says or routine(session.routines(), f"{query} {definition or ''}")
    return Entry(*found[0], columns, definition, says, session.project)


def _listed(session: Any, address: Address) -> Iterator[Listed]:
    """The tables of the url's dataset, or of all, with the keys that they declare."""
    keys, tables, columns = catalogue.Keys(), [], []
    for known in (session.table(d, name) for d in session.datasets() for name in session.tables(d)):
        if known.table_type != "TABLE":
            continue
        own, said = (known.dataset_id, known.table_id), known.table_constraints
        tables.append((*own, known.description))
        columns += [(*own, one.name, one.description, one.mode != "REQUIRED") for one in known.schema]
        if said is not None and said.primary_key is not None:
            keys.primary[own] = list(said.primary_key.columns)
        for key in () if said is None else said.foreign_keys or ():
            to = (key.referenced_table.dataset_id, key.referenced_table.table_id)
            for one in key.column_references:
                keys.refer(own, str(key.name), one.referencing_column, to, one.referenced_column)
    yield from catalogue.listed(tables, columns, keys, _schema(address), str)


def _tables(session: Any, _address: Address) -> list[str]:
    return [name for dataset in session.datasets() for name in session.tables(dataset)]


READER = reader_of(
    Engine(
        called="BigQuery",
        extra="bigquery",
        dialect="bigquery",
        schemes=("bigquery",),
        url="bigquery://project/dataset",
        parsed=_parsed,
        connect=_Session,
        errors=_errors,
        missing=_missing,
        broken=_broken,
        field=field_of,
        named=lambda part: backslashed(part.strip("`"), "`"),
        quoted=lambda name: backslashed(name, "`"),
        digested=lambda row: f"CAST({_number(row)} AS STRING)",
        totalled=lambda row: f"CAST(SUM(CAST({_number(row)} AS NUMERIC)) AS STRING)",
        schema=_schema,
        looked_up=_looked_up,
        listed=_listed,
        tables=_tables,
        database=lambda address: f"BigQuery's {address.path[0]}",
        lineage=lambda address, schema, table: ("bigquery", f"{address.path[0]}.{schema}.{table}"),
    )
)
