"""Snowflake, through its own connector (Apache-2.0), which fetches results as Arrow, chunk by chunk.

| Snowflake | is read as | fetched |
| --- | --- | --- |
| NUMBER(p, 0) | BIGINT up to 18 digits, beyond that what is a whole number of BIGINT | as it is |
| NUMBER(p, s) | DECIMAL(p, s) | as it is |
| FLOAT | DOUBLE | as it is: as text it has fewer digits |
| DECFLOAT | DOUBLE where that keeps all digits, or what is declared | its text |
| TEXT, BOOLEAN, DATE | VARCHAR, BOOLEAN, DATE | as it is |
| TIME, TIMESTAMP_NTZ | TIME, TIMESTAMP | its text, to nanoseconds: finer ones than microseconds are said |
| TIMESTAMP_LTZ, TIMESTAMP_TZ | TIMESTAMP WITH TIME ZONE: the point in time, without the zone's name | in UTC |
| VARIANT, OBJECT, ARRAY, MAP | nested | its JSON |
| BINARY, GEOGRAPHY, GEOMETRY, VECTOR, FILE, intervals | refused | |
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
from synthkit.sources.warehouses.engine import BINARY, UNBOUND, Described, Engine, Field, NoTypeError
from synthkit.sources.warehouses.reader import reader_of
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import pyarrow as pa

LOGIN_TIMEOUT = 20  # seconds
PATIENCE = 300  # seconds for which one request is tried again; a query that takes longer is asked after anew
_DOMAIN = ".snowflakecomputing.com"
_NO_OBJECT = 2003  # there is none, or the role may not see it
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_KINDS = {"BASE TABLE": None, "TEMPORARY TABLE": None}
_MOMENT = "'YYYY-MM-DD HH24:MI:SS.FF9'"
_TABLES = """
SELECT table_schema, table_name, comment FROM information_schema.tables
WHERE table_schema <> 'INFORMATION_SCHEMA' AND table_type = 'BASE TABLE' ORDER BY table_schema, table_name
"""
_COLUMNS = """
SELECT table_schema, table_name, column_name, comment, is_nullable FROM information_schema.columns
WHERE table_schema <> 'INFORMATION_SCHEMA' ORDER BY table_schema, table_name, ordinal_position
"""


class _Session:
    """A session in which times are in UTC."""

    def __init__(self, address: Address) -> None:
        import snowflake.connector

        options = dict(address.options)
        key = {"private_key_file": options.pop("private_key_file")} if "private_key_file" in options else {}
        key |= {k: v for k, v in address.secret.items() if k in ("private_key_file_pwd", "token")}
        host = {"host": options.pop("host")} if "host" in options else {}
        self.connection = snowflake.connector.connect(
            account=address.host,
            user=address.user,
            **({"password": address.password} if address.password else {}),
            database=address.path[0],
            schema=_schema(address),
            **({"port": address.port} if address.port is not None else {}),
            **host,
            **key,
            **options,
            application="synthkit",
            login_timeout=LOGIN_TIMEOUT,
            network_timeout=PATIENCE,
            arrow_number_to_decimal=True,  # else a number with decimals comes as a float
            session_parameters={"TIMEZONE": "UTC", "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW"},
        )

    def begin(self) -> None:
        """Nothing: what the session needs was said when it connected."""

    def describe(self, query: str) -> list[Described]:
        from snowflake.connector.constants import FIELD_TYPES

        with self.connection.cursor() as cursor:
            found = []
            for one in cursor.describe(query):
                kind = FIELD_TYPES[one.type_code].name
                sized = (one.precision, one.scale) if kind == "FIXED" else (None, None)
                found.append(Described(one.name, "NUMBER" if kind == "FIXED" else kind, *sized))
            return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            return [tuple(row) for row in cursor.execute(query).fetchall()]

    def shown(self, query: str) -> list[dict[str, Any]]:
        """The rows of a small answer, by their columns' names."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            names = [one.name for one in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def batches(self, query: str, _schema: pa.Schema) -> Iterator[pa.Table]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            yield from cursor.fetch_arrow_batches()

    def close(self) -> None:
        self.connection.close()


def _errors() -> tuple[type[Exception], ...]:
    from snowflake.connector import errors

    return (errors.Error, OSError)  # also what its HTTP client raises


def _missing(error: Exception) -> bool:
    return getattr(error, "errno", None) == _NO_OBJECT


def _broken(error: Exception) -> bool:
    from snowflake.connector import errors

    return isinstance(error, OSError | errors.OperationalError | errors.InterfaceError)


