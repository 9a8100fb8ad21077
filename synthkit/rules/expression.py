"""What a computed column is computed from: columns, numbers, ``+ - * / %`` and a few functions.

Dates are whole days here, moments are microseconds, both since 1970; a span of time, such as ``hours(x)``, is
microseconds. A missing value makes a missing result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from synthkit.rules.tokens import Reader, RuleError, written

Kind = Literal["number", "date", "moment", "span", "text"]

# Function → (kinds of its arguments, kind of its result). "time" is a date or a moment; "…" repeats the last one.
FUNCTIONS: dict[str, tuple[tuple[str, ...], Kind]] = {
    "round": (("number", "number"), "number"),
    "floor": (("number",), "number"),
    "ceil": (("number",), "number"),
    "abs": (("number",), "number"),
    "log": (("number",), "number"),
    "log1p": (("number",), "number"),
    "log2": (("number",), "number"),
    "log10": (("number",), "number"),
    "exp": (("number",), "number"),
    "sqrt": (("number",), "number"),
    "least": (("number", "…"), "number"),
    "greatest": (("number", "…"), "number"),
    "year": (("time",), "number"),
    "quarter": (("time",), "number"),
    "month": (("time",), "number"),
    "week": (("time",), "number"),
    "day": (("time",), "number"),
    "day_of_year": (("time",), "number"),
    "weekday": (("time",), "number"),
    "hour": (("time",), "number"),
    "minute": (("time",), "number"),
    "second": (("time",), "number"),
    "month_name": (("time",), "text"),
    "day_name": (("time",), "text"),
    "date": (("time",), "date"),
    "make_date": (("number", "number", "number"), "date"),
    "years_between": (("time", "time"), "number"),
    "days_between": (("time", "time"), "number"),
    "hours_between": (("time", "time"), "number"),
    "minutes_between": (("time", "time"), "number"),
    "seconds_between": (("time", "time"), "number"),
    "days": (("number",), "span"),
    "hours": (("number",), "span"),
    "minutes": (("number",), "span"),
    "seconds": (("number",), "span"),
}
_HOW = "write what it is computed from: price * quantity, round(part / whole, 2), month(day), start + length"
_LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


@dataclass(frozen=True)
class Name:
    """A column."""

    column: str


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: Decimal


@dataclass(frozen=True)
class Call:
    """A function, or a sign (``+ - * / %``) between two arguments."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Name | Number | Call


def names_in(expression: Expression) -> tuple[str, ...]:
    """The columns that it reads, each once, in their order."""
    return tuple(dict.fromkeys(_names(expression)))


def _names(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Name):
        yield expression.column
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from _names(argument)


_PARTLY = frozenset(("/", "%", "log", "log1p", "log2", "log10", "exp", "sqrt", "make_date"))


def always_defined(expression: Expression) -> bool:
    """Whether it gives a value for all numbers, dates and moments that are there.

    >>> from synthkit.rules.tokens import Reader
    >>> [always_defined(read_expression(Reader(t))) for t in ("a + 2 * b", "a / b")]
    [True, False]
    """
    if not isinstance(expression, Call):
        return True
    return expression.function not in _PARTLY and all(always_defined(a) for a in expression.arguments)


def read_expression(reader: Reader, level: int = 1) -> Expression:
    """What stands at the reader's place. Raises RuleError."""
    if level > 2:
        return _factor(reader)
    left = read_expression(reader, level + 1)
    while reader.now.kind == "sign" and _LEVEL.get(reader.now.text) == level:
        sign = reader.take().text
        left = Call(sign, (left, read_expression(reader, level + 1)))
    return left


def _factor(reader: Reader) -> Expression:
    token = reader.now
    if token.kind == "number":
        return Number(Decimal(reader.take().text.replace("_", "")))
    if reader.skip("-"):
        inner = _factor(reader)
        return Number(-inner.value) if isinstance(inner, Number) else Call("-", (Number(Decimal(0)), inner))
    if reader.skip("("):
        inside = read_expression(reader)
        reader.expect(")", "close the bracket")
        return inside
    name = reader.name(_HOW)
    if not token.plain or not reader.skip("("):
        return Name(name)
    if name.lower() not in FUNCTIONS:
        raise RuleError(f"there is no function {name!r}", token.at, f"there are: {', '.join(sorted(FUNCTIONS))}")
    arguments = [read_expression(reader)]
    while reader.skip(","):
        arguments.append(read_expression(reader))
    reader.expect(")", "close the bracket of the function")
    wanted, _ = FUNCTIONS[name.lower()]
    if name.lower() == "round" and len(arguments) == 1:
        arguments.append(Number(Decimal(0)))
    if len(arguments) != len(wanted) and "…" not in wanted:
        raise RuleError(f"{name}() takes {len(wanted)} values, not {len(arguments)}", token.at, _HOW)
    return Call(name.lower(), tuple(arguments))


def expression_text(expression: Expression, level: int = 0) -> str:
    """The expression as the language has it."""
    if isinstance(expression, Name):
        return written(expression.column)
    if isinstance(expression, Number):
        text = format(expression.value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    own = _LEVEL.get(expression.function)
    if own is None:
        return f"{expression.function}({', '.join(expression_text(a) for a in expression.arguments)})"
    left, right = expression.arguments
    if expression.function == "-" and left == Number(Decimal(0)):
        return f"-{expression_text(right, 3)}"
    text = f"{expression_text(left, own - 1)} {expression.function} {expression_text(right, own)}"
    return f"({text})" if level >= own else text


def kind_in(expression: Expression, kinds: dict[str, Kind]) -> Kind:
    """What kind of value it gives, where ``kinds`` are those of the columns. Raises ValueError: it gives none."""
    if isinstance(expression, Name):
        return kinds[expression.column]
    if isinstance(expression, Number):
        return "number"
    found = [kind_in(a, kinds) for a in expression.arguments]
    if expression.function in _LEVEL:
        return _sign_kind(expression, found)
    wanted, result = FUNCTIONS[expression.function]
    padded = [*wanted[:-1], *[wanted[-2]] * (len(found) - len(wanted) + 1)] if wanted[-1] == "…" else [*wanted]
    for kind, want, argument in zip(found, padded, expression.arguments, strict=True):
        # A text may hold ISO dates; the rows say whether it does.
        if kind not in ({"date", "moment", "text"} if want == "time" else {want}):
            said = "a date or a moment" if want == "time" else "a number"
            raise ValueError(f"{expression.function}() takes {said}, and {expression_text(argument)} is a {kind}")
    return result


def _sign_kind(expression: Call, found: list[Kind]) -> Kind:
    left, right = found
    sign = expression.function
    if left == right == "number":
        return "number"
    if left == right == "span" and sign in "+-":
        return "span"
    if left == "date" and right == "number" and sign in "+-":
        return "date"
    if left == "moment" and right == "span" and sign in "+-":
        return "moment"
    if left == "number" and right == "date" and sign == "+":
        return "date"
    hint = " (write hours(…), minutes(…) or days(…))" if "moment" in found and "number" in found else ""
    if left == right and sign == "-" and left in ("date", "moment"):
        hint = " (write days_between(from, to))"
    raise ValueError(f"{expression_text(expression)}: a {left} {sign} a {right} is nothing{hint}")
