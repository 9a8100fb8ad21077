"""Which of DuckDB's types a published table holds, and what becomes of the others.

A table is read by many ways (DuckDB, Parquet, Arrow, pandas, polars, text) and says the same by each of them. So a type
is *kept*, where all of them have it; it *becomes* another one that says the same; or it is *refused*, with the cast to
write instead. All of them are in docs/types.md, which ``python -m tests.typetable`` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Rule:
    """What becomes of one type; of a rule without fields: it is kept.

    Args:
        becomes: the type in which a published table has it.
        refused: why no published table has it.
        cast: what to write instead of a column ``{0}`` that is refused, or whose values ``becomes`` cannot hold.
        narrower: whether there are values that ``becomes`` cannot hold; they are an error.
    """

    becomes: str | None = None
    refused: str | None = None
    cast: str = "{0}::VARCHAR"
    narrower: bool = False


KEPT = Rule()
_INTERNAL = "it would come out as DuckDB's own bytes"
_NUMBERS = (
    *("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"),
    *("float", "double", "decimal"),
)
_TIMES = ("date", "time", "timestamp", "timestamp_ns", "timestamp with time zone", "timestamptz_ns")
# By the names that DuckDB's Python client has for the types. One that is not here is refused.
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("boolean", *_NUMBERS, "varchar", *_TIMES, "list", "struct", "map"), KEPT),
    "array": Rule(becomes="LIST"),
    "hugeint": Rule(becomes="BIGINT", narrower=True),
    "uhugeint": Rule(becomes="BIGINT", narrower=True),
    "timestamp_s": Rule(becomes="TIMESTAMP", narrower=True),
    "timestamp_ms": Rule(becomes="TIMESTAMP", narrower=True),
    "uuid": Rule(becomes="VARCHAR"),
    "enum": Rule(becomes="VARCHAR"),
    "json": Rule(becomes="VARCHAR"),
    "null": Rule(becomes="VARCHAR"),
    "time with time zone": Rule(refused="Arrow and Parquet have no time with an offset, and would drop it"),
    "time_ns": Rule(refused="pandas has no nanoseconds of a day", cast="{0}::TIME (microseconds), or {0}::VARCHAR"),
    "interval": Rule(refused="Parquet has no place for it", cast="epoch({0}) (its seconds), or {0}::VARCHAR"),
    "blob": Rule(refused="text has no place for binary data", cast="hex({0}), base64({0}), or decode({0})"),
    "bit": Rule(refused=_INTERNAL),
    "bignum": Rule(refused=_INTERNAL, cast="{0}::DECIMAL(38,0), or {0}::VARCHAR"),
    "geometry": Rule(refused=_INTERNAL, cast="ST_AsText({0})"),
    "variant": Rule(refused=_INTERNAL, cast="{0}::JSON"),
    "union": Rule(refused="Parquet has no place for it"),
    "tuple": Rule(refused="its fields have no names", cast="{{'a': {0}[1], 'b': {0}[2]}}"),
    "type": Rule(refused="Arrow has no place for it"),
}
_UNKNOWN = Rule(refused="it is not known how it comes out")
_COLUMN = "the query's column "


class NoPlaceError(ValueError):
    """A column that no published table can hold; ``hint`` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def rule_of(sql_type: Any) -> Rule:
    """The rule of a type of DuckDB's Python client, without those of the types inside it."""
    return RULES.get(kind_of(sql_type), _UNKNOWN)


def is_nested(sql_type: str) -> bool:
    """Whether a type, as DuckDB writes it, is a list, struct or map."""
    return sql_type.endswith("]") or sql_type.startswith(("STRUCT(", "MAP("))


