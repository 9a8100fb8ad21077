"""A stand-in for Databricks: the Thrift service that its connector speaks over HTTP, over a DuckDB in memory.

The connector ships what Thrift generated of the service, and so does this: :mod:`tests.stand_in` says what it shows.
Rows go as Arrow, as the service sends them: the first in the answer to the statement, the others asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import duckdb
import pytest

from tests.stand_in import FAULTS, INFORMATION_SCHEMA, STANDARD, Handler, Server, serving, written

CATALOG, PATH, PAGE = "lake", "/sql/1.0/warehouses/one", 1_000  # rows of a page
_SETUP = f"CREATE MACRO xxhash64(x) AS CAST(hash(x) // 2 AS BIGINT); {INFORMATION_SCHEMA.format(table='MANAGED')}"
_NAMES = {"VARCHAR": "string", "BLOB": "binary", "TIMESTAMP WITH TIME ZONE": "timestamp", "TIMESTAMP": "timestamp_ntz"}
_NAMES |= {"INTEGER": "int", "JSON": "variant", "HUGEINT": "decimal(38,0)", "INTERVAL": "interval day to second"}
# The text of a point in time has no zone there; DuckDB writes one.
_MOMENT = re.compile(r"CONCAT\(CAST\((t\.`\w+`) AS STRING\), '\+00'\)")


def _type(name: str) -> str:
    if name.endswith("[]"):
        return f"array<{_type(name[:-2])}>"
    if name.startswith(("STRUCT", "MAP")):
        return "struct<k:bigint>" if name.startswith("S") else "map<string,bigint>"
    return _NAMES.get(name, name.lower())


@dataclass
class Databricks(Server):
    """``url`` is of the schema ``lake.shop``.

    Args:
        made_in: the catalog and schema that the makers of views were in.
    """

    made_in: str = "`lake`.`shop`"
    secret: str | None = "dapi"
    results: dict[bytes, Any] = field(default_factory=dict)

    def url_of(self, secret: str | None = None, more: str = "", port: int | None = None) -> str:
        where = f"localhost:{port or self.port}/{CATALOG}/shop?http_path={PATH}&http_scheme=http"
        return f"databricks://token:{secret or self.secret}@{where}{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def ran(self, sql: str) -> Any:
        """An Arrow table. Raises one of FAULTS."""
        import pyarrow as pa

        self.queries.append(sql)
        if sql.startswith("SET TIME ZONE"):
            return pa.table({"key": ["timezone"], "value": ["UTC"]})
        if sql.startswith("DESCRIBE TABLE EXTENDED"):
            return pa.table({"col_name": ["View Catalog and Namespace"], "data_type": [self.made_in]})
        described = sql.startswith("DESCRIBE QUERY ")
        sql = sql.removeprefix("DESCRIBE QUERY ").replace(f"`{CATALOG}`.", "")
        for theirs, ours in STANDARD:
            sql = sql.replace(theirs, ours)
        sql = _MOMENT.sub(r"CONCAT(CAST(CAST(\1 AS TIMESTAMP_NTZ) AS STRING), '+00')", sql)
        found = self.session().sql(written(sql, "databricks"))
        if described:
            kinds = [(name, _type(str(kind))) for name, kind in zip(found.columns, found.types, strict=True)]
            return pa.table({"col_name": [name for name, _ in kinds], "data_type": [kind for _, kind in kinds]})
        return found.to_arrow_table()


def _ok(of: Any) -> Any:
    return of.TStatus(statusCode=of.TStatusCode.SUCCESS_STATUS)


class _Service:
    """What Thrift's own processor calls."""

    def __init__(self, known: Databricks) -> None:
        from databricks.sql.thrift_api.TCLIService import ttypes

        self.known, self.of = known, ttypes

    def OpenSession(self, req: Any) -> Any:  # noqa: N802 - as the service has it
        version = self.of.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7
        return self.of.TOpenSessionResp(
            status=_ok(self.of),
            serverProtocolVersion=version,
            sessionHandle=self.of.TSessionHandle(sessionId=self._handle(), serverProtocolVersion=version),
            initialNamespace=req.initialNamespace,
            canUseMultipleCatalogs=True,
        )

    def _handle(self) -> Any:
        return self.of.THandleIdentifier(guid=uuid4().bytes, secret=b"0" * 16)

    def CloseSession(self, _req: Any) -> Any:  # noqa: N802
        return self.of.TCloseSessionResp(status=_ok(self.of))

    def CloseOperation(self, req: Any) -> Any:  # noqa: N802
        self.known.results.pop(req.operationHandle.operationId.guid, None)
        return self.of.TCloseOperationResp(status=_ok(self.of))

    def ExecuteStatement(self, req: Any) -> Any:  # noqa: N802
        of = self.of
        try:
            found = self.known.ran(req.statement)
        except FAULTS as error:
            said = "TABLE_OR_VIEW_NOT_FOUND" if isinstance(error, duckdb.CatalogException) else "PARSE_SYNTAX_ERROR"
            status = of.TStatus(statusCode=of.TStatusCode.ERROR_STATUS, errorMessage=f"[{said}] {error}")
            return of.TExecuteStatementResp(status=status)
        handle = of.TOperationHandle(
            operationId=self._handle(), operationType=of.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
        )
        self.known.results[handle.operationId.guid] = [found, 0]
        return of.TExecuteStatementResp(
            status=_ok(of),
            operationHandle=handle,
            directResults=of.TSparkDirectResults(
                operationStatus=of.TGetOperationStatusResp(
                    status=_ok(of), operationState=of.TOperationState.FINISHED_STATE
                ),
                resultSetMetadata=self._metadata(found),
                resultSet=self._page(handle),
            ),
        )

    def _metadata(self, found: Any) -> Any:
        of = self.of
        columns = [
            of.TColumnDesc(columnName=one.name, typeDesc=self._described(one.type), position=i + 1)
            for i, one in enumerate(found.schema)
        ]
        return of.TGetResultSetMetadataResp(
            status=_ok(of),
            schema=of.TTableSchema(columns=columns),
            resultFormat=of.TSparkRowSetType.ARROW_BASED_SET,
            arrowSchema=found.schema.serialize().to_pybytes(),
            lz4Compressed=False,
        )

    def _described(self, kind: Any) -> Any:
        """The type of a column, of which the connector minds that of decimal numbers alone: it casts them."""
        import pyarrow as pa

        of = self.of
        entry = of.TPrimitiveTypeEntry(type=of.TTypeId.STRING_TYPE)
        if pa.types.is_decimal(kind):
            digits = {"precision": kind.precision, "scale": kind.scale}
            values = {name: of.TTypeQualifierValue(i32Value=value) for name, value in digits.items()}
            qualifiers = of.TTypeQualifiers(qualifiers=values)
            entry = of.TPrimitiveTypeEntry(type=of.TTypeId.DECIMAL_TYPE, typeQualifiers=qualifiers)
        return of.TTypeDesc(types=[of.TTypeEntry(primitiveEntry=entry)])

    def _page(self, handle: Any) -> Any:
        of = self.of
        found, start = self.known.results[handle.operationId.guid]
        page = found.slice(start, PAGE)
        self.known.results[handle.operationId.guid][1] = start + page.num_rows
        batches = [
            of.TSparkArrowBatch(batch=one.serialize().to_pybytes(), rowCount=one.num_rows) for one in page.to_batches()
        ]
        return of.TFetchResultsResp(
            status=_ok(of),
            hasMoreRows=start + PAGE < found.num_rows,
            results=of.TRowSet(startRowOffset=start, rows=[], arrowBatches=batches),
            resultSetMetadata=self._metadata(found),
        )

    def FetchResults(self, req: Any) -> Any:  # noqa: N802
        return self._page(req.operationHandle)


class _Handler(Handler):
    known: Databricks  # type: ignore[assignment]

    def post(self) -> None:
        from databricks.sql.thrift_api.TCLIService import TCLIService
        from thrift.protocol.TBinaryProtocol import TBinaryProtocol
        from thrift.transport.TTransport import TMemoryBuffer

        body = self.body()
        if self.headers.get("Authorization") != f"Bearer {self.known.secret}":
            self.answer(401)
            return
        come, go = TMemoryBuffer(body), TMemoryBuffer()
        TCLIService.Processor(_Service(self.known)).process(TBinaryProtocol(come), TBinaryProtocol(go))
        self.answer(200, go.getvalue(), "application/x-thrift")


@pytest.fixture
def databricks() -> Iterator[Databricks]:
    """A warehouse with an empty schema."""
    with serving(_Handler, _SETUP, Databricks) as known:
        yield known
