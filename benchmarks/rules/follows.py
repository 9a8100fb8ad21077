"""Whether a rule follows from others: by its own words, or as orders, dependencies and nulls chain."""

from __future__ import annotations

from collections.abc import Sequence

from synthkit.rules.dependency import Dependency
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule
from synthkit.rules.sets import NullsTogether, OneHot, Unique
from synthkit.rules.when import When


def follows(rule: Rule, others: Sequence[Rule]) -> bool:
    """Whether somebody who has the others has it too."""
    if rule in others:
        return True
    if isinstance(rule, Formula):
        # total = a + b and a = total - b say the same.
        same = [o for o in others if isinstance(o, Formula) and o.target == rule.target]
        return any(isinstance(o, Formula) and set(o.columns) == set(rule.columns) for o in others) or any(
            set(rule.inputs) <= _closure(set(o.inputs), others) for o in same
        )
    if isinstance(rule, Dependency):
        forth = rule.dependent in _closure(set(rule.determinants), others)
        return forth and (not rule.both or rule.determinants[0] in _closure({rule.dependent}, others))
    if isinstance(rule, Inequality) and isinstance(rule.right, str):
        low, high = _ends(rule)
        sums = [o for o in others if isinstance(o, Formula) and o.target == high and low in o.inputs]
        # A total is above its parts, which are no less than zero in these tables.
        return any("-" not in str(o) for o in sums) or _below(low, high, others)
    if isinstance(rule, Unique):
        return any(isinstance(o, Unique) and set(o.columns) <= _closure(set(rule.columns), others) for o in others)
    if isinstance(rule, NullsTogether):
        return any(isinstance(o, NullsTogether) and set(rule.columns) <= set(o.columns) for o in others)
    if isinstance(rule, When) and rule.otherwise is not None and rule.columns[1] in _same(rule.columns[0], others):
        return True
    if isinstance(rule, When):
        mine = {_first(c, others) for c in rule.columns}
        same = (NullsTogether, OneHot, When)
        return any(isinstance(o, same) and mine <= {_first(c, others) for c in o.columns} for o in others)
    return any(type(o) is type(rule) and set(o.columns) == set(rule.columns) for o in others)


def _closure(names: set[str], others: Sequence[Rule]) -> set[str]:
    """What columns determine, by dependencies, formulas (which can be solved for any column) and keys."""
    found = set(names)
    while True:
        before = len(found)
        for o in others:
            if isinstance(o, Dependency):
                if set(o.determinants) <= found:
                    found.add(o.dependent)
                if o.both and o.dependent in found:
                    found |= set(o.determinants)
            elif isinstance(o, Formula):
                if set(o.inputs) <= found:
                    found.add(o.target)
                elif len(set(o.columns) - found) == 1 and len(o.columns) > 2:
                    found |= set(o.columns)
        if len(found) == before:
            return found


def _ends(rule: Inequality) -> tuple[str, str]:
    assert isinstance(rule.right, str)
    return (rule.column, rule.right) if rule.operator in ("<", "<=") else (rule.right, rule.column)


def _below(low: str, high: str, others: Sequence[Rule]) -> bool:
    pairs = {_ends(o) for o in others if isinstance(o, Inequality) and isinstance(o.right, str)}
    front, seen = [low], {low}
    while front:
        at = front.pop()
        for a, b in pairs:
            if a == at and b not in seen:
                seen.add(b)
                front.append(b)
    return high in seen


def _same(column: str, others: Sequence[Rule]) -> set[str]:
    """Columns whose values, or their absence, say whether this one has its own: through rules that hold both ways."""
    found, front = {column}, [column]
    while front:
        at = front.pop()
        for o in others:
            if isinstance(o, When) and o.otherwise is not None and at in o.columns:
                front += [c for c in o.columns if c not in found]
                found |= set(o.columns)
    return found


def _first(column: str, others: Sequence[Rule]) -> str:
    """The column, or the first of those that are missing or zero in the same rows."""
    for o in others:
        if isinstance(o, NullsTogether) and column in o.columns:
            return o.columns[0]
    return column
