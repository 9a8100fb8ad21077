"""Jobs on a real Ray cluster of two nodes on this machine: the same bytes, the same reasons, and what happens when a
worker, a node or the head is killed."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from synthkit.errors import BuildError
from synthkit.project.resources import Resources
from synthkit.runners.done import Made
from synthkit.runners.local import LocalExecutor
from tests.building.test_partitions import FILES as PARTITIONS
from tests.endless import ENDLESS, endless_model
from tests.runners.test_elsewhere import FILES, receipt
from tests.runners.test_local import nothing, query
from tests.synth import Project, make_project

pytest.importorskip("ray", reason="Ray is not installed: pip install 'synthkit-build[ray]'")

from synthkit.runners.ray.executor import RayExecutor
from synthkit.runners.ray.options import RayOptions
from tests.ray_cluster import Cluster, cluster, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
SLOW = "select count(*) as n from range(2000000000) a where a % 7 = 3"  # some seconds, one thread


@pytest.fixture(scope="module")
def two() -> Iterator[Cluster]:
    """Two nodes that no test kills."""
    with cluster(2) as found:
        yield found


def executor(of: Cluster, folder: Path, **options: Any) -> RayExecutor:
    (folder / "synth_project.yml").write_text("name: shop\n", "utf-8")
    return RayExecutor(1, folder / "log", RayOptions(address=of.address, **options))


def project_on(of: Cluster, folder: Path, files: dict[str, str]) -> Project:
    targets = f"targets: {{dev: {{}}, cluster: {{warehouse: warehouse/dev, runner: {{name: ray, address: '{of.address}'}}}}}}\n"
    return make_project(folder, {**files, "synth_project.yml": files["synth_project.yml"] + targets})


def tables(project: Project) -> list[bytes]:
    return [p.read_bytes() for p in sorted((project.root / "warehouse").rglob("*.parquet"))]


def test_a_cluster_makes_the_bytes_of_one_machine(two: Cluster, tmp_path: Path) -> None:
    found = []
    for name in ("dev", "cluster"):
        project = project_on(two, tmp_path / name / "shop", FILES)
        project.ok("build", "--target", name)
        told = sorted((project.root / "warehouse").rglob("*.receipt.json"))
        found.append((tables(project), [receipt(r) | {"target": ""} for r in told]))
        took = json.loads(project.ok("stats", "--target", name, "--format", "json"))
        machines = [m for model in took["models"] for m in model["machines"]]
        assert machines
        assert all(m["machine"] != "unknown" and m["peak_memory"] > 10**7 for m in machines)  # measured where they ran
    assert found[0] == found[1]
    assert len(found[0][0]) == 3


def test_both_nodes_work_and_a_jobs_own_reason_is_as_locally(two: Cluster, tmp_path: Path) -> None:
    ray, local = executor(two, tmp_path), LocalExecutor(1, tmp_path / "local.log")
    try:
        messages = []
        for one in (local, ray):
            with pytest.raises(BuildError) as caught:
                one.run(query(tmp_path, "select * from nowhere"), nothing)
            messages.append((caught.value.message, caught.value.hint))
        assert messages[0] == messages[1]
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(ray.run, query(tmp_path / str(i), ENDLESS, root=tmp_path), nothing) for i in range(2)]
            until(lambda: all(node.tasks() for node in two.nodes))
            ray.stop()
            for job in jobs:
                with pytest.raises(BuildError, match="stopped"):
                    job.result()
        until(lambda: not any(node.tasks() for node in two.nodes))
    finally:
        ray.close()
        local.close()


def test_what_no_machine_has_fails_at_once(two: Cluster, tmp_path: Path) -> None:
    ray = executor(two, tmp_path)
    try:
        big = replace(query(tmp_path, "select 1 as n"), resources=Resources(cpus=2))
        with pytest.raises(BuildError, match="no machine of the Ray cluster has what the job asks for: CPU 2"):
            ray.run(big, nothing)
        fits = replace(query(tmp_path, "select 1 as n"), resources=Resources(cpus=0.5, memory=10**7))
        assert ray.run(fits, nothing).rows == 1
    finally:
        ray.close()


def running(ray: RayExecutor, folder: Path, sql: str, steps: list[Any], root: Path | None = None) -> Future[Made]:
    """A job in the background, with what it tells of itself."""
    future: Future[Made] = Future()

    def run() -> None:
        try:
            future.set_result(ray.run(query(folder, sql, root), lambda *step: steps.append(step)))
        except BuildError as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def kill_task(of: Cluster, gone: set[int]) -> None:
    """Kill the worker of the job that runs, once it is another one than those that are ``gone``."""
    found: list[psutil.Process] = []

    def seen() -> bool:
        found[:] = [p for node in of.nodes for p in node.tasks() if p.pid not in gone]
        return bool(found)

    until(seen)
    gone.add(found[0].pid)
    found[0].kill()


def test_a_killed_worker_is_replaced_and_not_for_ever(two: Cluster, tmp_path: Path) -> None:
    ray, steps, gone = executor(two, tmp_path, retries=1), list[Any](), set[int]()
    try:
        job = running(ray, tmp_path, SLOW, steps)
        kill_task(two, gone)
        assert job.result(timeout=300).rows == 1
        assert [step[:4] for step in steps if step[0] == "retry"] == [("retry", 1, 1, "retries")]
        job = running(ray, tmp_path, ENDLESS, steps)
        kill_task(two, gone)
        kill_task(two, gone)
        with pytest.raises(BuildError, match="lost 2 times"):
            job.result(timeout=300)
        assert ray.run(query(tmp_path, "select 2 as n"), nothing).rows == 1  # and the cluster goes on
    finally:
        ray.close()


def test_ctrl_c_ends_a_build_and_its_tasks(two: Cluster, tmp_path: Path) -> None:
    files = {"synth_project.yml": "name: shop\n", "models/models.yml": endless_model()}
    project = project_on(two, tmp_path / "shop", files)
    build = project.start("build", "--target", "cluster")
    until(lambda: any(node.tasks() for node in two.nodes))
    build.send_signal(signal.SIGINT)
    said, _ = build.communicate(timeout=120)
    assert build.returncode == 1
    assert "stopped" in said
    assert "Traceback" not in said
    until(lambda: not any(node.tasks() for node in two.nodes))
    assert not tables(project)


def test_a_partition_whose_worker_hangs_is_drawn_by_another_one(two: Cluster, tmp_path: Path) -> None:
    files = {**PARTITIONS, "models/models.yml": PARTITIONS["models/models.yml"].replace("1003", "400000")}
    files["models/models.yml"] = files["models/models.yml"].replace("partition_rows: 100\n", "partition_rows: 100000\n")
    found = []
    for name in ("dev", "cluster"):
        project = project_on(two, tmp_path / name / "shop", files)
        build = project.start("build", "--target", name, "--threads", "4", env={"SYNTH_TEST_SECONDS": "600"})
        if name == "cluster":
            hang_one(two, project, build)
        said, _ = build.communicate(timeout=600)
        assert build.returncode == 0, said
        found.append(tables(project))
    assert found[0] == found[1]


def hang_one(of: Cluster, project: Project, build: Any) -> None:
    """Stop the worker of a partition, as soon as another one is done."""
    drawn = project.root / "target/targets/cluster/cache/partitions"
    until(lambda: list(drawn.glob("*/*-of-00004-*.json")) or build.poll() is not None, 300)
    for process in [p for node in of.nodes for p in node.tasks()][:1]:
        process.suspend()


def test_a_job_goes_on_elsewhere_when_its_node_dies_and_ends_when_the_head_does(tmp_path: Path) -> None:
    with cluster(2) as doomed:
        ray, steps = executor(doomed, tmp_path), list[Any]()
        try:
            jobs = [running(ray, tmp_path / str(i), ENDLESS, steps, root=tmp_path) for i in range(2)]
            until(lambda: all(node.tasks() for node in doomed.nodes))
            doomed.nodes[1].kill()
            until(lambda: any(step[0] == "retry" for step in steps))
            assert not any(job.done() for job in jobs)  # it waits for the one CPU that is left
            doomed.nodes[0].kill()
            for job in jobs:
                with pytest.raises(BuildError, match="the Ray cluster is gone"):
                    job.result(timeout=300)
        finally:
            ray.close()
