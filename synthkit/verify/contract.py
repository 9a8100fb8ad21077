"""Columns at a base commit against columns now: what is added, dropped or retyped, and which readers that would break.

An exposure says which tables it reads, not which of their columns, so each column that it could read at the base is
promised to it, and a generated model learns from all. An SQL model that names a removed column does not compile, which
is reported as such; here are those that name a column of another type. What ``*`` hands on is the reader's own change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import Location
from synthkit.generators.base import Query
from synthkit.records.receipt import Receipt
from synthkit.verify.findings import Finding, Level

Types = Mapping[str, str]  # column → SQL type


@dataclass(frozen=True)
class ColumnChange:
    """A column that is new (``before`` is None), gone (``after`` is None) or has another type."""

    column: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.column} ({self.after}) is added"
        if self.after is None:
            return f"{self.column} ({self.before}) is removed"
        return f"{self.column} is {self.after}, not {self.before}"


def columns_of(receipt: Receipt) -> dict[str, str]:
    """Columns of a published table, by its receipt."""
    return {c.name: c.type for c in receipt.columns}


def columns_now(model: ModelNode, receipt: Receipt | None, fits: bool) -> dict[str, str]:
    """Columns of a table at HEAD: as published where that is what the YAML says, else as compiled."""
    if receipt is not None and fits:
        return columns_of(receipt)
    return {c.name: c.sql_type for c in model.schema.columns}


def column_changes(before: Types, after: Types) -> tuple[ColumnChange, ...]:
    """What is removed or has another type, and then what is added."""
    found = [ColumnChange(name, kind, after.get(name)) for name, kind in before.items()]
    found += [ColumnChange(name, None, kind) for name, kind in after.items() if name not in before]
    return tuple(c for c in found if c.after != c.before)


def told(
    model: ModelNode, changes: tuple[ColumnChange, ...], base: str, *, broken: bool, allow: bool
) -> Iterator[Finding]:
    """One finding with all columns of a table that changed, whoever reads them.

    Args:
        broken: a finding says already which reader that breaks.
        allow: the change is meant.
    """
    if not changes:
        return
    lost = any(c.before is not None for c in changes)
    level: Level = "warning" if lost and not broken and not allow else "note"
    words = {"dropped": [c for c in changes if c.after is None], "added": [c for c in changes if c.before is None]}
    words["retyped"] = [c for c in changes if c.before is not None and c.after is not None]
    counts = ", ".join(f"{len(found)} {word}" for word, found in words.items() if found)
    hint = "no reader of it is declared: exposures say who reads a table" if level == "warning" else None
    message = f"columns of {model.name!r} against {base}: {counts}"
    yield Finding("contract", level, message, _place(model), hint, model.name, tuple(map(str, changes)))


def breaking(
    manifest: Manifest, model: ModelNode, changes: tuple[ColumnChange, ...], base: str, *, allow: bool
) -> Iterator[Finding]:
    """A finding for each reader that a table's changes would break.

    Args:
        allow: the change is meant: findings are warnings.
    """
    level: Level = "warning" if allow else "error"
    where = _place(model)
    changes = tuple(c for c in changes if c.before is not None)  # what is added breaks nobody
    for reader, place, used in _readers(manifest, model):
        hit = [c for c in changes if used is None or (c.after is not None and c.column.lower() in used)]
        if hit:
            message = f"a breaking change of {model.name!r} against {base}: {reader} reads {_listed(hit)}"
            there = f"{place.file.name}:{place.line}"
            hint = f"keep the column (select … as {hit[0].column}), or change the reader first ({there})"
            if not allow:
                hint += "; if it is meant: --allow-breaking"
            yield Finding("contract", level, message, where, hint, model.name, tuple(str(c) for c in hit[3:]))


def _listed(changes: list[ColumnChange]) -> str:
    shown = ", ".join(
        f"{c.column!r}, which is removed" if c.after is None else f"{c.column!r}, now {c.after} (before: {c.before})"
        for c in changes[:3]
    )
    return shown + (f", and {len(changes) - 3} more:" if len(changes) > 3 else "")


def _place(model: ModelNode) -> Location:
    key = "generator" if isinstance(model.generator, Query) else "source"
    return model.spec.origin.at(key if getattr(model.spec, key, None) is not None else "name")


def _readers(manifest: Manifest, model: ModelNode) -> Iterator[tuple[str, Location, frozenset[str] | None]]:
    """Who reads a table, where that is written, and which columns (None: all)."""
    for exposure in manifest.exposures.values():
        for index, relation in enumerate(exposure.depends_on):
            if relation.id == model.id:
                owner = exposure.owner.email or exposure.owner.name
                who = f"exposure {exposure.name!r}" + (f" of {owner}" if owner else "")
                yield who, exposure.origin.at("depends_on", index), None
    for reader in manifest.models.values():
        place = reader.spec.origin.at("name")
        if reader.sql is not None and any(r.id == model.id for r in reader.sql_relations):
            yield f"model {reader.name!r}", place, _columns_named(reader.sql)
        elif reader.source is not None and reader.source.id == model.id and not isinstance(reader.generator, Query):
            yield f"model {reader.name!r}", place, None


def _columns_named(sql: str) -> frozenset[str] | None:
    """The columns that a query names, in lower case; None (all) where it cannot be understood."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return None
    return frozenset(c.name.lower() for c in tree.find_all(exp.Column))
