"""A Jinja sandbox whose work is counted: what a template does is paid for from a budget, and ends with it.

Jinja's own sandbox keeps templates away from Python's insides, and bounds one `range`. A few lines of loops within
loops, doubled strings, padding or powers still take all the time and memory there is. Here every turn of a loop and
every call of a macro costs one unit and one for each character that stands in it; filters, methods, operators,
comparisons and what is put out cost what they are given (:func:`weight`), before they run. No clock is read, so the
same template ends at the same place everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

WORK = 1_000_000  # of one text
WORK_OF_ALL = 10_000_000  # of all texts of a project
TEMPLATE = 262_144  # characters of a text with Jinja in it
BITS = 1_024  # of a whole number: some 300 digits
# Filters whose result is as long as what they are given times, or up to, a number that they are given.
_STRETCHING = frozenset(("batch", "center", "format", "indent", "join", "replace", "slice", "truncate", "wordwrap"))
_NUMBER = re.compile(r"[0-9]+")


class WorkError(SecurityError):
    """The budget is used up."""


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Renders within :data:`WORK` from each call of :meth:`begin`, and :data:`WORK_OF_ALL` in all."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._left, self._left_of_all = WORK, WORK_OF_ALL
        self.filters = {name: self._charged(name, call) for name, call in self.filters.items()}
        self.tests = {name: self._charged(name, call) for name, call in self.tests.items()}

    def begin(self) -> None:
        self._left = WORK

    def spend(self, work: int) -> str:
        """Raises WorkError where the budget does not cover it. Puts out nothing."""
        self._left -= work
        self._left_of_all -= work
        if self._left < 0:
            raise WorkError(f"the text does more than {WORK:,} steps (turns of loops, characters, items)")
        if self._left_of_all < 0:
            raise WorkError(f"the texts of this project do more than {WORK_OF_ALL:,} steps together")
        return ""

    def weighed(self, value: Any) -> Any:
        """The value, paid for."""
        self.spend(self._weight(value))
        return value

    def concatenated(self, *parts: Any) -> str:
        return "".join(str(self.weighed(part)) for part in parts)

    # -- what Jinja calls --------------------------------------------------------------------------

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(right, 1) if operator == "**" else left.bit_length() + right.bit_length()
            if operator in ("**", "*") and bits > BITS:
                raise WorkError(f"a number of more than {BITS} bits")
        elif operator == "*":
            times, items = (left, right) if isinstance(left, int) else (right, left)
            self.spend(self._weight(items) * max(times, 1) if isinstance(times, int) else 1)
        elif operator == "%" and isinstance(left, str):
            self.spend(self._formatted(left, (right,)))
        else:
            self.spend(self._weight(left) + self._weight(right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *arguments: Any, **named: Any) -> Any:
        given = (*arguments, *named.values())
        owner = getattr(called, "__self__", None)
        if isinstance(owner, str | bytes):
            text = owner if isinstance(owner, str) else ""
            if called.__name__ in ("format", "format_map"):
                self.spend(self._formatted(text, given))
            else:
                self.spend((1 + self._weight(owner)) * (1 + sum(self._stretch(a) for a in given)))
        elif isinstance(owner, list | tuple | dict):
            self.spend(1 + self._weight(owner) + sum(map(self._weight, given)))
        else:
            self.spend(1 + len(given))
        return super().call(context, called, *arguments, **named)

    def range(self, *bounds: int) -> range:
        """Python's, paid for by its length."""
        made = range(*bounds)
        self.spend(min(len(made), WORK + 1) if made.stop < 2**62 else WORK + 1)
        return made

    def _generate(self, source: nodes.Template, *arguments: Any, **named: Any) -> str:
        counted(source)
        return super()._generate(source, *arguments, **named)

    # -- what things cost --------------------------------------------------------------------------

    def _charged(self, name: str, call: Any) -> Callable[..., Any]:
        hidden = 1 if hasattr(call, "jinja_pass_arg") else 0  # the context, or the environment

        @wraps(call)
        def charged(*arguments: Any, **named: Any) -> Any:
            given = (*arguments[hidden:], *named.values())
            if name == "sum" and not all(a is None or isinstance(a, str | int | float) for a in given[1:]):
                raise WorkError("sum adds numbers")
            if name == "format" and given and isinstance(given[0], str):
                self.spend(self._formatted(given[0], given[1:]))
            elif name in _STRETCHING and given:
                self.spend((1 + self._weight(given[0])) * (1 + sum(self._stretch(a) for a in given[1:])))
            else:
                self.spend(1 + sum(map(self._weight, given)))
            return call(*arguments, **named)

        return charged

    def _weight(self, value: Any) -> int:
        return weight(value, self._left)

    def _stretch(self, value: Any) -> int:
        """What an argument costs that may say how long something becomes."""
        return abs(value) if isinstance(value, int) else self._weight(value)

    def _formatted(self, pattern: str, given: tuple[Any, ...]) -> int:
        """What a pattern is filled in to: widths and precisions stand in it, or are given where it says so."""
        widths = sum(min(int(n[:9]), WORK + 1) for n in _NUMBER.findall(pattern))
        open_ended = "*" in pattern or re.search(r"\{[^}]*\{", pattern) is not None
        values = sum(self._stretch(a) if open_ended else self._weight(a) for a in _flat(given))
        fields = 1 + pattern.count("{") + pattern.count("%")
        return len(pattern) + widths + values * fields


