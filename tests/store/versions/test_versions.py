"""Versions as a user meets them: git and DVC for real, a folder and an S3 service as remotes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synthkit
from synthkit.errors import SynthError
from tests.synth import FORKS, Project, copied

MODEL = """
    version: 1
    models:
      - name: numbers
        generator: {{name: sql, query: "select i, i % 3 as k from range({rows}) as t(i)"}}
        audits:
          - row_count: {{min: 1}}
"""
QUIET = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def run(folder: Path, *command: str, **env: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **QUIET, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(folder: Path, *arguments: str, **env: str) -> str:
    quiet = {**QUIET, "DVC_TEST": "1"}  # it starts no processes that look for a newer version of it, or report on it
    done = FORKS.run(arguments, folder, {**os.environ, **quiet, **env}, program="dvc")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(project: Project, message: str) -> str:
    run(project.root, "git", "add", "-A")
    run(project.root, "git", "commit", "-qm", message)
    return run(project.root, "git", "rev-parse", "HEAD").strip()


def build(project: Project, rows: int) -> None:
    project.write({"models/m.yml": MODEL.format(rows=rows)})
    project.ok("build")


@pytest.fixture
def tables(committed: Project, tmp_path: Path) -> Project:
    """A project with one published and committed version of 30 rows."""
    return copied(committed, tmp_path / "shop")


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("versions") / "shop")
    project.root.mkdir()
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    ignored = "target/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n"
    project.write({"synth_project.yml": "name: shop\n", ".gitignore": ignored})
    build(project, 30)
    commit(project, "thirty")
    return project


def receipt(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "warehouse/dev/numbers.receipt.json").read_text())
    return found


def rows_of(project: Project, *options: str) -> int:
    count: int = json.loads(project.ok("query", *options, "--format", "json", "select count(*) n from numbers"))[0]["n"]
    return count


def test_a_published_table_is_tracked_without_a_second_copy(tables: Project) -> None:
    assert "up to date" in dvc(tables.root, "status")
    assert run(tables.root, "git", "status", "--porcelain") == ""
    tracked = run(tables.root, "git", "ls-files", "warehouse").split()
    assert tracked == ["warehouse/dev/numbers.dvc", "warehouse/dev/numbers.receipt.json"]
    file = tables.root / "warehouse/dev" / receipt(tables)["file"]
    md5 = hashlib.md5(file.read_bytes()).hexdigest()
    assert receipt(tables)["md5"] == md5
    cached = tables.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    assert cached.samefile(file)


def test_versions_are_those_of_git(tables: Project) -> None:
    build(tables, 20)
    found = json.loads(tables.ok("versions", "numbers", "--format", "json"))
    assert [(v["rows"], v["version"] is None) for v in found] == [(20, True), (30, False)]
    last = commit(tables, "twenty")
    text = tables.ok("versions", "numbers")
    assert text.splitlines()[1].startswith(last[:10])
    assert "twenty" in text
    assert "1 pass" in text


def test_receipts_form_a_chain(tables: Project) -> None:
    before = (tables.root / "warehouse/dev/numbers.receipt.json").read_bytes()
    build(tables, 20)
    assert receipt(tables)["previous"] == hashlib.sha256(before).hexdigest()
    assert receipt(tables)["git"]["dirty"] is True


def test_an_old_version_comes_back(tables: Project) -> None:
    old = receipt(tables)
    build(tables, 20)
    commit(tables, "twenty")
    tables.ok("rollback", "numbers", "HEAD~1")
    assert rows_of(tables) == 30
    new = receipt(tables)
    assert new["restored"]["commit"] == run(tables.root, "git", "rev-parse", "HEAD~1").strip()
    assert {k: new[k] for k in ("sha256", "run_id", "published_at")} == {
        k: old[k] for k in ("sha256", "run_id", "published_at")
    }
    assert "up to date" in dvc(tables.root, "status")
    # with its YAML too, there is nothing to build
    tables.write({"models/m.yml": MODEL.format(rows=30)})
    tables.ok("build")
    assert tables.results()["numbers"]["status"] == "reused"


def test_a_rollback_says_which_tables_below_are_of_other_rows(tables: Project) -> None:
    below = """
        version: 1
        models:
          - name: odd
            materialized: ephemeral
            generator: {name: sql, query: "select * from {{ ref('numbers') }} where i % 2 = 1"}
            audits: []
          - {name: sums, generator: {name: sql, query: "select sum(i) as s from {{ ref('odd') }}"}, audits: []}
          - {name: shown, generator: {name: sql, query: "select s from {{ ref('sums') }}"}, audits: []}
          - {name: apart, generator: {name: sql, query: "select 1 as one"}, audits: []}
    """
    tables.write({"models/below.yml": below})
    build(tables, 20)
    commit(tables, "twenty")
    told = tables.synth("rollback", "numbers", "HEAD~1").stderr
    assert "now made from other rows: sums, shown (through sums)" in told
    assert "apart" not in told
    assert "sums was made from other rows of numbers" in tables.synth("ls").stderr
    assert "shown was made from other rows of sums" in tables.synth("versions", "shown").stderr
    assert "'odd' was made otherwise" in tables.fails("verify")
    tables.ok("rollback", "numbers", "HEAD")
    assert "other rows" not in tables.synth("ls").stderr


def test_an_old_version_can_be_read_where_it_is(tables: Project) -> None:
    first = run(tables.root, "git", "rev-parse", "HEAD").strip()
    build(tables, 20)
    assert (rows_of(tables), rows_of(tables, "--version", first)) == (20, 30)
    assert synthkit.open(tables.root, version="HEAD").table("numbers").to_arrow().num_rows == 30
    with pytest.raises(SynthError, match="no commit"):
        synthkit.open(tables.root, version="nonsense")


def test_the_difference_of_two_versions(tables: Project) -> None:
    assert "no difference" in tables.ok("diff")
    changed = MODEL.format(rows=3000).replace("i % 3 as k", "(i % 5)::VARCHAR as k, 1.5 as more")
    tables.write({"models/m.yml": changed})
    tables.ok("build")
    text = tables.ok("diff", "numbers")
    assert "30 → 3,000" in text
    assert "more: added (DECIMAL(2,1))" in text
    assert "k: BIGINT → VARCHAR" in text
    found = json.loads(tables.ok("diff", "--format", "json"))["numbers"]
    assert found["columns"][0]["column"] == "i"
    assert found["columns"][0]["value"] == pytest.approx(0.99)
    assert found["configuration"][0].startswith("train hash changed: query ")


def test_plan_verify_and_diff_say_what_changed_in_the_same_words(tables: Project) -> None:
    changed = MODEL.format(rows=31).replace("    audits:", "    seed: 5\n        audits:")
    tables.write({"models/m.yml": changed})
    (action,) = json.loads(tables.ok("plan", "--output", "json"))["actions"]
    verified = json.loads(tables.fails("verify", "--log-format", "json").splitlines()[0])
    tables.ok("build")
    compared = json.loads(tables.ok("diff", "--format", "json"))["numbers"]
    assert [line.split(" ")[3] for line in action["changes"]] == ["query", "seed"]
    assert verified["details"] == action["changes"] == compared["configuration"]


def test_a_colleague_without_synthkit_gets_the_tables(tables: Project, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    dvc(tables.root, "remote", "add", "-q", "-d", "store", str(remote))
    build(tables, 20)
    commit(tables, "twenty")
    assert "1 files of 1 tables are on the remote, 1 of them new" in tables.ok("push")
    assert "2 files of 1 tables" in tables.ok("push", "--all-versions")
    run(tmp_path, "git", "clone", "-q", str(tables.root), "clone")
    dvc(tmp_path / "clone", "pull", "-q")
    import duckdb

    found = duckdb.connect().execute(f"select count(*) from '{tmp_path}/clone/warehouse/dev/numbers/*.parquet'")
    assert found.fetchall() == [(20,)]


def test_a_colleague_with_synthkit_gets_them_too(tables: Project, tmp_path: Path) -> None:
    dvc(tables.root, "remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    commit(tables, "remote")
    tables.ok("push")
    run(tmp_path, "git", "clone", "-q", str(tables.root), "clone")
    clone = Project(tmp_path / "clone")
    assert "1 of 1 tables were missing and are here now" in clone.ok("pull")
    assert rows_of(clone) == 30
    clone.ok("build")
    assert clone.results()["numbers"]["status"] == "reused"


def test_what_the_remote_lacks_is_said(tables: Project, tmp_path: Path) -> None:
    assert "name a remote" in tables.fails("push", code=2)
    dvc(tables.root, "remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    commit(tables, "remote")
    run(tmp_path, "git", "clone", "-q", str(tables.root), "clone")
    assert "synth push" in Project(tmp_path / "clone").fails("pull", code=2)


def test_a_forged_receipt_brings_nothing_back(tables: Project) -> None:
    path = tables.root / "warehouse/dev/numbers.receipt.json"
    forged = {**receipt(tables), "sha256": "0" * 64}
    path.write_text(json.dumps(forged))
    commit(tables, "forged")
    build(tables, 20)
    commit(tables, "twenty")
    assert "not the one that its receipt names" in tables.fails("rollback", "numbers", "HEAD~1", code=2)
    assert rows_of(tables) == 20


def test_a_version_that_did_not_pass_is_not_published_again(tables: Project) -> None:
    path = tables.root / "warehouse/dev/numbers.receipt.json"
    failed = receipt(tables)
    failed["audits"][0]["status"] = "fail"
    path.write_text(json.dumps(failed))
    commit(tables, "failed")
    build(tables, 20)
    commit(tables, "twenty")
    assert "did not pass" in tables.fails("rollback", "numbers", "HEAD~1", code=2)


def test_a_pointer_that_a_kill_left_behind_is_mended(tables: Project) -> None:
    pointer = tables.root / "warehouse/dev/numbers.dvc"
    good = pointer.read_text()
    for left in ("", None):
        if left is None:
            pointer.unlink()
        else:
            pointer.write_text(left)
        tables.ok("build")
        assert pointer.read_text() == good


@pytest.mark.parametrize("git", [False, True])
def test_without_a_repository_versions_are_off_in_one_line(tmp_path: Path, git: bool) -> None:
    project = Project(tmp_path / "shop").write({"synth_project.yml": "name: shop\n"})
    if git:
        run(project.root, "git", "init", "-q")
    build(project, 30)
    text = project.fails("versions", "numbers", code=2)
    assert "versions are off" in text
    assert ("dvc init" if git else "git init") in text
    assert not list(project.root.glob("warehouse/dev/*.dvc"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 service, over HTTP, with a bucket ``tables`` in it."""
    boto3, server = pytest.importorskip("boto3"), pytest.importorskip("moto.server")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    service = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    service.start()
    host, port = service.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="tables")
    yield f"http://{host}:{port}"
    service.stop()


