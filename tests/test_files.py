"""Files are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

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
