"""A stand-in for SQL Server: as much of TDS 7.4 (MS-TDS) as a reader needs, over a DuckDB in memory.

python-tds talks to it over TCP as it does to SQL Server (:mod:`tests.stand_in` says what that shows): PRELOGIN, LOGIN7,
batches of SQL; columns, rows and errors as tokens. It knows no TLS.
"""

from __future__ import annotations

import re
import socketserver
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from tests.stand_in import FAULTS, INFORMATION_SCHEMA, STANDARD, USER, Server, names_and_kinds, serving

HALF = "\ufdd0"  # stands for half a surrogate pair, which SQL Server keeps and DuckDB does not
PRELOGIN, LOGIN, BATCH, REPLY, PACKET = 0x12, 0x10, 0x01, 0x04, 4096
_SETUP = """
CREATE MACRO hashed(x) AS CAST(hash(x) // 2 AS BIGINT); CREATE MACRO quotename(x) AS '[' || x || ']'; CREATE MACRO datalength(x) AS strlen(x);
CREATE MACRO switchoffset(x, zone) AS x AT TIME ZONE 'UTC'; CREATE MACRO object_name(o) AS split_part(o, '.', 2);
CREATE MACRO object_id(o) AS replace(replace(o, '[', ''), ']', ''); CREATE MACRO object_schema_name(o) AS split_part(o, '.', 1);
CREATE MACRO col_name(o, c) AS coalesce((SELECT any_value(column_name) FROM duckdb_columns()
    WHERE schema_name || '.' || table_name = o AND column_index = try_cast(c AS INTEGER)), CAST(c AS VARCHAR));
CREATE SCHEMA sys; CREATE TABLE sys.outside (object_id VARCHAR);
CREATE VIEW sys.tables AS SELECT schema_name || '.' || table_name AS object_id,
    object_id IN (SELECT o.object_id FROM sys.outside AS o) AS is_external FROM duckdb_tables();
CREATE VIEW sys.extended_properties AS SELECT 1 AS class, 'MS_Description' AS name, schema_name || '.' || table_name AS major_id,
    0 AS minor_id, comment AS value FROM duckdb_tables() WHERE comment IS NOT NULL
    UNION ALL SELECT 1, 'MS_Description', schema_name || '.' || table_name, column_index, comment FROM duckdb_columns() WHERE comment IS NOT NULL;
CREATE VIEW sys.foreign_key_columns AS SELECT constraint_name AS constraint_object_id, schema_name || '.' || table_name AS parent_object_id,
    schema_name || '.' || referenced_table AS referenced_object_id, unnest(constraint_column_names) AS parent_column_id,
    unnest(referenced_column_names) AS referenced_column_id, generate_subscripts(constraint_column_names, 1) AS constraint_column_id
    FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY';
CREATE VIEW sys.check_constraints AS SELECT schema_name || '.' || table_name AS parent_object_id, constraint_name AS name,
    expression AS definition, 0 AS is_disabled FROM duckdb_constraints() WHERE constraint_type = 'CHECK';
"""
_NAMES = {"VARCHAR": "nvarchar(4000)", "BLOB": "varbinary(max)", "TIMESTAMP": "datetime2(6)", "BOOLEAN": "bit"}
_NAMES |= {"TIMESTAMP WITH TIME ZONE": "datetimeoffset(6)", "TIMESTAMP_NS": "datetime2(7)", "TIME": "time(6)"}
_NAMES |= {"DOUBLE": "float", "FLOAT": "real", "INTEGER": "int", "UUID": "uniqueidentifier", "HUGEINT": "decimal(38,0)"}
_WHOLE = {"TINYINT": 1, "SMALLINT": 2, "INTEGER": 4, "BIGINT": 8}
_DESCRIBED = re.compile(r"FROM sys\.dm_exec_describe_first_result_set\(N'((?:[^']|'')*)', NULL, 0\)")


def _text(value: str, size: str = "<B") -> bytes:
    return struct.pack(size, len(value.encode("utf-16-le")) // 2) + value.encode("utf-16-le")


def _done(status: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0, 0)


def _error(number: int, message: str) -> bytes:
    body = struct.pack("<IBB", number, 1, 16) + _text(message, "<H") + _text("here") + _text("") + struct.pack("<I", 1)
    return struct.pack("<BH", 0xAA, len(body)) + body + _done(2)


def _column(name: str, kind: str) -> bytes:
    sized = re.match(r"DECIMAL\((\d+),(\d+)\)", kind)
    if kind in _WHOLE:
        said = struct.pack("<BB", 0x26, _WHOLE[kind])
    elif kind in ("FLOAT", "DOUBLE"):
        said = struct.pack("<BB", 0x6D, 4 if kind == "FLOAT" else 8)
    elif kind == "BOOLEAN":
        said = struct.pack("<BB", 0x68, 1)
    elif sized:
        said = struct.pack("<BBBB", 0x6A, 17, int(sized[1]), int(sized[2]))
    else:
        said = struct.pack("<BH", 0xE7, 0xFFFF) + b"\x09\x04\xd0\x00\x34"
    return struct.pack("<IH", 0, 1) + said + _text(name[:100])


def _value(value: Any, kind: str) -> bytes:
    plain = kind in _WHOLE or kind in ("FLOAT", "DOUBLE", "BOOLEAN") or kind.startswith("DECIMAL")
    if value is None:
        return b"\0" if plain else struct.pack("<Q", 2**64 - 1)
    if kind in _WHOLE:
        return struct.pack("<B", _WHOLE[kind]) + int(value).to_bytes(_WHOLE[kind], "little", signed=True)
    if kind in ("FLOAT", "DOUBLE"):
        return struct.pack("<Bf" if kind == "FLOAT" else "<Bd", 4 if kind == "FLOAT" else 8, value)
    if kind == "BOOLEAN":
        return struct.pack("<BB", 1, value)
    if kind.startswith("DECIMAL"):
        digits = int("".join(map(str, Decimal(value).as_tuple().digits)))
        return struct.pack("<BB", 17, value >= 0) + digits.to_bytes(16, "little")
    data = str(value).encode("utf-16-le").replace(HALF.encode("utf-16-le"), b"\x3d\xd8")
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + struct.pack("<I", 0)


def _ours(node: exp.Expression) -> exp.Expression:
    """What sqlglot does not put into DuckDB's SQL, or not so."""
    if isinstance(node, exp.Convert):
        return exp.cast(node.expression, "VARCHAR")
    if isinstance(node, exp.Collate):
        return node.this
    if isinstance(node, exp.National):
        return exp.Literal.string(node.name)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Substring) and isinstance(node.this.this, exp.SHA2):
        return exp.func("hashed", node.this.this.this)
    if isinstance(node, exp.Cast) and node.to.this in (exp.DataType.Type.DATETIME2, exp.DataType.Type.NVARCHAR):
        return exp.cast(node.this, "TIMESTAMP" if node.to.this == exp.DataType.Type.DATETIME2 else "VARCHAR")
    if isinstance(node, exp.Add) and isinstance(node.expression, exp.Literal) and node.expression.is_string:
        return exp.DPipe(this=node.this, expression=node.expression)
    return node


