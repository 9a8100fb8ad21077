"""SQL Server and Azure SQL, through python-tds (MIT), which speaks their protocol itself: rows come one by one.

| SQL Server | is read as | fetched |
| --- | --- | --- |
| bit; tinyint, smallint; int; bigint | BOOLEAN; SMALLINT; INTEGER; BIGINT | as it is |
| real, float | FLOAT, DOUBLE | as it is |
| decimal(p, s), numeric; money, smallmoney | DECIMAL(p, s); DECIMAL(19, 4), DECIMAL(10, 4) | as it is; as that |
| varchar, nvarchar, text, ntext, xml, uniqueidentifier | VARCHAR | its text |
| char, nchar | VARCHAR | without the blanks that fill it up |
| date, time(p), datetime, datetime2(p), smalldatetime | DATE, TIME, TIMESTAMP | its text: finer ones are said |
| datetimeoffset(p) | TIMESTAMP WITH TIME ZONE: the point in time, without its offset | its text, in UTC |
| json | nested | its text |
| binary, varbinary, image, rowversion, shapes, hierarchyid, sql_variant, vector | refused | |
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
from synthkit.sources.warehouses.engine import BINARY, Described, Engine, Field, NoTypeError
from synthkit.sources.warehouses.reader import reader_of
from synthkit.sql import quoting
from synthkit.sql.quoting import bracketed

if TYPE_CHECKING:
    import pyarrow as pa

LOGIN_TIMEOUT = 20  # seconds
_NO_OBJECT = 208
_PARTS = 200  # arguments of one CONCAT, which takes 254
_SIZED = re.compile(r"(\w+)\((\d+),(\d+)\)")
_PLAIN = {"bit": "BOOLEAN", "tinyint": "SMALLINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT"}
_PLAIN |= {"real": "FLOAT", "float": "DOUBLE"}
_TEXTS = ("varchar", "nvarchar", "text", "ntext", "xml", "uniqueidentifier", "sysname")
_MONEY = {"money": "DECIMAL(19,4)", "smallmoney": "DECIMAL(10,4)"}
_MOMENTS = ("datetime", "datetime2", "smalldatetime")
_BINARY = ("binary", "varbinary", "image", "timestamp", "rowversion")
_TABLES = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, (
    SELECT CAST(p.value AS NVARCHAR(MAX)) FROM sys.extended_properties AS p WHERE p.class = 1 AND p.minor_id = 0
    AND p.name = 'MS_Description' AND p.major_id =
    OBJECT_ID(CONCAT(QUOTENAME(t.TABLE_SCHEMA), '.', QUOTENAME(t.TABLE_NAME))))
FROM INFORMATION_SCHEMA.TABLES AS t WHERE t.TABLE_TYPE = 'BASE TABLE' ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME
"""
_COLUMNS = """
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, (
    SELECT CAST(p.value AS NVARCHAR(MAX)) FROM sys.extended_properties AS p WHERE p.class = 1
    AND p.name = 'MS_Description' AND p.major_id =
    OBJECT_ID(CONCAT(QUOTENAME(c.TABLE_SCHEMA), '.', QUOTENAME(c.TABLE_NAME)))
    AND COL_NAME(p.major_id, p.minor_id) = c.COLUMN_NAME), c.IS_NULLABLE
FROM INFORMATION_SCHEMA.COLUMNS AS c ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION
"""
_FOREIGN = """
SELECT OBJECT_SCHEMA_NAME(parent_object_id), OBJECT_NAME(parent_object_id), constraint_object_id,
    COL_NAME(parent_object_id, parent_column_id), OBJECT_SCHEMA_NAME(referenced_object_id),
    OBJECT_NAME(referenced_object_id), COL_NAME(referenced_object_id, referenced_column_id)
FROM sys.foreign_key_columns ORDER BY constraint_object_id, constraint_column_id
"""
_CHECKS = """
SELECT OBJECT_SCHEMA_NAME(parent_object_id), OBJECT_NAME(parent_object_id), definition
FROM sys.check_constraints WHERE is_disabled = 0 ORDER BY name
"""


