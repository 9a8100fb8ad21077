"""Kills builds of a private table at random moments and at every place of the code that touches a file.

After each kill: whole and audited tables, a true ledger, a recovery that succeeds, `synth verify`, `dvc status`; and
all the while another process queries. `python -m benchmarks crashes --kills 200` takes about 4 s for each kill.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.crashes import crashes, random_moments, reading, run


def main() -> bool:
    """Print what was killed, what was found and what the reader met; True where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks crashes")
    parser.add_argument("--kills", type=int, default=200, help="at random moments, besides one at each place")
    parser.add_argument("--seed", type=int, default=1)
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["crashes"] else [])
    with tempfile.TemporaryDirectory() as folder, crashes(Path(folder)) as over:
        over.next_turn()
        started = time.perf_counter()
        whole = over.build()
        seconds = time.perf_counter() - started
        places = [{"step": step} for step in whole.distinct]
        moments = [*places, *random_moments(len(whole.steps), seconds, given.kills, given.seed)]
        with reading(over.project.root) as reader:
            faults = run(over, moments, lambda text: print(text, file=sys.stderr, flush=True))
        counts, entries = over.counts, len(over.entries())
    print("| what | count |\n| --- | ---: |")
    print(f"| file operations of one build | {len(whole.steps)} |")
    print(f"| places in the code that make them, each killed at once | {len(places)} |")
    print(f"| kills at random moments | {len(moments) - len(places)} |")
    for what in sorted(counts):
        print(f"| {what} | {counts[what]} |")
    print(f"| faults | {len(faults)} |")
    print(f"| entries of the ledger at the end | {entries} |")
    print(f"| queries of the reader | {reader.queries} |")
    print(f"| errors that it met | {len(reader.errors)} |")
    for text in [*faults, *dict.fromkeys(reader.errors)]:
        print(f"\n{text}")
    return bool(faults or reader.errors)
