"""A target that a package brings: the same tables under the same gate, found again, and whole after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.store.parquet import write_parquet
from synthkit.store.target import PassingAudit, Place, Publication, Target
from synthkit.store.targets import opened
from tests.packages import installed
from tests.receipts import audited
from tests.sqlite_target import AloneTarget, SqliteTarget
from tests.store.test_warehouse import AUDIT
from tests.synth import SQL_PROJECT, Project, copied, make_project

TEXT = SQL_PROJECT["models/customers.yml"]
ELSEWHERE = {
    **SQL_PROJECT,
    "synth_project.yml": "name: shop\nseed: 7\ntargets:\n  dev: {type: test.sqlite, warehouse: warehouse/shop.sqlite}\n",
}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("packages")
    return installed(folder, "sqlite-target", "synthkit.targets", "test.sqlite = tests.sqlite_target:SqliteTarget")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", ELSEWHERE)


def held(project: Project) -> dict[str, Any]:
    """What anybody finds in the file: name → receipt and Parquet bytes."""
    with sqlite3.connect(project.root / "warehouse/shop.sqlite") as connection:
        rows = connection.execute("SELECT name, receipt, parquet FROM published").fetchall()
    return {name: (json.loads(receipt), parquet) for name, receipt, parquet in rows}


def test_the_tables_are_those_that_are_published_locally(shop: Project, tmp_path: Path, env: dict[str, str]) -> None:
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build", env=env)
    shop.ok("build", env=env)
    found = held(shop)
    assert found.keys() == {"customers", "by_tier"}
    for name, (receipt, parquet) in found.items():
        (path,) = local.parquet(name)
        assert parquet == path.read_bytes()
        known = json.loads((local.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8"))
        machine = ("run_id", "published_at", "seconds", "audits")
        assert {k: v for k, v in receipt.items() if k not in machine} == {
            k: v for k, v in known.items() if k not in machine
        }
    assert list((shop.root / "warehouse").iterdir()) == [shop.root / "warehouse/shop.sqlite"]
    sql = ("query", "select tier, n from by_tier order by tier", "--format", "json")
    assert json.loads(shop.ok(*sql, env=env)) == json.loads(local.ok(*sql))
    meta = ("query", "select name, rows from synth_meta.tables order by name", "--format", "json")
    assert json.loads(shop.ok(*meta, env=env)) == json.loads(local.ok(*meta))
    assert "customers" in shop.ok("show", "customers", env=env)


def test_what_is_there_is_found_again_by_its_hash_and_verified(shop: Project, env: dict[str, str]) -> None:
    shop.ok("build", env=env)
    assert "2 unchanged" in shop.ok("build", env=env)
    assert shop.ok("plan", env=env).endswith("nothing to do\n")
    shop.ok("clean")  # what the target derives is scratch
    assert "verified: 2 models" in shop.ok("verify", "--full", env=env)
    with sqlite3.connect(shop.root / "warehouse/shop.sqlite") as connection:
        connection.execute("UPDATE published SET parquet = zeroblob(length(parquet)) WHERE name = 'by_tier'")
    done = shop.synth("verify", "--full", env=env)
    shop.ok("clean")
    done = shop.synth("verify", "--full", env=env)
    assert done.returncode == 1
    assert "the rows of 'by_tier' are not those of its receipt" in done.stdout


def test_a_table_that_does_not_pass_leaves_the_last_good_one(shop: Project, env: dict[str, str]) -> None:
    shop.ok("build", env=env)
    before = held(shop)
    assert isinstance(TEXT, str)
    shop.write(
        {
            "models/customers.yml": TEXT.replace("- not_null: {columns: [tier]}", "- row_count: {max: 3}").replace(
                "select * from", "select distinct * from"
            )
        }
    )
    assert shop.synth("build", env=env).returncode == 1
    assert held(shop) == before


def test_versions_are_refused_with_the_reason(shop: Project, env: dict[str, str]) -> None:
    shop.ok("build", env=env)
    for verb in (("versions", "by_tier"), ("diff", "by_tier"), ("push",), ("query", "select 1", "--version", "HEAD")):
        done = shop.synth(*verb, env=env)
        assert (done.returncode, "the tables are in one SQLite file (shop.sqlite)" in done.stderr) == (2, True), (
            done.stderr
        )
    assert "the tables are in one SQLite file" in shop.ok("gc", "--dry-run", env=env)


KILLED = """
import os, sys
import synthkit.cli.main as m, tests.sqlite_target as t
left, put, connected = [int(sys.argv[1])], t.SqliteTarget.put, t.SqliteTarget._connected
publishing = []
def traced(statement):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), 9)
def of_by_tier(self, name, data, sealed):
    if name == 'by_tier':
        publishing.append(name)
    return put(self, name, data, sealed)