class _Session:
    """A connection in which each statement is a transaction."""

    def __init__(self, address: Address) -> None:
        import certifi
        import pytds

        token = address.secret.get("token")
        own: dict[str, Any] = {"user": address.user, "password": address.password}
        sealed = address.options.get("encrypt", "yes") == "yes"
        self.connection = pytds.connect(
            dsn=address.host,
            port=address.port,
            database=address.path[0],
            **({"access_token_callable": lambda: token} if token else own),
            **({"cafile": address.options.get("cafile") or certifi.where()} if sealed else {}),
            appname="synthkit",
            autocommit=True,
            login_timeout=LOGIN_TIMEOUT,
            disable_connect_retry=True,
        )
        self.schema = _schema(address)

    def begin(self) -> None:
        """Raises an error where a name in short is of another schema than the url says: it would be another table."""
        import pytds

        with self.connection.cursor() as cursor:
            cursor.execute("SET QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_WARNINGS, ARITHABORT ON")
        ((read,),) = self.rows("SELECT SCHEMA_NAME() AS s")
        if str(read).lower() != self.schema.lower():
            said = f"this user's names in short are of the schema {read}, not of {self.schema} as the url says"
            raise pytds.tds_base.InterfaceError(f"{said}: let it end in /{read}, and write {self.schema}.table")

    def describe(self, query: str) -> list[Described]:
        self.rows(f"SELECT TOP (0) * FROM (\n{query}\n) AS q")  # what is at fault is said best by the query itself
        asked = f"FROM sys.dm_exec_describe_first_result_set({literal(query)}, NULL, 0) ORDER BY column_ordinal"
        found = []
        for name, kind in self.rows(f"SELECT name, COALESCE(system_type_name, user_type_name, error_message) {asked}"):
            sized = _SIZED.fullmatch(str(kind))
            digits = (int(sized[2]), int(sized[3])) if sized else (None, None)
            found.append(Described(str(name), sized[1] if sized else str(kind), *digits))
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import pytds

        with self.connection.cursor() as cursor:
            cursor.execute(query)
            try:
                yield from byrow.batches(cursor, schema)
            except UnicodeDecodeError:
                said = "a text is cut within a character (half a surrogate pair), which is no Unicode"
                raise pytds.tds_base.ProgrammingError(said) from None

    def close(self) -> None:
        self.connection.close()


def _errors() -> tuple[type[Exception], ...]:
    import pytds

    found: list[type[Exception]] = [pytds.tds_base.Error, pytds.tds_base.TimeoutError, OSError]
    with suppress(ImportError):
        from OpenSSL import SSL

        found.append(SSL.Error)
    return tuple(found)


def _missing(error: Exception) -> bool:
    return getattr(error, "number", None) == _NO_OBJECT


def _broken(error: Exception) -> bool:
    import pytds

    return not isinstance(error, pytds.tds_base.DatabaseError)


def field_of(column: Described) -> Field:
    """Raises NoTypeError."""
    base = column.kind.split("(")[0]
    if base in _PLAIN:
        return Field(_PLAIN[base])
    if base in ("decimal", "numeric"):
        return Field(f"DECIMAL({column.precision},{column.scale})")
    if base in _MONEY:
        return Field(_MONEY[base], lambda c: f"CAST({c} AS {_MONEY[base]})")
    if base in _TEXTS:
        return Field("VARCHAR", _text)
    if base in ("char", "nchar"):
        return Field("VARCHAR", lambda c: f"RTRIM({_text(c)})")
    if base == "date":
        return Field("DATE", lambda c: f"CONVERT(NVARCHAR(10), {c}, 23)", text=True)
    if base == "time":
        return Field("TIME", lambda c: f"CONVERT(NVARCHAR(16), {c}, 121)", text=True)
    if base in _MOMENTS:
        return Field("TIMESTAMP", _moment, text=True)
    if base == "datetimeoffset":
        utc = "CAST(SWITCHOFFSET({c}, '+00:00') AS DATETIME2(7))"
        zoned = "TIMESTAMP WITH TIME ZONE"  # CONCAT would make a text of a missing value
        return Field(zoned, lambda c: f"{_moment(utc.format(c=c))} + '+00'", text=True)
    if base == "json":
        return Field("JSON", _text, text=True, nested=True)
    if base in _BINARY:
        return Field(BINARY)
    raise NoTypeError(column.kind)


