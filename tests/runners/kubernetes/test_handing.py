"""What is handed out through the storage, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthkit.runners.jobs import SplitJob
from synthkit.runners.kubernetes.handed import FOLDER, Handed, left_behind
from synthkit.runners.kubernetes.handing import HandingOut
from synthkit.schema import Schema, Table
from tests.in_process import InProcess


class Told(InProcess):
    """Says which job it was given, in place of carrying it out."""

    def run(self, job: Any, progress: Any) -> Any:
        progress("train", 1, 1, "columns")
        return job.salt


def test_jobs_that_are_no_partitions_are_carried_out_here_in_their_order(tmp_path: Path) -> None:
    table, told = Table(Schema(()), (), 0), list[str]()
    jobs = [SplitJob(root=tmp_path, table=table, holdout=0.1, directory=tmp_path, salt=salt) for salt in "abc"]
    handing = HandingOut(Told(), tmp_path / "run")
    found: list[Any] = handing.run_many(jobs, [lambda phase, *_: told.append(phase)] * 3)
    assert found == ["a", "b", "c"]
    assert told == ["train"] * 3
    assert handing.models == set()
    assert not (tmp_path / "run").exists()


def test_what_another_target_handed_out_is_left_to_its_own_builds(tmp_path: Path) -> None:
    """Each target has a lock of its own, so that a build into another one may be waiting for its Jobs right now."""
    for name, target in (("a", "target/logs"), ("b", "target/targets/prod/logs")):
        handed = Handed(tmp_path / FOLDER / name)
        handed.write([])
        handed.applied(f"synth-{name}", "data", target)
    found = [(handed.folder.name, *said) for handed, *said in left_behind(tmp_path, "target/logs")]
    assert found == [("a", "synth-a", "data")]


def test_a_part_that_ends_when_nobody_waits_any_more_leaves_nothing(tmp_path: Path) -> None:
    handed = Handed(tmp_path / "jobs")
    handed.write([])
    handed.end(0, {"result": 1})
    handed.end(0, {"result": 2})
    assert handed.ended(0) == {"result": 1}
    handed.forget()
    handed.end(0, {"result": 1})
    assert not handed.folder.exists()
