"""What the bytes of a table depend on: the same small project, built with other instructions, kernels and threads.

Each run sets one variable for the workers, which wins over what :mod:`synthkit.runners.environment` holds fixed, and
stands in for a machine whose libraries would choose so by themselves: what differs here differs between such machines.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.timing import SYNTH
from tests.synth import COPULA_PROJECT, Project, make_project

GENERATORS = {
    "circuit": "circuit",
    "tvae": "{name: tvae, epochs: 4}",
    "ctgan": "{name: ctgan, epochs: 4}",
    "copula": "sdv.gaussian_copula",
}
RUNS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("the same again", {}),
    ("NumPy without AVX2", {"NPY_DISABLE_CPU_FEATURES": "X86_V3"}),
    ("PyTorch without AVX2", {"ATEN_CPU_CAPABILITY": "default"}),
    ("OpenBLAS for Sandy Bridge", {"OPENBLAS_CORETYPE": "Sandybridge"}),
    ("MKL without AVX2", {"MKL_CBWR": "COMPATIBLE"}),
    ("oneDNN without AVX2", {"ONEDNN_MAX_CPU_ISA": "SSE41"}),
    ("Arrow without SIMD", {"ARROW_USER_SIMD_LEVEL": "NONE"}),
)
TWO_THREADS = "two threads a training"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder) / "shop")
        first = _hashes(project, {})
        print("| | " + " | ".join(GENERATORS) + " |\n| --- |" + " --- |" * len(GENERATORS))
        for name, variables in RUNS:
            _print(name, first, _hashes(project, variables))
        project.write({"synth_project.yml": "name: shop\nseed: 7\nmodel_threads: 2\n"})
        _print(TWO_THREADS, first, _hashes(project, {}))


def _project(root: Path) -> Project:
    models = "".join(
        f"""
          - name: {name}
            source: "{{{{ source('crm', 'customers') }}}}"
            generator: {generator}
            size: 300
            audits: []"""
        for name, generator in GENERATORS.items()
    )
    text = f"\n        version: 1\n        models:{models}\n"
    return make_project(root, {**COPULA_PROJECT, "models/customers.yml": text})


def _hashes(project: Project, variables: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of each table, built from nothing."""
    for left in ("target", "warehouse"):
        shutil.rmtree(project.root / left, ignore_errors=True)
    command = [*SYNTH, "build", "--quiet"]
    subprocess.run(command, cwd=project.root, env={**os.environ, **variables}, check=True)
    receipts = {n: project.root / "warehouse" / "dev" / f"{n}.receipt.json" for n in GENERATORS}
    return {name: json.loads(path.read_text("utf-8"))["sha256"] for name, path in receipts.items()}


def _print(name: str, first: Mapping[str, str], found: Mapping[str, str]) -> None:
    cells = ["the same bytes" if found[n] == first[n] else "other bytes" for n in GENERATORS]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
