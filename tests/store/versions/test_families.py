"""A family's versions: its tables go back, are sent, brought and verified together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import synthkit
from synthkit.store.journal import FILE as JOURNAL
from tests.families import JOINS, MEMBERS, FamilyProject, copy_of, family_project
from tests.store.versions.test_versions import commit, dvc, run

IGNORED = "target/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n.publishing.json\n"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> tuple[FamilyProject, str]:
    """Two committed versions, of 20 customers and of 30, and the commit of the first."""
    project = family_project(tmp_path_factory.mktemp("family") / "shop")
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    project.write({".gitignore": IGNORED})
    project.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 20\n")
    project.ok("build")
    first = commit(project, "twenty")
    project.edit("size: 20\n", "size: 30\n").ok("build")
    commit(project, "thirty")
    return project, first


@pytest.fixture
def shop(committed: tuple[FamilyProject, str], tmp_path: Path) -> FamilyProject:
    return copy_of(committed[0], tmp_path / "shop")


def customers(project: FamilyProject) -> int:
    (row,) = project.query("select count(*) as n from synthetic_shop_customers")
    assert [set(joined.values()) for joined in project.query(JOINS)] == [{0}]
    return int(row["n"])


def test_what_git_has_fits_the_project(shop: FamilyProject) -> None:
    assert "verified: 5 models" in shop.ok("verify", "--full")
    assert "synthetic_shop, with synthetic_shop_customers," in shop.ok("show", "synthetic_orders", "--limit", "0")
    assert run(shop.root, "git", "status", "--porcelain") == ""


def test_one_table_goes_back_with_all(shop: FamilyProject, committed: tuple[FamilyProject, str]) -> None:
    done = shop.synth("rollback", "synthetic_orders", committed[1])
    assert done.returncode == 0, done.stderr
    assert "and with it the other tables of synthetic_shop, as they were then: synthetic_shop_customers" in done.stdout
    assert "now made from other rows: spending" in done.stderr
    assert customers(shop) == 20
    receipts = shop.receipts()
    assert {r["restored"]["commit"] for r in receipts.values()} == {committed[1]}
    assert "up to date" in dvc(shop.root, "status")
    assert shop.actions() == {**dict.fromkeys(MEMBERS, "sample"), "spending": "reuse"}  # the YAML asks for thirty still
    shop.edit("size: 30\n", "size: 20\n")
    assert shop.actions() == {**dict.fromkeys(MEMBERS, "reuse"), "spending": "query"}


def test_a_family_that_lacks_a_table_then_stays_as_it_is(
    shop: FamilyProject, committed: tuple[FamilyProject, str]
) -> None:
    before = shop.receipts()
    md5 = old_md5(shop, committed[1], "synthetic_shop_lines")
    (shop.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    done = shop.synth("rollback", "synthetic_orders", committed[1])
    assert done.returncode == 2, done.stdout
    assert shop.receipts() == before
    assert customers(shop) == 30


def old_md5(project: FamilyProject, sha: str, name: str) -> str:
    md5: str = json.loads(run(project.root, "git", "show", f"{sha}:warehouse/dev/{name}.receipt.json"))["md5"]
    return md5


def test_tables_of_two_publications_are_told_by_verify(
    shop: FamilyProject, committed: tuple[FamilyProject, str]
) -> None:
    run(shop.root, "git", "checkout", "-q", committed[1], "--", *dvc_files("synthetic_orders"))
    text = shop.fails("verify")
    assert "the tables of 'synthetic_shop' were not drawn together" in text
    assert "synthetic_orders.receipt.json" in text
    shop.ok("build")
    assert "verified" in shop.ok("verify", "--full")
    assert customers(shop) == 30


def dvc_files(name: str) -> list[str]:
    return [f"warehouse/dev/{name}.receipt.json", f"warehouse/dev/{name}.dvc"]


def test_another_family_in_a_receipt_is_named(shop: FamilyProject) -> None:
    path = shop.root / "warehouse/dev/synthetic_orders.receipt.json"
    path.write_text(path.read_text("utf-8").replace('"name": "synthetic_shop"', '"name": "another"'), "utf-8")
    text = shop.fails("verify")
    assert "the receipt of 'synthetic_orders' says family =" in text


def test_what_a_stopped_build_left_is_said(shop: FamilyProject) -> None:
    (shop.root / "warehouse/dev" / JOURNAL).write_text('{"receipts": {}}', "utf-8")
    done = shop.synth("verify")
    assert "a build was stopped while it published tables together" in done.stdout
    shop.ok("build", "--full-refresh")
    assert not (shop.root / "warehouse/dev" / JOURNAL).exists()


def test_they_are_sent_and_brought_together(shop: FamilyProject, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    dvc(shop.root, "remote", "add", "-q", "-d", "there", str(remote))
    assert "4 files of 4 tables" in shop.ok("push", "synthetic_orders")
    shutil.rmtree(shop.root / ".dvc/cache")
    for path in shop.root.glob("warehouse/dev/*/*.parquet"):
        path.unlink()
    assert synthkit.open(shop.root).tables() == []
    text = shop.ok("pull", "synthetic_shop_lines")
    assert "4" in text
    assert {*MEMBERS} <= {*synthkit.open(shop.root).tables()}
    assert customers(shop) == 30


def test_a_version_is_read_whole(shop: FamilyProject, committed: tuple[FamilyProject, str]) -> None:
    reader = synthkit.open(shop.root, version=committed[1])
    assert len({table.receipt.run_id for name, table in reader.all().items() if name in MEMBERS}) == 1
    assert reader.query(JOINS).to_pylist() == [dict.fromkeys(shop.query(JOINS)[0], 0)]
    assert reader.query("select count(*) as n from synthetic_shop_customers").to_pylist() == [{"n": 20}]
    text = shop.ok("diff", "synthetic_orders", committed[1])
    assert "size 20 → 30" in text