def test_a_remote_may_be_s3(tables: Project, tmp_path: Path, bucket: str) -> None:
    dvc(tables.root, "remote", "add", "-q", "-d", "store", "s3://tables/shop")
    dvc(tables.root, "remote", "modify", "store", "endpointurl", bucket)
    commit(tables, "remote")
    assert "1 of them new" in tables.ok("push")
    assert "0 of them new" in tables.ok("push")
    shutil.rmtree(tables.root / ".dvc/cache")
    shutil.rmtree(tables.root / "warehouse/dev/numbers")
    assert "1 of 1" in tables.ok("pull")
    assert rows_of(tables) == 30


def test_dvc_may_make_links_of_the_published_files(tables: Project) -> None:
    """``dvc config cache.type symlink``, then ``dvc checkout``: tables are read, verified and kept as they are."""
    dvc(tables.root, "config", "cache.type", "symlink")
    for kind in ("table", "parquet", "view"):
        tables.write({"models/m.yml": MODEL.format(rows=30) + f"        materialized: {kind}\n"})
        tables.ok("build")
        (file,) = tables.parquet("numbers")
        file.unlink()
        dvc(tables.root, "checkout")
        assert file.is_symlink()
        tables.ok("verify", "--full")
        assert "1 unchanged" in tables.ok("build")
        assert rows_of(tables) == 30
    build(tables, 40)
    assert rows_of(tables) == 40
