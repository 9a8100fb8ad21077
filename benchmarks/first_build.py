"""The first build of the example project, from nothing but its files: 3 minutes on 2 cores is the bar."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.timing import SYNTH, report

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("synth_project.yml", "models", "audits", "macros", "data")


def main() -> None:
    taken = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            for part in PARTS:
                source = ROOT / part
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, Path(folder) / part)
            started = time.perf_counter()
            subprocess.run([*SYNTH, "build", "--quiet"], cwd=folder, check=True)
            taken.append(time.perf_counter() - started)
    report([("first synth build of the example project", taken, 180.0)], "s")
