"""How numbers and verdicts look, on every report alike."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import IO

from synthkit.audits.contract import shown_limit
from synthkit.privacy.disclosure import WITHHELD
from synthkit.records.audit import AuditRecord, ColumnRecord
from synthkit.records.joins import Join

COLOURS = {
    "pass": "green",
    "reused": "dim",
    "warn": "yellow",
    "inconclusive": "yellow",
    "skipped": "dim",
    "fail": "red",
    "error": "red",
}
MARKS = {
    "pass": "ok",
    "reused": "unchanged",
    "warn": "warn",
    "inconclusive": "can't tell",
    "skipped": "skipped",
    "fail": "FAIL",
    "error": "ERROR",
}
NOTICED = frozenset({"warn", "inconclusive", "fail", "error"})  # statuses of audits that a person should read


def number(value: float | None) -> str:
    """Three significant digits, thousands separated; whole numbers whole: ``0.182``, ``1,234``, ``12,346``."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    # From 99.95 on, three digits are whole numbers, which %g would write as 1e+03.
    if float(value).is_integer() or abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """A duration: ``12.3 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def measured(audit: AuditRecord) -> str:
    """``0.182 [0.160, 0.204] against max 0.1, floor 0.03``; an audit without a value has no such text."""
    if audit.message == WITHHELD:
        return f"figures withheld, against {audit.threshold}" if audit.threshold else "figures withheld"
    if audit.value is None:
        return f"no value against {audit.threshold}" if audit.threshold else "no value"
    return figures(audit, demanded(audit) if audit.threshold else None)


def figures(measure: AuditRecord | ColumnRecord, limit: str | None = None) -> str:
    """Value, interval and floor, and what they are held against where that is not said elsewhere."""
    if measure.value is None:
        return "no value"
    text = number(measure.value)
    if measure.ends is not None and measure.ends[0] != measure.ends[1]:
        text += f" [{number(measure.ends[0])}, {number(measure.ends[1])}]"
    if limit is not None:
        text += f" against {limit}"
    return text if measure.floor is None else f"{text}, floor {number(measure.floor)}"


def demanded(audit: AuditRecord) -> str | None:
    """What an audit is held against, with the number that a floor made of it: ``max floor + 0.05 = 0.292``."""
    return None if audit.threshold is None else shown_limit(audit.threshold, audit.limit)


def apart_in_words(table: str, key: Join) -> str:
    """Why rows of a table name none of another one."""
    if key.references == table:
        return "it will not join itself, as a table that is made by itself has keys of its own"
    return "these will not join, as no family makes both, and each has keys of its own"


def verdicts_in_words(key: Join, audits: Iterable[AuditRecord]) -> str:
    """``references ok, cardinality warn``; empty where no audit looked at the key."""
    return ", ".join(f"{audit} {MARKS[status]}" for audit, status in key.verdicts(audits).items())


def join_in_words(table: str, key: Join, audits: Iterable[AuditRecord]) -> str:
    """``→ customers.customer_id (owner): references ok``, or that the tables will not join."""
    if not key.holds:
        return f"→ {key.references}: {apart_in_words(table, key)}"
    return f"→ {key.target} ({key.kind}): {verdicts_in_words(key, audits) or 'no audit looked at it'}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def wants_colour(stream: IO[str]) -> bool:
    """On a terminal that shows colours, unless the user said NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