@t.contextmanager
def watched(self):
    with connected(self) as connection:
        if publishing:
            connection.set_trace_callback(traced)
        yield connection
t.SqliteTarget.put, t.SqliteTarget._connected = of_by_tier, watched
m.cli.main(['build'], standalone_mode=False)
"""


@pytest.mark.slow
def test_a_publish_killed_at_any_statement_leaves_the_table_before_or_the_one_after(
    shop: Project, tmp_path: Path, env: dict[str, str]
) -> None:
    shop.ok("build", env=env)
    before = held(shop)["by_tier"]
    assert isinstance(TEXT, str)
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    left = []
    for step in range(1, 6):
        project = copied(shop, tmp_path / f"killed-{step}")
        command = [sys.executable, "-c", KILLED, str(step)]
        done = subprocess.run(command, cwd=project.root, env={**os.environ, **env}, capture_output=True, text=True)
        assert done.returncode == -9, done.stdout + done.stderr
        receipt, parquet = held(project)["by_tier"]
        assert receipt["sha256"] == hashlib.sha256(parquet).hexdigest()
        left.append(parquet == before[1])
        project.ok("build", env=env)
        receipt, parquet = held(project)["by_tier"]
        assert parquet != before[1]
        assert receipt["previous"] is not None
        assert "verified" in project.ok("verify", "--full", env=env)
    assert left[0]  # the first statements lie before the transaction's end, the last ones after it
    assert not left[-1]
    assert left == sorted(left, reverse=True)


def test_a_kind_that_nobody_brings_is_named_with_the_nearest(tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": "name: shop\ntargets:\n  dev: {type: locl}\n"}
    )
    text = project.fails("compile", code=2)
    assert "synth_project.yml:3:15" in text
    assert "did you mean 'local'?" in text
    with pytest.raises(SynthError, match="there is no kind of target 'locl'"):
        opened("locl", Place(tmp_path, tmp_path, tmp_path))


def test_the_gate_is_the_same_for_all(tmp_path: Path) -> None:
    target = SqliteTarget(Place(tmp_path / "a.sqlite", tmp_path / "a.duckdb", tmp_path / "scratch"))
    assert isinstance(target, Target)
    with pytest.raises(TypeError, match="publish needs a PassingAudit"):
        target.publish("t", tmp_path, None, None)  # type: ignore[arg-type]


def a_family(folder: Path, rows: int) -> list[Publication]:
    """Two tables that are published together."""
    found = []
    for name in ("customers", "orders"):
        staged = folder / f"{name}{rows}.parquet"
        table = pa.table({"n": pa.array(range(rows), pa.int64())})
        hashes = write_parquet(table.to_batches(), table.schema, staged, {}).hashes
        family = {"name": "shop", "members": ["customers", "orders"]}
        said = audited(model=name, rows=rows, audits=[AUDIT], family=family)
        found.append(Publication(name, staged, PassingAudit.of([AUDIT]), said, hashes))
    return found


def test_tables_that_belong_together_are_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = SqliteTarget(Place(tmp_path / "a.sqlite", tmp_path / "a.duckdb", tmp_path / "scratch"))
    assert target.alone() is None
    target.publish_all(a_family(tmp_path, 3))
    read, seen = Path.read_bytes, []

    def interrupted(self: Path) -> bytes:
        if self.suffix == ".parquet":
            seen.append({r.rows for r in target.all_published().values()})
        if len(seen) == 2:
            raise BuildError("killed")
        return read(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", interrupted)
        with pytest.raises(BuildError, match="killed"):
            target.publish_all(a_family(tmp_path, 5))
    assert seen == [{3}, {3}]
    assert {r.rows for r in target.all_published().values()} == {3}
    target.publish_all(a_family(tmp_path, 5))
    assert {r.rows for r in target.all_published().values()} == {5}


def test_a_target_that_publishes_one_table_at_a_time_says_so(tmp_path: Path) -> None:
    target = AloneTarget(Place(tmp_path / "a.sqlite", tmp_path / "a.duckdb", tmp_path / "scratch"))
    assert target.alone() == "a target of this type publishes one table at a time"
    with pytest.raises(BuildError, match="customers and orders cannot be published together: a target of this type"):
        target.publish_all(a_family(tmp_path, 3))
    assert target.all_published() == {}