@dataclass
class SqlServer(Server):
    """``url`` is of the schema ``store.shop``."""

    def url_of(self, secret: str | None = None, more: str = "", port: int | None = None) -> str:
        password = "" if secret is None else f":{secret}"
        return f"sqlserver://{USER}{password}@localhost:{port or self.port}/store/shop?encrypt=no{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def ran(self, sql: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Columns and rows. Raises one of FAULTS."""
        self.queries.append(sql)
        if sql.startswith(("SET ", "use [")):
            return [], []
        described = _DESCRIBED.search(sql)
        if described:
            _, kinds = None, names_and_kinds(self._found(described[1].replace("''", "'")))
            named = [(name, _NAMES.get(kind, kind.lower())) for name, kind in kinds]
            return [("name", "VARCHAR"), ("kind", "VARCHAR")], named
        found = self._found(sql)
        return names_and_kinds(found), found.fetchall()

    def _found(self, sql: str) -> duckdb.DuckDBPyConnection:
        for theirs, own in STANDARD:
            sql = sql.replace(theirs, own)
        tree = sqlglot.parse_one(sql, read="tsql")
        for node in reversed(list(tree.walk())):  # what is within comes first
            if (ours := _ours(node)) is not node:
                node.replace(ours)
        return self.session().execute(tree.sql("duckdb"))


class _Handler(socketserver.BaseRequestHandler):
    @property
    def known(self) -> SqlServer:
        return self.server.known  # type: ignore[attr-defined,no-any-return]

    def handle(self) -> None:
        with suppress(ConnectionError):
            while (asked := self._message()) is not None:
                kind, body = asked
                if kind == PRELOGIN:
                    options = struct.pack(">BHHBHH", 0, 11, 6, 1, 17, 1) + b"\xff"
                    self._reply(options + b"\x10\0\0\0\0\0" + b"\x02")
                elif kind == LOGIN:
                    self._reply(self._login(body))
                elif kind == BATCH:
                    (headers,) = struct.unpack_from("<I", body)
                    self._reply(self._answer(body[headers:].decode("utf-16-le")))
                else:
                    self._reply(_done())

    def _message(self) -> tuple[int, bytes] | None:
        body = b""
        while header := self._exactly(8):
            kind, status, size = struct.unpack_from(">BBH", header)
            body += self._exactly(size - 8)
            if status & 1:
                return kind, body
        return None

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := self.request.recv(size - len(data))):
            data += part
        return data if len(data) == size else b""

    def _reply(self, body: bytes) -> None:
        parts = [body[i : i + PACKET - 8] for i in range(0, len(body), PACKET - 8)]
        for i, part in enumerate(parts):
            last = i + 1 == len(parts)
            self.request.sendall(struct.pack(">BBHHBB", REPLY, last, len(part) + 8, 0, (i + 1) % 256, 0) + part)

    def _login(self, body: bytes) -> bytes:
        start, size = struct.unpack_from("<HH", body, 44)
        hidden = bytes(((b ^ 0xA5) << 4 & 0xF0) | ((b ^ 0xA5) >> 4) for b in body[start : start + 2 * size])
        if self.known.secret is not None and hidden.decode("utf-16-le") != self.known.secret:
            return _error(18456, f"Login failed for user '{USER}'.")
        said = struct.pack(">BI", 1, 0x74000004) + _text("stand-in") + struct.pack(">I", 0x10000000)
        return struct.pack("<BH", 0xAD, len(said)) + said + _done()

    def _answer(self, sql: str) -> bytes:
        try:
            columns, rows = self.known.ran(sql)
        except FAULTS as error:
            return _error(208 if isinstance(error, duckdb.CatalogException) else 102, str(error).split("\n")[0])
        if not columns:
            return _done()
        head = struct.pack("<BH", 0x81, len(columns)) + b"".join(_column(*one) for one in columns)
        kinds = [kind for _, kind in columns]
        return (
            head
            + b"".join(b"\xd1" + b"".join(map(_value, row, kinds)) for row in rows)
            + struct.pack("<BHHQ", 0xFD, 0x10, 0xC1, len(rows))
        )


@pytest.fixture
def sqlserver() -> Iterator[SqlServer]:
    """A server with an empty schema."""
    with serving(_Handler, _SETUP + INFORMATION_SCHEMA.format(table="BASE TABLE"), SqlServer) as known:
        yield known
