"""A target of Delta tables: what others read is the published file, old or new, whoever publishes and is killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

pytest.importorskip("deltalake")
from deltalake import DeltaTable, write_deltalake

from synthkit.errors import BuildError
from synthkit.objects.folder import Folder
from synthkit.sql.lakes import DELTA
from synthkit.store.lakes import delta
from synthkit.store.lakes.delta import Delta
from synthkit.store.publications import OvertakenError
from synthkit.store.target import Publication
from tests.store.lakes.killed import BOTH, killed_at_each_step
from tests.store.lakes.lake import drifted, each_type, marks, somebodys
from tests.store.servers.publishing import family, publication
from tests.store.test_objectstore import together


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def target(lake: Path, tmp_path: Path) -> Delta:
    return somebodys(lake, tmp_path / "mine")


def of(lake: Path, name: str) -> DeltaTable:
    return DeltaTable(f"{lake}/tables/{name}")


def test_a_publication_is_a_commit_of_each_table(target: Delta, lake: Path, tmp_path: Path) -> None:
    assert target.alone() is None
    assert target.all_published() == {}
    written = target.publish_all(family(tmp_path, 7))
    assert target.all_published() == written
    table = of(lake, "customers")
    assert [f"{lake}/tables/customers/{one}" for one in pa.table(table.get_add_actions())["path"].to_pylist()] == [
        str(path) for path in (lake / "tables/customers").glob("*.parquet")
    ]
    assert table.to_pyarrow_table().to_pylist() == [
        {"customer_id": n, "name": f'Ann, "{n}"' if n % 3 else None, "mark": 7} for n in range(7)
    ]
    assert pl.read_delta(f"{lake}/tables/customers").height == 7
    assert (table.metadata().name, table.metadata().description) == ("customers", "Who buys: it's synthetic")
    assert {f.name: f.metadata for f in table.schema().fields}["name"] == {"comment": "of the customer"}
    target.publish_all(family(tmp_path, 9))
    target.publish_all(family(tmp_path, 4))
    assert marks(lake, *BOTH) == [{4}, {4}]
    said = [json.loads(one["userMetadata"]) for one in of(lake, "orders").history()]
    assert [one["publication"] for one in said] == [3, 2, 1]
    assert of(lake, "orders").transaction_version("synthkit") == 3
    for one in said:  # each receipt is where the commit says
        assert json.loads((lake / one["receipt"]).read_text("utf-8"))["sha256"] == one["sha256"]
    assert DeltaTable(f"{lake}/tables/orders", version=1).to_pyarrow_table().num_rows == 9
    assert drifted(target, "customers") == drifted(target, "orders") == []


def test_of_publishers_one_wins_and_the_tables_are_the_winners(lake: Path, tmp_path: Path) -> None:
    somebodys(lake, tmp_path / "first").publish_all(family(tmp_path, 1))
    for round_ in range(3):
        builders = [somebodys(lake, tmp_path / f"b{round_}-{n}") for n in range(4)]
        for builder in builders:
            builder.mend()
        what = [family(tmp_path, 10 * (round_ + 1) + n) for n in range(4)]
        told = together([lambda b=b, p=p: b.publish_all(p) for b, p in zip(builders, what, strict=True)])
        (winner,) = [n for n, one in enumerate(told) if not isinstance(one, BuildError)]
        assert all(isinstance(one, OvertakenError) for n, one in enumerate(told) if n != winner)
        assert marks(lake, *BOTH) == [{10 * (round_ + 1) + winner}] * 2
    assert of(lake, "orders").version() == 3  # who lost has committed nothing


def test_whoever_is_slow_takes_no_table_back(
    target: Delta, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another build publishes between the log's entry and the commit, and between the look at a table and the commit."""
    other = somebodys(lake, tmp_path / "other")
    target.publish_all(family(tmp_path, 1))
    bring, commit = Delta.bring, Delta.commit
    rows = iter((20, 30))
    with monkeypatch.context() as patch:

        def late(self: Delta, name: str) -> None:
            if self is target:
                patch.setattr(Delta, "bring", bring)
                other.publish_all(family(tmp_path, next(rows)))
            bring(self, name)

        patch.setattr(Delta, "bring", late)
        target.publish_all(family(tmp_path, 2))
    assert marks(lake, *BOTH) == [{20}, {20}]
    version = of(lake, "customers").version()
    target.known.base = None
    with monkeypatch.context() as patch:

        def overtaken(self: Delta, *how: Any) -> None:
            if self is target:
                patch.setattr(Delta, "commit", commit)
                other.publish_all(family(tmp_path, next(rows)))
            commit(self, *how)

        patch.setattr(Delta, "commit", overtaken)
        target.publish_all(family(tmp_path, 3))
    assert marks(lake, *BOTH) == [{30}, {30}]
    assert of(lake, "customers").version() == version + 1  # the conflict was told, and nothing was left to do


