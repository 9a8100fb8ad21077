"""What is handed out through the storage, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthkit.runners.jobs import SplitJob
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
