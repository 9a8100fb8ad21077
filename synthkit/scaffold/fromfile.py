"""Source and model YAML written by looking at a file: what was seen is proposed, and said to be a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.scaffold.given import identifier
from synthkit.scaffold.keyed import column_lines, keyed_lines
from synthkit.scaffold.looking import Look, look
from synthkit.scaffold.options import options_yaml
from synthkit.scaffold.ruled import proposed_rules, rules_lines
from synthkit.scaffold.seen import LEFT_OUT, declarations, warning
from synthkit.scaffold.takenfor import taken_for
from synthkit.scaffold.targets import Candidate, candidates
from synthkit.scaffold.unread import unread
from synthkit.scaffold.writing import SCHEMA, model_lines, place_lines, quoted, source_lines
from synthkit.schema import Schema
from synthkit.sources.keys.find import find_keys
from synthkit.sources.keys.seen import Keys

FEWEST_HOLDOUT = 100  # rows below which no classifier is tested on held-out rows


@dataclass(frozen=True)
class Proposal:
    """The YAML for one file, and what was guessed, in sentences; or, where it could not be read, why."""

    name: str
    text: str
    notes: tuple[str, ...]
    failure: SynthError | None = None


def propose(
    path: Path,
    root: Path,
    group: str,
    target: str | None = None,
    shown: str | None = None,
    bounds: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Proposal:
    """Look at a file and write its source and a model; also where it cannot be read, with the fault in it.

    Args:
        root: the project; the file's path is written relative to it where it lies inside.
        group: the source's name.
        target: a column that a classifier would predict; by default one that is named like it.
        shown: how the YAML names the file, where that is not where it lies now.
        bounds: whether to write the bounds and values that the rows show, too, which is not private.
        options: of the reader, as in the YAML.

    Raises:
        SynthError: the file has no such column.
    """
    import duckdb

    name = identifier(path.stem)
    if shown is None:
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    spec = SourceTableSpec(name=name, path=str(path), options=dict(options or {}))
    with TemporaryDirectory() as scratch, duckdb.connect(":memory:") as connection:
        try:
            seen = look(connection, spec, root=root, scratch=Path(scratch), connections={})
        except SynthError as error:
            return Proposal(name, unread(name, group, shown, spec.options, error, path), (), error)
        keys = find_keys(connection, {name: seen.seen})
        key = keys.primary.get(name, ())
        rules = proposed_rules(seen.train, {*key, *seen.pii, *keys.entity.values()})
        maybe = () if target or seen.target() else candidates(seen.train, seen.profiles, {*key, *seen.pii})
        table = taken_for(seen, key)
        drafted = declarations(connection, seen.learnt, seen.profiles, seen.train.paths[0]) if bounds else {}
    if target is not None and target not in seen.schema.by_name:
        raise SynthError(f"{path.name} has no column {target!r}", hint=f"it has: {', '.join(seen.schema.names)}")
    predicted = target or seen.target()
    given = options_yaml(spec.options) if spec.options else None
    source = source_lines(group, name, place_lines(shown, given))
    text = _yaml(source, group, seen, keys, predicted, drafted, rules, maybe)
    notes = [
        *_notes(seen.schema, seen.rows, key, predicted, maybe),
        *_history(keys, name),
        *rule_notes(rules),
        *table,
    ]
    return Proposal(name, text, (*notes, warning(len(drafted)) if drafted else LEFT_OUT))


def _yaml(
    source: list[str],
    group: str,
    seen: Look,
    keys: Keys,
    target: str | None,
    drafted: Mapping[str, str],
    rules: tuple[str, ...],
    maybe: Sequence[Candidate],
) -> str:
    name, key = seen.name, keys.primary.get(seen.name, ())
    lines = [
        SCHEMA,
        "# Written by looking at the file: check the types before you rely on them.",
        "version: 1",
        "",
        *source,
        *keyed_lines(seen, keys),
        *column_lines(seen, keys, drafted),
        *rules_lines(rules),
        "",
        *model_lines(group, name, history=name in keys.entity),
    ]
    full = [quoted(c.name) for c in seen.schema.columns if not c.nullable and (c.name,) != key]
    if full:
        lines.append(f"      - not_null: {{columns: [{', '.join(full)}], name: not_null_as_seen}}")
    if target is not None and seen.rows * 0.2 >= FEWEST_HOLDOUT:
        lines.append(f"      - tstr: {{target: {quoted(target)}, max_gap: 0.1, severity: warn}}")
    for one in maybe if seen.rows * 0.2 >= FEWEST_HOLDOUT else ():
        lines.append(f"      # - tstr: {{target: {quoted(one.column)}, max_gap: 0.1, severity: warn}}  # {one.why}")
    return "\n".join(lines) + "\n"


def _history(keys: Keys, name: str) -> list[str]:
    """Whose rows follow one another."""
    if name not in keys.entity:
        return []
    said = f"rows follow one another: those of one {keys.entity[name]} by {keys.order[name]} (entity:, order_by:)"
    return [f"{said}; all rows of one are held out together"]


def _notes(
    schema: Schema, rows: int, key: tuple[str, ...], target: str | None, maybe: Sequence[Candidate]
) -> list[str]:
    counts: dict[str, int] = {}
    for column in schema.columns:
        counts[column.type] = counts.get(column.type, 0) + 1
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items(), key=lambda kv: -kv[1]))
    notes = [f"{rows:,} rows, {len(schema.columns)} columns: {kinds}"]
    notes.append("the types were read off the rows: check them in the YAML")
    notes.append(f"primary key: {', '.join(key)}" if key else "no primary key was recognised")
    told = "; ".join(f"{one.column} ({one.why})" for one in maybe)
    unknown = f"a target may be {told}" if told else "no target was recognised"
    notes.append(f"to be predicted (tstr): {target}" if target else f"{unknown}: --target-column names one")
    if rows * 0.2 < FEWEST_HOLDOUT:
        notes.append("few rows: most comparisons with held-out ones will not be able to tell")
    return notes


def rule_notes(rules: tuple[str, ...]) -> list[str]:
    """What rows drawn of it will keep."""
    if not rules:
        return ["no rules between columns were recognised"]
    return [f"{len(rules)} rules between columns hold in every row, and will in every drawn one:", *rules]
