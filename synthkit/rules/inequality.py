"""Declared inequalities: ``start <= end``, ``min_salary < salary``, ``tenure >= 0``, ``joined < 2026-01-01``.

One comparison a rule, ``<``, ``<=``, ``>`` or ``>=``, between two columns or a column and a constant (a number, an ISO
date, time, or both). A column whose name is no plain word stands in double quotes, as in SQL, and as with SQL's CHECK
a row with a missing value on either side satisfies the rule.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal, cast, get_args

from synthkit.errors import did_you_mean
from synthkit.schema import Column, Schema
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import quote

Operator = Literal["<", "<=", ">", ">="]
Constant = Decimal | dt.date | dt.time  # a datetime is a date too
Kind = Literal["number", "date", "zoned", "time"]

Node = str | tuple[Kind, Any]  # a column's name, or a constant
MOST_DIGITS = 300  # before or after the point: what a float can hold
MIRRORED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_HOW = 'write a rule such as "start <= end", "age >= 18" or "joined < 2026-01-01"'
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<moment>(?:\d{4}-\d\d-\d\d(?:[T ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?
                   |\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)(?![\w.:-]))
    | '(?P<quoted>[^']*)'
    | (?P<number>[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
    | (?P<operator>[<>=!]+)
    | "(?P<column>(?:[^"]|"")+)"
    | (?P<word>[^\W\d]\w*)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Inequality:
    """``column operator right``; ``right`` is another column's name (a ``str``) or a constant."""

    column: str
    operator: Operator
    right: str | Constant

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names: one or two."""
        return (self.column, self.right) if isinstance(self.right, str) else (self.column,)

    @property
    def strict(self) -> bool:
        return "=" not in self.operator

    def allows(self, value: Constant) -> bool:
        """Whether a value of the column satisfies the rule, whose right side is a constant of the same kind."""
        assert not isinstance(self.right, str)
        a, b = _key(value), _key(self.right)
        return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[self.operator])

    def __str__(self) -> str:
        right = _name(self.right) if isinstance(self.right, str) else _constant_text(self.right)
        return f"{_name(self.column)} {self.operator} {right}"


Edge = tuple[Node, Node, bool, Inequality | None]  # from below to above, whether strictly, and which rule says so


def parse_inequality(text: str) -> Inequality:
    """The rule that a text says. A constant on the left changes sides: ``0 <= age`` is ``age >= 0``.

    Raises:
        ValueError: what is wrong; the second argument, if there is one, says how to mend it.
    """
    tokens = list(_tokens(text))
    operators = [str(t) for kind, t in tokens if kind == "operator"]
    if len(operators) > 1:
        raise ValueError(f"{text!r} compares more than once", "write one comparison a rule")
    if [kind == "operator" for kind, _ in tokens] != [False, True, False]:
        raise ValueError(f"{text!r} is no comparison", _HOW)
    if operators[0] not in get_args(Operator):
        raise ValueError(f"{operators[0]!r} in {text!r} is none of <, <=, > and >=", _HOW)
    operator = cast("Operator", operators[0])
    (left_kind, left), _, (right_kind, right) = tokens
    if left_kind == "column":
        return Inequality(str(left), operator, right)
    if right_kind == "column":
        return Inequality(str(right), MIRRORED[operator], left)
    raise ValueError(f"{text!r} names no column", 'a column whose name is no plain word stands in double quotes: "a b"')


def parse_constant(text: str) -> Constant | None:
    """A number, ISO date, time or both (without an offset); None for other text."""
    for parse in (Decimal, dt.date.fromisoformat, dt.datetime.fromisoformat, dt.time.fromisoformat):
        try:
            value: Constant = parse(text.strip().replace("_", ""))
        except (ValueError, ArithmeticError):
            continue
        if isinstance(value, Decimal):
            return value if value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS else None
        return None if getattr(value, "tzinfo", None) is not None else value
    return None


def _tokens(text: str) -> Iterator[tuple[str, str | Constant]]:
    """(column | constant | operator, value) from left to right."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at:].strip()[:20]!r} in {text!r} is not understood", _HOW)
        at = match.end()
        kind, found = str(match.lastgroup), str(match[str(match.lastgroup)])
        if kind == "operator":
            yield "operator", found
        elif kind in ("column", "word"):
            yield "column", found.replace('""', '"') if kind == "column" else found
        else:
            padded = re.sub(r"(^|[T ])(\d:)", r"\g<1>0\2", found)  # 9:30 as 09:30
            value = parse_constant(padded)
            if value is None:
                raise ValueError(
                    f"{found!r} in {text!r} is neither a number nor an ISO date", "write 10.5 or 2026-01-31"
                )
            yield "constant", value


