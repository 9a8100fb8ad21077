"""How often each privacy audit fails at its default threshold: real against real, and with a tenth of the rows copied.

    python -m benchmarks.audits.privacy_calibration [repetitions [audit …]]

Three fresh samples of one population stand for the synthetic, the training and the held-out rows, so the true value of
each measure is known. At most 5 % may fail, and the intervals should hold the truth in 92 to 98 %. Then a tenth of the
synthetic rows are training rows, each copied once: all should fail that ask about single people.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.audits.people import context, people
from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult

AUDITS: dict[str, tuple[float, dict[str, Any]]] = {
    "membership_inference": (0.5, {}),
    "dcr": (0.5, {}),
    "nndr": (0.5, {}),
    "exact_match": (0.0, {}),
    "value_reuse": (0.0, {}),
    "outlier_similarity": (0.5, {"share": 0.05}),
    "singling_out": (0.0, {"attacks": 1_000}),
    "linkability": (0.0, {}),
    "attribute_inference": (0.0, {}),
}
ROWS = 2_000
TRUE_SHARES = {"equal": (1, 1), "4:1": (4, 1)}  # training rows and held-out rows, in ROWS / 2
COPIED = 0.1
COPIED_ROWS = 4_000  # of each side, where rows are copied


def main() -> int:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    names = sys.argv[2:] or list(AUDITS)
    for name, (train, holdout) in TRUE_SHARES.items():
        sizes = (ROWS, train * ROWS // 2, holdout * ROWS // 2)
        found = [judge([people(n, rng) for n in sizes], seed, names) for seed, rng in seeded(repetitions)]
        print(f"\n{name}: {sizes[0]:,} synthetic, {sizes[1]:,} training, {sizes[2]:,} held-out rows\n")
        report(found, with_truth=True)
    found = [judge(copied(rng), seed, names) for seed, rng in seeded(repetitions)]
    print(f"\na tenth copied: {COPIED_ROWS:,} rows on each side, {COPIED:.0%} of the synthetic ones training rows\n")
    report(found, with_truth=False)
    return 0


def seeded(repetitions: int) -> list[tuple[int, np.random.Generator]]:
    return [(seed, np.random.default_rng(seed)) for seed in range(repetitions)]


def copied(rng: np.random.Generator) -> list[pd.DataFrame]:
    """Synthetic, training and held-out rows, of which the first repeat some of the second."""
    fresh, train, holdout = (people(COPIED_ROWS, rng) for _ in range(3))
    count = round(COPIED * COPIED_ROWS)
    repeated = train.iloc[rng.choice(COPIED_ROWS, count, replace=False)]
    return [pd.concat([fresh[count:], repeated], ignore_index=True), train, holdout]


def judge(sides: list[pd.DataFrame], seed: int, names: list[str]) -> dict[str, AuditResult]:
    with tempfile.TemporaryDirectory() as folder:
        synthetic, train, holdout = sides
        over = context(Path(folder), synthetic, train, holdout, seed)
        return {name: _run(over, name, AUDITS[name][1]) for name in names}


def _run(over: AuditContext, name: str, params: dict[str, Any]) -> AuditResult:
    audit = registry.get(name)
    return audit.run(over, audit.params.model_validate(params))


def report(found: list[dict[str, AuditResult]], *, with_truth: bool) -> None:
    print("| audit | fails | passes | too few rows to tell |" + (" interval holds the truth |" if with_truth else ""))
    print("| --- | ---: | ---: | ---: |" + (" ---: |" if with_truth else ""))
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for results in found:
        for name, result in results.items():
            verdicts[name][result.status] += 1
    for name in verdicts:
        truth = AUDITS[name][0]
        shares = [verdicts[name][s] / len(found) for s in ("fail", "pass", "inconclusive")]
        line = f"| `{name}` | {shares[0]:.1%} | {shares[1]:.1%} | {shares[2]:.1%} |"
        ends = [(r[name].ci_low, r[name].ci_high) for r in found]
        held = [low <= truth <= high for low, high in ends if low is not None and high is not None]
        print(f"{line} {np.mean(held) if held else float('nan'):.1%} |" if with_truth else line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
