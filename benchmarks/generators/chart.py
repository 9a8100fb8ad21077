"""Time against quality of everybody in one chart: ``python -m benchmarks.generators.chart results.json --out x.svg``.

It reads what benchmark runs have written (``results.json`` of their work folders, one or several): a row of panels for
each table, a point for each generator at the median of its fits' seconds and the mean of their scores over seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generators.peers import LABELS
from benchmarks.pictures import EDGE, INK, OURS, PEER, _svg, _text

PANELS = (("tstr", "TSTR: higher is better"), ("c2st", "C2ST: lower is better; 0.5 is a coin"))
WIDE, HIGH, LEFT, TOP, GAP = 380, 220, 70, 64, 70


@dataclass(frozen=True)
class Point:
    """A generator on a table: seconds of a fit and scores by name; ``seconds`` None is the real training rows."""

    dataset: str
    generator: str
    seconds: float | None
    scores: dict[str, float]

    @property
    def label(self) -> str:
        return LABELS.get(self.generator, self.generator)


def points(files: Sequence[Path]) -> list[Point]:
    """What the files hold of fits that were scored, and the floors of their tables."""
    fits: dict[tuple[str, str], list[tuple[float, dict[str, float]]]] = {}
    floors: dict[str, dict[str, float]] = {}
    for file in files:
        quality = json.loads(file.read_text("utf-8")).get("quality", {})
        floors |= {name: table["floor"] for name, table in quality.get("tables", {}).items()}
        for fit in quality.get("fits", ()):
            seconds = fit["record"].get("fit_s")
            if fit["scores"] is not None and seconds is not None:
                fits.setdefault((fit["dataset"], fit["generator"]), []).append((seconds, fit["scores"]))
    found = [Point(name, "real training rows", None, floor) for name, floor in floors.items()]
    for (dataset, generator), of in fits.items():
        scores = {name: statistics.fmean(s[name] for _, s in of) for name, _ in PANELS}
        found.append(Point(dataset, generator, statistics.median(s for s, _ in of), scores))
    return found


def drawn(found: Sequence[Point]) -> str:
    """The chart as SVG."""
    datasets = list(dict.fromkeys(p.dataset for p in found if p.seconds is not None))
    width = LEFT + len(PANELS) * (WIDE + GAP)
    parts = []
    for row, dataset in enumerate(datasets):
        top = TOP + row * (HIGH + TOP + 30)
        parts.append(_text(LEFT, top - 34, dataset, 16, weight="600"))
        here = [p for p in found if p.dataset == dataset]
        for column, (name, title) in enumerate(PANELS):
            parts += _panel(here, name, title, LEFT + column * (WIDE + GAP), top)
    height = TOP + len(datasets) * (HIGH + TOP + 30)
    return _svg(width, height, f"Seconds of training against TSTR and C2ST on {', '.join(datasets)}", parts)


def _panel(found: Sequence[Point], name: str, title: str, left: float, top: float) -> list[str]:
    fits = [p for p in found if p.seconds is not None and not math.isnan(p.scores[name])]
    floor = next((p.scores[name] for p in found if p.seconds is None), None)
    values = [p.scores[name] for p in fits] + ([floor] if floor is not None else [])
    parts = [
        _text(left, top - 10, title, 13, EDGE),
        f'<rect x="{left}" y="{top}" width="{WIDE}" height="{HIGH}" fill="none" stroke="{PEER}"/>',
    ]
    if not fits:
        return parts
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or 0.01
    low, high = low - margin, high + margin
    powers = [math.log10(p.seconds or 1) for p in fits]
    first, last = math.floor(min(powers)), max(math.ceil(max(powers)), math.floor(min(powers)) + 1)

    def x(seconds: float) -> float:
        return left + WIDE * (math.log10(seconds) - first) / (last - first)

    def y(value: float) -> float:
        return top + HIGH * (high - value) / (high - low)

    for power in range(first, last + 1):
        parts.append(_text(x(10.0**power), top + HIGH + 16, f"{10.0**power:g} s", 11, EDGE, anchor="middle"))
    for value in (low + margin, high - margin):
        parts.append(_text(left - 6, y(value) + 4, f"{value:.3f}", 11, EDGE, anchor="end"))
    if floor is not None:
        parts.append(f'<path d="M{left} {y(floor):.1f} H{left + WIDE}" stroke="{INK}" stroke-dasharray="3 3"/>')
        parts.append(_text(left + WIDE - 4, y(floor) - 4, "real rows", 11, EDGE, anchor="end"))
    for p in fits:
        px, py = x(p.seconds or 1), y(p.scores[name])
        fill = PEER if p.generator in LABELS else OURS
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5" fill="{fill}"/>')
        end = px > left + WIDE * 0.7
        parts.append(_text(px + (-9 if end else 9), py + 4, p.label, 12, anchor="end" if end else "start"))
    return parts


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the chart of the named results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generators.chart", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="results.json of runs")
    parser.add_argument("--out", type=Path, required=True, help="the SVG that is written")
    given = parser.parse_args(arguments)
    found = points(given.results)
    if all(p.seconds is None for p in found):
        parser.error(f"no fit is scored in {', '.join(map(str, given.results))}: run the part quality")
    given.out.write_text(drawn(found), "utf-8")
    print(f"wrote {given.out}: {len(found)} points")


if __name__ == "__main__":
    main()
