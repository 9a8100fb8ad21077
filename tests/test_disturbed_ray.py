"""The hook that makes flushes of Ray's workers fail tells of each that did; the build itself is ``benchmarks disturbed``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.disturbed_ray import FAULTY, failed_flushes

FLUSH = """
import os, sys
try:
    os.fsync(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY))
except OSError:
    print("failed")
"""


def test_a_flush_that_fails_in_a_worker_of_ray_is_counted(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "sitecustomize.py").write_text(FAULTY, "utf-8")
    root = Path(__file__).parent.parent
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "SYNTH_TEST_FAULTS": "1"}
    for name, said, count in (("another.py", "", 0), ("default_worker.py", "failed\n", 1)):
        command = [sys.executable, "-c", FLUSH, str(tmp_path / "staging" / "written"), name]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert (done.stdout, failed_flushes(tmp_path)) == (said, count)
