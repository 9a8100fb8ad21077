"""Tables in an object store: whole, of one publication, and published by one of two, whatever the server does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import synthkit
from synthkit.errors import BuildError
from synthkit.store.collecting import collect
from synthkit.store.logged import LoggedVersions
from synthkit.store.objectstore import ObjectStore, _opened
from synthkit.store.publications import OvertakenError
from synthkit.store.target import Place
from tests.objects.proxy import Fault, Request
from tests.objects.servers import S3, s3_server
from tests.store.test_targets import a_family
from tests.synth import SQL_PROJECT, Project, make_project

TEXT = str(SQL_PROJECT["models/customers.yml"])


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def address(s3: S3) -> Iterator[str]:
    s3.proxy.reset()
    yield f"{s3.bucket()}/team/shop"
    s3.proxy.reset()


def somebodys(address: str, folder: Path) -> ObjectStore:
    """What another process has: nothing of it is shared."""
    _opened.cache_clear()
    return ObjectStore(Place(folder / "receipts", folder / "none.duckdb", folder / "scratch", address))


def rows(target: ObjectStore) -> set[int]:
    """How many rows the tables of the family have; each was read, and has so many."""
    import pyarrow.parquet as pq

    found = target.all_published()
    for receipt in found.values():
        assert pq.read_metadata(target.file(receipt)).num_rows == receipt.rows
    return {r.rows for r in found.values()}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=429),
        Fault(before=True),
        Fault(after=True),
        Fault(broken=True),
        Fault(delay=0.2),
    ],
    ids=str,
)
def test_a_request_that_fails_once_is_not_seen_whichever_it_is(
    s3: S3, address: str, tmp_path: Path, fault: Fault
) -> None:
    builder = somebodys(address, tmp_path / "builder")
    builder.publish_all(a_family(tmp_path, 1))
    s3.proxy.reset()
    builder.publish_all(a_family(tmp_path, 2))
    requests = len(s3.proxy.seen)
    assert requests > 6
    for number in range(1, requests + 1):
        s3.proxy.reset(lambda request, number=number: fault if request.number == number else None)
        builder.publish_all(a_family(tmp_path, number + 2))
        s3.proxy.reset()
        assert rows(somebodys(address, tmp_path / f"reader-{number}")) == {number + 2}
    entries = [k for k in s3.keys(address) if k.startswith("log/")]
    assert len(entries) == requests + 2  # each publication is one, also those whose answer was lost


def test_a_server_that_fails_for_good_leaves_the_tables_as_they_were(s3: S3, address: str, tmp_path: Path) -> None:
    builder = somebodys(address, tmp_path / "builder")
    builder.publish_all(a_family(tmp_path, 3))
    s3.proxy.reset()
    builder.publish_all(a_family(tmp_path, 5))
    requests = len(s3.proxy.seen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_OBJECT_TIMEOUT", "0.2")
        for number in range(1, requests + 1):
            builder = somebodys(address, tmp_path / "impatient")
            s3.proxy.reset(lambda request, number=number: Fault(status=503) if request.number >= number else None)
            with pytest.raises(BuildError, match=r"SlowDown|: 503 "):
                builder.publish_all(a_family(tmp_path, 7))
            s3.proxy.reset()
            assert rows(somebodys(address, tmp_path / f"reader-{number}")) == {5}
    somebodys(address, tmp_path / "builder").publish_all(a_family(tmp_path, 7))
    assert rows(somebodys(address, tmp_path / "reader")) == {7}


KILLED = """
import sys
from pathlib import Path
from synthkit.store.collecting import collect
from synthkit.store.logged import LoggedVersions
from synthkit.store.objectstore import ObjectStore
from synthkit.store.target import Place
from tests.store.test_targets import a_family
folder = Path(sys.argv[2])
target = ObjectStore(Place(folder / "receipts", folder / "none.duckdb", folder / "scratch", sys.argv[1]))
publications = a_family(folder, 9)
print("ready", flush=True)
sys.stdin.readline()
target.publish_all(publications)
print("published", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_builder_killed_at_any_request_leaves_all_tables_old_or_all_new(
    s3: S3, address: str, tmp_path: Path, when: str
) -> None:
    somebodys(address, tmp_path / "builder").publish_all(a_family(tmp_path, 3))
    left = []
    for number in range(1, 20):
        folder = tmp_path / f"killed-{number}"
        folder.mkdir()
        command = [sys.executable, "-c", KILLED, address, str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"

        def kill(request: Request, number: int = number, process: subprocess.Popen[str] = process) -> Fault | None:
            if request.number != number:
                return None
            os.kill(process.pid, signal.SIGKILL)
            return Fault(before=when == "before", after=when == "after")

        s3.proxy.reset(kill)
        out, _ = process.communicate("\n", timeout=120)
        s3.proxy.reset()
        found = rows(somebodys(address, tmp_path / f"reader-{number}"))
        assert found in ({3}, {9})
        left.append(found == {9})
        if out == "published\n":
            break
        if found == {9}:  # the next is killed while it replaces the old ones again
            somebodys(address, tmp_path / "builder").publish_all(a_family(tmp_path, 3))
    assert out == "published\n"
    assert not left[0]
    assert left == sorted(left)
    assert left.count(True) == (1 if when == "before" else 2)  # answered or not, the log's entry publishes


def together(tasks: list[Callable[[], object]]) -> list[object]:
    """What each gave, or raised; all began at one moment."""
    start, found = threading.Barrier(len(tasks)), {}

    def run(n: int, task: Callable[[], object]) -> None:
        start.wait()
        try:
            found[n] = task()
        except BuildError as error:
            found[n] = error

    threads = [threading.Thread(target=run, args=(n, task)) for n, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[n] for n in range(len(tasks))]


def test_of_builders_that_began_at_one_state_exactly_one_publishes(s3: S3, address: str, tmp_path: Path) -> None:
    somebodys(address, tmp_path / "first").publish_all(a_family(tmp_path, 1))
    for round_ in range(4):
        # Every third answer is lost, so that some do not know whether it was they who won.
        s3.proxy.reset(lambda r: Fault(after=True) if r.conditional and r.number % 3 == 0 else Fault(delay=0.005))
        builders = [somebodys(address, tmp_path / f"b{round_}-{n}") for n in range(4)]
        for builder in builders:
            builder.mend()
        publications = [a_family(tmp_path, 10 * (round_ + 1) + n) for n in range(4)]
        told = together([lambda b=b, p=p: b.publish_all(p) for b, p in zip(builders, publications, strict=True)])
        (winner,) = [n for n, what in enumerate(told) if not isinstance(what, BuildError)]
        assert all(isinstance(what, OvertakenError) for n, what in enumerate(told) if n != winner)
        assert all("was published by somebody else meanwhile" in str(w) for n, w in enumerate(told) if n != winner)
        s3.proxy.reset()
        assert rows(somebodys(address, tmp_path / f"r{round_}")) == {10 * (round_ + 1) + winner}
        named = {t.rows for t in builders[winner].entry().tables.values()}
        assert {k for k in s3.keys(address) if k.startswith("tables/")} >= named
    # Nothing of those that lost is left: two objects for each publication.
    assert len([k for k in s3.keys(address) if k.startswith("tables/")]) == 2 * 5


def test_builders_of_different_tables_do_not_hinder_each_other(s3: S3, address: str, tmp_path: Path) -> None:
    builders = [somebodys(address, tmp_path / f"b{n}") for n in range(5)]
    for builder in builders:
        builder.mend()
    publications = [a_family(tmp_path, n + 1)[0] for n in range(5)]

    def publish(n: int) -> object:
        one = publications[n]
        return builders[n].publish(f"table_{n}", one.data, one.audit, one.table, hashes=one.hashes)

    told = together([lambda n=n: publish(n) for n in range(5)])
    assert not [what for what in told if isinstance(what, BuildError)]
    assert somebodys(address, tmp_path / "reader").names() == [f"table_{n}" for n in range(5)]


def test_a_reader_beside_a_builder_never_finds_one_table_old_and_one_new(s3: S3, address: str, tmp_path: Path) -> None:
    s3.proxy.reset(lambda request: Fault(delay=0.002))
    builder, reader = somebodys(address, tmp_path / "builder"), somebodys(address, tmp_path / "reader")
    builder.publish_all(a_family(tmp_path, 1))
    seen: list[set[int]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(rows(reader))

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(2, 12):
        builder.publish_all(a_family(tmp_path, n))
    ended.set()
    thread.join()
    assert {len(found) for found in seen} == {1}
    assert len({next(iter(found)) for found in seen}) > 2


def test_a_server_that_ignores_the_condition_is_refused_before_anything_is_built(
    s3: S3, address: str, tmp_path: Path
) -> None:
    s3.proxy.reset(lambda request: Fault(unconditional=True))
    with pytest.raises(BuildError, match="ignores the condition of a write"):
        somebodys(address, tmp_path).mend()
    s3.proxy.reset()
    somebodys(address, tmp_path).mend()


@pytest.fixture
def shop(address: str, tmp_path: Path) -> Project:
    project = f"name: shop\nseed: 7\ntargets:\n  dev: {{warehouse: '{address}'}}\n"
    return make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": project})


def test_the_tables_are_those_that_are_published_locally_and_read_without_a_checkout(
    s3: S3, address: str, shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build")
    shop.ok("build")
    assert not [p for p in shop.root.rglob("*") if p.name.startswith("s3:")]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tables = synthkit.open(address)
    assert tables.tables() == ["by_tier", "customers"]
    for name in tables.tables():
        (path,) = local.parquet(name)
        assert tables.table(name).path.read_bytes() == path.read_bytes()
        known = json.loads((local.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8"))
        receipt = json.loads((shop.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8"))
        machine = ("run_id", "published_at", "seconds", "audits")
        assert {k: v for k, v in receipt.items() if k not in machine} == {
            k: v for k, v in known.items() if k not in machine
        }
    sql = "select tier, n from by_tier order by tier"
    assert tables.query(sql).to_pylist() == local.query(sql) == shop.query(sql)
    assert "2 unchanged" in shop.ok("build")
    shop.ok("clean")
    assert "verified: 2 models" in shop.ok("verify", "--full")


def test_rows_that_are_gone_or_others_are_found(s3: S3, address: str, shop: Project) -> None:
    shop.ok("build")
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    (key,) = [k for k in s3.keys(address) if k.startswith("tables/by_tier/")]
    size = s3.client().head_object(Bucket=bucket, Key=f"{prefix}/{key}")["ContentLength"]
    s3.client().put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=b"\0" * size)
    assert "verified" in shop.ok("verify")  # it looks at sizes
    assert "the rows of 'by_tier' are not in s3://" in shop.fails("verify", "--full")
    s3.client().delete_object(Bucket=bucket, Key=f"{prefix}/{key}")
    assert "the rows of 'by_tier' are not where it is published" in shop.fails("verify")
    assert "1 unchanged" in shop.ok("build")
    assert "verified: 2 models" in shop.ok("verify", "--full")


def test_what_does_not_go_with_an_address_is_a_fault(shop: Project, address: str) -> None:
    shop.write({"synth_project.yml": f"name: shop\ntargets:\n  dev: {{type: local, warehouse: '{address}'}}\n"})
    assert "synth_project.yml:3:33: error: a target of type local publishes to a folder" in shop.fails(
        "compile", code=2
    )
    shop.write({"synth_project.yml": "name: shop\ntargets:\n  dev: {type: objects, warehouse: here}\n"})
    assert "synth_project.yml:3:15: error: a target of type objects needs an address" in shop.fails("compile", code=2)
    shop.write({"synth_project.yml": f"name: shop\ntargets:\n  dev: {{warehouse: '{address}', database: a.duckdb}}\n"})
    assert "error: tables at an address have no DuckDB file" in shop.fails("compile", code=2)
    shop.write({"synth_project.yml": "name: shop\ntargets:\n  dev: {warehouse: 's3://Bucket/x'}\n"})
    assert "'Bucket' is no name of a bucket" in shop.fails("compile", code=2)


def test_each_publication_is_a_version_that_can_be_read_compared_and_brought_back(
    s3: S3, address: str, shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop.ok("build")
    old = shop.query("select * from by_tier order by tier")
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    shop.ok("build")
    new = shop.query("select * from by_tier order by tier")
    assert old != new
    known = json.loads(shop.ok("versions", "by_tier", "--format", "json"))
    assert [v["rows"] for v in known] == [3, 3]
    newest, oldest = (v["version"] for v in known)
    assert int(newest) > int(oldest)
    then = shop.ok("query", "select * from by_tier order by tier", "--version", oldest, "--format", "json")
    assert json.loads(then) == old
    assert synthkit.open(address, version=oldest).query("select * from by_tier order by tier").to_pylist() == old
    assert "made otherwise" in shop.ok("diff", "by_tier")
    assert f"error: no publication to {address}" in shop.fails("query", "select 1", "--version", "4711", code=2)
    for verb in (("push",), ("pull",)):
        assert "whose versions are in its own log" in shop.fails(*verb, code=2)
    shop.ok("rollback", "by_tier", oldest)
    assert shop.query("select * from by_tier order by tier") == old
    receipt = json.loads((shop.root / "warehouse/dev/by_tier.receipt.json").read_text("utf-8"))
    assert receipt["restored"]["commit"] == oldest
    assert len(json.loads(shop.ok("versions", "by_tier", "--format", "json"))) == 3


def test_old_versions_go_by_a_rule_and_what_is_published_never(s3: S3, address: str, tmp_path: Path) -> None:
    builder = somebodys(address, tmp_path / "builder")
    for n in range(1, 6):
        builder.publish_all(a_family(tmp_path, n))
    before = s3.keys(address)
    assert builder.collect(None, None, dry_run=False) == {}  # without a rule all versions stay
    assert builder.collect(2, None, dry_run=True).keys() == {"old versions"}
    assert builder.collect(None, 3600, dry_run=False) == {}
    assert s3.keys(address) == before
    builder.collect(2, None, dry_run=False)
    assert len([k for k in s3.keys(address) if k.startswith("tables/")]) == 4
    assert len([k for k in s3.keys(address) if k.startswith("log/")]) == 5  # numbers are never given twice
    assert rows(somebodys(address, tmp_path / "reader")) == {5}
    assert [v.receipt.rows for v in LoggedVersions(builder).of_table("orders")] == [5, 4]
    builder.collect(None, 0, dry_run=False)
    assert [v.receipt.rows for v in LoggedVersions(builder).of_table("orders")] == [5]
    builder.publish_all(a_family(tmp_path, 6))
    assert rows(somebodys(address, tmp_path / "late")) == {6}


def test_rows_that_no_publication_names_go_when_they_are_old(s3: S3, address: str, tmp_path: Path) -> None:
    builder = somebodys(address, tmp_path / "builder")
    builder.publish_all(a_family(tmp_path, 1))
    before = s3.keys(address)
    builder.bucket.put("tables/orders/0123456789abcdef-killed.parquet", b"x" * 10)
    assert collect(builder.log, None, None, dry_run=False) == {}  # somebody may be about to publish them
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    assert collect(builder.log, None, None, dry_run=False, now=tomorrow) == {"rows that no publication names": 10}
    assert s3.keys(address) == before


def test_whoever_only_reads_gives_the_address_for_the_project(
    s3: S3, address: str, shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop.ok("build")
    elsewhere = make_project(tmp_path / "elsewhere")  # another project, which is not meant
    at = ("--project-dir", address)
    assert json.loads(elsewhere.ok("query", "select count(*) as n from by_tier", "--format", "json", *at)) == [{"n": 3}]
    assert "made by" in elsewhere.ok("show", "by_tier", *at)
    assert "20" in elsewhere.ok("versions", "by_tier", *at)
    assert "verified: 2 models" in elsewhere.ok("verify", *at)
    assert "verified: 2 models" in elsewhere.ok("verify", "--full", *at)
    assert "is an address of tables, and this needs their project" in elsewhere.fails("build", *at, code=2)
    (key,) = [k for k in s3.keys(address) if k.startswith("tables/by_tier/")]
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    s3.client().put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=b"others")
    assert "the rows of 'by_tier' are not where it is published" in elsewhere.fails("verify", *at)


def test_what_is_published_locally_goes_into_an_object_store_as_it_is(address: str, tmp_path: Path) -> None:
    project = f"name: shop\nseed: 7\ntargets:\n  dev: {{}}\n  prod: {{warehouse: '{address}'}}\n"
    shop = make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": project})
    shop.ok("build")
    shop.ok("promote", "dev", "prod")
    tables = synthkit.open(address)
    for name in tables.tables():
        (path,) = shop.parquet(name)
        assert tables.table(name).path.read_bytes() == path.read_bytes()
        promoted = tables.table(name).receipt.promoted
        assert promoted is not None
        assert promoted.target == "dev"
    assert shop.ok("verify", "-t", "prod", "--full").startswith("verified")
    shop.write({"synth_project.yml": project + "  copy: {}\n"})
    shop.ok("promote", "prod", "copy")  # and back
    assert shop.parquet("by_tier", "copy")[0].read_bytes() == shop.parquet("by_tier")[0].read_bytes()
