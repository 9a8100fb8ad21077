"""``conditions:`` into quotas: exact numbers of rows per value.

``{churn: yes}`` asks for that value in every row; ``{churn: {yes: 50%, no: 50%}}`` for shares that add up to 100 %;
shares of several columns multiply. Rounding is by largest remainder, so that the rows add up exactly. ``null`` is the
missing value, unless the column declares a value of that name: ``{dept: {null: 10%, ops: 90%}}``.

What cannot be met is said before anything is trained: by the compiler where it follows from what is declared
(:func:`check_conditions`), else by a look at the training rows (:func:`check_known`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.generators.base import Quota
from synthkit.generators.functions import Share
from synthkit.project.counts import Between, apart, read_range
from synthkit.project.partition import Partition
from synthkit.project.shares import read_share
from synthkit.project.types import Conditions
from synthkit.schema import Column, Schema, Table
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote

KeyPath = tuple[str | int, ...]
_TOLERANCE = 1e-6
NULL = "null"


def share(value: Any) -> float:
    """``"50%"`` or ``0.5`` as a number from 0 to 1. Raises ValueError."""
    number = read_share(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{value!r} is not between 0% and 100%")
    return number


def typed_value(value: Any, column: Column) -> Any:
    """A value from YAML in the column's own Python type (YAML keys are always text). Raises ValueError."""
    kind = column.sql_type.upper()
    if value is None:
        return None
    if kind == "BOOLEAN":
        word = str(value).strip().lower()
        if word in ("true", "yes", "t", "1"):
            return True
        if word in ("false", "no", "f", "0"):
            return False
        raise ValueError(f"{value!r} is neither true nor false")
    if re.match(r"^U?(TINY|SMALL|BIG|HUGE)?INT", kind):
        return int(str(value))
    if kind in ("DOUBLE", "FLOAT"):
        return float(str(value))
    if kind.startswith("DECIMAL"):
        from decimal import Decimal, InvalidOperation

        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValueError(f"{value!r} is not a number") from None
    return str(value)


def key_value(value: Any, column: Column) -> Any:
    """A key of a mapping of shares in the column's own type; ``null`` is the missing value. Raises ValueError."""
    declared = {str(v) for v in column.values or ()}
    return typed_value(None if value == NULL and NULL not in declared else value, column)


def quotas(conditions: Conditions, rows: int, schema: Schema) -> tuple[Quota, ...]:
    """How many rows each combination of values gets; they add up to ``rows``, and none is empty.

    Raises:
        SynthError: the conditions are not valid for the schema (see :func:`check_conditions`).
    """
    return of_shares(shares(conditions, schema), rows)


def shares(conditions: Conditions, schema: Schema) -> tuple[Share, ...]:
    """The part of all rows that each combination of values gets; they add up to one.

    Raises:
        SynthError: the conditions are not valid for the schema (see :func:`check_conditions`).
    """
    columns, counts = apart(conditions, schema.by_name)
    problems = check_conditions(columns, schema)
    problems += [problem for table, wanted in counts.items() for problem in check_counts(table, wanted)]
    if problems:
        _, message, hint = problems[0]
        raise SynthError(f"conditions: {message}", hint=hint)
    values = product(*(_shares(name, wanted, schema.by_name[name]) for name, wanted in columns.items()))
    numbers = product(*(_counts(table, wanted) for table, wanted in counts.items()))
    return tuple(
        Share(
            {name: value for name, value, _ in some},
            math.prod(part for _, _, part in (*some, *others)),
            {table: between for table, between, _ in others},
        )
        for some, others in product(values, numbers)
    )


def of_shares(parts: Sequence[Share], rows: int) -> tuple[Quota, ...]:
    """Shares of so many rows; none is empty."""
    counts = _largest_remainder([s.part for s in parts], rows)
    return tuple(Quota(s.values, n, s.counts) for s, n in zip(parts, counts, strict=True) if n)


def shared_out(wanted: Sequence[Quota], partition: Partition) -> tuple[Quota, ...]:
    """What one partition draws of each quota: all its rows; those of all partitions add up to the quotas.

    By largest remainder, in whole numbers, of what the partitions before it leave.

    >>> wanted = [Quota({"tier": "pro"}, 3), Quota({"tier": "basic"}, 7)]
    >>> [[q.rows for q in shared_out(wanted, Partition(i, 3))] for i in range(3)]
    [[1, 3], [1, 2], [1, 2]]
    """
    left = [q.rows for q in wanted]
    total = sum(left)
    own: list[int] = left
    for index in range(partition.index + 1):
        rows, rest = Partition(index, partition.of).rows(total), sum(left)
        exact = [divmod(n * rows, rest) if rest else (0, 0) for n in left]
        own = [floor for floor, _ in exact]
        by_remainder = sorted(range(len(left)), key=lambda i: (-exact[i][1], i))
        for i in by_remainder[: rows - sum(own)]:
            own[i] += 1
        left = [n - taken for n, taken in zip(left, own, strict=True)]
    return tuple(replace(q, rows=n) for q, n in zip(wanted, own, strict=True) if n)


def _shares(name: str, wanted: Any, column: Column) -> list[tuple[str, Any, float]]:
    if isinstance(wanted, Mapping):
        return [(name, key_value(v, column), share(s)) for v, s in wanted.items()]
    return [(name, typed_value(wanted, column), 1.0)]


def _counts(table: str, wanted: Any) -> list[tuple[str, Between, float]]:
    if isinstance(wanted, Mapping):
        return [(table, read_range(v), share(s)) for v, s in wanted.items()]
    return [(table, read_range(wanted), 1.0)]


