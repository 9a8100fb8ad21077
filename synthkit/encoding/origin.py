"""Where each column of a drawn table comes from: what was learnt of the source, and what only looks like it.

A table that is "all audits passed" may still have columns that tell nothing, as audits leave out what is made up. So
this is said wherever the table is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from synthkit.encoding.apart import TakenApart
from synthkit.encoding.fill import ColumnPlan
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.rules import FillRule, Kind
from synthkit.records.columns import ColumnOrigin, How

_OF_KIND: Mapping[Kind, How] = {  # personal data aside
    "constant": "constant",
    "null": "empty",
    "key": "key",
    "foreign": "key",
    "text": "made up",
    "form": "made up",
}


def origins(plan: ColumnPlan) -> tuple[ColumnOrigin, ...]:
    """Of each column of the table, in its order."""
    filled = {rule.column.name: rule for rule in plan.filled}
    computed: dict[str, str] = {}
    apart = {name: how for step in plan.read.steps if isinstance(step, TakenApart) for name, how in step.said.items()}
    outer = dict.fromkeys(plan.read.inner.get(name, name) for name in plan.schema.names)
    for step in plan.learnt.steps:
        computed |= step.computed if isinstance(step, KeptRules) else {}
    return tuple(
        ColumnOrigin(name=name, how=apart[name][0], by=apart[name][1])
        if name in apart
        else _origin(name, filled.get(name), computed.get(name))
        for name in outer
    )


def _origin(name: str, rule: FillRule | None, computed: str | None) -> ColumnOrigin:
    if rule is None:
        if computed is not None:
            return ColumnOrigin(name=name, how="computed", by=computed)
        return ColumnOrigin(name=name, how="learnt")
    if rule.kind == "faker":
        return ColumnOrigin(name=name, how="pii", by=rule.column.pii)
    return ColumnOrigin(name=name, how=_OF_KIND[rule.kind])
