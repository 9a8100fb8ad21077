"""Storage that fails for a moment is asked again; what is wrong for good is said at once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from synthkit.errors import BuildError
from synthkit.files import replacing
from synthkit.runners.attempt import attempt
from synthkit.runners.jobs import AuditJob, job_to_json
from synthkit.runners.momentary import repeated
from synthkit.schema import Schema, Table
from tests.runners.test_local import nothing, partition, query


def failing(times: int, number: int, path: Path) -> Callable[[], int]:
    """Writes a file, of which flushing to disk fails so many times."""
    calls = 0

    def write() -> int:
        nonlocal calls
        calls += 1
        with replacing(path) as temporary:
            temporary.write_text("whole", "utf-8")
            if calls <= times:
                raise OSError(number, os.strerror(number))
        return calls

    return write


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_what_fails_for_a_moment_is_done_again(number: int, tmp_path: Path) -> None:
    assert repeated(failing(2, number, tmp_path / "a"), (0, 0)) == 3
    with pytest.raises(BuildError, match="cannot write"):
        repeated(failing(3, number, tmp_path / "a"), (0, 0))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_what_is_wrong_for_good_is_said_at_once(number: int, tmp_path: Path) -> None:
    write = failing(1, number, tmp_path / "a")
    with pytest.raises(BuildError, match="cannot write"):
        repeated(write, (0, 0))
    assert write() == 2


def test_parts_and_audits_are_done_again_and_no_training_or_query_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def execute(job: object, _progress: object) -> None:
        ran.append(job)
        raise OSError(errno.EIO, "the storage is away")

    monkeypatch.setattr("synthkit.runners.attempt.execute", execute)
    monkeypatch.setattr("synthkit.runners.attempt.PAUSES", (0.0, 0.0))
    rows = Table(Schema(()), (), 0)
    audits = AuditJob(root=tmp_path, model="m", table=rows, split=None, relations={}, audits=(), seed=1)
    for job, times in ((partition(tmp_path), 3), (audits, 3), (query(tmp_path, "select 1 as n"), 1)):
        ran.clear()
        assert "the storage is away" in attempt(job_to_json(job), nothing)["error"]["message"]
        assert len(ran) == times
