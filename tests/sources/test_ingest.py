"""Rows at rest: private, whole or not there, reused, and the same every time."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.sources import reading
from synthkit.sources.ingest import ingest, load_split
from tests.sources.reading import Reader, rows, source, values

CSV = "a,b\n" + "".join(f"{i},{i % 3}\n" for i in range(100))


def test_the_folder_is_private_and_holds_nothing_else(reader: Reader) -> None:
    split = reader.csv(CSV, holdout=0.2)
    assert stat.S_IMODE(split.directory.stat().st_mode) == 0o700
    assert sorted(p.name for p in split.directory.iterdir()) == ["holdout.parquet", "split.json", "train.parquet"]
    assert [p.name for p in split.directory.parent.iterdir()] == [split.directory.name]


def test_a_split_is_loaded_as_it_was_made(reader: Reader) -> None:
    split = reader.csv(CSV, holdout=0.2, columns={"b": {"values": [0, 1, 2], "bounds": [0, 2]}})
    again = load_split(split.directory)
    assert again == split
    assert again.train.rows == len(rows(again))


def test_what_is_there_is_not_read_again(reader: Reader) -> None:
    first = reader.csv(CSV, holdout=0.2)
    stamp = (first.directory / "split.json").stat().st_mtime_ns
    again = reader.read(path="t.csv", holdout=0.2, description="other words", tags=["x"])
    assert again.directory == first.directory
    assert (again.directory / "split.json").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("damage", ["", "[" * 100_000])
def test_a_damaged_record_is_read_again(reader: Reader, damage: str) -> None:
    first = reader.csv(CSV, holdout=0.2)
    (first.directory / "split.json").write_text(damage)
    assert reader.read(path="t.csv", holdout=0.2) == first


@pytest.mark.parametrize(
    "given", [{"holdout": 0.3}, {"columns": {"b": "categorical"}}, {"options": {"nullstr": "7"}}, {"privacy_unit": "b"}]
)
def test_what_decides_the_rows_decides_the_folder(reader: Reader, given: dict[str, Any]) -> None:
    first = reader.csv(CSV, holdout=0.2)
    assert reader.csv(CSV, **{"holdout": 0.2, **given}).directory != first.directory
    assert reader.csv(CSV.replace("99", "98"), holdout=0.2).directory != first.directory


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    content = "a,b,c\n" + "".join(f"{i},x{i % 11},{i / 7}\n" for i in range(50_000))
    made = []
    for name in ("one", "two"):
        reader = Reader(tmp_path / name)
        split = reader.csv(content, holdout=0.2)
        assert split.holdout is not None
        made.append([p.read_bytes() for p in (*split.train.paths, *split.holdout.paths)])
    assert made[0] == made[1]


def test_a_failure_leaves_nothing_behind(reader: Reader) -> None:
    with pytest.raises(BuildError):
        reader.csv("a\n1\nx\n", columns={"a": "integer"})
    assert list((reader.root / "splits").iterdir()) == []


def test_what_a_killed_process_left_is_removed(reader: Reader) -> None:
    dead = reader.root / "splits" / ".tmp-999999999-abc"
    alive = reader.root / "splits" / f".tmp-{os.getppid()}-abc"
    for folder in (dead, alive):
        folder.mkdir(parents=True)
        (folder / "train.parquet").write_text("private")
    split = reader.csv(CSV)
    assert not dead.exists()
    assert alive.exists()
    broken = split.directory
    (broken / "split.json").unlink()  # killed before the end, under the final name
    assert rows(reader.read(path="t.csv")) == rows(split)


def test_progress_is_reported(reader: Reader) -> None:
    reader.write("t.csv", CSV)
    seen: list[tuple[Any, ...]] = []
    for _ in range(2):
        ingest(
            source(path="t.csv"),
            root=reader.root,
            connections={},
            holdout=0.0,
            directory=reader.root / "splits",
            source_hash=reader.hash(path="t.csv"),
            progress=lambda *report: seen.append(report),
        )
    assert seen == [(0, 1, "sources", "t"), (1, 1, "sources", "t")]


def test_a_full_disk_is_named(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    def full(*_: object) -> None:
        raise duckdb.IOException("IO Error: Could not write all bytes to file: No space left on device")

    monkeypatch.setattr(reading, "_check", full)
    with pytest.raises(BuildError, match="t: the disk is full") as caught:
        reader.csv(CSV)
    assert "free some space" in (caught.value.hint or "")
    assert list((reader.root / "splits").iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(reader: Reader) -> None:
    reader.write("splits", "a file in the way")
    with pytest.raises(BuildError, match=r"cannot write .*splits"):
        reader.csv(CSV)


def test_columns_keep_their_order_and_rows_theirs(reader: Reader) -> None:
    content = "z,a,m\n" + "".join(f"{i},{-i},x\n" for i in range(150_000))
    split = reader.csv(content, holdout=0.2)
    assert split.train.to_arrow().column_names == ["z", "a", "m"]
    assert values(split, "z") == sorted(values(split, "z"))


def test_the_record_is_json_that_others_can_read(reader: Reader) -> None:
    split = reader.csv("a,day\n1,2024-01-05\n2,\n", columns={"day": {"bounds": ["2024-01-01", "2024-12-31"]}})
    record = json.loads((split.directory / "split.json").read_text("utf-8"))
    assert record["train_rows"] == 2
    assert record["observed"]["day"]["nulls"] == 1
    assert split.schema.by_name["day"].bounds == ("2024-01-01", "2024-12-31")
