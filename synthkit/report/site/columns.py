"""The columns of a table or source, as a page lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthkit.records.receipt import AuditedTable
from synthkit.report.site.declared import DeclaredColumn
from synthkit.report.site.verdicts import AuditView, anchor
from synthkit.report.written import in_words


@dataclass(frozen=True)
class ColumnView:
    anchor: str
    name: str
    type: str
    sql_type: str
    description: str
    notes: tuple[str, ...]


def column_views(
    columns: Sequence[DeclaredColumn], audits: Sequence[AuditView], table: AuditedTable | None
) -> list[ColumnView]:
    seen = {} if table is None else {c.name: c.type for c in table.columns}
    origins = {} if table is None else {o.name: o.in_words for o in table.column_origins or ()}
    meant = {} if table is None else {c.name: in_words(c.format, c.rare) for c in table.table_schema.columns}
    taken: set[str] = set()
    found = []
    for c in columns:
        declared = [n for n, on in (("personal data, made up", c.pii), ("made up", c.made_up)) if on][:1]
        notes = [origins[c.name]] if c.name in origins else declared
        notes += [meant[c.name]] if meant.get(c.name) else []
        if c.bounds:
            notes.append(f"between {c.bounds[0]} and {c.bounds[1]}")
        if c.values:
            notes.append(f"one of {', '.join(map(str, c.values[:8]))}{', …' if len(c.values) > 8 else ''}")
        if not c.nullable:
            notes.append("never missing")
        for a in audits:
            status = next((p.verdict for p in a.columns if p.name == c.name), None)
            if status is not None and status.status in ("fail", "warn", "error"):
                notes.append(f"{a.name}: {status.word}")
        made = anchor("column", c.name, taken)
        found.append(ColumnView(made, c.name, c.type, seen.get(c.name, c.sql_type), c.description or "", tuple(notes)))
    return found
