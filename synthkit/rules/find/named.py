"""Values that a found rule names: it is published with the table, so each must be of several people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synthkit.rules.find.search import find_rules
from synthkit.rules.language import Rule
from synthkit.rules.when import Condition, When

if TYPE_CHECKING:
    import pyarrow as pa


def shown_rules(table: pa.Table, least: int, people: pa.ChunkedArray | None = None) -> tuple[Rule, ...]:
    """What a table shows without an exception, and may be told of it: no value of fewer than ``least`` is named."""
    exact = [one.rule for one in find_rules(table) if one.exact]
    return tuple(rule for rule in exact if not names_few(rule, table, least, people))


def names_few(rule: Rule, table: pa.Table, least: int, people: pa.ChunkedArray | None = None) -> bool:
    """Whether a rule names a value that fewer than ``least`` rows have, or fewer different ``people``."""
    return any(_has_few(one, table, least, people) for one in _conditions(rule))


def _has_few(condition: Condition, table: pa.Table, least: int, people: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    for value in condition.values:
        rows = Condition(condition.column, "in", (value,)).passes(table)
        who = (
            int(rows.sum()) if people is None else pc.count_distinct(people.filter(pa.array(rows)), mode="all").as_py()
        )
        if who < least:
            return True
    return False


def _conditions(rule: Rule) -> Iterator[Condition]:
    if isinstance(rule, When):
        told = (*rule.conditions, rule.then, *(() if rule.otherwise is None else (rule.otherwise,)))
        yield from (c for c in told if c.test in ("in", "not in"))
