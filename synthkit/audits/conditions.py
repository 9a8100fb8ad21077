"""``warn_if`` and ``error_if``: a comparison of an audit's value with a number, as dbt writes it."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_PATTERN = re.compile(r"^\s*(<=|>=|==|!=|<>|=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$")


@dataclass(frozen=True)
class Comparison:
    """``> 10``, ``!= 0``, ``>= 0.05``: holds for a value or not."""

    sign: str
    number: float

    def __call__(self, value: float) -> bool:
        return _OPERATORS[self.sign](value, self.number)


def check_condition(text: str) -> Comparison:
    """Parse a condition. Raises ValueError where it is not one comparison with a finite number."""
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a comparison of the audit's value with a number")
    number = float(match[2])
    if not math.isfinite(number):
        raise ValueError(f"{match[2]} is too large")
    return Comparison(match[1], number)
