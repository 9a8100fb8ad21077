"""The holdout: one record's side never depends on another record."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.errors import BuildError
from synthkit.schema import Column, Schema, Table
from synthkit.sources.ingest import Split, load_split, parse_share, split_table
from tests.sources.reading import Reader, rows, values

SCHEMA = Schema((Column("k", "integer", "BIGINT"), Column("s", "categorical", "VARCHAR")))
_ROW = st.tuples(st.none() | st.integers(-5, 5), st.none() | st.sampled_from(["", "n", "v", "x", "v\x1fvx"]))
_quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Row = tuple[int | None, str | None]


def _split(folder: Path, table: list[Row], holdout: float, unit: str | None = None) -> Split | None:
    """None where nothing is left to learn from."""
    import uuid

    folder = folder / uuid.uuid4().hex
    folder.mkdir()
    file = folder / "t.parquet"
    columns = {"k": pa.array([r[0] for r in table], pa.int64()), "s": pa.array([r[1] for r in table], pa.string())}
    pq.write_table(pa.table(columns), file)
    try:
        return split_table(Table(SCHEMA, (file,), len(table)), holdout=holdout, directory=folder / "split", unit=unit)
    except BuildError:
        return None


def _sides(split: Split | None, table: list[Row]) -> tuple[list[Row], list[Row]]:
    if split is None:
        return [], table
    train = [(r["k"], r["s"]) for r in split.train.to_arrow().to_pylist()]
    assert split.holdout is not None
    held_out = [(r["k"], r["s"]) for r in split.holdout.to_arrow().to_pylist()]
    assert (split.train.rows, split.holdout.rows) == (len(train), len(held_out))
    return train, held_out


@_quick
@given(st.lists(_ROW, min_size=1, max_size=30), st.lists(_ROW, max_size=30))
def test_a_row_keeps_its_side_whatever_else_is_there(tmp_path: Path, table: list[Row], others: list[Row]) -> None:
    train, held_out = _sides(_split(tmp_path, table, 0.4), table)
    assert not set(train) & set(held_out)
    more_train, more_held_out = _sides(_split(tmp_path, others + table, 0.4), others + table)
    assert set(train) <= set(more_train)
    assert set(held_out) <= set(more_held_out)


@_quick
@given(st.lists(_ROW, min_size=1, max_size=30))
def test_both_sides_are_all_rows_in_their_order(tmp_path: Path, table: list[Row]) -> None:
    train, held_out = _sides(_split(tmp_path, table, 0.4), table)
    chosen = set(held_out)
    assert train == [r for r in table if r not in chosen]
    assert held_out == [r for r in table if r in chosen]


@_quick
@given(st.lists(_ROW, min_size=1, max_size=30))
def test_a_privacy_unit_stays_together(tmp_path: Path, table: list[Row]) -> None:
    train, held_out = _sides(_split(tmp_path, table, 0.4, unit="k"), table)
    assert not {r[0] for r in train} & {r[0] for r in held_out}


def test_a_null_is_no_text(reader: Reader) -> None:
    """Side by side, NULL and its look-alikes fall on different sides for some salt of other columns."""
    reader.write("t.jsonl", "".join(f'{{"i": {i}, "s": {s}}}\n' for i in range(64) for s in ("null", '"n"')))
    split = reader.read(holdout=0.5, path="t.jsonl")
    nulls = {r["i"] for r in rows(split) if r["s"] is None}
    names = {r["i"] for r in rows(split) if r["s"] == "n"}
    assert nulls != names


def test_the_sides_are_fixed_for_good(reader: Reader) -> None:
    """These are MD5s of a fixed salt: another machine, or version of DuckDB, gives the same rows."""
    split = reader.csv("a\n" + "".join(f"{i}\n" for i in range(20)), holdout=0.3)
    import hashlib

    def held_out(i: int) -> bool:
        digest = hashlib.md5(f"synthkit holdout 1\x1fv{i}".encode()).digest()
        return int.from_bytes(digest[8:], "little") % 1_000_000 < 300_000

    assert split.holdout is not None
    assert [r["a"] for r in split.holdout.to_arrow().to_pylist()] == [i for i in range(20) if held_out(i)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_is_about_right(reader: Reader, share: float) -> None:
    """20,000 rows: six standard deviations are at most 0.022."""
    split = reader.csv("a\n" + "".join(f"{i}\n" for i in range(20_000)), holdout=share)
    assert split.holdout is not None
    assert split.holdout.rows / split.rows == pytest.approx(share, abs=6 * (share * (1 - share) / 20_000) ** 0.5)


def test_duplicates_fall_on_the_same_side(reader: Reader) -> None:
    split = reader.csv("a\n" + "".join(f"{i % 10}\n" for i in range(1000)), holdout=0.5)
    assert split.holdout is not None
    assert set(values(split)) | {r["a"] for r in split.holdout.to_arrow().to_pylist()} == set(range(10))
    assert not set(values(split)) & {r["a"] for r in split.holdout.to_arrow().to_pylist()}


def test_points_in_time_do_not_depend_on_the_local_time_zone(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    content = "a\n" + "".join(f"2024-01-{i:02d}T10:00:00Z\n" for i in range(1, 32))
    here = [v.isoformat() for v in values(reader.csv(content, holdout=0.5))]
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        there = [v.isoformat() for v in values(reader.csv(content, holdout=0.5, description="again", row_count=31))]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert here == there


def test_no_holdout(reader: Reader) -> None:
    split = reader.csv("a\n1\n2\n")
    assert split.holdout is None
    assert split.train.rows == split.rows == 2


def test_a_small_table_may_have_nothing_left_to_learn_from(reader: Reader) -> None:
    with pytest.raises(BuildError, match="nothing to learn from: all 1 rows fall into the holdout") as caught:
        reader.csv("a\n1\n", holdout=0.999999)
    assert caught.value.hint == "set holdout: 0 for so small a table"


def test_a_folder_that_is_not_whole_is_no_split(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_split(tmp_path)


def test_a_synthetic_table_of_several_files_is_split_by_the_same_rule(reader: Reader) -> None:
    source = reader.csv("k,s\n" + "".join(f"{i},x{i % 7}\n" for i in range(100)), holdout=0.3)
    files = []
    for part in (0, 1):
        file = reader.root / f"part{part}.parquet"
        ids = range(50 * part, 50 * part + 50)
        pq.write_table(pa.table({"k": list(ids), "s": [f"x{i % 7}" for i in ids], "extra": [0] * 50}), file)
        files.append(file)
    split = split_table(Table(SCHEMA, tuple(files), 100), holdout=0.3, directory=reader.root / "again")
    assert rows(split) == rows(source)
    assert split.schema == SCHEMA
    assert split_table(Table(SCHEMA, (), 0), holdout=0.3, directory=reader.root / "again").rows == 100


@pytest.mark.parametrize(
    ("given", "share"), [("20%", 0.2), ("2.5 %", 0.025), (0.2, 0.2), ("0.2", 0.2), (0, 0.0), ("0", 0.0), ("0%", 0.0)]
)
def test_shares(given: str | float, share: float) -> None:
    assert parse_share(given) == pytest.approx(share)


@pytest.mark.parametrize("given", ["a fifth", "", "100%", 1, -0.1, "-5%", float("nan"), float("inf"), True, "20%%"])
def test_what_is_no_share(given: str | float) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        parse_share(given)