def _text(column: str) -> str:
    return f"CONVERT(NVARCHAR(MAX), {column})"


def _moment(column: str) -> str:
    return f"CONVERT(NVARCHAR(27), {column}, 121)"


def named(part: str) -> str:
    """A part of a name as the YAML writes it: as it is, or in brackets or double quotes."""
    quoted = len(part) > 2 and (part[0], part[-1]) in (("[", "]"), ('"', '"'))
    return bracketed(part[1:-1] if quoted else part)


def literal(text: str) -> str:
    """A text in SQL, of any characters."""
    return f"N{quoting.literal(text)}"


def _number(row: Sequence[str]) -> str:
    """A BIGINT of a row: of each value's bytes and their count, so that none runs into the next. Style 3 writes all
    digits of a float; what is no float has none."""
    parts = []
    for one in row:
        text = f"CONVERT(NVARCHAR(MAX), {one}, 3) COLLATE Latin1_General_BIN2"
        parts.append(f"CASE WHEN {one} IS NULL THEN N'-' ELSE CONCAT(DATALENGTH({text}), N':', {text}) END")
    while len(parts) > 1:
        groups = [parts[i : i + _PARTS] for i in range(0, len(parts), _PARTS)]
        parts = [f"CONCAT({', '.join(group)})" if len(group) > 1 else group[0] for group in groups]
    return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', {parts[0]}), 1, 8) AS BIGINT)"


def _parsed(url: str) -> Address:
    found = parsed(url, ("sqlserver", "mssql"), ("encrypt", "cafile"), ("token",), needs=("host", "database"))
    if "\\" in found.host:
        raise ValueError("names an instance: write the port that it listens on, host:port")
    found.checked("encrypt", "yes", "no")
    return replace(found, port=found.port or 1433)


def _schema(address: Address) -> str:
    return address.schema("dbo")


def _looked_up(session: Any, address: Address, name: Name, _query: str) -> Entry | None:
    found = catalogue.looked_up(session, name, _schema(address), literal, {"BASE TABLE": None})
    if found is None or found.kind is not None:
        return found
    if found.definition is None:
        own = literal(f"{bracketed(found.schema)}.{bracketed(found.name)}")
        far = session.rows(f"SELECT is_external FROM sys.tables WHERE object_id = OBJECT_ID({own})")
        outside = not far or bool(far[0][0])
        return replace(found, kind="an external table: what is behind it cannot be seen" if outside else None)
    view = replace(found, database=address.path[0])
    short = "a view that does not say of which schema its table is, and SQL Server does not, either"
    return replace(view, kind=short if catalogue.in_short(view, "tsql") else None)


def _listed(session: Any, address: Address) -> Iterator[Listed]:
    keys = catalogue.standard_keys(session, foreign=False)
    for schema, table, key, column, to_schema, to, other in session.rows(_FOREIGN):
        keys.refer((schema, table), str(key), column, (to_schema, to), other)
    for schema, table, condition in session.rows(_CHECKS):
        keys.checks[schema, table].append(str(condition))
    columns = catalogue.columns(session, _COLUMNS)
    yield from catalogue.listed(session.rows(_TABLES), columns, keys, _schema(address), str)


READER = reader_of(
    Engine(
        called="SQL Server",
        extra="sqlserver",
        dialect="tsql",
        schemes=("sqlserver", "mssql"),
        url="sqlserver://user@host:port/database/schema",
        parsed=_parsed,
        connect=_Session,
        errors=_errors,
        missing=_missing,
        broken=_broken,
        field=field_of,
        named=named,
        quoted=bracketed,
        digested=lambda row: f"CONVERT(NVARCHAR(20), {_number(row)})",
        totalled=lambda row: f"CONVERT(NVARCHAR(40), SUM(CAST({_number(row)} AS DECIMAL(38, 0))))",
        schema=_schema,
        looked_up=_looked_up,
        listed=_listed,
        tables=catalogue.names,
        database=lambda address: f"{address.shown}/{address.path[0]}",
        lineage=lambda address, schema, table: (
            f"mssql://{address.host}:{address.port}",
            f"{address.path[0]}.{schema}.{table}",
        ),
    )
)
