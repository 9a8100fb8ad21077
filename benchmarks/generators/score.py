"""Score files of synthetic rows, say ``--dataset adult --synthetic FILE.parquet``."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

from benchmarks.generators.datasets import DATASETS, SHARED, rows_of
from benchmarks.generators.tables import FIGURES, TITLES

HEADER = ("rows", *TITLES)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generators.score", description=__doc__)
    parser.add_argument("--dataset", required=True, choices=sorted(DATASETS))
    parser.add_argument("--synthetic", type=Path, nargs="*", default=[], help="Parquet files of synthetic rows")
    parser.add_argument("--floor", action="store_true", help="score the real training rows, too: what no one can beat")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the real tables")
    parser.add_argument("--seed", type=int, default=0, help="of the 80/20 split")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    import pandas as pd

    from benchmarks.generators.metrics import score

    rows = rows_of(DATASETS[given.dataset], given.data, given.seed)
    if not given.json:
        print(f"| {' | '.join(HEADER)} |\n| --- |{' ---: |' * (len(HEADER) - 1)}", flush=True)
    tables = ["real training rows"] if given.floor or not given.synthetic else []
    for name in [*tables, *given.synthetic]:
        found = score(pd.read_parquet(name) if isinstance(name, Path) else rows.train, rows).to_json()
        label = name.stem if isinstance(name, Path) else name
        if given.json:
            print(json.dumps({"dataset": given.dataset, "rows": label, **found}), flush=True)
        else:
            print(f"| {label} | {' | '.join(f'{found[f]:.4f}' for f in FIGURES)} |", flush=True)


if __name__ == "__main__":
    main()
