"""Does a query take a table row by row? DuckDB's own plan tells, from the columns alone.

A query Q takes a table row by row where Q(A ⊎ B) = Q(A) ⊎ Q(B) for any two parts of its rows, all else that it reads
being the same: what becomes of one row depends on no other. A projection and a filter do; so does a join that looks
each row up in other tables. Groups, windows, DISTINCT, LIMIT, samples, set operations and a second look at the same
table do not; neither does a function whose value is another one at each call.

The plan is the one that DuckDB binds, before it is optimised, so every alias, macro and name of a function is resolved
by the engine that runs the query. What is not known here to be row by row counts as if it were not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict, cast

from synthkit.sql.quoting import quote
from synthkit.sql.statements import one_select

if TYPE_CHECKING:
    import duckdb

_SCAN, _CTE, _CTE_SCAN = "SEQ_SCAN", "CTE", "CTE_SCAN"
_ONE_TO_ONE = frozenset({"PROJECTION", "FILTER", "ORDER_BY"})  # each row gives at most one
_PRESERVED = frozenset({"LEFT", "SEMI", "ANTI", "MARK", "SINGLE"})  # joins, the table on their left
_WORDS = {
    "AGGREGATE": "it groups or counts",
    "WINDOW": "it has a window function",
    "DISTINCT": "it has DISTINCT",
    "LIMIT": "it has LIMIT",
    "SAMPLE": "it takes a sample",
    "UNION": "it has UNION",
    "EXCEPT": "it has EXCEPT",
    "INTERSECT": "it has INTERSECT",
    "UNNEST": "it makes several rows of one",
    "ANY_JOIN": "it joins on more than comparisons",  # the plan does not say which kind of join it is
    "ASOF_JOIN": "it has an ASOF join",
    "POSITIONAL_JOIN": "it has a positional join",
}


class _Operator(TypedDict):
    """An operator of a plan as DuckDB explains it."""

    name: str
    extra_info: Mapping[str, object]
    children: list[_Operator]


class _Node(TypedDict, total=False):
    """A node of a parsed query, as far as it is looked at."""

    function_name: str
    column_names: list[str]


@dataclass(frozen=True)
class _Step:
    """An operator of the plan, and which of its inputs (0: the left one) comes from the table."""

    operator: str
    join: str
    side: int


class _MixedError(Exception):
    """Why a query does not take a table row by row."""


def mixes(
    connection: duckdb.DuckDBPyConnection, sql: str, schema: str | None, table: str, *, at_most_one: bool = False
) -> str | None:
    """Why the query does not take a table row by row; None where it does.

    Args:
        connection: where the query's tables are, rows or none; what is optimised there is as before afterwards.
        sql: one SELECT.
        schema, table: the table's name; ``main`` is the schema of a name without one.
        at_most_one: demand, too, that each row gives at most one row, and that no other table is read.

    Raises:
        ValueError: it is not one SELECT.
        duckdb.Error: it does not bind.
    """
    select = one_select(connection, sql)
    try:
        plan = _plan(connection, select)  # it binds, so whatever it names is there
        _check_names(connection, select, f"{quote(schema or 'main')}.{quote(table)}")
        name = ".".join(("memory", schema or "main", table))
        paths = list(_paths(plan, name, {}))
        if not paths:
            return "it does not read the table"
        if len(paths) > 1:
            return "it reads the table more than once"
        for step in paths[0]:
            _check_step(step, at_most_one)
        if at_most_one and (others := sorted(set(_scans(plan)) - {name})):
            return f"it reads other tables too ({', '.join(others)})"
    except _MixedError as why:
        return str(why)
    return None


def _plan(connection: duckdb.DuckDBPyConnection, select: str) -> _Operator:
    """The bound plan."""
    before = connection.execute("SELECT current_setting('explain_output')").fetchone()
    assert before is not None
    connection.execute("PRAGMA disable_optimizer")
    connection.execute("SET explain_output = 'optimized_only'")
    try:
        row = connection.execute(f"EXPLAIN (FORMAT json) {select}").fetchone()
        assert row is not None
    finally:
        connection.execute("PRAGMA enable_optimizer")
        connection.execute(f"SET explain_output = '{before[0]}'")
    (root,) = json.loads(row[1])
    return cast(_Operator, root)


def _paths(node: _Operator, table: str, ctes: Mapping[str, _Operator]) -> Iterator[tuple[_Step, ...]]:
    """The ways from the result down to each reading of the table; what stands in a CTE is read where it is used."""
    info, children = node["extra_info"], node["children"]
    operator = str(node["name"]).strip()
    if operator == _CTE:
        body, main = children
        yield from _paths(main, table, {**ctes, str(info["Table Index"]): body})
        return
    if operator == _CTE_SCAN:
        number = str(info["CTE Index"])
        if number not in ctes:
            raise _MixedError("it is recursive")
        yield from _paths(ctes[number], table, ctes)
        return
    if operator == _SCAN and info.get("Table") == table:
        yield ()
        return
    for side, child in enumerate(children):
        step = _Step(operator, str(info.get("Join Type", "")), side)
        for path in _paths(child, table, ctes):
            yield (step, *path)


def _scans(node: _Operator) -> Iterator[str]:
    if str(node["name"]).strip() == _SCAN:
        yield str(node["extra_info"].get("Table"))
    for child in node["children"]:
        yield from _scans(child)


def _check_step(step: _Step, at_most_one: bool) -> None:
    if step.operator in _ONE_TO_ONE:
        return
    if not at_most_one and (step.operator in ("UNNEST", "CROSS_PRODUCT") or _looks_up(step)):
        return
    if at_most_one and step.operator in ("COMPARISON_JOIN", "CROSS_PRODUCT"):
        raise _MixedError("it joins other tables")
    if step.operator == "COMPARISON_JOIN":
        raise _MixedError("its join gives rows of another table that are not of one row here")
    raise _MixedError(_WORDS.get(step.operator, f"its plan has {step.operator}"))


def _looks_up(step: _Step) -> bool:
    """Whether it is a join whose every row is of one row of the table, with what is found for it elsewhere."""
    if step.operator != "COMPARISON_JOIN":
        return False
    if step.join == "INNER":
        return True
    return step.join in _PRESERVED if step.side == 0 else step.join == "RIGHT"


def _check_names(connection: duckdb.DuckDBPyConnection, select: str, table: str) -> None:
    """Raise for what depends on the rows before: a row's number, or a function of another value at each call."""
    row = connection.execute("SELECT json_serialize_sql(?)", [select]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree.get("error"):
        raise _MixedError("it cannot be looked into")
    functions, columns = set[str](), set[str]()
    for node in _nodes(tree):
        if isinstance(node.get("function_name"), str):
            functions.add(node["function_name"].lower())
        columns |= {str(n).lower() for n in node.get("column_names", ())}
    volatile = connection.execute(
        "SELECT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'"
    ).fetchall()
    found = sorted(functions & {str(r[0]).lower() for r in volatile})
    if found:
        raise _MixedError(f"{found[0]}() gives another value at each call")
    own = {str(r[0]).lower() for r in connection.execute(f"DESCRIBE {table}").fetchall()}
    if "rowid" in columns - own:
        raise _MixedError("rowid counts the rows before")


@cache
def _volatile() -> frozenset[str]:
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        query = "SELECT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'"
        return frozenset(str(r[0]).lower() for r in connection.execute(query).fetchall())


def _nodes(node: Any) -> Iterator[_Node]:
    if isinstance(node, dict):
        yield cast(_Node, node)
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)
