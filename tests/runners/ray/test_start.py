"""A Ray that does not start is given up in time, in words, and once for all jobs."""

from __future__ import annotations

import io
import time
from pathlib import Path

import psutil
import pytest

from synthkit.errors import BuildError
from tests.ray_cluster import QUICK
from tests.runners.test_local import nothing, query
from tests.synth import SQL_PROJECT, make_project

pytest.importorskip("ray", reason="Ray is not installed: pip install 'synthkit-build[ray]'")

from synthkit.runners.ray.executor import RayExecutor
from synthkit.runners.ray.options import RayOptions

pytestmark = pytest.mark.slow


def drivers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "synthkit.runners.ray.driver" in " ".join(p.cmdline())]


@pytest.mark.parametrize(
    ("address", "said"),
    [("local", "Ray did not start within 0.3 s"), ("127.0.0.1:9", "the Ray cluster at 127.0.0.1:9 did not answer")],
)
def test_a_start_that_takes_too_long_is_ended(address: str, said: str, tmp_path: Path) -> None:
    ray = RayExecutor(1, tmp_path / "log", RayOptions(address=address, start_seconds=0.3))
    with pytest.raises(BuildError, match=said) as first:
        ray.run(query(tmp_path, "select 1 as n"), nothing)
    assert "start_seconds" in str(first.value.hint) or "RAY_AUTH_TOKEN" in str(first.value.hint)
    assert not drivers()
    began = time.monotonic()
    with pytest.raises(BuildError, match=said):
        ray.run(query(tmp_path, "select 1 as n"), nothing)
    assert time.monotonic() - began < 0.3  # the second job does not wait again
    ray.close()


def test_a_ray_client_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(BuildError, match="not through a Ray Client"):
        RayExecutor(1, tmp_path / "log", RayOptions()).run(query(tmp_path, "select 1 as n"), nothing)


def test_a_build_starts_a_ray_of_its_own_and_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    found = []
    for runner in ("local", "ray"):
        project = make_project(tmp_path / runner / "shop", SQL_PROJECT)
        project.ok("build", "--runner", runner)
        found.append([p.read_bytes() for p in sorted((project.root / "warehouse").rglob("*.parquet"))])
        assert project.ok("build", "--runner", runner)  # nothing is left to do, and no Ray is started for it
    assert found[0] == found[1]
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]


def test_workers_of_a_ray_of_its_own_have_the_builds_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from synthkit.runners.ray import executor

    given: list[dict[str, str]] = []

    def popen(*_command: object, env: dict[str, str], **_more: object) -> SimpleNamespace:
        given.append(env)
        return SimpleNamespace(stdin=io.StringIO())

    monkeypatch.setattr(executor.subprocess, "Popen", popen)
    monkeypatch.delenv("RAY_worker_niceness", raising=False)
    runner = RayExecutor(1, tmp_path / "log", RayOptions())
    for address in ("local", "127.0.0.1:6379"):
        runner._launched(address, query(tmp_path, "select 1"))
    monkeypatch.setenv("RAY_worker_niceness", "5")  # who says otherwise is heard
    runner._launched("local", query(tmp_path, "select 1"))
    assert [env.get("RAY_worker_niceness") for env in given] == ["0", None, "5"]
