"""The pictures of README: the way of a table, time against quality as RESULTS.md has them, a page of a built project.

``python -m benchmarks pictures`` says which drawing differs from docs/pictures/; ``--write`` draws all of them, and
takes the page's picture where Chromium is installed.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.timing import SYNTH

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
SECTION = re.compile(r"^### `\w+` beside [\w ]+: adult\n(.*?)(?=^###|\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `?([\w ]+?)`?(?: \(the floor\))? \| ([\d.]+|–)[^|]*\| ([\d.]+)[^|]*\| ([\d.]+)", re.MULTILINE)
FLOOR = "real training rows"
COIN = 0.5  # an AUC that says nothing
OURS, PEER, INK, PALE, EDGE = "#2563eb", "#94a3b8", "#0f172a", "#eff6ff", "#475569"
FONT = 'font-family="system-ui, -apple-system, Segoe UI, sans-serif"'


@dataclass(frozen=True)
class Measured:
    """A generator on Adult: seconds of training (None for real rows), the AUCs of TSTR and C2ST."""

    name: str
    seconds: float | None
    tstr: float
    c2st: float

    @property
    def ours(self) -> bool:
        return self.name.islower()


def measured(results: str) -> list[Measured]:
    """What RESULTS.md has of Adult without privacy, fastest first; the floor once, at the end."""
    found = {}
    for section in SECTION.findall(results):
        for name, seconds, tstr, c2st in ROW.findall(section):
            found[name] = Measured(name, None if seconds == "–" else float(seconds), float(tstr), float(c2st))
    return sorted(found.values(), key=lambda m: math.inf if m.seconds is None else m.seconds)


def quality(found: list[Measured]) -> str:
    """Bars: seconds on a logarithmic scale, TSTR, and C2ST, both from a coin's 0.5 on."""
    top, step, left, wide, gap = 74, 32, 150, 200, 84
    rows = [m for m in found if m.seconds is not None]
    floor = next(m for m in found if m.seconds is None)
    slowest = max(m.seconds or 1 for m in rows)
    panels = (
        ("training, seconds (logarithmic)", lambda m: math.log10(m.seconds) / math.log10(slowest), None),
        ("TSTR: higher is better", lambda m: (m.tstr - COIN) / COIN, (floor.tstr - COIN) / COIN),
        ("C2ST: lower is better", lambda m: (m.c2st - COIN) / COIN, None),
    )
    shown = (
        lambda m: f"{m.seconds:,.0f} s",
        lambda m: f"{m.tstr:.3f}",
        lambda m: f"{m.c2st:.3f}",
    )
    height = top + step * len(rows) + 62
    width = left + len(panels) * (wide + gap) + 10
    parts = [_text(left, 26, "Adult: time against quality", 17, weight="600")]
    for index, ((title, share, line), value) in enumerate(zip(panels, shown, strict=True)):
        x = left + index * (wide + gap)
        parts.append(_text(x, 56, title, 13, EDGE))
        for number, m in enumerate(rows):
            y = top + number * step
            bar = max(2.0, wide * share(m))
            parts.append(_bar(x, y, bar, OURS if m.ours else PEER))
            parts.append(_text(x + wide + 8, y + 15, value(m), 12))
        if line is not None:
            at, bottom = x + wide * line, top + step * len(rows) - 8
            parts.append(f'<path d="M{at:.1f} {top - 6} V{bottom}" stroke="{INK}" stroke-dasharray="3 3"/>')
            parts.append(_text(at, bottom + 14, f"real rows {floor.tstr:.3f}", 11, EDGE, anchor="middle"))
    for number, m in enumerate(rows):
        weight = "600" if m.ours else "400"
        parts.append(_text(left - 12, top + number * step + 15, m.name, 13, weight=weight, anchor="end"))
    notes = (
        "Blue: synthkit's own. TSTR: AUC, on held-out real rows, of a classifier that learnt from drawn rows alone.",
        "C2ST: AUC of a classifier that tells drawn rows from real ones; 0.5 is a coin. Both bars begin there.",
    )
    for line, text in enumerate(notes):
        parts.append(_text(left, height - 28 + 16 * line, text, 11, EDGE))
    return _svg(width, height, "Seconds of training, TSTR and C2ST of six generators on UCI Adult", parts)


