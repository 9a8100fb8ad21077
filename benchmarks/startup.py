"""How long the command line makes one wait on the project at the repository's root."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.timing import SYNTH, report, seconds

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    subprocess.run([*SYNTH, "build", "--quiet"], cwd=ROOT, check=True)
    rows = [("synth --version", seconds([*SYNTH, "--version"], ROOT), 0.3)]
    for verb in ("ls", "compile", "plan"):
        rows.append((f"synth {verb}", seconds([*SYNTH, verb], ROOT), 0.9))
    rows.append(("synth build, nothing to do", seconds([*SYNTH, "build"], ROOT), 1.1))
    report(rows)
