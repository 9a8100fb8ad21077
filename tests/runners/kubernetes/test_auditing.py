"""Audits and the trainings that they repeat, spread over pods of which some are killed: what they find is what one process
finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from synthkit.runners.jobs import Job, JobProgress, done_from_json
from synthkit.runners.kubernetes import pod
from synthkit.runners.kubernetes.handed import Handed
from tests import spread

pytest.importorskip("kubernetes", reason="the client is not installed: pip install 'synthkit-build[kubernetes]'")
pytest.importorskip("kubernetes_validate")

from tests.disturbed import forked
from tests.kube_server import Cluster, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
ON_PODS = "runner: {name: kubernetes, image: 'synthkit:0.1.0', claim: shop, retries: 8, namespace: data}"


@pytest.mark.long
def test_audits_spread_over_pods_that_are_killed_find_what_one_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = spread.built(spread.shop(tmp_path / "alone" / "shop"), "--threads", "1")
    project = spread.shop(tmp_path / "shop", ON_PODS)
    (tmp_path / "claim").symlink_to(project.root)
    (tmp_path / "pods").mkdir()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    pods = Cluster({"shop": tmp_path / "claim"}, tmp_path / "pods", killed=0.2, start=forked, nodes=2)
    pods.within = 0.5
    with served(pods, tmp_path / "kubeconfig"):
        assert spread.built(project, "--threads", "2") == alone
    assert pods.kills > 0
    assert not pods.jobs
    parts = [m["spec"]["completions"] for m in pods.seen]
    assert 3 * 2 + 2 in parts  # trainings for three audits on two workers, and two jobs of audits that need none
    assert not list((project.root / "target/cache/repeats").iterdir())
    assert not list((project.root / "target/kubernetes").iterdir())


class Pods:
    """Jobs as pods do them, one after the other in this process, where the project has another path."""

    def __init__(self, root: Path) -> None:
        self.root, self.parts = root, list[int]()

    def run(self, job: Job[Any], progress: JobProgress) -> Any:
        return self.run_many([job], [progress])[0]

    def run_many(self, jobs: Sequence[Job[Any]], _progress: Sequence[JobProgress]) -> list[Any]:
        self.parts.append(len(jobs))
        handed = Handed(self.root / "target/kubernetes" / f"jobs-{len(self.parts)}")
        handed.write(jobs)
        folder = handed.folder.relative_to(self.root).as_posix()
        assert [pod.main(self.root, folder, number) for number in range(len(jobs))] == [0] * len(jobs)
        return [done_from_json(job, (handed.ended(number) or {})["result"]) for number, job in enumerate(jobs)]

    def stop(self) -> None: ...

    def close(self) -> None: ...


def test_audits_and_trainings_as_parts_of_one_job_find_what_one_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = spread.alike(tmp_path, Pods, monkeypatch)
    assert 3 * 2 + 2 in pods.parts
