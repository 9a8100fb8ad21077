"""The page that the results make: one table over all, and one for each source."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.matrix.plan import AUDITS, EPSILON, GENERATORS

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
MARKS = {"pass": "", "warn": "!", "fail": "!", "inconclusive": "?", "skipped": "–", "error": "x"}
HEAD = """# Ten generators on small tables

Every generator on tables of the development data, as the audits see them. This page is made by
`python -m benchmarks matrix --write docs/choosing-tables.md`. Each table is cut to {rows:,} rows at most, of which
a fifth is held out; each generator has its defaults, those with privacy ε = {epsilon:g}; one seed each, so differences
of a few hundredths say little. For these ε, what anyone may know of the columns was read off the rows by
`synth init --propose-bounds`: good for a comparison of generators, no way to treat private rows.

A cell is the audit's value. `!`: beyond the audit's default limit (here all of them only warn); `?`: too few rows to
tell; `–`: nothing to compare (no such columns, no target); `x`: the generator ended with an error. What each audit
measures, and which way is better, is in [fidelity](audits/fidelity.md), [utility](audits/utility.md),
[privacy](audits/privacy.md) and [integrity](audits/integrity.md).
"""


def page(results: Results, rows: Mapping[str, int], small: Iterable[str]) -> str:
    """Markdown: the whole page."""
    generators = [g for g in GENERATORS if any(g in by for by in results.values())]
    lines = [HEAD.format(rows=max(rows.values(), default=0), epsilon=EPSILON)]
    if small := list(small):
        lines.append(f"Left out, as they have too few rows to judge by: {', '.join(small)}.\n")
    if waiting := [name for name in rows if name not in results]:
        lines.append(f"Not run so far: {', '.join(waiting)}.\n")
    lines += ["## Over all tables\n", *_overall(results, generators)]
    for table, by in results.items():
        lines += [f"\n## {table}: {rows[table]:,} rows\n", *_of_table(by, generators)]
        faults = [(g, r["message"]) for g, r in by.items() if r["status"] == "error"]
        lines += [f"\n`{g}` ended with: {_one_line(message)}" for g, message in faults]
    return "\n".join(lines) + "\n"


def _overall(results: Results, generators: list[str]) -> list[str]:
    lines = [
        "The median of each audit's value over the tables on which it has one; in brackets, how many of the tables",
        "with rows enough to judge by did not pass. Below, the median seconds of training and drawing.\n",
        *_header(generators),
    ]
    for audit in AUDITS:
        cells = []
        for generator in generators:
            found = [a for by in results.values() for a in _audits(by.get(generator)).get(audit, ())]
            found = [a for a in found if a["value"] is not None]
            bad = sum(a["status"] in ("warn", "fail") for a in found)
            told = f"({bad} of {bad + sum(a['status'] == 'pass' for a in found)})"
            cells.append(f"{_number(statistics.median(float(a['value']) for a in found))} {told}" if found else "–")
        lines.append(f"| `{audit}` | {' | '.join(cells)} |")
    medians = []
    for generator in generators:
        taken = [_seconds(by[generator]) for by in results.values() if generator in by and by[generator]["audits"]]
        medians.append(f"{statistics.median(taken):.0f} s" if taken else "–")
    return [*lines, f"| training and drawing | {' | '.join(medians)} |"]


def _of_table(by: Mapping[str, Mapping[str, Any]], generators: list[str]) -> list[str]:
    here = [g for g in generators if g in by]
    lines = _header(here)
    for audit in AUDITS:
        cells = [_cell(by[g], audit) for g in here]
        if any(c not in ("–", "x") for c in cells):
            lines.append(f"| `{audit}` | {' | '.join(cells)} |")
    return [*lines, f"| seconds | {' | '.join(f'{_seconds(by[g]):.0f}' if by[g]['audits'] else 'x' for g in here)} |"]


def _header(generators: list[str]) -> list[str]:
    return [f"| audit | {' | '.join(f'`{g}`' for g in generators)} |", f"| --- |{' ---: |' * len(generators)}"]


def _cell(result: Mapping[str, Any], audit: str) -> str:
    if not result["audits"]:
        return "x"
    found = _audits(result).get(audit, [])
    if not found or found[0]["value"] is None:
        return MARKS.get(found[0]["status"], "–") if found else "–"
    return f"{_number(float(found[0]['value']))}{MARKS.get(found[0]['status'], '')}"


def _audits(result: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for audit in result["audits"] if result else ():
        by_name.setdefault(audit["name"], []).append(audit)
    return by_name


def _seconds(result: Mapping[str, Any]) -> float:
    return float(result["seconds"].get("train", 0)) + float(result["seconds"].get("sample", 0))


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
