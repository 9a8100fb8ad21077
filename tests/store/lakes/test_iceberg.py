"""A target of Iceberg tables: a snapshot and a tag for each publication, old or new, whoever publishes and is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

pytest.importorskip("pyiceberg")
pytest.importorskip("deltalake")

import synthkit
from synthkit.errors import BuildError
from synthkit.sql.lakes import ICEBERG
from synthkit.store.lakes.iceberg import Iceberg
from synthkit.store.publications import OvertakenError
from tests.objects.servers import S3, s3_server
from tests.store.lakes.killed import BOTH, killed_at_each_step
from tests.store.lakes.lake import anothers, drifted, each_type, iceberg, iceberg_marks
from tests.store.servers.publishing import family, publication
from tests.store.test_objectstore import together
from tests.synth import SQL_PROJECT, Project, make_project

TEXT = str(SQL_PROJECT["models/customers.yml"])
PROJECT = "name: shop\nseed: 7\ntargets:\n  dev: {type: iceberg, warehouse: lake, schema: shop}\n"
BY_TIER = "select tier, n from by_tier order by tier"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def target(lake: Path, tmp_path: Path) -> Iceberg:
    return anothers(lake, tmp_path / "mine")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": PROJECT})


def tags(table: Any) -> set[str]:
    return {name for name in table.refs() if name != "main"}


def test_a_publication_is_a_snapshot_and_a_tag_of_each_table(target: Iceberg, lake: Path, tmp_path: Path) -> None:
    assert target.alone() is None
    assert target.all_published() == {}
    written = target.publish_all(family(tmp_path, 7))
    assert target.all_published() == written
    table = iceberg(lake, "customers")
    (file,) = [task.file.file_path for task in table.scan().plan_files()]
    assert [file] == [path.as_uri() for path in (lake / "tables/customers").glob("*.parquet")]
    assert table.scan().to_arrow().to_pylist() == [
        {"customer_id": n, "name": f'Ann, "{n}"' if n % 3 else None, "mark": 7} for n in range(7)
    ]
    assert table.properties["comment"] == "Who buys: it's synthetic"
    assert table.schema().find_field("name").doc == "of the customer"
    target.publish_all(family(tmp_path, 9))
    target.publish_all(family(tmp_path, 4))
    assert iceberg_marks(lake, *BOTH) == [{4}, {4}]
    table = iceberg(lake, "orders")
    assert len(table.snapshots()) == 3
    for number, rows in ((1, 7), (2, 9), (3, 4)):
        snapshot = table.snapshot_by_name(f"publication-{number}")
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == rows
        said = snapshot.summary
        assert (said["synth.publication"], said["synth.synthetic"]) == (str(number), "true")
        assert json.loads((lake / said["synth.receipt"]).read_text("utf-8"))["sha256"] == said["synth.sha256"]
    assert drifted(target, "customers") == drifted(target, "orders") == []


def test_of_publishers_one_wins_and_the_tables_are_the_winners(lake: Path, tmp_path: Path) -> None:
    anothers(lake, tmp_path / "first").publish_all(family(tmp_path, 1))
    for round_ in range(2):
        builders = [anothers(lake, tmp_path / f"b{round_}-{n}") for n in range(4)]
        for builder in builders:
            builder.mend()
        what = [family(tmp_path, 10 * (round_ + 1) + n) for n in range(4)]
        told = together([lambda b=b, p=p: b.publish_all(p) for b, p in zip(builders, what, strict=True)])
        (winner,) = [n for n, one in enumerate(told) if not isinstance(one, BuildError)]
        assert all(isinstance(one, OvertakenError) for n, one in enumerate(told) if n != winner)
        assert iceberg_marks(lake, *BOTH) == [{10 * (round_ + 1) + winner}] * 2
    assert len(iceberg(lake, "orders").snapshots()) == 3


def test_whoever_is_slow_takes_no_table_back(
    target: Iceberg, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another build publishes between the look at a table and the commit."""
    other, commit = anothers(lake, tmp_path / "other"), Iceberg.commit
    target.publish_all(family(tmp_path, 1))

    def overtaken(self: Iceberg, *how: Any) -> None:
        if self is target:
            monkeypatch.setattr(Iceberg, "commit", commit)
            other.publish_all(family(tmp_path, 30))
        commit(self, *how)

    monkeypatch.setattr(Iceberg, "commit", overtaken)
    target.publish_all(family(tmp_path, 3))
    assert iceberg_marks(lake, *BOTH) == [{30}, {30}]
    assert tags(iceberg(lake, "customers")) == {"publication-1", "publication-3"}


@pytest.mark.slow
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 7])
def test_a_builder_killed_at_any_step_leaves_each_table_old_or_new(lake: Path, tmp_path: Path, every: int) -> None:
    """The steps are those of the library, too: each file of metadata, each swap in the catalogue."""
    left = list(killed_at_each_step("iceberg", lake, tmp_path, anothers, iceberg_marks, every))
    assert not left[0][0]
    assert left == sorted(left)
    assert left[-1] == (True, 2)
    if every == 1:
        assert {(True, 0), (True, 1)} <= {*left}