STEPS = (
    ("YAML", ("sources, models,", "generators, audits")),
    ("graph", ("compiled and checked,", "no row is read")),
    ("staged tables", ("trained, drawn, queried;", "a fifth is held out")),
    ("audits", ("against held-out rows:", "value, interval, floor")),
    ("published", ("Parquet, DuckDB,", "receipt, report")),
)


def way() -> str:
    """The way of a table, from the YAML to its readers."""
    wide, high, gap, top = 168, 92, 44, 26
    width, height = 20 + len(STEPS) * wide + (len(STEPS) - 1) * gap + 20, top + high + 62
    parts = [
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{EDGE}"/></marker></defs>'
    ]
    for number, (title, lines) in enumerate(STEPS):
        x = 20 + number * (wide + gap)
        parts.append(f'<rect x="{x}" y="{top}" width="{wide}" height="{high}" rx="10" fill="{PALE}" stroke="{OURS}"/>')
        parts.append(_text(x + wide / 2, top + 30, title, 17, weight="600", anchor="middle"))
        for line, text in enumerate(lines):
            parts.append(_text(x + wide / 2, top + 55 + 18 * line, text, 13, EDGE, anchor="middle"))
        if number:
            parts.append(_arrow(f"M{x - gap + 4} {top + high / 2} H{x - 4}"))
    passes = 20 + 4 * (wide + gap) - gap / 2
    parts.append(_text(passes, top + high / 2 - 10, "pass", 12, EDGE, anchor="middle"))
    audits, below = 20 + 3 * (wide + gap) + wide / 2, top + high
    parts.append(_arrow(f"M{audits} {below + 4} V{below + 26}"))
    said = "fail: the build says why, and the last good table stays published"
    parts.append(_text(audits, below + 44, said, 12, EDGE, anchor="middle"))
    return _svg(width, height, "YAML, graph, staged tables, audits, published tables", parts)


def _bar(x: float, y: float, wide: float, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{wide:.1f}" height="20" rx="3" fill="{fill}"/>'


def _arrow(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.5" marker-end="url(#head)"/>'


def _text(
    x: float, y: float, text: str, size: int, fill: str = INK, *, weight: str = "400", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _svg(width: int, height: int, title: str, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    body = "\n".join(
        [f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *parts]
    )
    return f'{head} role="img" {FONT}>\n{body}\n</svg>\n'


def drawings() -> dict[str, str]:
    """Name → SVG."""
    return {"way.svg": way(), "quality.svg": quality(measured(RESULTS.read_text("utf-8")))}


def table_page(file: Path) -> bool:
    """Take the picture of a table's page of a new project; False where there is no Chromium to take it with.

    Raises CalledProcessError where the project does not build.
    """
    chromium = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if chromium is None:
        return False
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        for arguments in (("init", "shop"), ("build",), ("docs", "generate")):
            within = Path(folder) / ("" if arguments[0] == "init" else "shop")
            subprocess.run([*SYNTH, *arguments], cwd=within, check=True, stdout=subprocess.DEVNULL)
        page = Path(folder) / "shop" / "target" / "docs" / "tables" / "synthetic_customers.html"
        with sync_playwright() as playwright:
            root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
            browser = playwright.chromium.launch(executable_path=chromium, args=root)
            view = browser.new_page(viewport={"width": 1100, "height": 820})
            view.goto(page.as_uri())
            view.wait_for_timeout(1500)  # the pictures draw themselves
            view.screenshot(path=str(file))
            browser.close()
    return True


def differing(folder: Path = FOLDER) -> Iterator[str]:
    """The drawings that are not those of the folder."""
    for name, drawn in drawings().items():
        file = folder / name
        if not file.exists() or file.read_text("utf-8") != drawn:
            yield name


def main() -> bool:
    """Returns whether a drawing differs from the one in docs/pictures/."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pictures", description=__doc__)
    parser.add_argument("--write", action="store_true", help="draw them into docs/pictures/")
    given = parser.parse_args([a for a in sys.argv[1:] if a.startswith("-")])
    if not given.write:
        found = list(differing())
        print("\n".join(f"{name} differs: --write draws it" for name in found) or "as drawn")
        return bool(found)
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in drawings().items():
        (FOLDER / name).write_text(drawn, "utf-8")
        print(f"wrote {FOLDER / name}")
    taken = table_page(FOLDER / "table.png")
    print("wrote table.png" if taken else "Chromium is not installed: table.png stays as it was")
    return False
