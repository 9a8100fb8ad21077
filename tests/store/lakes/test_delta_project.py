"""A project that publishes Delta tables, by the command line, into a folder and into an object store."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("deltalake")
from deltalake import DeltaTable

import synthkit
from synthkit import extras
from synthkit.compiler import compile_project
from synthkit.errors import SynthError
from synthkit.project.project import load_project
from tests.families import family_project
from tests.objects.proxy import Fault, Request, Rule
from tests.objects.servers import S3, s3_server
from tests.store.lakes.lake import ALLOWED, marks, somebodys
from tests.store.servers.publishing import family
from tests.synth import SQL_PROJECT, Project, make_project

TEXT = str(SQL_PROJECT["models/customers.yml"])
PROJECT = "name: shop\nseed: 7\ntargets:\n  dev: {type: delta, warehouse: lake}\n"
BY_TIER = "select tier, n from by_tier order by tier"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": PROJECT})


def read(project: Project, name: str, version: int | None = None) -> list[dict[str, object]]:
    """What anybody finds in a Delta table of the project."""
    return DeltaTable(f"{project.root}/lake/tables/{name}", version=version).to_pyarrow_table().to_pylist()


def test_the_tables_are_those_that_are_published_locally(
    shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build")
    shop.ok("build")
    for name in ("by_tier", "customers"):
        (path,) = local.parquet(name)
        (file,) = (shop.root / f"lake/tables/{name}").glob("*.parquet")
        assert file.read_bytes() == path.read_bytes()
    assert sorted(read(shop, "by_tier"), key=str) == sorted(local.query(BY_TIER), key=str)
    assert shop.query(BY_TIER) == local.query(BY_TIER)
    installed = extras.installed
    with monkeypatch.context() as patch:  # who reads needs no library of lakes
        patch.setattr(extras, "installed", lambda module: module != "deltalake" and installed(module))
        assert synthkit.open(shop.root).query(BY_TIER).to_pylist() == local.query(BY_TIER)
    told = synthkit.open(local.root)
    for table, leave_out in {
        "tables": ("published_at", "run_id", "parquet"),
        "columns": (),
        "audits": ("message",),
        "privacy": (),
        "lineage": (),
        "keys": (),
    }.items():
        here = pl.read_delta(f"{shop.root}/lake/synth_meta/{table}").drop(leave_out).to_dicts()
        there = told.query(f"select * from synth_meta.{table}").drop_columns(list(leave_out)).to_pylist()
        assert sorted(here, key=str) == sorted(there, key=str)
    assert "2 unchanged" in shop.ok("build")
    assert shop.ok("plan").endswith("nothing to do\n")
    shop.ok("clean")
    assert "verified: 2 models" in shop.ok("verify", "--full")
    assert "2 tables are published there" in shop.ok("debug")


def test_a_table_that_does_not_pass_leaves_the_last_good_one(shop: Project) -> None:
    shop.ok("build")
    before = read(shop, "customers")
    text = TEXT.replace("- not_null: {columns: [tier]}", "- row_count: {max: 3}")
    shop.write({"models/customers.yml": text.replace("select * from", "select distinct * from")})
    shop.fails("build")
    assert read(shop, "customers") == before
    assert DeltaTable(f"{shop.root}/lake/tables/customers").version() == 0


def test_each_publication_is_a_version_here_and_there(shop: Project) -> None:
    shop.ok("build")
    old = shop.query(BY_TIER)
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    shop.ok("build")
    assert shop.query(BY_TIER) != old
    assert sorted(read(shop, "by_tier"), key=str) == sorted(shop.query(BY_TIER), key=str)
    known = [v["version"] for v in json.loads(shop.ok("versions", "by_tier", "--format", "json"))]
    table = DeltaTable(f"{shop.root}/lake/tables/by_tier")
    assert [json.loads(one["userMetadata"])["publication"] for one in table.history()] == [int(v) for v in known]
    assert sorted(read(shop, "by_tier", 0), key=str) == sorted(old, key=str)
    then = shop.ok("query", BY_TIER, "--version", known[-1], "--format", "json")
    assert json.loads(then) == old
    assert "made otherwise" in shop.ok("diff", "by_tier")
    shop.ok("rollback", "by_tier", known[-1])
    assert sorted(read(shop, "by_tier"), key=str) == sorted(old, key=str)
    assert shop.query(BY_TIER) == old
    assert "in its own log" in shop.fails("push", code=2)
    shop.write({"models/customers.yml": TEXT})
    shop.ok("gc", "--keep", "1")
    assert "verified: 2 models" in shop.ok("verify", "--full")
    shop.write({"models/customers.yml": TEXT[: TEXT.index("  - name: by_tier")]})
    shop.ok("gc", "--removed")
    assert not DeltaTable.is_deltatable(f"{shop.root}/lake/tables/by_tier")


def test_what_is_not_as_it_was_published_is_an_error_and_built_again(shop: Project) -> None:
    shop.ok("build")
    table = DeltaTable(f"{shop.root}/lake/tables/by_tier")
    table.delete("n < 100")
    text = shop.fails("verify")
    assert "lake/by_tier.receipt.json:" in text
    assert "others wrote to it (version 1)" in text
    assert "2 unchanged" in shop.ok("build")  # it is not ours to take back what somebody did
    shop.fails("verify")
    shop.ok("build", "--select", "by_tier", "--full-refresh")
    assert "verified" in shop.ok("verify", "--full")
    (file,) = DeltaTable(f"{shop.root}/lake/tables/by_tier").file_uris()
    Path(file).write_bytes(b"\0" * Path(file).stat().st_size)
    shop.ok("verify")
    assert "the rows of 'by_tier' are not in" in shop.fails("verify", "--full")


def test_a_family_is_published_and_promoted(tmp_path: Path) -> None:
    project = family_project(tmp_path / "shop")
    text = (project.root / "synth_project.yml").read_text("utf-8")
    project.write({"synth_project.yml": text + "targets:\n  dev: {}\n  prod: {type: delta, warehouse: lake}\n"})
    project.ok("build")
    project.ok("promote", "dev", "prod")
    names = synthkit.open(project.root, target="prod").tables()
    assert len(names) > 1
    for name in names:
        (path,) = project.parquet(name)
        (file,) = DeltaTable(f"{project.root}/lake/tables/{name}").file_uris()
        assert Path(file).read_bytes() == path.read_bytes()
    assert "verified" in project.ok("verify", "-t", "prod", "--full")


def test_what_cannot_be_published_is_said_before_anything_is_built(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write({"models/customers.yml": TEXT.replace("count(*) as n", "count(*)::UINTEGER as n")})
    text = shop.fails("compile", code=2)
    assert "models/customers.yml:" in text
    assert "target dev: the column 'n': Delta has no type for UINTEGER" in text
    assert "cast it to BIGINT" in text
    shop.write({"models/customers.yml": TEXT})
    project = PROJECT.replace("warehouse: lake", "warehouse: lake, database: a.duckdb, schema: shop")
    shop.write({"synth_project.yml": project})
    text = shop.fails("compile", code=2)
    assert "synth_project.yml:4:39: error: tables of a lake have no DuckDB file" in text
    assert "synth_project.yml:4:59: error: a target of type delta has no schemas" in text
    shop.write({"synth_project.yml": PROJECT.replace("warehouse: lake", "warehouse: 'ftp://a/b'")})
    assert "synth_project.yml:4:33: error: warehouse ftp://a/b: nothing here reads or writes ftp://" in shop.fails(
        "compile", code=2
    )
    shop.write({"synth_project.yml": PROJECT})
    installed = extras.installed
    monkeypatch.setattr(extras, "installed", lambda module: module != "deltalake" and installed(module))
    with pytest.raises(SynthError) as failed:
        compile_project(load_project(shop.root))
    assert "synth_project.yml:4:3" in str(failed.value)
    assert "pip install 'synthkit-build[delta]'" in str(failed.value)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def address(s3: S3) -> Iterator[str]:
    s3.proxy.reset()
    yield f"{s3.bucket()}/team/lake"
    s3.proxy.reset()


def test_a_lake_in_an_object_store_is_read_by_address(
    s3: S3, address: str, shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop.write({"synth_project.yml": PROJECT.replace("warehouse: lake", f"warehouse: '{address}'")})
    shop.ok("build")
    table = DeltaTable(f"{address}/tables/by_tier", storage_options=ALLOWED)
    assert sorted(table.to_pyarrow_table().to_pylist(), key=str) == sorted(shop.query(BY_TIER), key=str)
    assert synthkit.open(address).query(BY_TIER).to_pylist() == shop.query(BY_TIER)
    elsewhere = make_project(tmp_path / "elsewhere")
    assert "verified: 2 models" in elsewhere.ok("verify", "--full", "--project-dir", address)
    assert "verified: 2 models" in shop.ok("verify", "--full")
    assert "2 unchanged" in shop.ok("build")
    meta = DeltaTable(f"{address}/synth_meta/tables", storage_options=ALLOWED).to_pyarrow_table()
    assert sorted(meta["name"].to_pylist()) == ["by_tier", "customers"]
    assert {p.rpartition("/")[0] for p in meta["parquet"].to_pylist()} == {
        f"{address}/tables/{n}" for n in ("by_tier", "customers")
    }


KILLED = """
import sys
from pathlib import Path
from tests.store.lakes.lake import somebodys
from tests.store.servers.publishing import family
import deltalake, obstore, pyarrow.parquet
target, what = somebodys(sys.argv[1], Path(sys.argv[2])), family(Path(sys.argv[2]), 9)
print("ready", flush=True)
sys.stdin.readline()
target.publish_all(what)
print("published", flush=True)
"""


def _killing(pid: int, number: int, fault: Fault) -> Rule:
    """Kills a process at one of the requests by which it writes."""
    writes = itertools.count(1)

    def kill(request: Request) -> Fault | None:
        if request.method not in ("PUT", "POST", "DELETE") or next(writes) != number:
            return None
        os.kill(pid, signal.SIGKILL)
        return fault

    return kill


@pytest.mark.slow
@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.long), "after"])
def test_a_builder_killed_at_any_request_leaves_each_table_old_or_new(
    s3: S3, address: str, tmp_path: Path, when: str
) -> None:
    """Also at those of the library: each is killed as it asks for the first time, or when the server has done it."""
    both = ("customers", "orders")
    somebodys(address, tmp_path / "first").publish_all(family(tmp_path, 3))
    left = []
    for number in range(1, 60):
        folder = tmp_path / f"killed-{number}"
        command = [sys.executable, "-c", KILLED, address, str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        s3.proxy.reset(_killing(process.pid, number, Fault(before=when == "before", after=when == "after")))
        out, _ = process.communicate("\n", timeout=120)
        s3.proxy.reset()
        reader = somebodys(address, tmp_path / f"reader-{number}")
        found = {r.rows for r in reader.all_published().values()}
        assert found in ({3}, {9})
        seen = marks(address, *both)
        assert all(one in ({3}, {9}) for one in seen)
        reader.mend()
        assert marks(address, *both) == [found, found]
        left.append((found == {9}, [s == {9} for s in seen]))
        if out == "published\n":
            break
        if found == {9}:
            somebodys(address, tmp_path / "again").publish_all(family(tmp_path, 3))
    assert out == "published\n"
    assert (False, [False, False]) in left
    assert (True, [False, False]) in left
    assert (True, [True, False]) in left
    assert left[-1] == (True, [True, True])
