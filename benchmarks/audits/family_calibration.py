"""How often the audits of families fail real rows, and how often their intervals hold the truth.

As :mod:`benchmarks.audits.calibration` has it, on the made-up shop: three disjoint draws of one process, of which one
stands for the synthetic tables; ``bent``, it is of another process. The truth is the value on a large draw, part by
part; of what depends on how many rows there are (a classifier, an attack, a mean over pairs that the rows choose) the
mean over the repetitions, marked with *.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audits.calibration import Seen, covered, intervals
from benchmarks.audits.families import drawn, family_context
from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult

SIZES = (600, 600, 300)  # synthetic, training and held-out customers
LARGE = (20_000, 20_000, 20_000)
SHIFT = 0.5
STANDS: Mapping[str, Sequence[str]] = {
    "references": ("orders", "lines"),
    "cardinality": ("orders", "lines"),
    "rollup": ("orders", "lines"),
    "parent_child": ("orders", "lines"),
    "joined_detection": ("orders", "lines"),
    "sequence": ("orders",),
    "entity_membership": ("customers",),
    "entity_copies": ("customers",),
}
SIZED = ("parent_child", "joined_detection", "entity_membership", "entity_copies")
PARAMS: Mapping[str, Mapping[str, Any]] = {"cardinality": {"of": "children"}}
MEANS = 50  # repetitions from which a mean may stand for the truth


def judged(audit: str, context: AuditContext) -> AuditResult:
    """The audit with its default limit."""
    found = registry.get(audit)
    return found.run(context, found.params.model_validate(dict(PARAMS.get(audit, {}))))


def parts_of(audit: str, result: AuditResult) -> AuditResult:
    """The result with its parts to be covered one by one, where each decides for itself."""
    by_part = audit in ("cardinality", "sequence")
    return replace(result, details={"combine": "worst"} if by_part else {})


def repeat(repeats: int, names: Sequence[str], shift: float) -> dict[tuple[str, str], Seen]:
    """Every audit, on every table that it stands on, on ``repeats`` fresh draws."""
    seen = {(a, t): Seen() for a in names for t in STANDS[a]}
    for index in range(repeats):
        sides = drawn(SIZES, np.random.default_rng([index, 17]), shift)
        with tempfile.TemporaryDirectory() as directory:
            contexts = {t: family_context(sides, t, Path(directory) / t, index) for t in {t for _, t in seen}}
            for (audit, table), one in seen.items():
                started = time.process_time()
                one.add(audit, parts_of(audit, judged(audit, contexts[table])))
                one.seconds += time.process_time() - started
    return seen


def truths(names: Sequence[str], shift: float) -> dict[tuple[str, str], dict[str, tuple[float, float, float]]]:
    """Value and interval of every audit that has a truth, on a large draw."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        sides = drawn(LARGE, np.random.default_rng(5), shift)
        for audit in names:
            for table in STANDS[audit] if audit not in SIZED else ():
                context = family_context(sides, table, Path(directory) / audit / table)
                found[audit, table] = intervals(parts_of(audit, judged(audit, context)), by_part=False)
    return found


def main(repeats: int, names: Sequence[str]) -> bool:
    """Print the table; returns whether an audit fails real rows too often."""
    chosen = [a for a in STANDS if not names or a in names]
    print(f"\n### made-up shop: {repeats} repetitions of {' / '.join(f'{n:,}' for n in SIZES)} customers\n")
    print("| audit | on | fail | inconclusive | pass | same: truth held | bent: fail | bent: truth held | CPU s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    same, bent = repeat(repeats, chosen, 0.0), repeat(repeats, chosen, SHIFT)
    true = {s: truths(chosen, s) for s in (0.0, SHIFT)}
    over = False
    for (audit, table), seen in same.items():
        shares = {s: seen.statuses[s] / repeats for s in ("fail", "inconclusive", "pass")}
        over |= shares["fail"] > 0.05
        cells = [_held(seen, true[0.0].get((audit, table)), repeats)]
        other = bent[audit, table]
        cells += [f"{other.statuses['fail'] / repeats:.0%}", _held(other, true[SHIFT].get((audit, table)), repeats)]
        shown = " | ".join(f"{v:.1%}" for v in shares.values())
        print(f"| `{audit}` | {table} | {shown} | {' | '.join(cells)} | {seen.seconds / repeats:.2f} |", flush=True)
    return over


def _held(seen: Seen, truth: Any, repeats: int) -> str:
    if truth is None and repeats < MEANS:
        return "–"
    found = covered(seen, truth)
    return "–" if found is None else f"{found[0]:.1%}{'*' if truth is None else ''}"
