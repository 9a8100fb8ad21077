"""What differs between two versions of a table: how it was made, its columns, its rows, its audits and its privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthkit.audits.context import AuditContext
from synthkit.audits.measures import distances
from synthkit.audits.rows import marginals
from synthkit.planning.difference import changes
from synthkit.privacy.guarantee import promised
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.schema import Table

TOLD_APART = 0.05  # the level at which a column's difference is more than chance


@dataclass(frozen=True)
class ColumnChange:
    """How far one column's values moved between two versions.

    Args:
        measure: ``D``, the Kolmogorov–Smirnov statistic of numbers and dates, or ``V``, Cramér's V of categories.
        value, low, high: the effect size in [0, 1] with its 95 % interval.
        noise: what two samples of one distribution exceed with a chance of 5 %.
        missing: the share of missing values before and after.
    """

    column: str
    measure: str
    value: float
    low: float
    high: float
    noise: float
    missing: tuple[float | None, float | None]


@dataclass(frozen=True)
class Difference:
    """Two versions beside each other; empty parts are equal."""

    configuration: tuple[str, ...]
    schema: tuple[str, ...]
    rows: tuple[int, int]
    epsilon: tuple[float | None, float | None]
    audits: tuple[tuple[str, str, str], ...]  # name, before, after
    columns: tuple[ColumnChange, ...]
    same_rows: bool
    unread: str | None = None  # why the values were not compared

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(before: Receipt, after: Receipt, files: tuple[Path, Path] | None, unread: str | None = None) -> Difference:
    """Compare two receipts, and the rows that they name.

    Args:
        files: the Parquet files, before and after; None leaves the rows out,
        unread: and this says why.
    """
    same = before.sha256 == after.sha256
    return Difference(
        configuration=tuple(map(str, changes(before, after))),
        schema=tuple(_schema_changes(before, after)),
        rows=(before.rows, after.rows),
        epsilon=((promised(before) or (None,))[0], (promised(after) or (None,))[0]),
        audits=tuple(_audit_changes(before.audits, after.audits)),
        columns=() if same or files is None else tuple(_column_changes(before, after, files)),
        same_rows=same,
        unread=None if same else unread,
    )


def _schema_changes(before: Receipt, after: Receipt) -> list[str]:
    old, new = ({c.name: c.type for c in r.columns} for r in (before, after))
    lines = [f"{n}: removed ({t})" for n, t in old.items() if n not in new]
    lines += [f"{n}: added ({t})" for n, t in new.items() if n not in old]
    lines += [f"{n}: {t} → {new[n]}" for n, t in old.items() if n in new and new[n] != t]
    if not lines and list(old) != list(new):
        lines.append("the columns are in another order")
    return lines


def _audit_changes(before: Sequence[AuditRecord], after: Sequence[AuditRecord]) -> list[tuple[str, str, str]]:
    old, new = ({a.name: _audit_text(a) for a in side} for side in (before, after))
    names = [*new, *(n for n in old if n not in new)]
    return [(n, old.get(n, "–"), new.get(n, "–")) for n in names if old.get(n) != new.get(n)]


def _audit_text(audit: AuditRecord) -> str:
    return audit.status if audit.value is None else f"{audit.status} {audit.value:.4g}"


def _column_changes(before: Receipt, after: Receipt, files: tuple[Path, Path]) -> list[ColumnChange]:
    """Effect sizes of the columns that both have, the largest first."""
    old, new = (Table(r.table_schema.as_schema(), (f,), r.rows) for r, f in zip((before, after), files, strict=True))
    context = AuditContext(new.schema, new, train=None, holdout=old, seed=0)
    found = [c for column in marginals.comparable_columns(context) if (c := _change(context, column.name)) is not None]
    return sorted(found, key=lambda c: (-c.value, c.column))


def _change(context: AuditContext, column: str) -> ColumnChange | None:
    if marginals.number_key(context, column) is None:
        return _category_change(context, column)
    after, before = (marginals.values(context, side, column) for side in ("synthetic", "holdout"))
    missing = (before.missing_share, after.missing_share)
    if not len(before.numbers) or not len(after.numbers):
        moved = len(before.numbers) != len(after.numbers)
        return ColumnChange(column, "D", float(moved), float(moved), float(moved), 0.0, missing)
    found = distances.ks_distance(after.numbers, before.numbers, context.rng("diff", column), TOLD_APART)
    return ColumnChange(column, "D", found.value, found.low, found.high, found.noise, missing)


def _category_change(context: AuditContext, column: str) -> ColumnChange | None:
    after, before = (marginals.counts(context, side, column) for side in ("synthetic", "holdout"))
    a, b = distances.side_by_side(before, after)
    if not a.sum() or not b.sum():
        return None
    missing = (before.get(None, 0) / float(a.sum()), after.get(None, 0) / float(b.sum()))
    found = distances.counts_distance(a, b, TOLD_APART)
    return ColumnChange(column, "V", found.value, found.low, found.high, found.noise, missing)
