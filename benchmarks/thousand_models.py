"""ls, compile, plan, verify and a build with nothing to do, on a generated project of 1,000 models over 20 sources."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.timing import SYNTH, report, seconds

MODELS, SOURCES, FILES = 1000, 20, 50


def write_project(root: Path) -> None:
    """Half generated models, half SQL models that read one or two earlier ones, in 50 files."""
    (root / "models").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "synth_project.yml").write_text(
        "name: thousand\nvars: {epochs: 3}\nmodels:\n  +tags: [bench]\n  +meta: {owner: nobody}\n"
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
    generator: {{name: sdv.ctgan, epochs: "{{{{ var('epochs') }}}}"}}
    size: 2x
    tags: [generated]
    audits:
      - ks: {{max: 0.2}}
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


def write_receipts(root: Path) -> None:
    """A receipt and a file for every model, as if all had been built: training half of them would take hours.

    What `verify` and `build` read is all there: the fingerprints of today's YAML, what was demanded, what was found,
    and a table in the Parquet file.
    """
    import pyarrow as pa

    from synthkit.compiler import compile_project
    from synthkit.planning.fingerprint import Fingerprinter
    from synthkit.project.project import load_project
    from synthkit.store.parquet import write_parquet

    manifest = compile_project(load_project(root))
    fingerprinter = Fingerprinter(manifest)
    warehouse = manifest.project.warehouse_dir
    upstream: dict[str, str] = {}
    for model in manifest.models.values():
        found = fingerprinter.of(model, upstream)
        upstream[model.id] = found.sample
        file = warehouse / model.name / "0.parquet"
        file.parent.mkdir(parents=True)
        rows = pa.table({"n": [1, 2], "kind": ["a", "b"], "x": [0.5, 1.0]})
        written = write_parquet(rows.to_batches(), rows.schema, file, {})
        demands = [b.to_json() for b in model.audits]
        reads = [r for r in model.parents if r.source is not None]
        receipt: Mapping[str, Any] = {
            "model": model.name,
            "run_id": "generated",
            "published_at": "2026-01-01T00:00:00.000Z",
            "rows": written.rows,
            "file": f"{model.name}/0.parquet",
            "sha256": written.hashes.sha256,
            "bytes": file.stat().st_size,
            "schema": model.schema.to_json(),
            "columns": [{"name": c.name, "type": c.sql_type} for c in model.schema.columns],
            "fingerprints": found.hashes(),
            "inputs": dict(found.inputs),
            "seed": found.inputs["train"]["seed"],
            "generator": {"name": model.generator.name, "params": model.params.model_dump(mode="json")},
            "source": None if model.source is None else model.source.id,
            "epsilon": None,
            "delta": None,
            "contains_real_rows": False,
            "descends_from": [],
            "materialized": "table",
            "description": model.spec.description,
            "required": demands,
            "source_columns": {
                r.id: {c.name: c.sql_type for c in manifest.sources[r.id].schema.columns} for r in reads
            },
            "audits": [{"name": d["name"], "status": "pass", "severity": "error", "value": 0.1} for d in demands],
        }
        path = warehouse / f"{model.name}.receipt.json"
        path.write_text(json.dumps(receipt, indent=2, default=str), "utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "thousand"
        write_project(root)
        rows = [
            (f"synth {verb}, 1,000 models", seconds([*SYNTH, verb], root, 3), 3.0) for verb in ("ls", "compile", "plan")
        ]
        write_receipts(root)
        rows.append(("synth verify, 1,000 models with receipts", seconds([*SYNTH, "verify"], root, 3), 3.0))
        rows.append(("synth build, 1,000 models, nothing to do", seconds([*SYNTH, "build", "--quiet"], root, 3), 3.0))
        results = json.loads((root / "target" / "run_results.json").read_text("utf-8"))["results"]
        if {r["status"] for r in results} != {"reused"}:
            raise RuntimeError("the build had something to do")
        report(rows)
