"""A table of many partitions, built while workers, a machine and the coordinator are lost and storage fails.

Beside it the same table, undisturbed. On this machine's processes, on the stand-in of a Kubernetes cluster with its
tables in an S3 server on loopback, and on a Ray cluster of three nodes on loopback.
`python -m benchmarks disturbed --partitions 200`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.disturbed import local, on_pods, undisturbed
from tests.disturbed_ray import on_ray
from tests.synth import FORKS

WHERE = {"local": local, "kubernetes": on_pods, "ray": on_ray}
ROWS = 8  # of a partition


def main() -> bool:
    """Print the table; True where something was lost, done or charged twice, or left."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks disturbed")
    parser.add_argument("--partitions", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.01, help="share of flushes to disk that fail")
    parser.add_argument("--runner", choices=sorted(WHERE), nargs="+", default=sorted(WHERE))
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["disturbed"] else [])
    print(f"{given.partitions} partitions over 8 workers\n")
    print(
        "| runner | seed | workers killed | coordinators killed | builds made again | bytes | done twice | charges",
        end=" ",
    )
    print("| left | CPU s | wall s |")
    print("| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        rows = ROWS * given.partitions
        whole = undisturbed(Path(folder) / "undisturbed" / "shop", rows, given.partitions)
        for name in given.runner:
            for seed in range(1, given.seeds + 1):
                started, before = time.perf_counter(), FORKS.cpu_seconds
                found = WHERE[name](Path(folder) / f"{name}-{seed}", rows, given.partitions, seed, given.faults)
                same, left = found.table == whole, len(found.processes) + len(found.files)
                print(
                    f"| {name} | {seed} | {found.kills} | {found.coordinators} | {found.failed} "
                    f"| {'the same' if same else 'OTHERS'} | {len(found.again)} | {found.charges} | {left} "
                    f"| {FORKS.cpu_seconds - before:.1f} | {time.perf_counter() - started:.0f} |"
                )
                wrong |= not same or bool(found.again) or bool(left) or found.charges != 1
    return wrong
