"""Builds whose jobs are pods, against a stand-in of the API server that kills pods: the bytes of a local build, a job's own
reason, and nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.project.resources import Resources
from tests.endless import ENDLESS, endless_model
from tests.forking import Started
from tests.ray_cluster import until
from tests.runners.test_elsewhere import FILES, receipt
from tests.runners.test_local import nothing, partition, query
from tests.synth import Project, make_project

pytest.importorskip("kubernetes", reason="the client is not installed: pip install 'synthkit-build[kubernetes]'")
pytest.importorskip("kubernetes_validate")

from synthkit.runners import straggling
from synthkit.runners.kubernetes import pod
from synthkit.runners.kubernetes.executor import KubernetesExecutor
from synthkit.runners.kubernetes.handed import Handed
from synthkit.runners.kubernetes.options import KubernetesOptions
from tests.kube_server import Cluster, served

pytestmark = pytest.mark.slow
ON_PODS = "runner: {name: kubernetes, image: 'synthkit:0.1.0', claim: shop, retries: 8, namespace: data}"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Pods see the project under another path, as its claim is mounted elsewhere there."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "claim").symlink_to(tmp_path / "shop")
    (tmp_path / "pods").mkdir()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with served(Cluster({"shop": tmp_path / "claim"}, tmp_path / "pods"), tmp_path / "kubeconfig") as found:
        yield found


def executor(folder: Path, **options: Any) -> KubernetesExecutor:
    given = {"image": "synthkit:0.1.0", "claim": "shop", **options}
    return KubernetesExecutor(1, folder / "target/logs/run.log", KubernetesOptions(**given))


def tables(project: Project) -> tuple[list[bytes], list[dict[str, Any]]]:
    found, told = (sorted((project.root / "warehouse").rglob(f"*.{end}")) for end in ("parquet", "receipt.json"))
    return [p.read_bytes() for p in found], [receipt(p) for p in told]


def test_a_build_on_pods_that_are_killed_ends_with_the_bytes_of_a_local_one(cluster: Cluster, tmp_path: Path) -> None:
    local = make_project(tmp_path / "local" / "shop", FILES)
    local.ok("build")
    head = f"{FILES['synth_project.yml']}targets: {{dev: {{{ON_PODS}}}}}\n"
    pods = make_project(tmp_path / "shop", {**FILES, "synth_project.yml": head})
    cluster.killed, cluster.errors = 0.4, 3
    pods.ok("build")
    assert tables(pods) == tables(local)
    assert cluster.kills > 0
    assert not cluster.jobs  # each is deleted when it has ended
    assert all(m["metadata"]["namespace"] == "data" for m in cluster.seen)


def test_a_jobs_own_reason_is_as_locally_and_is_not_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    kubernetes = executor(tmp_path / "shop")
    with pytest.raises(BuildError, match="nowhere") as caught:
        kubernetes.run(query(tmp_path / "shop", "select * from nowhere"), nothing)
    assert caught.value.hint
    assert len(list((tmp_path / "pods").glob("*.log"))) == 1
    assert kubernetes.run(query(tmp_path / "shop", "select 2 as n"), nothing).rows == 1


def test_many_jobs_are_the_parts_of_one_job(cluster: Cluster, tmp_path: Path) -> None:
    shop, steps = tmp_path / "shop", list[Any]()
    kubernetes = executor(shop, parallelism=2)
    jobs = [
        replace(query(shop / str(i), f"select * from range({i + 1}) t(n)", root=shop), resources=Resources(cpus=0.5))
        for i in range(3)
    ]
    found = kubernetes.run_many(jobs, [lambda *step: steps.append(step)] * 3)
    assert [made.rows for made in found] == [1, 2, 3]
    assert {m.machine for made in found for m in made.measured} == {"node0"}  # as the pods say of themselves
    assert all(m.phase == "query" and m.peak_memory > 10**7 for made in found for m in made.measured)
    (manifest,) = cluster.seen
    assert (manifest["spec"]["completions"], manifest["spec"]["parallelism"]) == (3, 2)
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "8Gi"},
        "limits": {"cpu": "8", "memory": "16Gi"},
    }


def test_pods_that_die_again_and_again_are_given_up_with_how_they_died(cluster: Cluster, tmp_path: Path) -> None:
    cluster.killed = 1.0
    with pytest.raises(BuildError, match="were lost 2 times: Error, exit status 137"):
        executor(tmp_path / "shop", retries=1).run(query(tmp_path / "shop", ENDLESS), nothing)
    assert not cluster.jobs


def test_what_the_server_refuses_is_said_in_its_words(cluster: Cluster, tmp_path: Path) -> None:
    asks = replace(query(tmp_path / "shop", "select 1 as n"), resources=Resources(cpus=9))
    with pytest.raises(BuildError, match="Kubernetes refuses: cpu: requests more than its limit"):
        executor(tmp_path / "shop").run(asks, nothing)


def endless_build(cluster: Cluster, root: Path) -> tuple[Project, Started | subprocess.Popen[str]]:
    """A build on pods whose model never ends, once one of them runs."""
    head = f"name: shop\ntargets: {{dev: {{{ON_PODS}}}}}\n"
    project = make_project(root, {"synth_project.yml": head, "models/models.yml": endless_model()})
    build = project.start("build")
    until(lambda: any(p.process is not None for j in cluster.jobs.values() for p in j.pods))
    return project, build


def test_ctrl_c_deletes_what_runs(cluster: Cluster, tmp_path: Path) -> None:
    _, build = endless_build(cluster, tmp_path / "shop")
    build.send_signal(signal.SIGINT)
    said, _ = build.communicate(timeout=120)
    assert build.returncode == 1
    assert "stopped" in said
    until(lambda: not cluster.jobs)


def test_a_pod_that_is_run_again_after_its_end_does_nothing(tmp_path: Path) -> None:
    handed = Handed(tmp_path / "jobs")
    handed.write([query(tmp_path, "select 1 as n")])
    found = []
    for _ in range(2):
        assert pod.main(tmp_path, "jobs", 0) == 0
        (staged,) = tmp_path.rglob("data.parquet")
        found.append(staged.stat().st_mtime_ns)
        time.sleep(0.01)
    assert found[0] == found[1]
    assert "result" in (handed.ended(0) or {})


def test_what_a_killed_build_left_in_the_cluster_is_ended_by_the_next_one(cluster: Cluster, tmp_path: Path) -> None:
    project, killed = endless_build(cluster, tmp_path / "shop")
    killed.kill()
    killed.wait()
    (left,) = cluster.jobs
    project.write({"models/models.yml": endless_model("select 1 as n")})
    project.ok("build")
    assert not cluster.jobs
    assert left not in [m["metadata"]["name"] for m in cluster.seen[1:]]
    assert not list((project.root / "target/kubernetes").iterdir())


def test_an_answer_that_is_lost_when_a_job_is_applied_is_no_fault(cluster: Cluster, tmp_path: Path) -> None:
    cluster.lost = 1
    assert executor(tmp_path / "shop").run(query(tmp_path / "shop", "select 1 as n"), nothing).rows == 1
    assert cluster.lost == 0
    assert len(cluster.seen) == 1


def test_a_part_whose_pod_hangs_is_done_by_a_copy(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straggling, "LEAST", 0.5)
    shop, cluster.stopped = tmp_path / "shop", {3}
    jobs = [replace(partition(shop / str(i)), root=shop) for i in range(4)]
    made = executor(shop, parallelism=4).run_many(jobs, [nothing] * 4)
    assert [m.rows for m in made] == [3, 3, 3, 3]
    assert not cluster.stopped
    whole, copy = cluster.seen
    assert copy["metadata"]["name"] == f"{whole['metadata']['name']}-c3"
    assert copy["spec"]["completions"] == 1
    assert not cluster.jobs
    assert not list((shop / "target/kubernetes").iterdir())


def test_a_copy_that_the_cluster_does_not_take_is_no_fault(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    kubernetes = executor(shop)

    def full(_manifest: dict[str, Any]) -> None:
        raise BuildError("Kubernetes refuses: exceeded quota")

    monkeypatch.setattr(kubernetes, "_create", full)
    assert kubernetes._applied_copy("late-c3", [query(shop, "select 1 as n")]) is None
    assert "late-c3): Kubernetes refuses: exceeded quota" in kubernetes.log_path.read_text("utf-8")
    assert not list((shop / "target/kubernetes").iterdir())
