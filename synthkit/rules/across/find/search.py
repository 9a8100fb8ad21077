"""All rules across tables that their rows show, and nothing that follows from the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from synthkit.rules.across.bound import Compared, Copied, Hop, RolledUp
from synthkit.rules.across.find.copies import copies
from synthkit.rules.across.find.orders import orders
from synthkit.rules.across.find.totals import totals
from synthkit.rules.across.find.ways import Looked, Shown
from synthkit.rules.coding import missing
from synthkit.rules.expression import names_in
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule, violations


@dataclass(frozen=True)
class Within:
    """What rules within a table say of its columns.

    Args:
        fixed: columns that are computed, or go with others: no rule across tables may move or copy them.
        ordered: (low, high), of columns that are ordered.
    """

    fixed: frozenset[str] = frozenset()
    ordered: frozenset[tuple[str, str]] = frozenset()

    @staticmethod
    def of(rules: Iterable[Rule]) -> Within:
        fixed: set[str] = set()
        ordered = set()
        for rule in rules:
            if isinstance(rule, Inequality):
                if isinstance(rule.right, str):
                    pair = (rule.column, rule.right)
                    ordered.add(pair if rule.operator in ("<", "<=") else pair[::-1])
            elif isinstance(rule, Formula):
                fixed.add(rule.target)
            else:
                fixed.update(rule.columns)
        return Within(frozenset(fixed), frozenset(ordered))


@dataclass(frozen=True)
class Across:
    """What was found.

    Args:
        shown: rules that can be kept together.
        contrary: orderings that all rows keep, too, but that bound a column from the other side than another way does:
            rows that are drawn along both ways may leave no room between.
        inside: table → orderings within it that all rows keep, and without which two of the rules leave no room.
    """

    shown: tuple[Shown, ...] = ()
    contrary: tuple[Shown, ...] = ()
    inside: Mapping[str, tuple[Inequality, ...]] = field(default_factory=dict)


def find_across(looked: Looked, within: Mapping[str, Within] | None = None, of: Iterable[str] | None = None) -> Across:
    """The rules across tables that all rows keep, where chance alone would have kept them once in a million at most.

    Args:
        within: what is known of the columns within their tables.
        of: tables by whose keys rules go; default: all.
    """
    names = tuple(looked.tables if of is None else of)
    known = {name: (within or {}).get(name, Within()) for name in looked.tables}
    copied = {name: copies(looked, name, known[name].fixed) for name in names}
    taken = {name: known[name].fixed | {one.rule.column for one in copied.get(name, ())} for name in looked.tables}
    rolled = {name: _of_others(totals(looked, name, names, taken[name]), copied) for name in looked.tables}
    taken = {name: taken[name] | {one.rule.column for one in rolled[name]} for name in looked.tables}
    again = {(one.rule.table, (one.rule.column,)) for ones in copied.values() for one in ones}
    apart = replace(looked, ways=[w for w in looked.ways if (w.table, w.hop.columns) not in again])
    found = [one for name in looked.tables for one in orders(apart, name, taken[name])]
    free = [one for one in found if not _added(one, rolled)]
    compared = [one for one in free if one.rule.table in names and not _follows(one, free, known, looked)]
    first = [one for of_table in (copied, rolled) for ones in of_table.values() for one in ones]
    kept, contrary = _together(compared, looked)
    return Across((*first, *kept), tuple(contrary), _inside(kept, known, looked))


def _of_others(found: list[Shown], copied: Mapping[str, list[Shown]]) -> list[Shown]:
    """Without those whose rows have the column from the row that they belong to."""
    kept = []
    for one in found:
        rule = one.rule
        assert isinstance(rule, RolledUp)
        back = {(rule.table, rule.column)}
        of = set() if rule.expression is None else names_in(rule.expression)
        again = [c.rule for c in copied[rule.child] if c.rule.column in of]
        if not any(isinstance(c, Copied) and (c.hops[-1].table, c.other) in back for c in again):
            kept.append(one)
    return kept


def _added(one: Shown, rolled: Mapping[str, list[Shown]]) -> bool:
    """Whether an ordering is with a total of the table's own rows: a part is no more than the whole."""
    rule = one.rule
    assert isinstance(rule, Compared)
    end = rule.hops[-1].table
    return any(
        isinstance(r.rule, RolledUp) and r.rule.column == rule.other and r.rule.child == rule.table for r in rolled[end]
    )


