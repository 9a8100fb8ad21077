"""The rules across tables that their rows show, as YAML to strike out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from synthkit.compiler.foreignkeys import kind_of
from synthkit.rules.across.bound import Compared, Copied, Hop
from synthkit.rules.across.find.search import Within, find_across
from synthkit.rules.across.find.ways import Looked, Shown, Way
from synthkit.rules.language import parse_rule
from synthkit.scaffold.looking import Look
from synthkit.sources.keys.names import of_people
from synthkit.sources.keys.seen import Keys

MOST_ROWS = 2_000_000  # of a table, beyond which it is left out: a sum of some of the rows says nothing
LEARNT = 50  # rows of a table from which what it holds is drawn well enough to be copied into many others
LISTED = 100  # rows of what may be a list that anyone may know: a table that others look up, and that is nobody's
CATALOGUE = 2_000  # rows of one each of which so many others name on average:
NAMED = 20


@dataclass(frozen=True)
class Proposed:
    """What holds across tables in every row.

    Args:
        shown: rules that drawn rows would keep.
        doubtful: others, each with why it is not among these.
        inside: table → rules within it that some of these rely on.
    """

    shown: tuple[Shown, ...] = ()
    doubtful: tuple[tuple[Shown, str], ...] = ()
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def rules_across(
    read: Mapping[str, Look], keys: Keys, rules: Mapping[str, Collection[str]], left_out: Mapping[str, Collection[str]]
) -> Proposed:
    """What holds across the tables in every row.

    Args:
        rules: those within each table.
        left_out: of each table the columns that are keys, or personal data.
    """
    known = {name: seen for name, seen in read.items() if seen.rows <= MOST_ROWS}
    ways = [
        Way(k.table, Hop(k.columns, k.references, k.to), k.owner)
        for k in keys.foreign
        if not k.cut and {k.table, k.references} <= known.keys()
    ]
    if not ways:
        return Proposed()
    fields, made, numbered = {}, {}, {}
    for name, seen in known.items():
        foreign = {c for k in keys.of(name) for c in k.columns}
        primary = keys.primary.get(name, ())
        plain = [c for c in seen.schema.columns if c.format is None]
        fields[name] = [c.name for c in plain if c.modelled and c.name not in left_out[name]]
        made[name] = [c.name for c in plain if c.name not in {*fields[name], *foreign, *primary}]
        numbered[name] = [c.name for c in plain if c.name in primary and c.name not in foreign and len(primary) > 1]
    tables = {name: seen.train.to_arrow() for name, seen in known.items()}
    within = {name: Within.of(parse_rule(rule) for rule in rules[name]) for name in known}
    found = find_across(Looked(tables, ways, fields, made, numbered), within)
    shown, doubtful = [], []
    for one in found.shown:
        few = _too_few(one, known, keys)
        if few is not None:
            doubtful.append((one, f"{few} has too few rows to learn it from: write public: true there to keep it, too"))
        elif _of_one_kind(one, known, keys):
            shown.append(one)
    doubtful += [(one, "by another way than its other bound, which may leave no room") for one in found.contrary]
    inside = {name: tuple(str(rule) for rule in of) for name, of in found.inside.items()}
    return Proposed(tuple(shown), tuple(d for d in doubtful if _of_one_kind(d[0], known, keys)), inside)


def _too_few(one: Shown, read: Mapping[str, Look], keys: Keys) -> str | None:
    """The table that a column is a copy of, where its drawn rows can hardly have the values of real ones."""
    rule = one.rule
    if not isinstance(rule, Copied) or any(rule.column in k.columns for k in keys.of(rule.table)):
        return None
    end = rule.hops[-1].table
    return end if read[end].rows < LEARNT and read[end].schema.by_name[rule.other].modelled else None


def _of_one_kind(one: Shown, read: Mapping[str, Look], keys: Keys) -> bool:
    """Whether both columns are taken for the same kind, as the compiler asks for; keys are made so."""
    rule = one.rule
    if not isinstance(rule, Copied | Compared):
        return True
    if any(rule.column in k.columns for k in keys.of(rule.table)):
        return True
    mine = read[rule.table].schema.by_name[rule.column]
    other = read[rule.hops[-1].table].schema.by_name[rule.other]
    return kind_of(mine) == kind_of(other) or {mine.type, other.type} == {"date", "datetime"}


def across_lines(found: Proposed) -> list[str]:
    """The key ``rules:`` of a group: beside each rule stands what it rests on."""
    if not found.shown and not found.doubtful:
        return []
    lines = [
        "    # Across tables, each in every row here, and kept in every drawn one. Strike out what is chance; before",
        "    # you set epsilon, all that nobody can know who never saw the rows.",
        "    rules:" if found.shown else "    # rules:",
    ]
    lines += [f"      - {json.dumps(str(one.rule), ensure_ascii=False)}  # {one.evidence()}" for one in found.shown]
    for one, why in found.doubtful:
        lines.append(f"    #  - {json.dumps(str(one.rule), ensure_ascii=False)}  # {one.evidence()}; {why}")
    return lines


def across_notes(found: Proposed) -> list[str]:
    """The same for who types the command."""
    if not found.shown:
        return []
    said = "1 rule across tables holds" if len(found.shown) == 1 else f"{len(found.shown)} rules across tables hold"
    return [f"{said} in every row, and will in every drawn one:", *(f"  {one.rule}" for one in found.shown)]


def listed(read: Mapping[str, Look], keys: Keys) -> dict[str, int]:
    """The tables that may be lists which anyone may know, with their rows: others look them up, they belong to nobody,
    and neither they nor what they name is said to be people. They are short, or each of their rows is named by many."""
    owned = {k.table for k in keys.foreign if k.owner} | {k.references for k in keys.foreign if k.owner}
    naming: Counter[str] = Counter()
    for key in keys.foreign:
        naming[key.references] += key.included
    small = {
        name
        for name, seen in read.items()
        if seen.rows <= (CATALOGUE if naming[name] >= NAMED * seen.rows else LISTED)
        and name not in owned
        and not of_people(name)
        and not seen.pii
    }
    named = {k.references for k in keys.foreign}
    while True:
        kept = {n for n in small & named if all(k.references in small for k in keys.of(n))}
        if kept == small:
            return {name: read[name].rows for name in read if name in small}
        small = kept


def listed_notes(lists: Mapping[str, int]) -> list[str]:
    """What there is to decide of them."""
    if not lists:
        return []
    said = ", ".join(f"{name} ({rows} rows)" for name, rows in lists.items())
    return [f"DECIDE: public: true keeps short lists as they are, where their rows are nobody's: {said}"]
