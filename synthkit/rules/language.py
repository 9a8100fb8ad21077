"""One rule out of its text, and which rows of a table break it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthkit.rules.coding import one_batch
from synthkit.rules.comparing import satisfied
from synthkit.rules.dependency import Dependency
from synthkit.rules.expression import read_expression
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality, parse_inequality
from synthkit.rules.mostly import Mostly
from synthkit.rules.sets import SETS, Combination, NullsTogether, OneHot, Unique
from synthkit.rules.tokens import Reader, RuleError
from synthkit.rules.when import When, read_when

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Mask

Rule = Inequality | Formula | Dependency | Combination | Unique | OneHot | NullsTogether | When | Mostly
KINDS: Mapping[type, str] = {
    Inequality: "comparison",
    Formula: "computed",
    Dependency: "dependency",
    Combination: "combination",
    Unique: "unique",
    OneHot: "one_hot",
    NullsTogether: "nulls_together",
    When: "when",
    Mostly: "mostly",
}
HOW = (
    "write total = price * quantity, zip -> city, start <= end, combination: [a, b], unique: [a, b], one_hot: [a, b], "
    "nulls_together: [a, b], or when status = 'open' then closed_at is null"
)

_MOSTLY = re.compile(r"(.*\S)\s+mostly\s*$", re.DOTALL)
_HOW_MOSTLY = "it stands after a computed column, a comparison, or when … then …"


def parse_rule(text: str) -> Rule:
    """The rule that a text says; ``str(rule)`` says it again.

    >>> str(parse_rule("total=price*quantity")), str(parse_rule("zip->city"))
    ('total = price * quantity', 'zip -> city')
    >>> str(parse_rule("paid=billed mostly"))
    'paid = billed mostly'

    Raises:
        RuleError: with the place in the text, and how to mend it.
    """
    if (inner := _MOSTLY.match(text)) is not None:
        try:
            held = parse_rule(inner[1])
        except RuleError:
            held = None  # a column of this name, perhaps
        if isinstance(held, Formula | Inequality | When):
            return Mostly(held)
        if held is not None:
            raise RuleError(f"mostly stands after {held}", len(inner[1]), _HOW_MOSTLY)
    reader = Reader(text)
    if reader.skip("when"):
        found: Rule = read_when(reader)
    elif (listed := _set(reader)) is not None:
        found = listed
    elif reader.has("->", "<->"):
        found = _dependency(reader)
    else:
        found = _equation(reader, text)
    reader.done(HOW)
    return found


def _set(reader: Reader) -> Combination | Unique | OneHot | NullsTogether | None:
    word = reader.now.text
    kind = next((k for k in SETS if reader.now.plain and k.word == word), None)
    if kind is None or not reader.text[reader.now.at + len(word) :].lstrip().startswith(":"):
        return None
    reader.take()
    reader.expect(":", HOW)
    reader.expect("[", f"write {word}: [a, b]")
    names = [reader.name(f"write {word}: [a, b]")]
    while reader.skip(","):
        names.append(reader.name(f"write {word}: [a, b]"))
    reader.expect("]", "close the list")
    fewest = 1 if kind is Unique else 2
    if len(set(names)) != len(names) or len(names) < fewest:
        raise RuleError(f"{word} takes {fewest} columns or more, each once", 0, f"write {word}: [a, b]")
    return kind(tuple(names))


def _dependency(reader: Reader) -> Dependency:
    how = "write zip -> city, or a, b -> c, or code <-> name"
    names = [reader.name(how)]
    while reader.skip(","):
        names.append(reader.name(how))
    both = reader.skip("<->")
    if not both:
        reader.expect("->", how)
    elif len(names) > 1:
        raise RuleError("<-> stands between two columns", 0, how)
    dependent = reader.name(how)
    if dependent in names or len(set(names)) != len(names):
        raise RuleError("a column stands on both sides, or twice", 0, how)
    return Dependency(tuple(names), dependent, both)


def _equation(reader: Reader, text: str) -> Formula | Inequality:
    if reader.has("="):
        target = reader.name(HOW)
        reader.expect("=", HOW)
        found = Formula(target, read_expression(reader))
        if target in found.inputs:
            raise RuleError(f"{target!r} is computed from itself", 0, "name another column on the right")
        if not found.inputs:
            raise RuleError("it is computed from no column", reader.now.at, "name a column on the right")
        return found
    if not reader.has("<", "<=", ">", ">="):
        raise RuleError(f"{text!r} is no rule", 0, HOW)
    try:
        rule = parse_inequality(text)
    except ValueError as error:
        hint = str(error.args[1]) if len(error.args) > 1 else HOW
        raise RuleError(str(error.args[0]), 0, hint) from None
    while reader.now.kind != "end":
        reader.take()
    return rule


def violations(rule: Rule, table: pa.Table | pa.RecordBatch, real: pa.Table | None = None) -> Mask:
    """Which rows break the rule: booleans, shape (rows,).

    Args:
        real: the rows whose combinations may occur, for ``combination``.

    Raises:
        ValueError: a column's values are not what the rule takes.
    """
    if isinstance(rule, Inequality):
        return ~satisfied(rule, one_batch(table))
    if isinstance(rule, Combination):
        return rule.violations(table, real)
    return rule.violations(table)