def publishable(query: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows in types that a published table has. Nothing is run.

    A value that the new type cannot hold (a sum beyond 64 bits) is an error when the query is run: :func:`misfit_in`.

    Raises:
        NoPlaceError: two columns have one name, or a type is refused.
    """
    _check_names(query.columns)
    pairs = list(zip(query.columns, query.types, strict=True))
    columns = [_expression(f"#{i}", name, sql_type) for i, (name, sql_type) in enumerate(pairs, start=1)]
    return _projected(query, columns)


def readable(query: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The rows of somebody's question in types that Arrow has, as the question may give any: the others as text.

    128-bit integers are DECIMAL(38,0), as Arrow has none. A number beyond that is an error when the query is run.
    """
    columns = []
    for i, (name, sql_type) in enumerate(zip(query.columns, query.types, strict=True), start=1):
        kind, reference = kind_of(sql_type), f"#{i}"
        if kind in ("hugeint", "uhugeint"):
            columns.append(_tried(reference, name, sql_type, "DECIMAL(38,0)"))
        elif kind != "blob" and not _in_arrow(sql_type):
            columns.append(f"CAST({reference} AS VARCHAR)")
        else:
            columns.append(reference)
    return _projected(query, columns)


def misfit_in(message: str) -> str | None:
    """What a message of DuckDB says of a value that a column's new type cannot hold; None for other messages."""
    _, found, rest = message.partition(_COLUMN)
    return f"{_COLUMN}{rest.strip()}" if found and " cannot hold: write " in rest else None


def _projected(query: duckdb.DuckDBPyRelation, columns: list[str]) -> duckdb.DuckDBPyRelation:
    if all(column == f"#{i}" for i, column in enumerate(columns, start=1)):
        return query
    named = (f"{c} AS {quote(name)}" for c, name in zip(columns, query.columns, strict=True))
    return query.project(", ".join(named))


def _check_names(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.lower())
        seen[name.lower()] = name
        if other is not None:
            both = repr(other) if other == name else f"{other!r} and {name!r}"
            raise NoPlaceError(f"the query gives two columns named {both}", "give each a name of its own: … AS name")


def _expression(reference: str, column: str, sql_type: Any) -> str:
    rule = rule_of(sql_type)
    if rule.refused is not None:
        hint = f"write {rule.cast.format(_shown(column))}"
        raise NoPlaceError(f"{_COLUMN}{column!r} is {sql_type}, which no published table holds: {rule.refused}", hint)
    if rule.narrower:
        assert rule.becomes is not None
        return _tried(reference, column, sql_type, rule.becomes)
    inside = _unfit(sql_type)
    if inside is not None:
        reason = rule_of(inside).refused or f"not every value of it fits {rule_of(inside).becomes}"
        hint = f"write {_shown(column)}::{_target(sql_type)}"
        raise NoPlaceError(f"{_COLUMN}{column!r} holds {inside} inside, which no published table holds: {reason}", hint)
    target = _target(sql_type)
    return reference if target == str(sql_type) else f"CAST({reference} AS {target})"


def _tried(reference: str, column: str, sql_type: Any, target: str) -> str:
    """A cast that says which value of which column does not fit."""
    what = literal(f"{_COLUMN}{column!r} is {sql_type} and holds ")
    why = literal(f", which {target} cannot hold: write {_shown(column)}::VARCHAR")
    failure = f"error({what} || CAST({reference} AS VARCHAR) || {why})"
    tried = f"TRY_CAST({reference} AS {target})"
    return f"CASE WHEN {reference} IS NOT NULL THEN coalesce({tried}, CAST({failure} AS {target})) END"


def _unfit(sql_type: Any) -> Any:
    """The first type inside a nested one that is refused, or that not every value would survive; None where all fit."""
    for _, inner in parts_of(sql_type):
        rule = rule_of(inner)
        if rule.refused is not None or rule.narrower:
            return inner
        deeper = _unfit(inner)
        if deeper is not None:
            return deeper
    return None


def _in_arrow(sql_type: Any) -> bool:
    return rule_of(sql_type).refused is None and all(_in_arrow(inner) for _, inner in parts_of(sql_type))


def _target(sql_type: Any) -> str:
    """The type that a published table has, nested ones with the types inside, what is refused as text."""
    kind = kind_of(sql_type)
    parts = [(name, _target(inner)) for name, inner in parts_of(sql_type)]
    if parts and [t for _, t in parts] == [str(inner) for _, inner in parts_of(sql_type)] and kind != "array":
        return str(sql_type)
    if kind == "struct":
        return f"STRUCT({', '.join(f'{quote(name)} {t}' for name, t in parts)})"
    if kind == "map":
        return f"MAP({parts[0][1]}, {parts[1][1]})"
    if kind in ("list", "array"):
        return f"{parts[0][1]}[]"
    rule = rule_of(sql_type)
    return "VARCHAR" if rule.refused is not None else rule.becomes or str(sql_type)


def parts_of(sql_type: Any) -> list[tuple[str, Any]]:
    """The types inside a nested one, with their names."""
    kind = kind_of(sql_type)
    if kind in ("list", "array"):
        return [(str(sql_type.children[0][0]), sql_type.children[0][1])]  # an array's second is its size
    return [(str(name), inner) for name, inner in sql_type.children] if kind in ("struct", "map") else []


def kind_of(sql_type: Any) -> str:
    """DuckDB's name of a type without parameters; of JSON, which is a VARCHAR of another name, its own."""
    if str(sql_type) == "JSON":
        return "json"
    try:
        return str(sql_type.id).lower()
    except Exception:  # a type that the Python client has no name for
        return str(sql_type).partition("(")[0].lower()


def _shown(column: str) -> str:
    return column if column.isidentifier() else quote(column)
