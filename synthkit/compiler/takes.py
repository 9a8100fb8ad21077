"""Which types of columns an audit takes, held against the columns that it names, before anything is trained.

What each parameter takes stands in the audit's declaration (``takes`` of :class:`synthkit.audits.contract.Audit`). What
cannot be known from declarations and catalogues is left to the audit: text that nobody says the type of may turn out
to be written numbers when its rows are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from synthkit.audits import registry
from synthkit.audits.counting import typed_literal
from synthkit.errors import SynthError
from synthkit.rules.inequality import kind_of
from synthkit.schema import Column, Schema
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    import duckdb

    from synthkit.audits.contract import Audit

_OF: dict[str, str] = {  # a kind of value → how DuckDB would hold it
    "integer": "BIGINT",
    "float": "DOUBLE",
    "decimal": "DECIMAL(38,6)",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
}


@dataclass(frozen=True)
class Misfit:
    """A parameter that names a column of a type that the audit cannot work on.

    Args:
        path: of the parameter, below the audit's.
        value: as it was written.
    """

    path: str
    value: str
    message: str
    hint: str


@dataclass(frozen=True)
class _Empty:
    """As much of an audit's context as a constant needs: it can be cast."""

    connection: duckdb.DuckDBPyConnection

    def scalar(self, query: str) -> Any:
        row = self.connection.execute(query).fetchone()
        return None if row is None else row[0]


def misfits(
    audit: Audit,
    params: BaseModel,
    schema: Schema,
    declared: Collection[str],
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[Misfit]:
    """What of an audit's parameters does not go with the columns that they name.

    Args:
        schema: of the audited table.
        declared: columns whose type somebody declared.
        connection: a DuckDB in which constants are cast.
    """
    for path, name in registry.columns_named(params):
        takes = audit.takes.get(path.partition(".")[0])
        column = schema.by_name.get(name)
        if takes is None or column is None or not takes.applies(params):
            continue
        kind = _kind(audit, column, declared, meant=takes.meant)
        if kind is not None and kind not in takes.kinds:
            shown = (
                f"{name!r} is {column.sql_type}" if column.type == kind or not takes.meant else f"{name!r} is {kind}"
            )
            message = f"audit {audit.name!r} takes {takes.words}, and {shown}"
            yield Misfit(path, name, message, takes.hint)
    yield from _constants(audit, params, schema, connection)
    if audit.name == "inequality":
        yield from _compared(audit, params, schema, declared)


def _kind(audit: Audit, column: Column, declared: Collection[str], *, meant: bool) -> str | None:
    """The kind of a column's values as the audit finds it; None where only its rows can tell."""
    held = provisional_type(column.sql_type)
    if audit.as_read and column.format is not None:
        return column.type
    if held == "categorical" and (audit.as_read or meant) and column.name not in declared:
        return None
    return column.type if meant else held


def _constants(
    audit: Audit, params: BaseModel, schema: Schema, connection: duckdb.DuckDBPyConnection
) -> Iterator[Misfit]:
    """Values that are compared in the column's own type, and are none of it."""
    wanted = {"accepted_values": ("values",), "accepted_range": ("min", "max")}.get(audit.name, ())
    name = getattr(params, "column", None)
    column = schema.by_name.get(name) if isinstance(name, str) else None
    if column is None:
        return
    if audit.name == "accepted_range" and provisional_type(column.sql_type) not in _OF:
        return  # that is said already
    for field in wanted:
        given = getattr(params, field)
        values = enumerate(given) if isinstance(given, tuple) else ((None, given),)
        for index, value in values:
            if value is None:
                continue
            try:
                typed_literal(_Empty(connection), value, column.sql_type, column.name)  # type: ignore[arg-type]
            except SynthError as error:
                path = field if index is None else f"{field}.{index}"
                yield Misfit(path, str(value), f"audit {audit.name!r}: {error.message}", error.hint or "correct it")


def _compared(audit: Audit, params: BaseModel, schema: Schema, declared: Collection[str]) -> Iterator[Misfit]:
    """Two sides that have no order between them: a number and a date, say."""
    kinds: dict[str, str | None] = {}
    for side in ("low", "high"):
        value = getattr(params, side)
        if isinstance(value, str):
            column = schema.by_name.get(value)
            kind = None if column is None else _kind(audit, column, declared, meant=False)
            if column is None or kind not in _OF:
                return
            of = column.sql_type if provisional_type(column.sql_type) == kind else _OF[str(kind)]
            kinds[side] = kind_of(of)
        else:
            kinds[side] = "number" if isinstance(value, Decimal) else "time" if isinstance(value, time) else "date"
    dates = {"date", "zoned"}
    constant = any(isinstance(getattr(params, side), date) for side in ("low", "high"))
    if kinds["low"] == kinds["high"] or (constant and set(kinds.values()) <= dates):
        return
    low, high = (_said(getattr(params, side), schema) for side in ("low", "high"))
    message = f"audit 'inequality': {low} and {high}: they cannot be compared"
    yield Misfit("low", str(params.low), message, "compare numbers with numbers, and dates with dates")  # type: ignore[attr-defined]


def _said(value: Any, schema: Schema) -> str:
    return f"{value!r} is {schema.by_name[value].sql_type}" if isinstance(value, str) else f"{value} is a constant"
