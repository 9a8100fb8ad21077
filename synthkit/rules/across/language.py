"""One rule across tables out of its text; which key each of its steps is, is found out where the keys are known.

| text | what it says |
| --- | --- |
| ``payments.customer_id = payments.rental_id.customer_id`` | a column is that of the row that a key names (a diamond) |
| ``visits.day >= visits.patient_id.born`` | a column is compared with that of the row that a key names |
| ``orders.total = sum(lines.price * lines.quantity)`` | a column is rolled up from the rows that name its row |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from synthkit.rules.expression import Expression, names_in, read_expression
from synthkit.rules.tokens import Reader, RuleError

Sign = Literal["=", "<", "<=", ">", ">="]
Function = Literal["sum", "count", "min", "max", "mean"]
HOW = (
    "write orders.total = sum(lines.price * lines.quantity), payments.customer_id = payments.rental_id.customer_id, or "
    "visits.day >= visits.patient_id.born"
)
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)+"
_RULE = re.compile(rf"^\s*({_DOTTED})\s*(<=|>=|=|<|>)\s*(.*?)\s*$", re.DOTALL)
_ROUND = re.compile(r"^round\s*\((.*),\s*(\d+)\s*\)$", re.DOTALL)
_FUNCTION = re.compile(rf"^({'|'.join(get_args(Function))})\s*\((.*)\)$", re.DOTALL)
_NAME = re.compile(_DOTTED)


@dataclass(frozen=True)
class Walk:
    """``table.column sign table.step.….other``: the steps are keys, from one table to the next."""

    text: str
    table: str
    column: str
    sign: Sign
    steps: tuple[str, ...]
    other: str


@dataclass(frozen=True)
class Sum:
    """``table.column = function(child's expression)``; ``expression`` is None of a count of rows.

    ``decimals``: what it is rounded to, None without.
    """

    text: str
    table: str
    column: str
    function: Function
    child: str
    expression: Expression | None
    decimals: int | None


def parse_across(text: str) -> Walk | Sum:
    """The rule that a text says.

    >>> parse_across("a.x = a.b_id.x").steps, parse_across("a.n = count(b)").child
    (('b_id',), 'b')

    Raises:
        RuleError: with the place in the text, and how to mend it.
    """
    match = _RULE.match(text)
    if match is None:
        raise RuleError("this is no rule across tables", 0, HOW)
    left, sign, right = match[1].split("."), match[2], match[3]
    if len(left) != 2:
        raise RuleError(f"{match[1]!r} is no column of a table", match.start(1), "write table.column on the left")
    table, column = left
    if re.fullmatch(_DOTTED, right):
        return _walk(text, table, column, cast(Sign, sign), right, match.start(3))
    if sign != "=":
        raise RuleError("what is compared is a column of the row that a key names", match.start(3), HOW)
    return _sum(text, table, column, right, match.start(3))


def _walk(text: str, table: str, column: str, sign: Sign, right: str, at: int) -> Walk:
    first, *steps, other = right.split(".")
    if first != table:
        hint = f"begin with {table}: {table}.key.column, where key is a foreign key of {table}"
        raise RuleError(f"the way from {table!r} to {right!r} is not said", at, hint)
    if not steps:
        raise RuleError("both columns are of one table", at, f"say this with the table {table}, under its rules:")
    return Walk(text.strip(), table, column, sign, tuple(steps), other)


def _sum(text: str, table: str, column: str, right: str, at: int) -> Sum:
    decimals = None
    if (rounded := _ROUND.match(right)) is not None:
        right, decimals = rounded[1].strip(), int(rounded[2])
    found = _FUNCTION.match(right)
    if found is None:
        raise RuleError(f"{right!r} is neither a column that keys lead to nor rolled up", at, HOW)
    function, inner = cast(Function, found[1]), found[2].strip()
    if function == "count":
        if re.fullmatch(r"[^\W\d]\w*", inner) is None:
            raise RuleError(f"count takes a table, and {inner!r} is none", at, "write count(lines)")
        return Sum(text.strip(), table, column, function, inner, None, decimals)
    tables = {name.partition(".")[0] for name in _NAME.findall(inner)}
    if len(tables) != 1 or any(name.count(".") != 1 for name in _NAME.findall(inner)):
        of = f", not of {' and '.join(sorted(tables))}" if len(tables) > 1 else ""
        raise RuleError(f"{function} is of the columns of one table{of}", at, "write table.column for each of them")
    (child,) = tables
    plain = _NAME.sub(lambda m: m[0].partition(".")[2], inner)
    reader = Reader(plain)
    expression = read_expression(reader)
    reader.done(HOW)
    said = {name.partition(".")[2] for name in _NAME.findall(inner)}
    loose = set(names_in(expression)) - said
    if loose:
        raise RuleError(f"{min(loose)!r} is a column of no table", at, f"write {child}.{min(loose)}")
    return Sum(text.strip(), table, column, function, child, expression, decimals)
