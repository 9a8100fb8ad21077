"""SQL models run in a box: one SELECT over the tables they name, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from synthkit.generators.sql import run_query


@pytest.fixture
def relations(tmp_path: Path) -> dict[str, tuple[Path, ...]]:
    path = tmp_path / "in put's.parquet"
    pq.write_table(pa.table({"a": [3, 1, 2], "select": ["x", "y", "z"]}), path)
    return {'"crm"."my table"': (path,), '"model"': (path,)}


def run(sql: str, relations: dict[str, tuple[Path, ...]], path: Path, seed: int = 1) -> pa.Table:
    run_query(sql, relations, path, seed=seed)
    return pq.read_table(path)


def test_a_select_over_relations_keeps_their_order(relations: dict[str, tuple[Path, ...]], tmp_path: Path) -> None:
    sql = 'select a, "select" from "crm"."my table" union all select a + 10, \'m\' from "model"'
    assert run(sql, relations, tmp_path / "o.parquet").column("a").to_pylist() == [3, 1, 2, 13, 11, 12]


def test_random_follows_the_seed(relations: dict[str, tuple[Path, ...]], tmp_path: Path) -> None:
    sql = 'select a, random() as r from "model"'
    one, two, other = (run(sql, relations, tmp_path / f"{i}.parquet", seed) for i, seed in enumerate((4, 4, 5)))
    assert one.equals(two)
    assert not one.equals(other)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.db'",
        "install httpfs",
        "select 1; select 2",
        "create table t as select 1",
        "select getenv('HOME')",
        "select * from nowhere",
        "selct 1",
    ],
)
def test_everything_else_is_refused(sql: str, relations: dict[str, tuple[Path, ...]], tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        run_query(sql, relations, tmp_path / "o.parquet", seed=1)
