"""Real against real: how often each privacy audit fails at its default threshold, and how often its interval is right.

    python -m benchmarks.audits.privacy_calibration [repetitions]

Three fresh samples of one population stand for the synthetic, the training and the held-out rows, so the true value of
each measure is known. At most 5 % may fail, and the intervals should hold the truth in 92 to 98 %.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audits.people import context, people
from synthkit.audits import registry

AUDITS: dict[str, tuple[float, dict[str, Any]]] = {
    "membership_inference": (0.5, {}),
    "dcr": (0.5, {}),
    "nndr": (0.5, {}),
    "exact_match": (0.0, {}),
    "outlier_similarity": (0.5, {"share": 0.05}),
    "singling_out": (0.0, {"attacks": 1_000}),
    "linkability": (0.0, {}),
    "attribute_inference": (0.0, {}),
}
ROWS = 2_000
TRUE_SHARES = {"equal": (1, 1), "4:1": (4, 1)}  # training rows and held-out rows, in ROWS / 2


def main() -> int:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for name, (train, holdout) in TRUE_SHARES.items():
        verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        covered: Counter[str] = Counter()
        judged: Counter[str] = Counter()
        for seed in range(repetitions):
            rng = np.random.default_rng(seed)
            sides = [people(n, rng) for n in (ROWS, train * ROWS // 2, holdout * ROWS // 2)]
            with tempfile.TemporaryDirectory() as folder:
                over = context(Path(folder), *sides, seed=seed)
                for audit_name, (truth, params) in AUDITS.items():
                    audit = registry.get(audit_name)
                    result = audit.run(over, audit.params.model_validate(params))
                    verdicts[audit_name][result.status] += 1
                    if result.ci_low is not None and result.ci_high is not None:
                        judged[audit_name] += 1
                        covered[audit_name] += result.ci_low <= truth <= result.ci_high
        print(f"\n{name}: {ROWS:,} synthetic, {train * ROWS // 2:,} training, {holdout * ROWS // 2:,} held-out rows\n")
        print("| audit | fails | passes | too few rows to tell | interval holds the truth |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for audit_name in AUDITS:
            found, total = verdicts[audit_name], repetitions
            shares = [found[s] / total for s in ("fail", "pass", "inconclusive")]
            right = covered[audit_name] / judged[audit_name] if judged[audit_name] else float("nan")
            print(f"| `{audit_name}` | {shares[0]:.1%} | {shares[1]:.1%} | {shares[2]:.1%} | {right:.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
