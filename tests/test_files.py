"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from synthkit import files
from synthkit.errors import BuildError
from synthkit.results import RunResults
from synthkit.sources.cache import recall
from synthkit.verify.receipts import read_receipt


def test_a_block_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json_atomic(path, {"n": 1})

    def half() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert path.read_text().strip().endswith("}")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("step", ["sync_file", "sync_directory"])
def test_a_full_disk_is_said_to_be_full(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(files, step, full)
    with pytest.raises(BuildError, match="disk is full") as raised:
        files.write_text_atomic(tmp_path / "a", "x")
    assert "space" in str(raised.value.hint)


def test_what_a_database_keeps_beside_its_file_goes_with_it(tmp_path: Path) -> None:
    final = tmp_path / "dev[1].duckdb"
    (tmp_path / "kept.wal").write_text("kept")

    def fill(temporary: Path) -> None:
        for name in (temporary.name, f"{temporary.name}.wal"):
            temporary.with_name(name).write_text("half")
        (temporary.with_name(f"{temporary.name}.tmp") / "spill").mkdir(parents=True)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BuildError, match="the disk is full"), files.replacing(final) as temporary:
        fill(temporary)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.wal"]


def test_litter_of_dead_processes_goes_and_that_of_living_ones_stays(tmp_path: Path) -> None:
    dead, mine = tmp_path / ".tmp-999999999-a", tmp_path / f".tmp-{os.getpid()}-b"
    dead.write_text("")
    mine.write_text("")
    (tmp_path / "data").write_text("")
    assert files.clean_temporaries(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([mine.name, "data"])


def test_rows_that_a_killed_worker_left_in_the_systems_scratch_go_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with files.scratch("read") as one, files.scratch("view") as two:
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([Path(one).name, Path(two).name])
        assert Path(one).stat().st_mode & 0o777 == 0o700
        for name in ("read", "view"):
            left = tmp_path / Path(one).name.replace(f"-{os.getpid()}-", "-999999999-").replace("read", name)
            left.mkdir()
            (left / "train.parquet").write_text("real rows")
        (tmp_path / ".tmp-999999999-somebody-elses").mkdir()
        with files.scratch("read"):
            assert not list(tmp_path.glob("*999999999-synthkit*"))
        assert Path(one).is_dir()
    assert [p.name for p in tmp_path.iterdir()] == [".tmp-999999999-somebody-elses"]


def test_of_another_machine_what_is_young_stays_and_what_is_old_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same process number there is another process: nobody here can ask whether it lives."""
    monkeypatch.setenv("SYNTH_HOST", "pod-7")
    theirs = files.temporary_beside(tmp_path / "table.parquet")
    mine_dead = theirs.with_name(theirs.name.replace(f"-{os.getpid()}-", "-999999999-"))
    for path in (theirs, mine_dead):
        path.write_text("half")
    assert theirs.name.startswith(f".tmp-pod_7-{os.getpid()}-")
    assert (files.has_living_owner(theirs), files.has_living_owner(mine_dead)) == (True, False)
    monkeypatch.setenv("SYNTH_HOST", "pod-8")
    assert files.clean_temporaries(tmp_path) == 0  # of pod 7 both may live
    old = time.time() - files.RETENTION - 60
    os.utime(mine_dead, (old, old))
    assert files.clean_temporaries(tmp_path) == 1
    assert [p.name for p in tmp_path.iterdir()] == [theirs.name]


def test_a_process_that_began_later_is_not_who_wrote_it(tmp_path: Path) -> None:
    """Numbers of processes are given out again, in a container that starts anew the same ones."""
    before = files.temporary_beside(tmp_path / "a")
    before.write_text("half")
    old = psutil.Process().create_time() - 60
    os.utime(before, (old, old))
    assert not files.has_living_owner(before)


def test_two_attempts_of_one_process_have_names_of_their_own(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "a") as one, files.replacing(tmp_path / "a") as two:
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "a").read_text() == "one"  # the one that ended last


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "rows").write_text(text)
    return path


def test_the_first_folder_counts_or_the_last(tmp_path: Path) -> None:
    final = tmp_path / "model"
    assert files.put_first(folder(tmp_path / "a", "first"), final)
    assert not files.put_first(folder(tmp_path / "b", "second"), final)
    assert (final / "rows").read_text() == "first"
    files.put_over(folder(tmp_path / "c", "third"), final)
    assert (final / "rows").read_text() == "third"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_temporary_folder_goes_also_where_its_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with files.temporary_folder(tmp_path / "rows") as made:
            assert made.stat().st_mode & 0o777 == 0o700
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_sha256(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert files.sha256_file(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()


DEEP = "[" * 100_000 + "]" * 100_000


def test_json_that_is_nested_too_deeply_is_no_json(tmp_path: Path) -> None:
    """What anybody can write into a folder is a fault of that file, not an error of ours."""
    with pytest.raises(ValueError, match="nested too deeply"):
        files.parsed_json(DEEP)
    file = tmp_path / "t.receipt.json"
    file.write_text(DEEP)
    with pytest.raises(ValueError, match="nested too deeply"):
        RunResults.read(file)
    assert read_receipt(file).fault == "it is not JSON"
    assert recall(file) is None
