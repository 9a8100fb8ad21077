"""How numbers and verdicts look, on every report alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def number(value: float | None) -> str:
    """Three significant digits, thousands separated; whole numbers whole."""
    if value is None:
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.3g}" if abs(value) < 1e6 else f"{value:,.0f}"


def seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def measured(audit: Mapping[str, Any]) -> str:
    """``0.182 [0.160, 0.204] against max 0.1, floor 0.03``."""
    text = number(audit.get("value"))
    ci = audit.get("ci")
    if ci and ci[0] is not None and ci[0] != ci[1]:
        text += f" [{number(ci[0])}, {number(ci[1])}]"
    if audit.get("threshold"):
        text += f" against {audit['threshold']}"
    if audit.get("floor") is not None:
        text += f", floor {number(audit['floor'])}"
    return text


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
