"""Source and model YAML written by looking at a file: what was seen is proposed, and said to be a proposal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.scaffold.options import options_yaml
from synthkit.scaffold.ruled import proposed_rules, rules_lines
from synthkit.scaffold.seen import ABOVE, MARK, declarations, warning
from synthkit.scaffold.takenfor import taken_for
from synthkit.scaffold.unread import unread
from synthkit.scaffold.writing import SCHEMA, model_lines, quoted, source_lines
from synthkit.schema import Column, Schema
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.infer import Profile, profile
from synthkit.sources.ingest import Split, ingest
from synthkit.sources.keys.primary import primary_key
from synthkit.sources.keys.seen import Seen

FEWEST_HOLDOUT = 100  # rows below which no classifier is tested on held-out rows
LEFT_OUT = (
    "NOTE: bounds: and values: are left out on purpose. What you declare there is published with the model:"
    " declare only what anyone may know, never what you read off the rows"
)
_TARGET_NAMES = ("churn", "churned", "target", "label", "default", "outcome", "class", "y", "income", "status")
FEW_CLASSES = 10  # a number of no more values is a code, nothing to be estimated
_NUMERIC_TARGETS = ("price", "saleprice", "sellingprice", "target", "y", "outcome", "revenue", "cost", "charges")
_NEVER_SHARED = ("email", "ssn", "iban")
FEWEST_PEOPLE = 10  # different values, of which each stands in as many rows and more: nobody's own street or name
_PII = {
    r"(^|_)e?mail(_address)?$": "email",
    r"(^|_)(phone|fax|mobile)(_number)?$": "phone_number",
    r"(^|_)first_?name$": "first_name",
    r"(^|_)(last_?name|surname)$": "last_name",
    r"(^|_)(full_?name|contact_name)$": "name",
    r"(^|_)(street|address)$": "street_address",
    r"(^|_)ssn$": "ssn",
    r"(^|_)iban$": "iban",
}


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
    name = _identifier(path.stem)
    if shown is None:
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    spec = SourceTableSpec(name=name, path=str(path), options=dict(options or {}))
    with TemporaryDirectory() as scratch:
        try:
            split = _read(spec, root, Path(scratch) / name)
        except SynthError as error:
            return Proposal(name, unread(name, group, shown, spec.options, error, path), (), error)
        import duckdb

        with duckdb.connect(":memory:") as connection:
            profiles = profile(connection, split.schema, split.train.paths[0])
            pii = {c.name: kind for c in split.schema.columns if (kind := _pii(c, profiles[c.name])) is not None}
            key = primary_key(connection, name, Seen.of(split.train, profiles))
            learnt = Schema(tuple(c for c in split.schema.columns if c.name not in pii))
            rules = proposed_rules(split.train, {*key, *pii})
            drafted = declarations(connection, learnt, profiles, split.train.paths[0]) if bounds else {}
    if target is not None and target not in split.schema.by_name:
        raise SynthError(f"{path.name} has no column {target!r}", hint=f"it has: {', '.join(split.schema.names)}")
    predicted = target or _target(split.schema, profiles)
    given = options_yaml(spec.options) if spec.options else None
    source = source_lines(group, name, shown, given)
    text = _yaml(source, name, group, split.schema, split.rows, key, pii, predicted, drafted, rules)
    notes = [
        *_notes(split.schema, split.rows, key, predicted),
        *_rule_notes(rules),
        *taken_for(split.schema, profiles, key, pii),
    ]
    return Proposal(name, text, (*notes, warning(len(drafted)) if drafted else LEFT_OUT))


def _read(spec: SourceTableSpec, root: Path, folder: Path) -> Split:
    hashed = content_hash(spec, root=root, connections={}, cache=None)
    return ingest(spec, root=root, connections={}, holdout=0.0, directory=folder, source_hash=hashed)


def _yaml(
    source: list[str],
    name: str,
    group: str,
    schema: Schema,
    rows: int,
    key: tuple[str, ...],
    made_up: Mapping[str, str],
    target: str | None,
    drafted: Mapping[str, str],
    rules: tuple[str, ...],
) -> str:
    lines = [
        SCHEMA,
        "# Written by looking at the file: check the types before you rely on them.",
        "version: 1",
        "",
        *source,
    ]
    if key:
        listed = ", ".join(quoted(k) for k in key)
        lines.append(f"        primary_key: {listed if len(key) == 1 else f'[{listed}]'}")
    lines += [f"        {line}" for line in ABOVE] if drafted else []
    lines.append("        columns:")
    for column in schema.columns:
        pii = made_up.get(column.name)
        extra = f", pii: {pii}" if pii else ""
        kind, remark = "text" if pii else column.type, column.sql_type
        said = f"type: {kind}" if pii or column.format is None else f"format: {json.dumps(column.format)}"
        if column.rare is not None and not pii:
            said += f", rare: {column.rare}"
        if column.name in drafted:
            extra, remark = f", {drafted[column.name]}", f"{column.sql_type}; {MARK}"
        lines.append(f"          - {{name: {quoted(column.name)}, {said}{extra}}}  # {remark}")
    lines += [*rules_lines(rules), "", *model_lines(group, name)]
    full = [quoted(c.name) for c in schema.columns if not c.nullable and (c.name,) != key]
    if full:
        lines.append(f"      - not_null: {{columns: [{', '.join(full)}], name: not_null_as_seen}}")
    if target is not None and rows * 0.2 >= FEWEST_HOLDOUT:
        lines.append(f"      - tstr: {{target: {quoted(target)}, max_gap: 0.1, severity: warn}}")
    return "\n".join(lines) + "\n"


def _notes(schema: Schema, rows: int, key: tuple[str, ...], target: str | None) -> list[str]:
    counts: dict[str, int] = {}
    for column in schema.columns:
        counts[column.type] = counts.get(column.type, 0) + 1
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items(), key=lambda kv: -kv[1]))
    notes = [f"{rows:,} rows, {len(schema.columns)} columns: {kinds}"]
    notes.append("the types were read off the rows: check them in the YAML")
    notes.append(f"primary key: {', '.join(key)}" if key else "no primary key was recognised")
    notes.append(
        f"to be predicted (tstr): {target}" if target else "no target was recognised: --target-column names one"
    )
    if rows * 0.2 < FEWEST_HOLDOUT:
        notes.append("few rows: most comparisons with held-out ones will not be able to tell")
    return notes


def _rule_notes(rules: tuple[str, ...]) -> list[str]:
    """What rows drawn of it will keep."""
    if not rules:
        return ["no rules between columns were recognised"]
    return [f"{len(rules)} rules between columns hold in every row, and will in every drawn one:", *rules]


def _pii(column: Column, seen: Profile) -> str | None:
    """The kind of personal data that a column's name says it is, where its values may be such: two values are no
    street addresses."""
    if column.type not in ("text", "id", "categorical") or not column.sql_type.startswith("VARCHAR"):
        return None
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower()
    kind = next((kind for pattern, kind in _PII.items() if re.search(pattern, name)), None)
    shared = seen.distinct <= FEWEST_PEOPLE and seen.distinct * FEWEST_PEOPLE <= seen.rows
    return None if shared and kind not in _NEVER_SHARED else kind


def _target(schema: Schema, profiles: dict[str, Profile]) -> str | None:
    for name in _TARGET_NAMES:
        for column in schema.columns:
            few = profiles[column.name].distinct in range(2, 11)
            if column.name.lower() == name and few and column.type in ("categorical", "boolean", "integer"):
                return column.name
    for column in schema.columns:
        plain = re.sub(r"[^a-z]", "", column.name.lower())
        if plain in _NUMERIC_TARGETS and column.numeric and profiles[column.name].distinct > FEW_CLASSES:
            return column.name
    return None


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text).strip("_").lower() or "table"
    return f"t_{name}" if name[0].isdigit() else name
