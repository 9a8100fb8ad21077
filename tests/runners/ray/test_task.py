"""What a Ray worker does with a job, without a cluster: it yields progress and one end, whatever happens inside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synthkit
from synthkit.runners import attempt
from synthkit.runners.jobs import Job, JobProgress, done_from_json, job_to_json
from synthkit.runners.ray import task
from tests import spread
from tests.runners.test_local import query


def events(folder: Path, sql: str = "select 1 as n", **other: Any) -> list[dict[str, Any]]:
    given = {"root": str(folder), "seen": None, "version": synthkit.__version__} | other
    (folder / "synth_project.yml").touch()
    return list(task.carry(job_to_json(query(folder, sql)), **given))


def test_a_job_ends_with_its_result_or_its_reason(tmp_path: Path) -> None:
    assert events(tmp_path)[-1]["result"]["rows"] == 1
    assert "nowhere" in events(tmp_path, "select * from nowhere")[-1]["error"]["message"]


def test_a_job_tells_of_itself_once_it_takes_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(job: Any, progress: JobProgress) -> Any:
        progress("query", 1, 2, "rows")
        time.sleep(lasts)
        return executed(job, progress)

    executed = attempt.execute
    monkeypatch.setattr(attempt, "execute", execute)
    monkeypatch.setattr(task, "SOON", 5.0)
    lasts = 0.0
    assert [list(event) for event in events(tmp_path)] == [["result"]]
    monkeypatch.setattr(task, "SOON", 0.01)
    lasts = 0.5
    began, first, *_, end = events(tmp_path)
    assert (began, first["progress"][:3], end["result"]["rows"]) == ({"began": True}, ("query", 1, 2), 1)


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
    (end,) = events(tmp_path)
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


class Tasks:
    """Jobs as a cluster's workers do them, one after the other in this process, where the project has another path."""

    def __init__(self, root: Path) -> None:
        self.root, self.kinds = root, list[str]()

    def run(self, job: Job[Any], _progress: JobProgress) -> Any:
        sent = json.loads(json.dumps(job_to_json(job)))
        self.kinds.append(sent["kind"])
        *_, end = task.carry(sent, str(self.root), None, synthkit.__version__)
        return done_from_json(job, json.loads(json.dumps(end["result"])))

    def stop(self) -> None: ...

    def close(self) -> None: ...


def test_audits_and_trainings_spread_over_tasks_find_what_one_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two real nodes do so in test_auditing.py."""
    tasks = spread.alike(tmp_path, Tasks, monkeypatch)
    assert tasks.kinds.count("repeat") == 4 * 2
