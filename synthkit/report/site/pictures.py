"""A profile's numbers as pictures: what the browser draws, and the same in words and in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synthkit.audits.profile.profile import Associations, ColumnProfile, Embedding, Matrix, Side
from synthkit.records.record import Number
from synthkit.report.style import number

Row = tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        plot: what ``site.js`` draws, JSON-able.
        says: the picture in a sentence: its text alternative.
        head, rows: the same as a table.
        distance: how far real and synthetic rows are apart in it, in [0, 1]; None where there is one side only.
    """

    title: str
    plot: Mapping[str, object]
    says: str
    head: Row
    rows: tuple[Row, ...]
    distance: float | None = None
    kind: str = ""


def of_columns(columns: Sequence[ColumnProfile], own: str) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """A picture per column, the largest difference first; and the columns that are made up, of which there is none."""
    found, made_up = [], []
    for column in columns:
        if column.kind == "made_up":
            made_up.append(column.name)
        elif column.kind == "category":
            found.append(_bars(column, own))
        else:
            found.append(_histogram(column, own))
    return tuple(sorted(found, key=lambda p: -(p.distance or 0.0))), tuple(made_up)


def _shares(side: Side | None, others: bool = False) -> list[float] | None:
    if side is None:
        return None
    counts = [*side.counts, *((side.others,) if others else ())]
    total = side.rows - side.missing
    return [round(c / total, 5) if total else 0.0 for c in counts]


def _distance(real: Sequence[float] | None, own: Sequence[float]) -> float | None:
    """Total variation over the bins or categories shown."""
    return None if real is None else sum(abs(a - b) for a, b in zip(real, own, strict=True)) / 2


def _histogram(column: ColumnProfile, own: str) -> Picture:
    synthetic, real = _shares(column.synthetic) or [], _shares(column.real)
    edges = column.edges
    labels = [_bin(column, i) for i in range(len(synthetic))]
    distance = _distance(real, synthetic)
    says = _differs(labels, real, synthetic, distance, own)
    means = [
        f"{name} mean {number(side.mean)}"
        for name, side in (("real", column.real), (own, column.synthetic))
        if side is not None and side.mean is not None and column.kind == "number"
    ]
    says += f" {_sentence(', '.join(means))}" if means else ""
    plot = {"t": "hist", "edges": edges, "kind": column.kind, "synthetic": synthetic, "real": real, "own": own}
    return Picture(
        column.name,
        plot,
        says + _missing(column, own),
        *_table("range", labels, real, synthetic, own),
        distance,
        column.type,
    )


def _bars(column: ColumnProfile, own: str) -> Picture:
    rest = max(s.others for s in (column.synthetic, column.real) if s is not None) > 0
    synthetic, real = _shares(column.synthetic, rest) or [], _shares(column.real, rest)
    labels = [*column.labels, *(("all others",) if rest else ())]
    distance = _distance(real, synthetic)
    says = _differs(labels, real, synthetic, distance, own)
    absent, known = column.absent, column.real
    if absent is not None and known is not None and known.distinct:
        if absent.categories:
            share = absent.rows / max(1, known.rows)
            says += f" {absent.categories:,} of {known.distinct:,} real categories never appear"
            says += f" ({share:.2%} of the real rows)."
        else:
            says += f" All {known.distinct:,} real categories appear."
    shown = len(column.labels)  # a bar for all others would dwarf them
    bars = {"synthetic": synthetic[:shown], "real": None if real is None else real[:shown]}
    plot = {"t": "bars", "labels": labels[:shown], "own": own} | bars
    table = _table("category", labels, real, synthetic, own)
    return Picture(column.name, plot, says + _missing(column, own), *table, distance, column.type)


def _differs(
    labels: Sequence[str], real: Sequence[float] | None, own: Sequence[float], distance: float | None, name: str
) -> str:
    if not labels:
        return "No value is there."
    if real is None or distance is None:
        top = max(range(len(own)), key=lambda i: own[i])
        return f"Most frequent: {labels[top]}, {own[top]:.1%} of the {name} rows."
    worst = max(range(len(own)), key=lambda i: abs(own[i] - real[i]))
    text = f"Total variation {distance:.3f}."
    if abs(own[worst] - real[worst]) >= 0.0005:
        text += f" They differ most at {labels[worst]}: {real[worst]:.1%} real, {own[worst]:.1%} {name}."
    return text


def _missing(column: ColumnProfile, own: str) -> str:
    sides = [(n, s) for n, s in (("real", column.real), (own, column.synthetic)) if s is not None]
    if not any(s.missing for _, s in sides):
        return ""
    return " Missing: " + ", ".join(f"{s.missing / max(1, s.rows):.1%} {n}" for n, s in sides) + "."


def _bin(column: ColumnProfile, i: int) -> str:
    edges, last = column.edges, len(column.edges) - 2
    if column.kind == "number" and column.whole:
        low, high = f"{round(float(edges[i]) + 0.5):,}", f"{round(float(edges[i + 1]) - 0.5):,}"
    else:
        low, high = _edge(column, edges[i]), _edge(column, edges[i + 1])
    text = low if low == high else f"{low} to {high}"
    if i == 0 and column.tails[0]:
        text += " and below"
    return text + (" and above" if i == last and column.tails[1] else "")


