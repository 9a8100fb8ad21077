"""Audits and the trainings that they repeat, spread over two nodes of a Ray cluster: what they find is what one process finds,
also when a worker is killed while it does so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import spread
from tests.synth import Project

pytest.importorskip("ray", reason="Ray is not installed: pip install 'synthkit-build[ray]'")

from tests.ray_cluster import Cluster, cluster, until

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]  # test_task.py holds the same for less


@pytest.mark.parametrize("killed", [False, True])
def test_audits_spread_over_two_nodes_find_what_one_process_finds(killed: bool, tmp_path: Path) -> None:
    alone = spread.built(spread.shop(tmp_path / "alone" / "shop"), "--threads", "1")
    with cluster(2) as two:
        project = spread.shop(tmp_path / "shop", f"runner: {{name: ray, address: '{two.address}'}}")
        build = project.start("build", "--threads", "2", env={"SYNTH_TEST_SECONDS": "1200"})
        if killed:
            kill_while_auditing(two, project)
        said, _ = build.communicate(timeout=1200)
        found = spread.ended(project, build.returncode, said)
    assert found == alone
    assert not list((project.root / "target/cache/repeats").iterdir())
    (log,) = (project.root / "target/logs").glob("*.log")
    assert ("A worker died or was killed while executing a task" in log.read_text("utf-8")) == killed


def kill_while_auditing(of: Cluster, project: Project) -> None:
    """Kill what carries out a training for an audit, or an audit beside it."""
    until(lambda: list((project.root / "target/cache/repeats").rglob("*.npz")), 600)
    tasks = []

    def working() -> bool:
        tasks[:] = [task for node in of.nodes for task in node.tasks()]
        return bool(tasks)

    until(working)
    assert list((project.root / "target/cache/repeats").rglob("*.npz"))  # the audits were not over meanwhile
    tasks[0].kill()