def kind_of(sql_type: str) -> Kind | None:
    """What a column of a DuckDB type is compared as; None where its values have no order that a rule may use."""
    found = provisional_type(sql_type)
    if found in ("integer", "float", "decimal"):
        return "number"
    if found == "datetime":
        return "zoned" if "TIME ZONE" in sql_type.upper() or sql_type.upper() == "TIMESTAMPTZ" else "date"
    return "date" if found == "date" else "time" if found == "time" else None


def check_inequality(rule: Inequality, schema: Schema) -> tuple[str, str] | None:
    """(what is wrong with the rule for a table of these columns, how to fix it), or None."""
    for name in rule.columns:
        column = schema.by_name.get(name)
        if column is None:
            return f"there is no column {name!r}", did_you_mean(name, schema.names, "a column")
        problem = _unordered(column)
        if problem is not None:
            return problem
    if rule.right == rule.column:
        return f"{str(rule)!r} compares a column with itself", "name two columns, or a column and a constant"
    left = schema.by_name[rule.column]
    kind = kind_of(left.sql_type)
    if isinstance(rule.right, str):
        other = schema.by_name[rule.right]
        if kind_of(other.sql_type) != kind:
            described = f"{left.name!r} ({left.sql_type}) and {other.name!r} ({other.sql_type})"
            return f"{described} cannot be compared", "compare numbers with numbers, and dates with dates"
    elif _constant_kind(rule.right) != ("date" if kind == "zoned" else kind):
        text = f"{left.name!r} ({left.sql_type}) cannot be compared with {_constant_text(rule.right)}"
        expected = {"number": "a number such as 10.5", "time": "a time such as 09:30"}
        return text, f"write {expected.get(str(kind), 'an ISO date such as 2026-01-31')}"
    return None


def _unordered(column: Column) -> tuple[str, str] | None:
    if not column.modelled:
        why = f"pii: {column.pii}" if column.pii is not None else column.type
        return (
            f"column {column.name!r} is made up, not modelled ({why}), so no rule can hold in it",
            "declare the type that its values have, or drop the rule",
        )
    if kind_of(column.sql_type) is None:
        return (
            f"column {column.name!r} is {column.sql_type}: only numbers, dates and times have an order",
            "declare it as integer, decimal, float, date or datetime, or drop the rule",
        )
    return None


def contradiction(rules: Sequence[Inequality]) -> tuple[Inequality, ...] | None:
    """Rules that no row without missing values can satisfy together, or None.

    ``x <= y`` is an edge of a graph over columns and constants, and neighbouring constants are joined by a strict one;
    the rules contradict each other if, and only if, a cycle has a strict edge (over a dense order: that no integer lies
    between 0 and 1 is not seen). All rules must have passed :func:`check_inequality`.
    """
    edges: list[Edge] = []
    constants: dict[str, set[Constant]] = {}
    for rule in rules:
        right: Node = rule.right if isinstance(rule.right, str) else _node(rule.right)
        below = (rule.column, right) if rule.operator in ("<", "<=") else (right, rule.column)
        edges.append((*below, rule.strict, rule))
        if not isinstance(rule.right, str):
            constants.setdefault(_constant_kind(rule.right), set()).add(rule.right)
    for values in constants.values():
        for a, b in pairwise(sorted({_key(v): v for v in values}.items())):
            edges.append((_node(a[1]), _node(b[1]), True, None))
    for low, high, strict, one in edges:
        if strict and (back := _path(edges, high, low)) is not None:
            return tuple(dict.fromkeys(r for r in (one, *back) if r is not None))
    return None


def _path(edges: Sequence[Edge], start: Node, goal: Node) -> tuple[Inequality | None, ...] | None:
    """The rules along a shortest way from one node to another; None where there is none."""
    ways: dict[Node, tuple[Inequality | None, ...]] = {start: ()}
    front = [start]
    while front:
        node = front.pop(0)
        if node == goal:
            return ways[node]
        for low, high, _, rule in edges:
            if low == node and high not in ways:
                ways[high] = (*ways[node], rule)
                front.append(high)
    return None


def _node(value: Constant) -> Node:
    return (_constant_kind(value), _key(value))


def _key(value: Constant) -> Any:
    """What constants of one kind are ordered by: a date is its midnight."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value


def _constant_kind(value: Constant) -> Kind:
    if isinstance(value, Decimal):
        return "number"
    return "date" if isinstance(value, dt.date) else "time"


def _constant_text(value: Constant) -> str:
    if not isinstance(value, Decimal):
        return value.isoformat()
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def _name(column: str) -> str:
    return column if re.fullmatch(r"[^\W\d]\w*", column) else quote(column)