def _flat(given: tuple[Any, ...]) -> list[Any]:
    found: list[Any] = []
    for value in given:
        found += [*value.values()] if isinstance(value, Mapping) else [*value] if isinstance(value, tuple) else [value]
    return found


def weight(value: Any, enough: int) -> int:
    """How much a value is: its characters, and the items in it, those of items too; counted no further than ``enough``.

    >>> weight("abc", 10), weight([1, ["ab", 2]], 10), weight(range(10**9), 10)
    (4, 7, 1000000001)
    """
    if isinstance(value, str | bytes):
        return 1 + len(value)
    if isinstance(value, range):
        return 1 + len(value)
    if isinstance(value, Mapping):
        value = [part for item in value.items() for part in item]
    if not isinstance(value, list | tuple | set | frozenset):
        return 1
    total, waiting = 0, [iter((value,))]
    while waiting and total <= enough:
        item = next(waiting[-1], _END)
        if item is _END:
            waiting.pop()
            continue
        total += 1
        if isinstance(item, str | bytes | range):
            total += len(item)
        elif isinstance(item, Mapping):
            waiting += [iter(item.keys()), iter(item.values())]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting.append(iter(item))
    return total


_END = object()


def counted(tree: nodes.Template) -> None:
    """Put the counting into a parsed template: loops and macros, concatenations, comparisons and slices."""
    repeated: list[Any] = [*tree.find_all(nodes.For), *tree.find_all(nodes.Macro), *tree.find_all(nodes.CallBlock)]
    for loop in repeated:
        characters = sum(len(data.data) for part in loop.body for data in _data(part))
        loop.body.insert(0, nodes.ExprStmt(_own("spend", nodes.Const(1 + characters)), lineno=loop.lineno))
    for compare in list(tree.find_all(nodes.Compare)):
        compare.expr = _own("weighed", compare.expr)
        for operand in compare.ops:
            operand.expr = _own("weighed", operand.expr)
    for part in list(tree.find_all(nodes.Getitem)):
        if isinstance(part.arg, nodes.Slice):
            part.node = _own("weighed", part.node)
    _replace(tree)


def _data(part: nodes.Node) -> list[nodes.TemplateData]:
    return [*([part] if isinstance(part, nodes.TemplateData) else []), *part.find_all(nodes.TemplateData)]


def _replace(node: nodes.Node) -> None:
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, nodes.Node):
                    _replace(item)
                    value[index] = _concatenation(item)
        elif isinstance(value, nodes.Node):
            _replace(value)
            setattr(node, name, _concatenation(value))


def _concatenation(node: nodes.Node) -> nodes.Node:
    return _own("concatenated", *node.nodes) if isinstance(node, nodes.Concat) else node


def _own(method: str, *arguments: nodes.Expr) -> nodes.Call:
    """A call of the environment's own, under no name that a template could give to something else."""
    return nodes.Call(nodes.EnvironmentAttribute(method), list(arguments), [], None, None, lineno=1)
