"""The disturbed build of :mod:`tests.disturbed` on a Ray cluster, whose workers and one of whose machines are killed."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from tests.disturbed import Disturbed, Watch, disturb, made, sha256_of


class OnRay:
    """Kills workers of a Ray cluster that carry out a job, each time that so many more partitions are done, and one machine of
    the cluster when a quarter are."""

    def __init__(self, cluster: Any, every: int, partitions: int, seed: int) -> None:
        self.cluster, self.every, self.partitions, self.random = cluster, every, partitions, random.Random(seed)
        self.at, self.lost = every, False

    def __call__(self, _pid: int, watch: Watch) -> int:
        done = watch.of(self.partitions)
        if not self.lost and done >= self.partitions // 4:
            self.lost = True
            self.cluster.nodes[-1].kill()
        if done < self.at or len(watch.trained) < 2:
            return 0
        tasks = [task for node in self.cluster.nodes for task in node.tasks()]
        if not tasks:
            return 0
        self.at = done + self.every
        try:
            self.random.choice(tasks).kill()
        except psutil.NoSuchProcess:
            return 0
        return 1


FAULTY = """
import os, sys
if "default_worker.py" in " ".join(sys.orig_argv):
    from tests.workers import storage_fails
    storage_fails()
    flush = os.fsync
    def fsync(file):
        try:
            flush(file)
        except OSError:
            with open(os.path.join(os.path.dirname(__file__), "failed"), "a") as seen:
                seen.write(os.readlink(f"/proc/self/fd/{file}") + "\\n")
            raise
    os.fsync = fsync
"""  # Ray's workers are no forks that could be told: Python runs this at the start of each, and what failed is written down


def failed_flushes(hooks: Path) -> int:
    """How many flushes to disk failed in processes that ran the hook in this folder."""
    seen = hooks / "failed"
    return len(seen.read_text("utf-8").splitlines()) if seen.exists() else 0


def on_ray(folder: Path, rows: int, partitions: int, seed: int, faults: float = 0.01) -> Disturbed:
    """On a Ray cluster of three nodes on loopback, of three CPUs each, which loses one of them.

    Args:
        faults: share of flushes to disk that fail, in workers and in the coordinator.
    """
    from tests.ray_cluster import cluster

    (folder / "hooks").mkdir(parents=True)
    (folder / "hooks/sitecustomize.py").write_text(FAULTY, "utf-8")
    path = os.pathsep.join([str(folder / "hooks"), str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    env = {"SYNTH_TEST_FAULTS": str(faults)}
    with mock.patch.dict(os.environ, {**env, "PYTHONPATH": path.rstrip(os.pathsep)}), cluster(3, 3) as found:
        runner = f"{{name: ray, address: '{found.address}', retries: 8}}"
        project = made(folder / "shop", rows, partitions, f"targets: {{dev: {{runner: {runner}}}}}\n")
        kill = OnRay(found, max(1, partitions // 20), partitions, seed)
        disturbed = disturb(project, (), env, partitions, kill, lambda: sha256_of(project))
    failed = failed_flushes(folder / "hooks")
    print(f"{failed} flushes to disk failed in Ray's workers", file=sys.stderr)
    assert failed or faults * partitions < 2, "the faults that were asked for did not reach Ray's workers"
    return disturbed
