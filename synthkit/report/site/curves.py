"""Curves as pictures: a training over its epochs, a score over the mixing ratio, an audit over runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from synthkit.records.audit import AuditRecord
from synthkit.records.consumption import ConsumptionEntry
from synthkit.report.site.pictures import Picture, Row
from synthkit.report.style import demanded, number
from synthkit.stats.summary import rows_per_second

_JUDGED = {
    "pairs": ("Distance of pairs of columns to held-out rows", "the criterion: lower is better"),
    "coverage": ("Share of the expected values that occur", "1 is all of them; a fall is mode collapse"),
    "marginals": ("Distance of single columns", "mean total variation, before calibration"),
}
_NOT_LOSSES = {"step", "epoch", "kept", *_JUDGED}


def of_training(looks: Sequence[Mapping[str, float]]) -> tuple[Picture, ...]:
    """Losses, coverage and the held-out criterion by epoch; the state that was kept is marked."""
    if not looks:
        return ()
    epochs = [look["epoch"] for look in looks]
    kept = next((look["epoch"] for look in looks if look["kept"]), None)
    base = {"t": "lines", "x": epochs, "xtitle": "epoch", "mark": kept}
    found = []
    for key, (title, hint) in _JUDGED.items():
        if all(key in look for look in looks):
            values = [look[key] for look in looks]
            says = f"{title} ({hint}): {number(values[0])} at first, {number(values[-1])} at the end"
            says += f"; kept at epoch {kept:g}." if kept is not None else "."
            rows = tuple((f"{e:g}", number(v)) for e, v in zip(epochs, values, strict=True))
            plot = base | {"series": [{"name": title, "y": values}], "zero": key == "coverage"}
            found.append(Picture(title, plot, says, ("epoch", "value"), rows))
    losses = [k for k in looks[0] if k not in _NOT_LOSSES and all(k in look for look in looks)]
    if losses:
        series = [{"name": k, "y": [look[k] for look in looks]} for k in losses]
        each: tuple[Row, ...] = tuple((f"{look['epoch']:g}", *(number(look[k]) for k in losses)) for look in looks)
        says = "Losses: " + "; ".join(f"{k} {number(looks[0][k])} → {number(looks[-1][k])}" for k in losses) + "."
        found.append(Picture("Losses", base | {"series": series}, says, ("epoch", *losses), each))
    return tuple(found)


def of_augmentation(record: AuditRecord) -> Picture | None:
    """The score by how many synthetic rows were added to the real ones, where an audit swept that."""
    details = record.details
    curve = details.get("curve")
    if not isinstance(curve, list) or not all(isinstance(p, Mapping) and {"ratio", "mean"} <= p.keys() for p in curve):
        return None
    metric = str(details.get("metric", "score"))
    x, y = [p["ratio"] for p in curve], [p["mean"] for p in curve]
    low, high = [p.get("low") for p in curve], [p.get("high") for p in curve]
    if not x or any(v is None for v in (*x, *y)):
        return None
    series = [{"name": metric, "y": y, "low": low, "high": high}]
    plot = {
        "t": "lines",
        "x": x,
        "xtitle": "synthetic rows per real row",
        "series": series,
        "mark": details.get("best"),
    }
    rows = tuple((f"{a:g}", number(b), number(c), number(d)) for a, b, c, d in zip(x, y, low, high, strict=True))
    best = details.get("best")
    says = f"{metric} on held-out rows: {number(y[0])} with {x[0]:g} synthetic rows per real row"
    says += f"; best with {best:g}." if isinstance(best, int | float) else "."
    return Picture(f"{metric} by mixing ratio", plot, says, ("ratio", "mean", "low", "high"), rows)


def of_history(name: str, points: Sequence[tuple[str, AuditRecord]], limit: float | None) -> Picture:
    """One audit's value over runs, with its interval and today's threshold."""
    x, y = [when for when, _ in points], [r.value for _, r in points]
    ends = [r.ci or (None, None) for _, r in points]
    series = [{"name": name, "y": y, "low": [e[0] for e in ends], "high": [e[1] for e in ends]}]
    plot = {"t": "lines", "x": x, "series": series, "limit": limit, "points": True}
    rows = tuple((when, number(r.value), demanded(r) or "–", r.status) for when, r in points)
    says = f"{name}: {number(y[0])} in the first of {len(y)} runs, {number(y[-1])} in the last."
    return Picture(name, plot, says, ("run", "value", "threshold", "verdict"), rows)


def of_consumption(entries: Sequence[ConsumptionEntry], shown: Callable[[str], str]) -> tuple[Picture, ...]:
    """What a table's runs took: seconds of jobs, the most memory, rows a second; a figure of one run is no curve.

    Args:
        shown: a moment, as the site writes it.
    """
    found = []
    for title, of in _TOOK.items():
        points = [(shown(e.at), value) for e in entries if (value := of(e)) is not None]
        if len(points) < 2:
            continue
        x, y = [when for when, _ in points], [value for _, value in points]
        plot = {"t": "lines", "x": x, "series": [{"name": title, "y": y}], "points": True, "zero": True}
        says = f"{title}: {number(y[0])} in the first of {len(y)} runs, {number(y[-1])} in the last."
        rows = tuple((when, number(value)) for when, value in points)
        found.append(Picture(title, plot, says, ("run", "value"), rows))
    return tuple(found)


def _memory(entry: ConsumptionEntry) -> float | None:
    peaks = [c.peak_memory for c in entry.consumed if c.peak_memory is not None]
    return max(peaks) / 1e6 if peaks else None


_TOOK: Mapping[str, Callable[[ConsumptionEntry], float | None]] = {
    "Seconds of its jobs": lambda entry: sum(c.seconds for c in entry.consumed) if entry.consumed else None,
    "Memory at most, MB": _memory,
    "Rows per second": lambda entry: rows_per_second(entry.consumed),
}
