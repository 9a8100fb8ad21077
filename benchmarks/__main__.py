"""Run the benchmarks named on the command line, or all that need no download; options are those of the first."""

from __future__ import annotations

import importlib
import itertools
import sys

MODULES = {
    "install": "benchmarks.install",
    "startup": "benchmarks.startup",
    "thousand_models": "benchmarks.thousand_models",
    "first_build": "benchmarks.first_build",
    "readme": "benchmarks.readme",
    "pictures": "benchmarks.pictures",
    "same_bytes": "benchmarks.same_bytes",
    "text": "benchmarks.text",
    "attackers": "benchmarks.attackers",
    "crashes": "benchmarks.crashes",
    "publish": "benchmarks.publish",
    "servers": "benchmarks.servers",
    "audits": "benchmarks.audits.__main__",
    "generators": "benchmarks.generators.__main__",
    "gpu": "benchmarks.gpu.__main__",
    "teacher": "benchmarks.teacher",
    "wide": "benchmarks.wide",
    "matrix": "benchmarks.matrix.__main__",
    "relations": "benchmarks.relations",
    "planted": "benchmarks.planted.__main__",
    "flights": "benchmarks.flights",
    "rules": "benchmarks.rules.__main__",
    "constraints": "benchmarks.constraints.__main__",
    "keys": "benchmarks.keys.__main__",
    "partitions": "benchmarks.partitions",
    "families": "benchmarks.families",
    "training": "benchmarks.training",
    "builds": "benchmarks.builds",
    "disturbed": "benchmarks.disturbed",
    "capacity": "benchmarks.capacity",
    "jobs": "benchmarks.jobs",
    "judging": "benchmarks.judging",
    "orchestrators": "benchmarks.orchestrators",
    "reading": "benchmarks.reading",
}
DOWNLOADS = {"install", "orchestrators"}  # packages that nothing else here needs: run where they are named


def main() -> None:
    failed = False
    # What follows the first option belongs to the benchmark itself.
    names = list(itertools.takewhile(lambda a: not a.startswith("-"), sys.argv[1:]))
    for name in names or [m for m in MODULES if m not in DOWNLOADS]:
        print(f"\n## {name}\n")
        failed |= bool(importlib.import_module(MODULES[name]).main())
    sys.exit(failed)


if __name__ == "__main__":
    main()
