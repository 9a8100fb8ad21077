"""Which rules are about made-up keys, and how a plan keeps them (:mod:`.held`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from synthkit.encoding.fill import ColumnPlan
from synthkit.encoding.held import Held, keys_first
from synthkit.encoding.locales import Pii
from synthkit.encoding.rules import FillRule
from synthkit.rules.dependency import Dependency
from synthkit.rules.find.keyed import held_by_keys
from synthkit.rules.language import Rule
from synthkit.rules.sets import Unique

if TYPE_CHECKING:
    import pyarrow as pa

_NOTHING = ("constant", "null")  # kinds of columns that anything determines


def found_of_keys(plan: ColumnPlan, rows: pa.Table) -> list[Rule]:
    """What the rows show of made-up keys whose values repeat."""
    made = {rule.column.name: rule.kind for rule in plan.filled}
    keys = [name for name, kind in made.items() if kind == "foreign"]
    # What is made up of each row's country is no key's, whatever the rows show.
    by_row = {r.column.name for r in plan.filled if Pii.of(r.column.pii or "").column is not None}
    others = [n for n in plan.schema.names if made.get(n) not in ("foreign", *_NOTHING) and n not in by_row]
    return [one.rule for one in held_by_keys(rows, keys, others)] if keys else []


def with_held(plan: ColumnPlan, declared: Collection[Rule], found: Sequence[Rule]) -> ColumnPlan:
    """The plan that keeps what these rules say of made-up keys; rules over other columns are passed over."""
    made = {rule.column.name: rule for rule in plan.filled}
    keys = {n: _Key(n, r.kind == "foreign") for n, r in made.items() if r.kind in ("foreign", "key")}
    rules = [r for r in (*declared, *(f for f in found if f not in declared)) if set(r.columns) & made.keys()]
    twins = _twins(rules, made, keys)
    for rule in rules:
        if isinstance(rule, Dependency):
            _says(rule, keys, made, twins)
    for rule in rules:
        if isinstance(rule, Dependency):
            _holds(rule, keys, made, twins)
        elif isinstance(rule, Unique):
            _tells_apart(rule, keys, made, twins)
    mine = {n: k for n, k in keys.items() if k.rules}
    for key in mine.values():
        key.finish(mine, made, plan.schema.primary_key)
    filled = [_filled(r, mine.get(n), n in twins or n in twins.values()) for n, r in made.items()]
    said = {str(rule) for rule in declared}
    held = keys_first([k.held(said) for k in mine.values()])
    # What a key's rows are dealt out by keeps a primary key of several columns, too.
    dealt = any(h.apart_of(plan.schema.primary_key) for h in held)
    return replace(plan, filled=tuple(filled), held=tuple(held), key=None if dealt else plan.key)


@dataclass
class _Key:
    """What is known of one made-up key so far."""

    name: str
    repeats: bool
    columns: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    apart: list[tuple[str, ...]] = field(default_factory=list)
    by: tuple[str, ...] = ()
    rules: list[str] = field(default_factory=list)

    def finish(self, keys: Collection[str], made: Collection[str], primary: tuple[str, ...]) -> None:
        """Keys that hold something themselves come first; a primary key tells this one's rows apart."""
        self.columns += [n for n in self.made if n in keys]
        self.made = [n for n in self.made if n not in keys]
        rest = tuple(n for n in primary if n != self.name)
        if rest and self.name in primary and not self.by and rest not in self.apart and not set(rest) & set(made):
            self.apart.insert(0, rest)

    def held(self, declared: Collection[str]) -> Held:
        found = tuple(text for text in self.rules if text not in declared)
        return Held(
            self.name, tuple(self.columns), tuple(self.made), tuple(self.apart), self.by, tuple(self.rules), found
        )


def _twins(rules: Sequence[Rule], made: Collection[str], keys: Collection[str]) -> dict[str, str]:
    """Made-up columns that name a made-up key → the key: what is said of them is said of it."""
    found: dict[str, str] = {}
    for rule in rules:
        if isinstance(rule, Dependency) and rule.both and set(rule.columns) <= set(made):
            first, second = rule.columns if rule.columns[0] in keys else (rule.columns[1], rule.columns[0])
            found.setdefault(second, found.get(first, first))
    return found


def _says(rule: Dependency, keys: dict[str, _Key], made: Collection[str], twins: dict[str, str]) -> None:
    """Learnt columns that say which key a row has."""
    given, told = rule.determinants, rule.dependent
    if rule.both and given[0] in made and told not in made:
        given, told = (told,), given[0]
    key = keys.get(twins.get(told, told))
    if key is not None and not set(given) & set(made) and not key.by:
        key.by = given
        key.rules.append(str(rule))


def _holds(rule: Dependency, keys: dict[str, _Key], made: dict[str, FillRule], twins: dict[str, str]) -> None:
    """What is the same in all rows of a key."""
    if len(rule.determinants) != 1 or str(rule) in (t for k in keys.values() for t in k.rules):
        return
    name, other = rule.determinants[0], rule.dependent
    if rule.both and name in twins:
        name, other = other, name
    key = keys.get(twins.get(name, name))
    if key is None or key.name == other or (not key.repeats and not key.by):
        return
    if other in made:
        if made[other].kind not in _NOTHING and other not in key.made:
            key.made.append(other)
    elif not key.by:
        key.columns.append(other)
    key.rules.append(str(rule))


def _tells_apart(rule: Unique, keys: dict[str, _Key], made: Collection[str], twins: dict[str, str]) -> None:
    mine = [n for n in rule.columns if n in made]
    key = keys.get(twins.get(mine[0], mine[0])) if len(mine) == 1 else None
    if key is not None and key.repeats and not key.by:
        key.apart.append(tuple(n for n in rule.columns if n not in mine))
        key.rules.append(str(rule))


def _filled(rule: FillRule, own: _Key | None, named: bool) -> FillRule:
    """How a column is made up beside what belongs to keys.

    Args:
        named: whether it is one to one with a key.
    """
    if own is not None:
        return replace(rule, kind="foreign", unique=False, fan_out=((1, 1),)) if rule.kind == "key" else rule
    if named and rule.kind in ("foreign", "text", "faker"):
        return replace(rule, kind="key" if rule.kind == "foreign" else rule.kind, unique=True, nulls=0.0)
    return rule