def test_what_others_made_of_a_table_stays_and_their_rows_are_told(target: Iceberg, lake: Path, tmp_path: Path) -> None:
    target.publish_all(family(tmp_path, 5))
    table = iceberg(lake, "customers")
    with table.transaction() as transaction:
        transaction.set_properties(owner="ann")
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "mine").commit()
    target.publish_all(family(tmp_path, 6))
    table = iceberg(lake, "customers")
    assert table.properties["owner"] == "ann"
    assert tags(table) == {"mine", "publication-1", "publication-2"}
    table.append(table.scan().to_arrow().slice(0, 1))
    assert "is not as it was published: others wrote to it" in drifted(target, "customers")[0]
    target.mend()
    assert iceberg(lake, "customers").scan().to_arrow().num_rows == 7
    target.publish_all(family(tmp_path, 8))
    assert iceberg_marks(lake, *BOTH) == [{8}, {8}]
    with iceberg(lake, "orders").update_spec() as spec:
        spec.add_identity("mark")
    with pytest.raises(BuildError, match="does not take the new rows: it is partitioned"):
        target.publish_all(family(tmp_path, 9))
    assert iceberg_marks(lake, *BOTH) == [{8}, {8}]
    target.collect(1, None, dry_run=False)
    table = iceberg(lake, "customers")
    assert tags(table) == {"mine", "publication-3"}
    assert table.scan(snapshot_id=table.snapshot_by_name("mine").snapshot_id).to_arrow().num_rows == 5


def test_columns_may_change_and_no_tag_reads_what_was_not_there(target: Iceberg, lake: Path, tmp_path: Path) -> None:
    target.publish_all(family(tmp_path, 2))
    one = pa.table({"b": pa.array(["x"]), "a": pa.array([1], pa.int64())})
    types = {"b": "VARCHAR", "a": "BIGINT"}
    said = publication(tmp_path, "t", one, types, column_descriptions={"a": "first"})
    target.publish_all([said])
    two = pa.table({"a": pa.array([2], pa.int64()), "c": pa.array([[1]], pa.list_(pa.int64())), "b": pa.array(["y"])})
    types = {"a": "BIGINT", "c": "BIGINT[]", "b": "VARCHAR"}
    target.publish_all([publication(tmp_path, "t", two, types, column_descriptions={"a": "second"})])
    table = iceberg(lake, "t")
    assert table.scan().to_arrow().to_pylist() == two.to_pylist()
    assert table.schema().find_field("a").doc == "second"
    first = table.snapshot_by_name("publication-2")
    assert table.scan(snapshot_id=first.snapshot_id).to_arrow().to_pylist() == one.to_pylist()
    three = pa.table({"a": pa.array(["now text"])})
    target.publish_all([publication(tmp_path, "t", three, {"a": "VARCHAR"})])
    table = iceberg(lake, "t")
    assert table.scan().to_arrow().to_pylist() == three.to_pylist()
    assert tags(table) == {"publication-4"}  # in the others `a` would be null
    assert len(table.snapshots()) == 1
    assert drifted(target, "t") == []


def test_old_versions_go_with_their_tags_and_what_is_read_never(target: Iceberg, lake: Path, tmp_path: Path) -> None:
    for n in range(1, 6):
        target.publish_all(family(tmp_path, n))
    assert target.collect(None, None, dry_run=False) == {}
    assert target.collect(2, None, dry_run=True).keys() == {"old versions"}  # type: ignore[union-attr]
    assert len(tags(iceberg(lake, "orders"))) == 5
    target.collect(2, None, dry_run=False)
    table = iceberg(lake, "orders")
    assert tags(table) == {"publication-4", "publication-5"}
    assert [table.scan(snapshot_id=s.snapshot_id).to_arrow().num_rows for s in table.snapshots()] == [4, 5]
    assert len(list((lake / "tables/orders").glob("*.parquet"))) == 2
    target.remove("orders")
    assert iceberg_marks(lake, *BOTH) == [{5}, set()]
    target.publish_all(family(tmp_path, 6))
    assert iceberg_marks(lake, *BOTH) == [{6}, {6}]


def test_every_type_is_there_as_it_is_published_or_is_refused_by_the_compiler(
    target: Iceberg, lake: Path, tmp_path: Path
) -> None:
    refused: list[str] = []
    for name, table in each_type(target, ICEBERG, "Iceberg", tmp_path, refused):
        assert str(iceberg(lake, name).scan().to_arrow().to_pylist()) == str(table.to_pylist())
        assert drifted(target, name) == []
    assert refused == ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "TIMESTAMP_NS", "TIMESTAMPTZ_NS"]