def _edge(column: ColumnProfile, value: Number | str) -> str:
    if isinstance(value, str):
        return value[:10] if column.kind == "date" else value.replace("T", " ")[:16]
    if column.kind == "time":
        return f"{int(value):02d}:{round(value % 1 * 60):02d}"
    return f"{value:.4g}"


def _table(
    what: str, labels: Sequence[str], real: Sequence[float] | None, own: Sequence[float], name: str
) -> tuple[Row, tuple[Row, ...]]:
    if real is None:
        return (what, name), tuple((label, f"{s:.2%}") for label, s in zip(labels, own, strict=True))
    rows = tuple((label, f"{r:.2%}", f"{s:.2%}") for label, r, s in zip(labels, real, own, strict=True))
    return (what, "real", name), rows


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." if text else ""


# -- several columns at once ---------------------------------------------------------------------------

MOST_PAIRS = 12


def of_associations(found: Associations, own: str) -> tuple[Picture, ...]:
    """Heat maps of real and synthetic rows and of their difference; where no real ones are shown, of the others alone.

    Empty where there is nothing to draw.
    """
    if found.reason is not None or len(found.columns) < 2:
        return ()
    names, real = found.columns, found.real
    synthetic = {(i, j): v for i, j, v in _below(found.synthetic)}
    base = {"t": "heat", "labels": names}
    if real is None:
        strongest = sorted(synthetic, key=lambda p: -abs(synthetic[p]))[:MOST_PAIRS]
        alone: tuple[Row, ...] = tuple((_pair(names, p), f"{synthetic[p]:.2f}") for p in strongest)
        says = f"Associations between {len(names)} columns of the {own} rows. Strongest: {_first(alone)}."
        return (Picture(_capital(own), base | {"z": found.synthetic}, says, ("pair", own), alone),)
    known = {(i, j): v for i, j, v in _below(real)}
    gaps = {p: v - known[p] for p, v in synthetic.items() if p in known}
    difference = [
        [None if a is None or b is None else round(a - b, 3) for a, b in zip(s, r, strict=True)]
        for s, r in zip(found.synthetic, real, strict=True)
    ]
    widest = sorted(gaps, key=lambda p: -abs(gaps[p]))[:MOST_PAIRS]
    rows = tuple((_pair(names, p), f"{known[p]:.2f}", f"{synthetic[p]:.2f}", f"{gaps[p]:+.2f}") for p in widest)
    mean = sum(abs(g) for g in gaps.values()) / len(gaps) if gaps else 0.0
    says = f"The two differ by {mean:.3f} on average over {len(gaps):,} pairs of columns."
    says += f" Most: {_first(rows)}." if rows else ""
    head = ("pair", "real", own, "difference")
    return (
        Picture("Real", base | {"z": real}, "Associations between columns of the real rows.", (), ()),
        Picture(
            _capital(own), base | {"z": found.synthetic}, f"Associations between columns of the {own} rows.", (), ()
        ),
        Picture("Difference", base | {"z": difference, "difference": True}, says, head, rows, mean),
    )


def _below(matrix: Matrix) -> Iterator[tuple[int, int, Number]]:
    """The figures below the diagonal, where there are any."""
    for i, row in enumerate(matrix):
        for j, value in enumerate(row[:i]):
            if value is not None:
                yield i, j, value


def _pair(names: Sequence[str], pair: tuple[int, int]) -> str:
    return f"{names[pair[1]]} and {names[pair[0]]}"


def _first(rows: Sequence[Row]) -> str:
    return "; ".join(f"{r[0]} ({', '.join(r[1:3])})" for r in rows[:3])


def of_embedding(found: Embedding, own: str) -> Picture | None:
    if found.reason is not None:
        return None
    axes = found.axes
    titles = []
    for i, axis in enumerate(axes, 1):
        heavy = f": {', '.join(axis.columns)}" if axis.columns else ""
        titles.append(f"axis {i} ({axis.share:.0%} of the variance{heavy})")
    sides = [(n, s) for n, s in (("real", found.real), (own, found.synthetic)) if s is not None]
    rows = []
    for name, points in sides:
        for i in (0, 1):
            low, middle, high = _quartiles([p[i] for p in points])
            rows.append((f"{name}, axis {i + 1}", f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}"))
    counts = " and ".join(f"{len(p):,} {n}" for n, p in sides)
    says = f"{counts} rows in the plane of two components. {_capital(titles[0])}; {titles[1]}."
    shown = [f"axis {i} ({axis.share:.0%})" for i, axis in enumerate(axes, 1)]
    plot = {"t": "scatter", "synthetic": found.synthetic, "real": found.real, "own": own, "axes": shown}
    return Picture("Rows in the plane", plot, says, ("rows", "lower quartile", "median", "upper quartile"), tuple(rows))


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    low, middle, high = (ordered[round(q * (len(ordered) - 1))] for q in (0.25, 0.5, 0.75))
    return low, middle, high


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