def _follows(one: Shown, found: list[Shown], within: Mapping[str, Within], looked: Looked) -> bool:
    """Whether an ordering is what others say already, within a table or by a shorter way."""
    rule = one.rule
    assert isinstance(rule, Compared)
    after = rule.sign[0] == ">"
    said = [o.rule for o in found if o is not one and isinstance(o.rule, Compared) and o.rule.sign[0] == rule.sign[0]]

    def beside(table: str, column: str) -> set[str]:
        """The columns of a table that a rule within it puts between the column and the bound."""
        pairs = within[table].ordered
        return (
            {low for low, high in pairs if high == column} if after else {high for low, high in pairs if low == column}
        )

    for column in beside(rule.table, rule.column):
        always = not (
            missing(looked.tables[rule.table][column]) & ~missing(looked.tables[rule.table][rule.column])
        ).any()
        if always and _is(said, rule.table, column, rule.hops, rule.other):
            return True
    end = rule.hops[-1].table
    away = (
        {high for low, high in within[end].ordered if low == rule.other}
        if after
        else {low for low, high in within[end].ordered if high == rule.other}
    )
    for other in away:
        always = not missing(looked.tables[end][other]).any()
        if always and _is(said, rule.table, rule.column, rule.hops, other):
            return True
    for split in range(1, len(rule.hops)):
        middle = rule.hops[split - 1].table
        for step in said:
            if (step.table, step.hops, step.other) != (middle, rule.hops[split:], rule.other):
                continue
            always = not missing(looked.tables[middle][step.column]).any()
            if always and _is(said, rule.table, rule.column, rule.hops[:split], step.column):
                return True
    return False


def _is(said: list[Compared], table: str, column: str, hops: tuple[Hop, ...], other: str) -> bool:
    return any((r.table, r.column, r.hops, r.other) == (table, column, hops, other) for r in said)


def _together(found: list[Shown], looked: Looked) -> tuple[list[Shown], list[Shown]]:
    """Orderings that leave room for each other: bounds from both sides by ways of which one is the other's beginning.

    The way to the owner goes first: what rows belong to is drawn before they are.
    """
    owners = {way.hop for way in looked.ways if way.owner}

    def last(one: Shown) -> tuple[bool, int]:
        assert isinstance(one.rule, Compared)
        return any(hop not in owners for hop in one.rule.hops), len(one.rule.hops)

    kept: list[Shown] = []
    contrary: list[Shown] = []
    for one in sorted(found, key=last):
        (contrary if any(_contrary(one, other) for other in kept) else kept).append(one)
    return [one for one in found if one in kept], contrary


def _inside(found: list[Shown], within: Mapping[str, Within], looked: Looked) -> dict[str, tuple[Inequality, ...]]:
    """The orderings within tables that the bounds of one column rely on, but no rule says yet."""
    rules = [one.rule for one in found if isinstance(one.rule, Compared)]
    needed: dict[str, dict[tuple[str, str], Inequality]] = {}
    for low, high in product(rules, rules):
        end = low.hops[-1].table
        one_way = (low.table, low.hops) == (high.table, high.hops) and low.sign[0] == ">" and high.sign[0] == "<"
        if not one_way or not (low.column == high.column or (low.column, high.column) in within[low.table].ordered):
            continue
        pair, known = (low.other, high.other), within[end]
        if pair in known.ordered or known.fixed & set(pair):
            continue
        rule = Inequality(low.other, "<=", high.other)
        if not violations(rule, looked.tables[end].select(pair)).any():
            needed.setdefault(end, {})[pair] = rule
    return {table: tuple(of.values()) for table, of in needed.items()}


def _contrary(one: Shown, other: Shown) -> bool:
    a, b = one.rule, other.rule
    assert isinstance(a, Compared)
    assert isinstance(b, Compared)
    if (a.table, a.column) != (b.table, b.column) or a.sign[0] == b.sign[0]:
        return False
    shorter = min(len(a.hops), len(b.hops))
    return a.hops[:shorter] != b.hops[:shorter]