def field_of(column: Described) -> Field:
    """Raises NoTypeError."""
    kind = column.kind
    if kind == "NUMBER":
        precision, scale = column.precision or 38, column.scale or 0
        if scale:
            return Field(f"DECIMAL({precision},{scale})")
        return Field("BIGINT" if precision <= 18 else "HUGEINT")
    plain = {"REAL": "DOUBLE", "TEXT": "VARCHAR", "BOOLEAN": "BOOLEAN", "DATE": "DATE"}
    if kind in plain:
        return Field(plain[kind])
    if kind == "TIME":
        return Field("TIME", lambda c: f"TO_VARCHAR({c}, 'HH24:MI:SS.FF9')", text=True)
    if kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        return Field("TIMESTAMP", lambda c: f"TO_VARCHAR({c}, {_MOMENT})", text=True)
    if kind in ("TIMESTAMP_LTZ", "TIMESTAMP_TZ"):
        utc = "TO_VARCHAR(CONVERT_TIMEZONE('UTC', {c}), {m}) || '+00'"
        return Field("TIMESTAMP WITH TIME ZONE", lambda c: utc.format(c=c, m=_MOMENT), text=True)
    if kind in ("VARIANT", "OBJECT", "ARRAY", "MAP"):
        return Field("JSON", lambda c: f"TO_JSON({c})", text=True, nested=True)
    if kind == "DECFLOAT":
        return Field(UNBOUND, lambda c: f"TO_VARCHAR({c})", text=True)
    if kind == "BINARY":
        return Field(BINARY)
    raise NoTypeError(kind)


def named(part: str) -> str:
    """A part of a name, as Snowflake reads it: letters of either case are capitals, what is in quotes is as it is.

    >>> print(named("orders"), named('"orders"'), named("my orders"))
    "ORDERS" "orders" "my orders"
    """
    if len(part) > 1 and part.startswith('"') and part.endswith('"'):
        return part
    return quote(part.upper() if _PLAIN.fullmatch(part) else part)


def written(name: str) -> str:
    """A name of the catalogue as the YAML writes it."""
    return name if named(name) == quote(name) else quote(name)


def _digested(row: Sequence[str]) -> str:
    return f"TO_VARCHAR(HASH({', '.join(row)}))"


def _totalled(row: Sequence[str]) -> str:
    return f"TO_VARCHAR(SUM(CAST(HASH({', '.join(row)}) AS NUMBER(20, 0))))"


def _parsed(url: str) -> Address:
    options = ("warehouse", "role", "authenticator", "private_key_file", "host", "protocol")
    found = parsed(url, ("snowflake",), options, ("private_key_file_pwd", "token"), needs=("account", "database"))
    account = found.host.removesuffix(_DOMAIN)
    return replace(found, host=account, port=None if found.port == 443 else found.port)


def _schema(address: Address) -> str:
    return address.schema("PUBLIC").upper()


def _looked_up(session: Any, address: Address, name: Name, query: str) -> Entry | None:
    found = catalogue.looked_up(session, name, _schema(address), literal, _KINDS)
    if found is None or found.kind is not None:
        return found
    made = session.shown("SHOW USER FUNCTIONS")
    says = routine((row["name"] for row in made), f"{query} {found.definition or ''}")
    if says is not None or found.definition is not None:
        return replace(found, kind=says)
    own = f"table_schema = {literal(found.schema)} AND table_name = {literal(found.name)}"
    rows = session.shown(f"SELECT * FROM information_schema.tables WHERE {own}")
    if any({k.upper(): v for k, v in row.items()}.get("IS_DYNAMIC") == "YES" for row in rows):
        return replace(found, kind="a dynamic table: what is behind it cannot be seen")
    return found


def _listed(session: Any, address: Address) -> Iterator[Listed]:
    keys = catalogue.Keys()
    for row in _in_order(session.shown("SHOW PRIMARY KEYS")):
        keys.primary[row["schema_name"], row["table_name"]].append(row["column_name"])
    for row in _in_order(session.shown("SHOW UNIQUE KEYS")):
        keys.unique[row["schema_name"], row["table_name"]][row["constraint_name"]].append(row["column_name"])
    for row in _in_order(session.shown("SHOW IMPORTED KEYS")):
        table, to = (row["fk_schema_name"], row["fk_table_name"]), (row["pk_schema_name"], row["pk_table_name"])
        keys.refer(table, row["fk_name"], row["fk_column_name"], to, row["pk_column_name"])
    columns = [(*row[:4], row[4] == "YES") for row in session.rows(_COLUMNS)]
    yield from catalogue.listed(session.rows(_TABLES), columns, keys, _schema(address), written)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["key_sequence"]))


def _tables(session: Any, _address: Address) -> list[str]:
    return [str(row[1]) for row in session.rows(_TABLES)]


READER = reader_of(
    Engine(
        called="Snowflake",
        extra="snowflake",
        dialect="snowflake",
        schemes=("snowflake",),
        url="snowflake://user@account/database/schema?warehouse=name",
        parsed=_parsed,
        connect=_Session,
        errors=_errors,
        missing=_missing,
        broken=_broken,
        field=field_of,
        named=named,
        quoted=quote,
        digested=_digested,
        totalled=_totalled,
        schema=_schema,
        looked_up=_looked_up,
        listed=_listed,
        tables=_tables,
        database=lambda address: f"{address.host}/{address.path[0].lower()}",
        lineage=lambda address, schema, table: (
            f"snowflake://{address.host}",
            f"{address.path[0].upper()}.{schema}.{table}",
        ),
    )
)