def _largest_remainder(weights: list[float], total: int) -> list[int]:
    """Whole numbers in the proportion of ``weights`` that add up to ``total`` (Hamilton's method)."""
    whole = sum(weights)
    exact = [total * w / whole for w in weights]
    counts = [math.floor(x + 1e-9) for x in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def check_conditions(conditions: Conditions, schema: Schema) -> list[tuple[KeyPath, str, str]]:
    """What is wrong with the conditions: (path of keys, message, how to fix it)."""
    problems: list[tuple[KeyPath, str, str]] = []
    for name, wanted in conditions.items():
        column = schema.by_name.get(name)
        if column is None:
            hint = did_you_mean(name, schema.names, "a column")
            problems.append(((name,), f"there is no column {name!r}", hint))
        elif not column.modelled:
            problems.append(
                ((name,), f"column {name!r} is not modelled ({column.type})", "condition on another column")
            )
        elif isinstance(wanted, Mapping):
            problems.extend(_check_shares(name, wanted, column))
        else:
            problems.extend(_check_value((name,), wanted, column))
    return problems


def _check_shares(name: str, wanted: Mapping[Any, Any], column: Column) -> list[tuple[KeyPath, str, str]]:
    problems: list[tuple[KeyPath, str, str]] = []
    total = 0.0
    for value, part in wanted.items():
        problems.extend(_check_value((name, value), value, column, key_value))
        try:
            total += share(part)
        except ValueError as error:
            problems.append(((name, value), str(error), "write a share such as 50%"))
    if not problems and abs(total - 1) > _TOLERANCE:
        message = f"the shares of {name!r} add up to {100 * total:g}%, not 100%"
        problems.append(((name,), message, "make them add up to 100%"))
    return problems


def check_counts(table: str, wanted: Any) -> list[tuple[KeyPath, str, str]]:
    """What is wrong with a condition on the number of a table's rows: (path of keys, message, how to fix it)."""
    key, told = f"count({table})", "write numbers of rows such as 0, 1+ or 2-5"
    if not isinstance(wanted, Mapping):
        try:
            read_range(wanted)
        except ValueError as error:
            return [((key,), str(error), told)]
        return []
    problems: list[tuple[KeyPath, str, str]] = []
    ranges: list[Between] = []
    total = 0.0
    for value, part in wanted.items():
        try:
            this = read_range(value)
            total += share(part)
        except ValueError as error:
            problems.append(((key, value), str(error), f"{told}, each with a share such as 50%"))
            continue
        if (other := next((r for r in ranges if r & this is not None), None)) is not None:
            message = f"{this} and {other} rows of {table!r} overlap, so a row could count for either"
            problems.append(((key, value), message, "write ranges that lie apart"))
        ranges.append(this)
    if not problems and abs(total - 1) > _TOLERANCE:
        message = f"the shares of {key} add up to {100 * total:g}%, not 100%"
        problems.append(((key,), message, "make them add up to 100%"))
    return problems


def _check_value(
    path: KeyPath, value: Any, column: Column, read: Callable[[Any, Column], Any] = typed_value
) -> list[tuple[KeyPath, str, str]]:
    try:
        typed = read(value, column)
    except ValueError as error:
        return [(path, f"column {column.name!r} is {column.type}: {error}", "write a value of that type")]
    if typed is None:
        if column.nullable:
            return []
        return [(path, f"column {column.name!r} has no missing values", "ask for a value, or declare nullable: true")]
    if column.bounds is not None:
        low, high = (typed_value(b, column) for b in column.bounds)
        if not low <= typed <= high:
            message = f"{value!r} lies outside the bounds of {column.name!r}, {low} to {high}"
            return [(path, message, "ask for a value within them, or widen bounds: on the source")]
    if column.values is not None and typed not in [typed_value(v, column) for v in column.values]:
        hint = did_you_mean(str(value), [str(v) for v in column.values], "a declared value")
        return [(path, f"{value!r} is no declared value of {column.name!r}", hint)]
    return []


def check_known(conditions: Conditions, table: Table) -> None:
    """Look whether the training rows hold what is asked for, before anything is trained.

    A category, a truth value or a missing value must occur; a number, date or time must lie between the least and the
    greatest.

    Raises:
        BuildError: no generator can give such rows.
    """
    import duckdb

    rows = parquet_scan(*table.paths)
    with duckdb.connect(":memory:") as connection:
        for name, wanted in conditions.items():
            column, cell = table.schema.by_name[name], quote(name)
            read = key_value if isinstance(wanted, Mapping) else typed_value
            for value in (read(v, column) for v in (wanted if isinstance(wanted, Mapping) else [wanted])):
                if value is None:
                    found = f"count(*) > count({cell})"
                elif column.continuous:
                    found = f"CAST({literal(str(value))} AS {column.sql_type}) BETWEEN min({cell}) AND max({cell})"
                else:
                    found = f"bool_or(CAST({cell} AS VARCHAR) = CAST({literal(str(value))} AS VARCHAR))"
                    if column.sql_type.upper() == "BOOLEAN":
                        found = f"bool_or({cell} = {value})"
                row = connection.execute(f"SELECT {found} FROM {rows}").fetchone()
                if row is None or not row[0]:
                    never = "is missing" if value is None else f"is {value!r}"
                    if column.continuous and value is not None:
                        never = f"reaches {value!r}"
                    raise BuildError(
                        f"conditions: column {name!r} never {never} in the training rows, so no generator can learn it",
                        hint="ask for a value that they hold",
                    )
