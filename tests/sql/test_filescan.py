"""DuckDB reads the file that it was handed, whatever the folders on the way are called; and one place hands it one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.sql.filescan import file_literal, parquet_scan
from synthkit.sql.statements import shut
from tests.test_architecture import ROOT

NAMES = {"a[1]": "a1", "st*r": "stZr", "q?": "qx", "[!a]": "b", ".h*d": ".hxd", "**": "deep", "y=2020": "y=2021"}
READERS = re.compile(
    r"\b(?:parquet_scan|sniff_csv|read_csv|read_json|parquet_metadata|parquet_(?:file|kv)_metadata|parquet_schema|read_parquet)\("
)
ALLOWED = {
    "sql/filescan.py": {"read_parquet("},
    "sources/csvfile.py": {"read_csv(", "sniff_csv("},
    "sources/jsonfile.py": {"read_json("},
    "verify/footers.py": {"parquet_file_metadata(", "parquet_kv_metadata(", "parquet_schema("},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("boxed", [False, True])
def test_a_file_is_read_by_its_own_name(tmp_path: Path, name: str, boxed: bool) -> None:
    for number, folder in enumerate((name, NAMES[name])):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"n": [number]}), tmp_path / folder / "0.parquet")
    file = tmp_path / name / "0.parquet"
    with duckdb.connect(":memory:") as connection:
        if boxed:
            shut(connection, [file])
        assert connection.execute(f"SELECT * FROM {parquet_scan(file)}").fetchall() == [(0,)]
        if boxed:
            with pytest.raises(duckdb.PermissionException):
                connection.execute(f"FROM {parquet_scan(tmp_path / NAMES[name] / '0.parquet')}")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_opened_opens_no_other(tmp_path: Path, name: str) -> None:
    for number, folder in enumerate((name, NAMES[name])):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"n": [number]}), tmp_path / folder / "0.parquet")
    with duckdb.connect(":memory:") as connection:
        shut(connection, folders=[tmp_path / name])
        assert connection.execute(f"FROM {parquet_scan(tmp_path / name / '0.parquet')}").fetchall() == [(0,)]
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"FROM {parquet_scan(tmp_path / NAMES[name] / '0.parquet')}")


def test_a_literal_is_quoted() -> None:
    assert file_literal(Path("it's*.csv")) == "'it''s[*].csv'"


def test_no_other_place_hands_duckdb_a_path() -> None:
    """Each that did forgot a bracket, or the folders that DuckDB takes for columns."""
    found: dict[str, set[str]] = {}
    for file in ROOT.rglob("*.py"):
        text = file.read_text("utf-8")
        if not READERS.search(text):
            continue
        tree = ast.parse(text)
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in told]
        if seen := {match for one in texts if isinstance(one, str) for match in READERS.findall(one)}:
            found[file.relative_to(ROOT).as_posix()] = seen
    assert found == ALLOWED
