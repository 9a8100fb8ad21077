"""Rules within a table whose columns a rule across tables has changed: what follows from them is computed anew, and
what is ordered with them moves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import ColumnPlan
from synthkit.encoding.kept.step import KeptRules
from synthkit.rules.across.bound import Compared
from synthkit.rules.coding import codes_differ, whole
from synthkit.rules.inequality import MIRRORED, Inequality
from synthkit.rules.language import parse_rule

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[str, Any]  # column → pyarrow.Array


@dataclass(frozen=True)
class Within:
    """The rules of one table.

    Args:
        table: its name.
        step: what keeps its rules as rows are drawn.
        settled: columns that rules across tables compute: they stay as these say.
    """

    table: str
    step: KeptRules
    settled: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are looked at."""
        return self.step.order

    def follow(self, columns: Columns, column: str, values: pa.ChunkedArray) -> dict[str, Any]:
        """The columns that a new one brings with it, itself among them; other rows than those that it changes stay.

        Args:
            columns: as they were.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        new = whole(values)
        if column not in self.step.order:
            return {column: values}
        rows = codes_differ(columns[column], new)
        if not rows.any():
            return {}
        after = columns | {column: new}
        self.step.adapt(after, self.settled | {column}, columns)
        mask = pa.array(np.asarray(rows))
        found = {n: pc.if_else(mask, after[n].cast(columns[n].type), columns[n]) for n in columns if n != column}
        return {column: new} | {n: c for n, c in found.items() if codes_differ(c, columns[n]).any()}

    def disordered(self, columns: Columns, upwards: bool) -> Compared | None:
        """What to move, where an ordering within the table is broken; None where none is.

        Args:
            upwards: whether what should lie above moves up, or what should lie below down.
        """
        import pyarrow as pa

        tables = {self.table: pa.table(columns)}
        for rule in self._ordered:
            assert isinstance(rule.right, str)
            sides = ((rule.column, rule.operator, rule.right), (rule.right, MIRRORED[rule.operator], rule.column))
            free = [s for s in sides if s[0] not in self.settled | self.step.fixed]
            free.sort(key=lambda s: (s[1][0] == ">") != upwards)
            for column, sign, other in free[:1]:
                found = Compared(str(rule), self.table, column, sign, (), other)
                if found.violations(tables).any():
                    return found
        return None

    @property
    def many(self) -> int:
        """How many orderings there are."""
        return len(self._ordered)

    @cached_property
    def _ordered(self) -> tuple[Inequality, ...]:
        rules = (parse_rule(text) for text in self.step.kept)
        return tuple(r for r in rules if isinstance(r, Inequality) and isinstance(r.right, str))


def within(table: str, plan: ColumnPlan, settled: Collection[str]) -> Within | None:
    """The rules of a table; None where it has none, or where they speak of columns in a written form."""
    step = next((s for s in plan.learnt.steps if isinstance(s, KeptRules)), None)
    if step is None or not set(step.order) <= set(plan.schema.names):
        return None
    if any(plan.schema.by_name[n].format is not None and step.names(n) for n in step.order):
        return None
    return Within(table, step, frozenset(settled))
