"""A Ray that does not start is given up in time, in words, and once for all jobs."""

from __future__ import annotations

import io
import json
import os
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
        tables = [p.read_bytes() for p in sorted((project.root / "warehouse").rglob("*.parquet"))]
        told = [json.loads(p.read_text("utf-8")) for p in sorted((project.root / "warehouse").rglob("*.receipt.json"))]
        found.append((tables, [(one["environment"]["threads"], one["environment"]["held"]) for one in told]))
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
    told: list[dict[str, object]] = []
    monkeypatch.setattr(runner, "_send", lambda _driver, start: told.append(start["variables"]))
    for address in ("local", "127.0.0.1:6379"):
        runner._launched(address, query(tmp_path, "select 1"))
    variables = executor.worker_variables(1, os.environ)
    assert (told[0], given[0].items() >= variables.items()) == ({}, True)  # from the start on, not with each job
    assert told[1] == variables  # others' workers are started anew with them
    monkeypatch.setenv("RAY_worker_niceness", "5")  # who says otherwise is heard
    runner._launched("local", query(tmp_path, "select 1"))
    assert [env.get("RAY_worker_niceness") for env in given] == ["0", None, "5"]


def test_what_a_task_raises_is_told_and_not_which_task_it_was() -> None:
    from ray.exceptions import RayTaskError

    from synthkit.runners.ray.driver import _first_line

    error = RayTaskError(
        "carry", "ray::carry() (pid=1)\n  File ...\nValueError: no such job", ValueError("no such job")
    )
    assert _first_line(error) == "ValueError: no such job"
    assert _first_line(ValueError("one\ntwo")) == "one"
