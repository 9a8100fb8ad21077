"""YAML for several tables that were looked at together: a source with their keys, and a family of those that join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from synthkit.errors import BuildError, SynthError
from synthkit.scaffold.acrossed import (
    Proposed,
    across_lines,
    across_notes,
    listed,
    listed_notes,
    rules_across,
)
from synthkit.scaffold.catalogued import NOTHING, Catalogued, catalogued
from synthkit.scaffold.fromfile import Proposal, rule_notes
from synthkit.scaffold.given import Given
from synthkit.scaffold.keyed import agreed, column_lines, keyed_lines, listed_lines
from synthkit.scaffold.looking import Look, look
from synthkit.scaffold.ruled import proposed_rules, rules_lines
from synthkit.scaffold.seen import LEFT_OUT, declarations, warning
from synthkit.scaffold.taken import keys_table, will_not_join
from synthkit.scaffold.unread import unread, unread_behind
from synthkit.scaffold.writing import SCHEMA, model_lines, quoted, table_lines
from synthkit.sources.keys.find import find_keys
from synthkit.sources.keys.seen import Keys

UNREAD = "unread"  # ends the name of the group of tables that could not be read


@dataclass(frozen=True)
class Together:
    """What several tables came to: the YAML of those that could be read, and of each that could not.

    Args:
        keys: between them.
        family: whether tables join, and one model makes them all.
    """

    proposals: tuple[Proposal, ...]
    keys: Keys
    family: bool


def propose_together(what: Given, root: Path, group: str, *, apart: bool, bounds: bool) -> Together:
    """Look at all tables, and write what was found.

    Args:
        root: of the project.
        group: the source's name, and so the family's.
        apart: a model for each table, though keys join them.
        bounds: whether to write the bounds and values that the rows show, too, which is not private.
    """
    import duckdb

    read: dict[str, Look] = {}
    failed = []
    with TemporaryDirectory() as scratch, duckdb.connect(":memory:") as connection:
        for one in what.tables:
            try:
                read[one.spec.name] = look(
                    connection, one.spec, root=root, scratch=Path(scratch), connections=what.connections
                )
            except (SynthError, BuildError) as error:
                failed.append((one, error if isinstance(error, SynthError) else SynthError(str(error))))
        keys = find_keys(connection, {name: seen.seen for name, seen in read.items()}, what.declared)
        drafted = {name: _drafted(connection, seen) if bounds else {} for name, seen in read.items()}
        rules = {
            name: proposed_rules(seen.train, _left_out(seen, keys), _whose(name, keys)) for name, seen in read.items()
        }
        left_out = {name: _left_out(seen, keys) for name, seen in read.items()}
        across = Proposed() if apart else rules_across(read, keys, rules, left_out)
        rules = {name: (*of, *across.inside.get(name, ())) for name, of in rules.items()}
    found = [] if not read else [_proposal(what, group, read, keys, drafted, rules, across, apart)]
    for one, why in failed:
        name, unread_group = one.spec.name, f"{group}_{UNREAD}"
        if what.connection is None:
            text = unread(name, unread_group, one.shown, one.spec.options, why, Path(one.shown))
        else:
            text = unread_behind(name, unread_group, what.connection, one.place, why)
        found.append(Proposal(name, text, (), why))
    return Together(tuple(found), keys, bool(keys.foreign) and not apart)


def _catalogued(what: Given, name: str, seen: Look, keys: Keys) -> Catalogued:
    listed = next((one.listed for one in what.tables if one.spec.name == name), None)
    return NOTHING if listed is None else catalogued(listed, seen, what.dialect, _left_out(seen, keys))


def _drafted(connection: object, seen: Look) -> dict[str, str]:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    return declarations(connection, seen.learnt, seen.profiles, seen.train.paths[0])


def _whose(name: str, keys: Keys) -> str | None:
    """The column that says whom a table's rows belong to, where one does."""
    owners = [r.columns[0] for r in keys.of(name) if r.owner and len(r.columns) == 1]
    return owners[0] if owners else None


