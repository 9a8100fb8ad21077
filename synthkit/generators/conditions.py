"""``conditions:`` into quotas: exact numbers of rows per value.

``{churn: yes}`` asks for that value in every row; ``{churn: {yes: 50%, no: 50%}}`` for shares that add up to 100 %;
shares of several columns multiply. Rounding is by largest remainder, so that the rows add up exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.generators.base import Quota
from synthkit.schema import Column, Schema
from synthkit.shares import read_share

KeyPath = tuple[str | int, ...]
_TOLERANCE = 1e-6


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
        text = str(value).strip().lower()
        if text in ("true", "yes", "t", "1"):
            return True
        if text in ("false", "no", "f", "0"):
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


def quotas(conditions: Mapping[str, Any], rows: int, schema: Schema) -> tuple[Quota, ...]:
    """How many rows each combination of values gets; they add up to ``rows``, and none is empty.

    Raises:
        SynthError: the conditions are not valid for the schema (see :func:`check_conditions`).
    """
    problems = check_conditions(conditions, schema)
    if problems:
        _, message, hint = problems[0]
        raise SynthError(f"conditions: {message}", hint=hint)
    per_column = [_shares(name, wanted, schema.by_name[name]) for name, wanted in conditions.items()]
    combinations = []
    for combination in product(*per_column):
        values = {name: value for name, value, _ in combination}
        combinations.append((values, math.prod(part for _, _, part in combination)))
    counts = _largest_remainder([weight for _, weight in combinations], rows)
    return tuple(Quota(values, n) for (values, _), n in zip(combinations, counts, strict=True) if n)


def _shares(name: str, wanted: Any, column: Column) -> list[tuple[str, Any, float]]:
    if isinstance(wanted, Mapping):
        return [(name, typed_value(v, column), share(s)) for v, s in wanted.items()]
    return [(name, typed_value(wanted, column), 1.0)]


def _largest_remainder(weights: list[float], total: int) -> list[int]:
    """Whole numbers in the proportion of ``weights`` that add up to ``total`` (Hamilton's method)."""
    whole = sum(weights)
    exact = [total * w / whole for w in weights]
    counts = [math.floor(x + 1e-9) for x in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def check_conditions(conditions: Mapping[str, Any], schema: Schema) -> list[tuple[KeyPath, str, str]]:
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


def _check_shares(name: str, wanted: Mapping[str, Any], column: Column) -> list[tuple[KeyPath, str, str]]:
    problems: list[tuple[KeyPath, str, str]] = []
    total = 0.0
    for value, part in wanted.items():
        problems.extend(_check_value((name, value), value, column))
        try:
            total += share(part)
        except ValueError as error:
            problems.append(((name, value), str(error), "write a share such as 50%"))
    if not problems and abs(total - 1) > _TOLERANCE:
        message = f"the shares of {name!r} add up to {100 * total:g}%, not 100%"
        problems.append(((name,), message, "make them add up to 100%"))
    return problems


def _check_value(path: KeyPath, value: Any, column: Column) -> list[tuple[KeyPath, str, str]]:
    try:
        typed = typed_value(value, column)
    except ValueError as error:
        return [(path, f"column {column.name!r} is {column.type}: {error}", "write a value of that type")]
    if column.values is not None and typed not in [typed_value(v, column) for v in column.values]:
        hint = did_you_mean(str(value), [str(v) for v in column.values], "a declared value")
        return [(path, f"{value!r} is no declared value of {column.name!r}", hint)]
    return []
