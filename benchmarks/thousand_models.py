"""ls, compile, plan, verify and a build with nothing to do, on a generated project of 1,000 models over 20 sources."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks.timing import SYNTH, report, seconds

MODELS, SOURCES, FILES = 1000, 20, 50
VERBS = ("ls", "compile", "plan", "verify", "stats")


def write_project(root: Path) -> None:
    """Half generated models, half SQL models that read one or two earlier ones, in 50 files."""
    (root / "models").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "synth_project.yml").write_text(
        "name: thousand\nvars: {trees: 1}\nmodels:\n  +tags: [bench]\n  +meta: {owner: nobody}\n"
    )
    tables = []
    for i in range(SOURCES):
        lines = "\n".join(f"{r},{r % 7},{'ab'[r % 2]},{r * 0.5}" for r in range(200))
        (root / "data" / f"t{i}.csv").write_text(f"id,n,kind,x\n{lines}\n")
        tables.append(f"      - {{name: t{i}, path: data/t{i}.csv, primary_key: id}}")
    text = "version: 1\nsources:\n  - name: raw\n    tables:\n" + "\n".join(tables) + "\n"
    (root / "models" / "sources.yml").write_text(text)
    for f in range(FILES):
        numbers = range(f * MODELS // FILES, (f + 1) * MODELS // FILES)
        body = "".join(_generated(i) if i % 2 == 0 else _query(i) for i in numbers)
        (root / "models" / f"models_{f:02d}.yml").write_text(f"version: 1\nmodels:\n{body}")


def _generated(i: int) -> str:
    return f"""
  - name: m{i}
    description: Generated model number {i}
    source: "{{{{ source('raw', 't{i % SOURCES}') }}}}"
    generator: {{name: cart, trees: "{{{{ var('trees') }}}}"}}
    size: 2x
    tags: [generated]
    audits:
      - ks: {{max: 0.6}}
      - not_null: {{columns: [kind, n]}}
      - row_count: {{min: 10}}
"""


def _query(i: int) -> str:
    second = f" union all select * from {{{{ ref('m{i - 3}') }}}}" if i > 3 and i % 4 == 1 else ""
    return f"""
  - name: m{i}
    description: SQL model number {i}
    generator:
      name: sql
      query: "select n, kind, x from {{{{ ref('m{i - 1}') }}}}{second.replace("select *", "select n, kind, x")}"
    audits:
      - not_null: {{columns: [kind]}}
      - accepted_values: {{column: kind, values: [a, b]}}
"""


def main() -> None:
    """Trees of a table of 200 rows are quick to learn, so that the project is built and no receipt is made up."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "thousand"
        write_project(root)
        subprocess.run([*SYNTH, "build", "--quiet"], cwd=root, check=True)
        rows = [(f"synth {verb}, 1,000 models", seconds([*SYNTH, verb], root, 3), 3.0) for verb in VERBS]
        rows.append(("synth build, 1,000 models, nothing to do", seconds([*SYNTH, "build", "--quiet"], root, 3), 3.0))
        results = json.loads((root / "target" / "run_results.json").read_text("utf-8"))["results"]
        if {r["status"] for r in results} != {"reused"}:
            raise RuntimeError("the build had something to do")
        report(rows)
