"""What a Ray worker does with a job, without a cluster: it yields progress and one end, whatever happens inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synthkit
from synthkit.runners import attempt
from synthkit.runners.jobs import job_to_json
from synthkit.runners.ray import task
from tests.runners.test_local import query


def events(folder: Path, sql: str = "select 1 as n", **other: Any) -> list[dict[str, Any]]:
    given = {"root": str(folder), "seen": None, "version": synthkit.__version__} | other
    (folder / "synth_project.yml").touch()
    return list(task.carry(job_to_json(query(folder, sql)), **given))


def test_a_job_ends_with_its_result_or_its_reason(tmp_path: Path) -> None:
    assert events(tmp_path)[-1]["result"]["rows"] == 1
    assert "nowhere" in events(tmp_path, "select * from nowhere")[-1]["error"]["message"]


@pytest.mark.parametrize(
    ("raises", "said"),
    [(lambda: SystemExit(3), "status 3"), (lambda: KeyError("a"), "KeyError"), (MemoryError, "memory")],
)
def test_what_a_job_does_to_itself_is_a_reason_and_no_lost_worker(
    raises: Callable[[], BaseException], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(*_job: object) -> None:
        raise raises()

    monkeypatch.setattr(attempt, "execute", execute)
    _, end = events(tmp_path)
    assert said in end["error"]["message"]


def test_a_machine_that_is_unlike_the_builds_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "PATIENCE", 0.0)
    (end,) = events(tmp_path, version="0.0.0")
    assert "this build is of 0.0.0" in end["error"]["message"]
    (end,) = events(tmp_path, seen="target/logs/other.log")
    assert "does not see the project" in end["error"]["message"]
    assert "root" in end["error"]["hint"]
    (end,) = events(tmp_path, root="/mnt/nowhere")
    assert "/mnt/nowhere/synth_project.yml" in end["error"]["message"]