def test_a_project_publishes_reads_verifies_and_goes_back(
    shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build")
    shop.ok("build")
    lake = shop.root / "lake"
    (path,), (file,) = local.parquet("by_tier"), (lake / "tables/by_tier").glob("*.parquet")
    assert file.read_bytes() == path.read_bytes()
    old = shop.query(BY_TIER)
    assert old == local.query(BY_TIER)
    assert sorted(pl.scan_iceberg(iceberg(lake, "by_tier")).collect().to_dicts(), key=str) == sorted(old, key=str)
    assert "2 unchanged" in shop.ok("build")
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    shop.ok("build")
    assert iceberg(lake, "by_tier").scan().to_arrow()["n"].to_pylist() != [row["n"] for row in old]
    known = [v["version"] for v in json.loads(shop.ok("versions", "by_tier", "--format", "json"))]
    assert tags(iceberg(lake, "by_tier")) == {f"publication-{number}" for number in known}
    shop.ok("rollback", "by_tier", known[-1])
    assert sorted(iceberg(lake, "by_tier").scan().to_arrow().to_pylist(), key=str) == sorted(old, key=str)
    shop.write({"models/customers.yml": TEXT})
    assert "verified: 2 models" in shop.ok("verify", "--full")
    told = synthkit.open(local.root).query("select name, rows from synth_meta.tables order by name").to_pylist()
    from pyiceberg.catalog import load_catalog

    catalogue = load_catalog("synthkit", type="sql", uri=f"sqlite:///{lake}/catalogue.sqlite")

    def tables() -> list[dict[str, Any]]:
        here = catalogue.load_table("shop_synth_meta.tables").scan().to_arrow().select(["name", "rows"])
        return sorted(here.to_pylist(), key=str)

    assert tables() == told
    target, meta = anothers(lake, tmp_path / "mine"), lake / "synth_meta/tables"
    before = len(list(meta.rglob("*")))
    assert target.collect(None, None, dry_run=False) == {}  # they stay for a week
    monkeypatch.setattr("synthkit.store.lakes.iceberg.META_KEPT", timedelta(0))
    (kind,) = target.collect(None, None, dry_run=True) or {}
    assert kind == "files of synth_meta that were replaced"
    assert len(list(meta.rglob("*"))) == before
    target.collect(None, None, dry_run=False)
    assert len(list(meta.rglob("*.parquet"))) == 1
    assert tables() == told
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 50 group by tier")})
    assert "not refreshed" not in shop.ok("build")  # what is left can be written over
    assert len(list(meta.rglob("*.parquet"))) == 2


def test_what_is_wrong_with_a_catalogue_is_said_by_the_compiler(shop: Project) -> None:
    shop.write({"synth_project.yml": PROJECT.replace(", schema: shop", "")})
    assert "synth_project.yml:4:3: error: it is not said which schema holds the tables" in shop.fails("compile", code=2)
    shop.write({"synth_project.yml": PROJECT.replace("schema: shop", "schema: shop, catalog: nowhere")})
    text = shop.fails("compile", code=2)
    assert "synth_project.yml:4:64: error: pyiceberg is configured for no catalogue 'nowhere'" in text
    assert "PYICEBERG_CATALOG__NOWHERE__URI" in text
    shop.write({"synth_project.yml": PROJECT.replace("warehouse: lake", "warehouse: 's3://bucket/lake'")})
    assert "error: an Iceberg lake at an address needs a catalogue" in shop.fails("compile", code=2)
    shop.write({"synth_project.yml": PROJECT.replace("iceberg,", "delta,").replace("schema:", "catalog:")})
    assert "error: a target of type delta has no catalogue" in shop.fails("compile", code=2)
    shop.write({"synth_project.yml": PROJECT})
    shop.write({"models/customers.yml": TEXT.replace("count(*) as n", "[count(*)::UBIGINT] as n")})
    assert "Iceberg has no type for UBIGINT inside UBIGINT[]" in shop.fails("compile", code=2)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


def test_a_catalogue_by_name_and_an_object_store(s3: S3, shop: Project, tmp_path: Path) -> None:
    from pyiceberg.catalog import load_catalog

    address = f"{s3.bucket()}/team/lake"
    uri = f"sqlite:///{tmp_path}/others.sqlite"
    project = PROJECT.replace("warehouse: lake", f"warehouse: '{address}', catalog: company")
    shop.write({"synth_project.yml": project})
    env = {**os.environ, "PYICEBERG_CATALOG__COMPANY__TYPE": "sql", "PYICEBERG_CATALOG__COMPANY__URI": uri}
    env["AWS_ENDPOINT_URL"] = s3.url  # the proxy takes no bodies in chunks, which Arrow's client sends
    shop.ok("build", env=env)
    assert "verified: 2 models" in shop.ok("verify", "--full", env=env)
    options = {"s3.endpoint": s3.url, "s3.region": "us-east-1"}
    table = load_catalog("company", type="sql", uri=uri, **options).load_table("shop.by_tier")
    assert table.location() == f"{address}/tables/by_tier"
    there = table.scan().to_arrow().to_pylist()
    assert sorted(there, key=str) == sorted(synthkit.open(address).query(BY_TIER).to_pylist(), key=str)
