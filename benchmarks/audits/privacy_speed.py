"""CPU seconds and memory of all privacy audits, each alone and together, over 10,000 to 100,000 rows × 15 columns.

    python -m benchmarks.audits.privacy_speed [rows …]

CPU seconds of one process, whatever else the machine does (OMP_NUM_THREADS=1 keeps the threads of matrix products from
waiting for each other); on idle cores the matrix products take less time than that.

The real rows are as many as the synthetic ones, a fifth of them held out, as a build has them by default.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audits.people import context, people
from synthkit.audits import registry

QUASI: dict[str, Any] = {"quasi_identifiers": ["age", "category0", "category1"]}
AUDITS: dict[str, dict[str, Any]] = {
    "membership_inference": {},
    "dcr": {},
    "nndr": {},
    "exact_match": {},
    "outlier_similarity": {},
    "singling_out": {},
    "linkability": {},
    "attribute_inference": {},
    "k_anonymity": QUASI,
    "l_diversity": {**QUASI, "sensitive": "category2"},
    "t_closeness": {**QUASI, "sensitive": "category2"},
    "k_map": QUASI,
}


def main() -> int:
    sizes = [int(a) for a in sys.argv[1:]] or [10_000, 30_000, 100_000]
    print("| rows × 15 | " + " | ".join(f"`{a}`" for a in AUDITS) + " | together | peak memory |")
    print("| ---: |" + " ---: |" * (len(AUDITS) + 2))
    for rows in sizes:
        rng = np.random.default_rng(1)
        sides = [people(n, rng) for n in (rows, rows * 4 // 5, rows // 5)]
        with tempfile.TemporaryDirectory() as folder:
            over = context(Path(folder), *sides)
            seconds = []
            for name, params in AUDITS.items():
                audit = registry.get(name)
                started = time.process_time()
                audit.run(over, audit.params.model_validate(params))
                seconds.append(time.process_time() - started)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        cells = " | ".join(f"{s:.1f} s" for s in seconds)
        print(f"| {rows:,} | {cells} | {sum(seconds):.1f} s | {peak:.1f} GB |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