def test_a_feature_that_is_added_takes_no_table_back(
    target: Delta, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another build publishes between the look at a table and the commit by which it may have points in time."""
    other, enable = somebodys(lake, tmp_path / "other"), delta._enable

    def numbers(value: int) -> Publication:
        return publication(tmp_path, "t", pa.table({"a": pa.array([value], pa.int64())}), {"a": "BIGINT"})

    def late(*given: Any) -> bool:
        monkeypatch.setattr(delta, "_enable", enable)
        other.publish_all([numbers(2)])
        return enable(*given)

    target.publish_all([numbers(1)])
    monkeypatch.setattr(delta, "_enable", late)
    when = pa.table({"a": pa.array([0], pa.timestamp("us"))})
    target.publish_all([publication(tmp_path, "t", when, {"a": "TIMESTAMP"})])
    assert of(lake, "t").to_pyarrow_table().to_pylist() == [{"a": 2}]


@pytest.mark.slow
def test_a_builder_killed_at_any_step_leaves_each_table_old_or_new(lake: Path, tmp_path: Path) -> None:
    left = list(killed_at_each_step("delta", lake, tmp_path, somebodys, marks))
    assert not left[0][0]
    assert left == sorted(left)
    # After the log's entry one kill leaves both Delta tables old, some one of them new, and the last both new.
    assert [new for published, new in left if published] == [0, 0, 1, 1, 2, 2]


def test_what_others_made_of_a_table_stays(target: Delta, lake: Path, tmp_path: Path) -> None:
    target.publish_all(family(tmp_path, 5))
    of(lake, "customers").alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    of(lake, "customers").alter.set_column_metadata("mark", {"owner": "ann"})
    of(lake, "customers").alter.add_constraint({"known": "mark > 1 AND customer_id >= 0"})
    target.publish_all(family(tmp_path, 6))
    said = of(lake, "customers").metadata().configuration
    assert said["delta.logRetentionDuration"] == "interval 90 days"
    assert said["delta.constraints.known"]
    fields = {f.name: f.metadata for f in of(lake, "customers").schema().fields}
    assert (fields["mark"], fields["name"]) == ({"owner": "ann"}, {"comment": "of the customer"})
    with pytest.raises(BuildError, match=r"does not take the new rows: .* break its constraint known: mark > 1"):
        target.publish_all(family(tmp_path, 2, mark=1))
    assert marks(lake, *BOTH) == [{6}, {6}]  # nor was the other one published
    assert {r.rows for r in target.all_published().values()} == {6}
    of(lake, "orders").alter.set_table_properties({"delta.appendOnly": "true"})
    with pytest.raises(BuildError, match="it is append-only"):
        target.publish_all(family(tmp_path, 7))
    assert marks(lake, *BOTH) == [{6}, {6}]


def test_rows_that_others_write_are_told_and_not_taken_for_an_earlier_publication(
    target: Delta, lake: Path, tmp_path: Path
) -> None:
    target.publish_all(family(tmp_path, 5))
    write_deltalake(f"{lake}/tables/orders", of(lake, "orders").to_pyarrow_table().slice(0, 1), mode="append")
    (said,) = drifted(target, "orders")
    assert said.endswith("tables/orders is not as it was published: others wrote to it (version 1)")
    target.mend()
    assert of(lake, "orders").version() == 1
    target.publish_all(family(tmp_path, 5))
    assert of(lake, "orders").to_pyarrow_table().num_rows == 5
    of(lake, "orders").restore(0)
    target.mend()
    assert "is not as it was published" in drifted(target, "orders")[0]
    of(lake, "customers").delete("mark = 5")
    assert "is not as it was published" in drifted(target, "customers")[0]
    target.publish_all(family(tmp_path, 8))
    assert marks(lake, *BOTH) == [{8}, {8}]


def test_columns_may_change_and_points_in_time_come_later(target: Delta, lake: Path, tmp_path: Path) -> None:
    one = pa.table({"a": pa.array([1], pa.int64())})
    target.publish_all([publication(tmp_path, "t", one, {"a": "BIGINT"}, description="first")])
    of(lake, "t").alter.set_table_properties({"delta.checkpointInterval": "7"})
    assert of(lake, "t").protocol().min_reader_version == 1
    when = pa.array([0, None], pa.timestamp("us"))
    two = pa.table({"when": when, "a": pa.array(["x", None])})
    said = publication(tmp_path, "t", two, {"when": "TIMESTAMP", "a": "VARCHAR"}, description="second")
    target.publish_all([said])
    assert of(lake, "t").to_pyarrow_table().to_pylist() == two.to_pylist()
    assert pl.read_delta(f"{lake}/tables/t").to_arrow().column("when").type == pa.timestamp("us")
    assert of(lake, "t").metadata().configuration == {"delta.checkpointInterval": "7"}
    assert of(lake, "t").metadata().description == "second"
    assert drifted(target, "t") == []


def test_old_versions_go_by_a_rule_and_what_anybody_reads_never(target: Delta, lake: Path, tmp_path: Path) -> None:
    for n in range(1, 6):
        target.publish_all(family(tmp_path, n))
    before = sorted(str(p) for p in lake.rglob("*"))
    assert target.collect(None, None, dry_run=False) == {}
    assert target.collect(2, None, dry_run=True).keys() == {"old versions"}  # type: ignore[union-attr]
    assert sorted(str(p) for p in lake.rglob("*")) == before
    # A table that did not follow, as its builder was killed, is read as it was.
    of(lake, "orders").restore(1)
    target.collect(2, None, dry_run=False)
    assert marks(lake, *BOTH) == [{5}, {2}]
    assert DeltaTable(f"{lake}/tables/customers", version=3).to_pyarrow_table().num_rows == 4
    with pytest.raises(Exception, match=r"(?i)no such file|not found|does not exist"):
        DeltaTable(f"{lake}/tables/customers", version=1).to_pyarrow_table()
    assert {r.rows for r in target.all_published().values()} == {5}
    assert len(list((lake / "tables/orders").glob("*.parquet"))) == 3


def test_a_table_that_is_withdrawn_is_found_by_nobody(target: Delta, lake: Path, tmp_path: Path) -> None:
    target.publish_all(family(tmp_path, 3))
    of(lake, "orders").create_checkpoint()
    target.remove("orders")
    assert not DeltaTable.is_deltatable(f"{lake}/tables/orders")
    with pytest.raises(Exception, match=r"(?i)no files in log|not found|no delta"):
        of(lake, "orders")
    assert target.names() == ["customers"]
    target.publish_all(family(tmp_path, 4))
    assert marks(lake, *BOTH) == [{4}, {4}]
    hidden = family(tmp_path, 5)
    only = [publication(tmp_path, "orders", pa.table({"a": [1]}), {"a": "BIGINT"}, materialized="parquet"), hidden[0]]
    target.publish_all(only)
    target.mend()
    assert marks(lake, *BOTH) == [{5}, set()]  # of `materialized: parquet` there is the file alone


def test_whoever_withdraws_a_table_takes_none_that_is_published_meanwhile(
    target: Delta, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, withdraw = somebodys(lake, tmp_path / "other"), Delta.withdraw
    target.publish_all(family(tmp_path, 1))

    def late(self: Delta, name: str) -> None:
        monkeypatch.setattr(Delta, "withdraw", withdraw)
        other.publish_all(family(tmp_path, 20))
        withdraw(self, name)

    monkeypatch.setattr(Delta, "withdraw", late)
    target.remove("orders")
    assert marks(lake, *BOTH) == [{20}, {20}]


def test_a_builder_killed_while_it_withdraws_a_table_leaves_one_that_is_read(
    target: Delta, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, seen = Folder.delete, []
    for many in range(1, 6):  # two commits, a checkpoint and what names the last of these; then nothing is left
        target.publish_all(family(tmp_path, 3))
        target.publish_all(family(tmp_path, 4))
        of(lake, "orders").create_checkpoint()
        with monkeypatch.context() as patch:

            def some(self: Folder, keys: list[str], many: int = many) -> None:
                delete(self, keys[:many])
                raise KeyboardInterrupt

            patch.setattr(Folder, "delete", some)
            with pytest.raises(KeyboardInterrupt):
                target.remove("orders")
        seen += marks(lake, "orders")
        target.mend()
        assert not DeltaTable.is_deltatable(f"{lake}/tables/orders")
        assert target.names() == ["customers"]
    assert seen == [{4}, {4}, {4}, set(), set()]


def test_a_table_of_somebody_else_is_not_touched(target: Delta, lake: Path, tmp_path: Path) -> None:
    write_deltalake(f"{lake}/tables/orders", pa.table({"a": [1]}))
    with pytest.raises(BuildError, match="tables of Delta that synthkit did not make are where models publish to"):
        target.refuse_taken(["customers", "orders"])
    target.publish_all(family(tmp_path, 3))
    with pytest.raises(BuildError, match="is a table of Delta that synthkit did not make"):
        target.refresh({}, [], target.all_published())
    assert of(lake, "orders").to_pyarrow_table().to_pylist() == [{"a": 1}]
    target.remove("orders")
    assert of(lake, "orders").version() == 0


def test_every_type_is_there_as_it_is_published_or_is_refused_by_the_compiler(
    target: Delta, lake: Path, tmp_path: Path
) -> None:
    refused: list[str] = []
    for name, table in each_type(target, DELTA, "Delta", tmp_path, refused):
        found = of(lake, name).to_pyarrow_table()
        assert str(found.to_pylist()) == str(table.to_pylist())
        polars = pl.read_delta(f"{lake}/tables/{name}").to_arrow()
        assert str(polars.to_pylist()) == str(pl.DataFrame(table).to_arrow().to_pylist())
        assert drifted(target, name) == []
    unsigned = ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"]
    assert refused == [*unsigned, "TIME", "TIMESTAMP_NS", "TIMESTAMPTZ_NS"]
