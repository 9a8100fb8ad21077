"""Single columns as pictures: binned numbers and times, counted categories, for each side over the same bins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows.marginals import category_sql, sql_types
from synthkit.errors import shortened
from synthkit.schema import NUMERIC, TEMPORAL, Column
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import literal, quote

BINS = 30
MOST_CATEGORIES = 20  # shown by name; the others are counted together
TAIL = 0.005  # of the rows on each side lie beyond the first and last inner bin, so that no outlier sets the scale
LONGEST = 120  # characters of a category's name
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL: tuple[Side, ...] = ("train", "holdout")
Sides = Mapping[str, str]  # side → what SQL reads it from


def column_profiles(context: AuditContext) -> list[dict[str, Any]]:
    """One entry per column of the synthetic table, in its order."""
    return [
        {"name": column.name, "type": column.type, **_profile(context, column, _sides(context, column.name))}
        for column in context.schema.columns
        if column.name in sql_types(context, "synthetic")
    ]


def _sides(context: AuditContext, column: str) -> Sides:
    """Of the real rows that column alone: DuckDB binds every column that a part of a union has."""
    sides = {"synthetic": context.scan("synthetic")}
    if context.real:
        held: list[Side] = [s for s in REAL if column in sql_types(context, s)]
        parts = [f"SELECT {quote(column)} FROM {context.scan(s)}" for s in held]
        sides["real"] = f"({' UNION ALL '.join(parts)})"
    return sides


def _profile(context: AuditContext, column: Column, sides: Sides) -> dict[str, Any]:
    real = sql_types(context, "train").get(column.name)
    original = None if context.train is None else context.train.schema.by_name.get(column.name)
    keys = (*context.schema.primary_key, *(() if context.train is None else context.train.schema.primary_key))
    if real is None:
        sides = {"synthetic": sides["synthetic"]}
    made_up = not column.modelled or column.name in keys or (original is not None and not original.modelled)
    if made_up:  # a key or a name of a real person is no distribution, so nothing of the real side is looked at
        return {"kind": "made_up", "synthetic": _distinct(context, column.name, sides["synthetic"])}
    types = {sql_types(context, "synthetic")[column.name], *(() if real is None else (real,))}
    number = _number_sql(column, types)
    if number is not None:
        return _numbers(context, column, number, sides)
    return _categories(context, category_sql(column.name, types), sides)


def _distinct(context: AuditContext, name: str, table: str) -> dict[str, int]:
    column = quote(name)
    query = f"SELECT count(*), count(*) - count({column}), approx_count_distinct({column}) FROM {table}"
    rows, missing, distinct = context.query(query)[0]
    return {"rows": rows, "missing": missing, "distinct": min(distinct, rows - missing)}


# -- numbers and points in time ------------------------------------------------------------------------


def _number_sql(column: Column, types: set[str]) -> str | None:
    """SQL that gives the column as a finite double (times in seconds), null where it is none; None for categories."""
    kinds = {provisional_type(t) for t in types}
    name = quote(column.name)
    if column.type in NUMERIC and kinds <= NUMERIC:
        value = f"CAST({name} AS DOUBLE)"
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    if column.type in TEMPORAL and (kinds <= {"date", "datetime"} or kinds == {"time"}):
        seconds = f"epoch_us({name}) / 1e6"
        return seconds if kinds == {"time"} else f"CASE WHEN isfinite({name}) THEN {seconds} END"
    return None


def _numbers(context: AuditContext, column: Column, key: str, sides: Sides) -> dict[str, Any]:
    summaries = {side: _summary(context, key, table) for side, table in sides.items()}
    whole = column.type == "integer" and all(s["whole"] for s in summaries.values())
    edges = _edges([s for s in summaries.values() if s["low"] is not None], whole or column.type == "date", column.type)
    tails = [
        bool(edges) and any(s["min"] is not None and s["min"] < edges[0] for s in summaries.values()),
        bool(edges) and any(s["max"] is not None and s["max"] > edges[-1] for s in summaries.values()),
    ]
    found: dict[str, Any] = {
        "kind": "number" if column.type in NUMERIC else column.type,
        "whole": whole,
        "edges": [_edge(e, column.type) for e in edges],
        "tails": tails,
    }
    for side, table in sides.items():
        s = summaries[side]
        found[side] = {"rows": s["rows"], "missing": s["rows"] - s["there"], "mean": s["mean"], "deviation": s["sd"]}
        found[side]["counts"] = _binned(context, key, table, edges)
    return found


def _summary(context: AuditContext, key: str, table: str) -> dict[str, Any]:
    query = (
        "SELECT count(*), count(v), min(v), max(v), quantile_cont(v, [$t, 1 - $t]), avg(v), stddev_pop(v), "
        "coalesce(bool_and(v = floor(v)), TRUE) FROM (SELECT $k AS v FROM $s)"
    )
    text = query.replace("$t", repr(TAIL)).replace("$k", key).replace("$s", table)
    rows, there, low, high, inner, mean, sd, whole = context.query(text)[0]
    inner = inner or [None, None]
    kept = {"rows": rows, "there": there, "min": low, "max": high, "low": inner[0], "high": inner[1], "whole": whole}
    return kept | {"mean": _finite(mean), "sd": _finite(sd)}


def _edges(summaries: Sequence[Mapping[str, Any]], whole: bool, kind: str) -> list[float]:
    """Edges of at most BINS + 1 bins that both sides share; whole numbers (or days) fall into the middle of theirs."""
    if not summaries:
        return []
    unit = 86_400.0 if kind == "date" else 1.0
    low, high = min(s["min"] for s in summaries), max(s["max"] for s in summaries)
    if not whole or (high - low) / unit > BINS + 10:
        low, high = min(s["low"] for s in summaries), max(s["high"] for s in summaries)
    if whole:
        step = max(1, math.ceil(((high - low) / unit + 1) / (BINS + 10))) * unit
        start = math.floor(low / unit) * unit - unit / 2
        return [start + step * i for i in range(math.floor((high - start) / step) + 2)]
    if not math.isfinite(high - low):
        return []
    if high - low <= abs(high) * 1e-12:
        half = abs(high) * 0.5 or 0.5
        return [low - half, high + half]
    return [low + (high - low) * i / BINS for i in range(BINS + 1)]


def _binned(context: AuditContext, key: str, table: str, edges: Sequence[float]) -> list[int]:
    """Rows per bin; what lies beyond the edges counts to the outermost bins."""
    if len(edges) < 2:
        return []
    bins, width = len(edges) - 1, (edges[-1] - edges[0]) / (len(edges) - 1)
    place = f"CAST(greatest(0, least({bins - 1}, floor((v - ({edges[0]!r})) / {width!r}))) AS INTEGER)"
    query = f"SELECT {place}, count(*) FROM (SELECT {key} AS v FROM {table}) WHERE v IS NOT NULL GROUP BY 1"
    counts = [0] * bins
    for where, count in context.query(query):
        counts[where] = count
    return counts


def _edge(value: float, kind: str) -> float | str:
    """A number; a date or time in ISO 8601; a time of day in hours."""
    if kind == "time":
        return round(value / 3600, 4)
    if kind in ("date", "datetime"):
        try:
            return (_EPOCH + timedelta(seconds=value)).strftime("%Y-%m-%dT%H:%M:%S")
        except (OverflowError, ValueError):
            return float(f"{value:.7g}")
    return float(f"{value:.7g}")


def _finite(value: float | None) -> float | None:
    return float(f"{value:.7g}") if value is not None and math.isfinite(value) else None


# -- categories ----------------------------------------------------------------------------------------


def _categories(context: AuditContext, key: str, sides: Sides) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "category"}
    counts: dict[str, dict[str, int]] = {}
    for side, table in sides.items():
        query = f"SELECT count(*), count(v), count(DISTINCT v) FROM (SELECT {key} AS v FROM {table})"
        rows, there, distinct = context.query(query)[0]
        found[side] = {"rows": rows, "missing": rows - there, "distinct": distinct}
        counts[side] = _counted(
            context, key, table, f"WHERE v IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_CATEGORIES}"
        )
    labels = {label for side in counts for label in counts[side]}
    listed = ", ".join(literal(label) for label in sorted(labels)) or "NULL"
    for side, table in sides.items():
        counts[side] = _counted(context, key, table, f"WHERE v IN ({listed}) GROUP BY 1")
    shares = {
        label: max(counts[s].get(label, 0) / max(1, found[s]["rows"] - found[s]["missing"]) for s in sides)
        for label in labels
    }
    shown = sorted(labels, key=lambda label: (-shares[label], label))[:MOST_CATEGORIES]
    found["labels"] = [shortened(label, LONGEST) for label in shown]
    for side in sides:
        found[side]["counts"] = [counts[side].get(label, 0) for label in shown]
        found[side]["others"] = found[side]["rows"] - found[side]["missing"] - sum(found[side]["counts"])
    if "real" in sides:
        real = f"SELECT {key} AS v, count(*) AS n FROM {sides['real']} GROUP BY 1"
        drawn = f"SELECT {key} AS v FROM {sides['synthetic']}"
        gone = f"v IS NOT NULL AND v NOT IN (SELECT v FROM ({drawn}) WHERE v IS NOT NULL)"
        query = f"SELECT count(*), coalesce(sum(n), 0) FROM ({real}) WHERE {gone}"
        categories, rows = context.query(query)[0]
        found["absent"] = {"categories": categories, "rows": int(rows)}  # of the real ones, in the synthetic table
    return found


def _counted(context: AuditContext, key: str, table: str, rest: str) -> dict[str, int]:
    return {
        str(v): int(n) for v, n in context.query(f"SELECT v, count(*) FROM (SELECT {key} AS v FROM {table}) {rest}")
    }
