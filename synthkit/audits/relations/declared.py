"""Rules across tables that somebody wrote down: which synthetic rows break them."""

from __future__ import annotations

from collections.abc import Iterator

from synthkit.audits.family import Family
from synthkit.audits.rows.links import Links
from synthkit.errors import SynthError
from synthkit.generators.tables import Key
from synthkit.rules.across.bound import Across, Hop, bound, reads
from synthkit.rules.across.language import Sum, parse_across


def broken_in(found: Links, text: str) -> tuple[int, int]:
    """How many synthetic rows break a rule, and of how many.

    Raises:
        SynthError: a key or a table that it names is not there; the compiler finds that before.
    """
    rule = _bound(found.family, text)
    wanted: dict[str, set[str]] = {name: set() for name in rule.tables}
    wanted[rule.table].add(rule.column)
    for table, column in reads(rule):
        wanted[table].add(column)
    rows = {name: found.world("synthetic", name, tuple(sorted(columns))) for name, columns in wanted.items()}
    broken = rule.violations(rows)
    return int(broken.sum()), len(broken)


def _bound(family: Family, text: str) -> Across:
    said = parse_across(text)
    if isinstance(said, Sum):
        ways = [k for k in family.keys_of(said.child) if k.references == said.table]
        key = _one([k for k in ways if k.owner] or ways, said.child, said.table)
        return bound(text, (_hop(family, key),))
    return bound(text, tuple(_hops(family, said.table, said.steps)))


def _hops(family: Family, table: str, steps: tuple[str, ...]) -> Iterator[Hop]:
    for step in steps:
        keys = family.keys_of(table)
        key = _one([k for k in keys if k.columns == (step,)] or [k for k in keys if k.references == step], table, step)
        yield _hop(family, key)
        table = key.references


def _hop(family: Family, key: Key) -> Hop:
    return Hop(key.columns, key.references, family.parent_key(key))


def _one(keys: list[Key], table: str, step: str) -> Key:
    if len(keys) != 1:
        raise SynthError(f"{step!r} is no key of {table!r}, or several are", hint="name its column")
    return keys[0]