def _left_out(seen: Look, keys: Keys) -> set[str]:
    """Columns that no rule is looked for in: keys, and what is made up."""
    named = {c for r in keys.of(seen.name) for c in r.columns}
    return {*keys.primary.get(seen.name, ()), *named, *seen.pii, *filter(None, [keys.entity.get(seen.name)])}


def _proposal(
    what: Given,
    group: str,
    read: Mapping[str, Look],
    keys: Keys,
    drafted: Mapping[str, Mapping[str, str]],
    rules: Mapping[str, tuple[str, ...]],
    across: Proposed,
    apart: bool,
) -> Proposal:
    places = {one.spec.name: one.place for one in what.tables}
    lines = [
        SCHEMA,
        f"# Written by looking at {len(read)} tables: check the types and the keys before you rely on them.",
        "version: 1",
        "",
        "sources:",
        f"  - name: {group}",
        *([] if what.connection is None else [f"    connection: {what.connection}"]),
        "    tables:",
    ]
    needed = agreed(read, keys)
    lists = {} if apart else listed(read, keys)
    taken = {name: _catalogued(what, name, seen, keys) for name, seen in read.items()}
    for name, seen in read.items():
        said = taken[name]
        lines += table_lines(name, list(places[name])) + said.before() + keyed_lines(seen, keys)
        lines += listed_lines(lists.get(name)) + column_lines(seen, keys, drafted[name], needed.get(name), said)
        lines += said.after() + rules_lines(dict.fromkeys((*said.unique, *rules[name])))
    lines += across_lines(across)
    joined = set() if apart else {t for r in keys.foreign for t in (r.table, r.references)}
    lines += ["", "models:"]
    if joined:
        lines += _family_lines(group, [t for t in read if t in joined], keys)
    for name in read:
        if name not in joined:
            lines += model_lines(group, name, history=name in keys.entity)[1:]
    many = sum(len(d) for d in drafted.values())
    notes = [*what.notes, *_notes(read, rules), *keys_table(keys), *across_notes(across)]
    notes += listed_notes(lists)
    if any(said != NOTHING for said in taken.values()):
        notes.append("comments, values:, nullable:, unique and constraints: are those that the database declares")
    notes += will_not_join(keys) if apart else []
    return Proposal(group, "\n".join(lines) + "\n", (*notes, warning(many) if many else LEFT_OUT))


def _family_lines(group: str, tables: list[str], keys: Keys) -> list[str]:
    """The model of all tables that join."""
    owner = {r.table: r.references for r in keys.foreign if r.owner}
    lines = [
        f"  - name: synthetic_{group}",
        f"    description: Synthetic stand-ins for the tables of {group}, which join as those do",
        f"    source: \"{{{{ source('{group}') }}}}\"",
        "    size: 1x  # of the table that owns most others; these follow",
        "    tables:  # each is a table of its own: ref('synthetic_" + group + "', 'TABLE') names it",
    ]
    for name in tables:
        said = f"belongs to {owner[name]}" if name in owner else "belongs to no other"
        ordered = f", in the order of {keys.order[name]}" if name in keys.order else ""
        lines.append(f"      - {{table: {quoted(name)}}}  # {said}{ordered}")
    return lines


def _notes(read: Mapping[str, Look], rules: Mapping[str, tuple[str, ...]]) -> list[str]:
    said = []
    for name, seen in read.items():
        said.append(f"{name}: {seen.rows:,} rows, {len(seen.schema.columns)} columns")
        said += [f"  {line}" for line in rule_notes(rules[name])] if rules[name] else []
        made_up = [f"{column} ({kind})" for column, kind in seen.pii.items()]
        said += [f"  made up, as its name says it is personal data: {', '.join(made_up)}"] if made_up else []
    return [*said, "the types were read off the rows: check them in the YAML"]
