"""How declared rules are kept under a privacy budget: by what is declared alone, so that no row is looked at.

A computed column is not learnt, and so not paid for, where its declaration says that it is there just where it can be
computed. Columns that a dependency or a combination is between, all of declared values, are learnt as one whose values
are all that they may be together (:mod:`.together`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from synthkit.rules.dependency import Dependency
from synthkit.rules.expression import always_defined
from synthkit.rules.formula import Formula
from synthkit.rules.language import Rule
from synthkit.rules.sets import Combination, NullsTogether
from synthkit.schema import Column, Schema

MOST_TOGETHER = 1_000  # values that columns may have together


@dataclass(frozen=True)
class Group:
    """Columns that are learnt as one, and the rules between them."""

    columns: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """Of the learnt column."""
        return " & ".join(self.columns)


@dataclass(frozen=True)
class PrivatePlan:
    """What is learnt otherwise than as it is.

    Args:
        dropped: targets that are not learnt at all.
        flagged: those of which it is learnt whether they are missing.
        groups: columns that are learnt as one.
    """

    dropped: frozenset[str]
    flagged: frozenset[str]
    groups: tuple[Group, ...]

    def learnt(self, schema: Schema) -> Schema:
        """What is learnt of these columns."""
        for group in reversed(self.groups):
            schema = together_in(schema, group.columns, group.name, size_of([schema.by_name[n] for n in group.columns]))
        columns = [flag_of(c) if c.name in self.flagged else c for c in schema.columns if c.name not in self.dropped]
        return replace(schema, columns=tuple(columns))


def private_plan(schema: Schema, rules: Sequence[Rule]) -> PrivatePlan:
    """How rules are kept; those over other columns, and those of :func:`refusals`, are passed over.

    Args:
        schema: what would be learnt without rules, as it is declared.
    """
    rules = [r for r in rules if set(r.columns) <= set(schema.names)]
    groups = tuple(g for g in _groups(schema, rules) if _why_not(schema, g, rules) is None)
    held = {n for g in groups for n in g.columns}
    how = {r.target: _how(schema, r, rules) for r in rules if isinstance(r, Formula) and r.target not in held}
    dropped, flagged = (frozenset(n for n, h in how.items() if h == word) for word in ("dropped", "flagged"))
    return PrivatePlan(dropped, flagged, groups)


def refusals(schema: Schema, rules: Sequence[Rule], *, counted: bool) -> list[tuple[Rule, str]]:
    """Rules that cannot be kept under a budget, each with the reason.

    Args:
        counted: whether the generator gives noisy counts with the size of their noise, so that a combination that
            nobody has is told from one that is rare.
    """
    rules = [r for r in rules if set(r.columns) <= set(schema.names)]
    found: list[tuple[Rule, str]] = []
    for group in _groups(schema, rules):
        why = _why_not(schema, group, rules)
        for rule in group.rules:
            if why is not None:
                found.append((rule, why))
            elif isinstance(rule, Combination) and not counted:
                found.append((rule, "the generator does not say how noisy its counts are"))
    return found


def size_of(columns: Sequence[Column]) -> int:
    """How many values columns of declared values may have together, missing ones among them."""
    return math.prod(len(values_of(c) or ()) + int(c.nullable) for c in columns)


def values_of(column: Column) -> tuple[object, ...] | None:
    """The declared values of a column; None where they are not declared."""
    if column.values is not None:
        return tuple(dict.fromkeys(v for v in column.values if v is not None))
    return (False, True) if column.type == "boolean" else None


def together_in(schema: Schema, names: Sequence[str], name: str, size: int) -> Schema:
    """The schema with columns replaced by one, at its end, of ``size`` values."""
    column = Column(name, "categorical", "VARCHAR", nullable=False, values=tuple(str(i) for i in range(size)))
    kept = schema.select([n for n in schema.names if n not in names])
    return replace(kept, columns=(*kept.columns, column))


def flag_of(column: Column) -> Column:
    """What is learnt of a column of which only the missing values are."""
    return Column(column.name, "boolean", "BOOLEAN", nullable=False)


def _groups(schema: Schema, rules: Sequence[Rule]) -> list[Group]:
    """Dependencies and combinations that share columns, directly or not."""
    groups: list[Group] = []
    for rule in rules:
        if isinstance(rule, Dependency | Combination):
            near = [g for g in groups if set(g.columns) & set(rule.columns)]
            names = {*rule.columns, *(n for g in near for n in g.columns)}
            mine = (*(r for g in near for r in g.rules), rule)
            groups = [g for g in groups if g not in near]
            groups.append(Group(tuple(n for n in schema.names if n in names), mine))
    return groups


def _why_not(schema: Schema, group: Group, rules: Sequence[Rule]) -> str | None:
    columns = [schema.by_name[n] for n in group.columns]
    lacking = [c.name for c in columns if values_of(c) is None]
    if lacking:
        return f"which values go together is known from the rows alone, and no values of {lacking[0]!r} are declared"
    computed = next((r for r in rules if isinstance(r, Formula) and r.target in group.columns), None)
    if computed is not None:
        return f"{computed.target!r} is computed by '{computed}', and can follow from one rule alone"
    size = size_of(columns)
    if size > MOST_TOGETHER:
        names = ", ".join(group.columns)
        return f"{names} may have {size:,} combinations of their declared values, more than {MOST_TOGETHER:,}"
    return None


def _how(schema: Schema, rule: Formula, rules: Sequence[Rule]) -> Literal["dropped", "flagged", "learnt"]:
    """What becomes of a target, by which columns are declared to have missing values.

    Where what it is computed from may be missing, it may be there all the same, with a value of its own: it is learnt.
    """
    columns = [schema.by_name[n] for n in rule.columns]
    if not always_defined(rule.expression) or any(c.sql_type.upper() == "VARCHAR" for c in columns[1:]):
        return "learnt"
    absent = {c.name for c in columns if c.nullable}
    if absent == {rule.target} and columns[0].type != "boolean":
        return "flagged"
    together = any(isinstance(r, NullsTogether) and absent <= set(r.columns) for r in rules)
    return "dropped" if not absent or (rule.target in absent and together) else "learnt"
