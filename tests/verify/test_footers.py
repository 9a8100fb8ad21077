"""Footers of many files by few queries: what each would say alone, and one that is none stops no other."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from synthkit.verify.footers import Footer, Footers

KINDS = {
    "flat": "1 AS a, 'x' AS \"b c\", 1.5::DECIMAL(5, 2) AS d, now() AS t, uuid() AS u, 1::HUGEINT AS h",
    "nested": "[1, 2] AS list, {'x': 1, 'y': ['z']} AS struct, MAP {'k': 2} AS map, 3 AS a",
    "empty": "1::TINYINT AS a, NULL::DATE AS d, TIME '12:00' AS t, '1'::BLOB AS b LIMIT 0",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("footers")
    for name, columns in KINDS.items():
        options = f"FORMAT parquet, KV_METADATA {{mark: 'of {name}'}}"
        duckdb.sql(f"COPY (SELECT {columns}) TO '{folder / name}.parquet' ({options})")
    (folder / "text.parquet").write_text("a,b\n1,2\n")
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_each_has_the_columns_that_reading_it_gives(files: dict[str, Path]) -> None:
    footers = Footers(files.values())
    for name in KINDS:
        found = footers.of(files[name])
        described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{files[name]}')").fetchall()
        assert found is not None
        assert found.columns == tuple((row[0], row[1]) for row in described)
        assert (found.rows, found.marks["mark"]) == (0 if name == "empty" else 1, f"of {name}")


def test_one_that_is_none_stops_no_other_and_one_is_asked_for_late(files: dict[str, Path]) -> None:
    footers = Footers([files["flat"], files["text"]])
    assert footers.of(files["text"]) is None
    assert isinstance(footers.of(files["flat"]), Footer)
    assert isinstance(footers.of(files["nested"]), Footer)


@pytest.mark.parametrize(("name", "beside"), [("a[1]", "a1"), ("st*r", "stZr"), ("y=2020", "y=2021")])
def test_each_is_read_by_its_own_name_and_without_its_folders(tmp_path: Path, name: str, beside: str) -> None:
    for number, folder in enumerate((name, beside)):
        (tmp_path / folder).mkdir()
        for kind in ("flat", "nested"):
            rows = f"SELECT {KINDS[kind]} FROM range({number + 1})"
            duckdb.sql(f"COPY ({rows}) TO '{tmp_path / folder / kind}.parquet' (KV_METADATA {{mark: '{folder}'}})")
    files = [tmp_path / folder / f"{kind}.parquet" for folder in (name, beside) for kind in ("flat", "nested")]
    footers = Footers(files)
    found = [footers.of(file) for file in files]
    assert [(f.rows, f.marks["mark"]) for f in found if f] == [(1, name), (1, name), (2, beside), (2, beside)]
    assert [c for c, _ in found[1].columns] == ["list", "struct", "map", "a"] if found[1] else False


def test_what_a_damaged_file_notes_is_of_any_bytes(tmp_path: Path) -> None:
    file = tmp_path / "damaged.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS n) TO '{file}' (FORMAT parquet, KV_METADATA {{mark: 'whole', other: 'kept'}})")
    whole = file.read_bytes()
    for old, new in ((b"whole", b"who\xffe"), (b"mark", b"m\xffrk")):
        assert whole.count(old) == 1
        file.write_bytes(whole.replace(old, new))
        found = Footers([file]).of(file)
        assert found is not None
        assert found.marks.get("mark") == ("who\ufffde" if old == b"whole" else None)
        assert found.marks["other"] == "kept"
