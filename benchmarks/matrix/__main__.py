"""Build every table with every generator, and write what the audits say of each.

`python -m benchmarks matrix --data FOLDER --write docs/choosing-tables.md`. Each table is cut to ``--rows``
rows, a fifth of which is held out; each generator runs with its defaults (ε = 1 where it is one for privacy) in a
`synth build` of its own. Results are kept in ``--work``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.generators.datasets import SHARED
from benchmarks.matrix.page import page
from benchmarks.matrix.plan import GENERATORS, Source, generators_of, model_name, project_of, tables
from benchmarks.timing import SYNTH

PATIENCE = 900.0  # seconds


def one(table: Source, generator: str, work: Path, patience: float) -> dict[str, Any]:
    """What one `synth build` came to: its result of ``run_results.json``, or the reason why there is none."""
    kept = work / "results" / f"{table.name}-{generator}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return found
    root = project_of(table, work)
    results = root / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    command = [*SYNTH, "build", "--quiet", "--select", model_name(generator)]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=patience)
        said = (done.stdout + done.stderr).strip()
    except subprocess.TimeoutExpired:
        said = f"took more than {patience:.0f} s"
    if results.exists():
        (found,) = json.loads(results.read_text("utf-8"))["results"]
    else:
        found = {"status": "error", "message": said, "audits": [], "seconds": {}}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found), "utf-8")
    return found


def main() -> bool:
    """Print, or write, the page; True where a generator ended with an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks matrix", description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, help="a folder of CSV and Parquet files")
    parser.add_argument("--rows", type=int, default=2_000, help="of each table, at most")
    parser.add_argument("--generator", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--table", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--work", type=Path, help="a folder that keeps the results of a run that is stopped")
    parser.add_argument("--write", type=Path, help="the page, instead of printing it")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one build")
    parser.add_argument("--known", action="store_true", help="make the page of what the work folder holds already")
    given = parser.parse_args(sys.argv[2:] if sys.argv[1:2] == ["matrix"] else [])
    with tempfile.TemporaryDirectory() as folder:
        work = given.work or Path(folder)
        found, small = tables(given.data, given.rows, work)
        results: dict[str, dict[str, dict[str, Any]]] = {}
        for table in (t for t in found if not given.table or t.name in given.table):
            able = set() if given.known else generators_of(project_of(table, work))
            for generator in given.generator or GENERATORS:
                if given.known and not (work / "results" / f"{table.name}-{generator}.json").exists():
                    continue
                if not given.known and generator not in able:
                    continue
                result = one(table, generator, work, given.patience)
                results.setdefault(table.name, {})[generator] = result
                print(f"{table.name}, {generator}: {result['status']} {result['message']}"[:200], file=sys.stderr)
        text = page(results, {t.name: t.rows for t in found}, small)
    if given.write:
        given.write.write_text(text, "utf-8")
    else:
        print(text)
    return any(r["status"] == "error" for by in results.values() for r in by.values())


if __name__ == "__main__":
    sys.exit(main())
