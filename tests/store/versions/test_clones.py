"""A clone without the data: whoever has the repository and the remote reads all that is published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.store.versions.test_versions import commit, dvc, run
from tests.synth import SQL_PROJECT, Project, make_project

IGNORED = "/target/\n/data/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n"
SMALLER = SQL_PROJECT["models/customers.yml"].replace("order by tier", "order by tier limit 2")
BEFORE_PULL = [
    ("ls",),
    ("versions", "by_tier"),
    ("verify",),
    ("ledger",),
    ("docs", "generate"),
    ("gc",),
    ("pull",),
]
AFTER = [
    *BEFORE_PULL,
    ("diff",),
    ("diff", "customers"),
    ("query", "select count(*) from customers, by_tier, synth_meta.tables"),
    ("query", "--version", "HEAD", "select * from by_tier"),
    ("show", "customers"),
    ("export", "customers", "--instruction", "tier", "--response", "churned"),
    ("gc", "--removed"),
    ("rollback", "by_tier", "HEAD"),
]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two commits of which the newer one is on the remote; the second changes one of the two tables."""
    root = tmp_path_factory.mktemp("origin")
    project = make_project(root / "shop", {**SQL_PROJECT, ".gitignore": IGNORED})
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    dvc(project.root, "remote", "add", "-q", "-d", "store", str(root / "remote"))
    project.ok("build")
    commit(project, "three tiers")
    project.write({"models/customers.yml": SMALLER})
    project.ok("build")
    commit(project, "two tiers")
    project.ok("push")
    return project


@pytest.fixture(scope="module")
def clone(origin: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("clone")
    run(folder, "git", "clone", "-q", str(origin.root), "shop")
    assert not (folder / "shop" / "data").exists()
    return Project(folder / "shop")


@pytest.mark.parametrize("verb", BEFORE_PULL, ids=" ".join)
def test_before_the_tables_are_here(clone: Project, verb: tuple[str, ...]) -> None:
    if verb != ("pull",):
        clone.ok(*verb)
        return
    assert "2 of 2 tables were missing and are here now" in clone.ok("pull")
    assert (clone.root / "warehouse" / "dev.duckdb").exists()


@pytest.mark.parametrize("verb", AFTER, ids=" ".join)
def test_when_they_are(clone: Project, verb: tuple[str, ...]) -> None:
    if not clone.parquet("by_tier"):
        clone.ok("pull")
    clone.ok(*verb)
    assert clone.query("select count(*) as n from by_tier") == [{"n": 2}]


def test_the_site_and_the_list_say_which_source_is_not_here(clone: Project) -> None:
    for verb in (("ls",), ("docs", "generate")):
        done = clone.synth(*verb)
        assert "crm.customers cannot be read here" in done.stderr
    page = (clone.root / "target" / "docs" / "index.html").read_text("utf-8")
    assert "by_tier" in page


def test_without_receipts_the_site_shows_what_is_declared(clone: Project, tmp_path: Path) -> None:
    shutil.copytree(clone.root, tmp_path / "shop", ignore=shutil.ignore_patterns("warehouse", "target", ".git"))
    bare = Project(tmp_path / "shop")
    assert "nothing was built yet" in bare.synth("docs", "generate").stderr
    assert (bare.root / "target" / "docs" / "index.html").exists()
    assert bare.ok("ls").split() == ["source:crm.customers", "customers", "by_tier"]
    assert "neither" not in bare.fails("plan", code=2)  # what needs the rows says that they are not here


def test_a_project_with_faults_gets_its_tables(clone: Project, tmp_path: Path) -> None:
    run(tmp_path, "git", "clone", "-q", str(clone.root), "shop")
    broken = Project(tmp_path / "shop")
    shutil.copy(clone.root / ".dvc" / "config", broken.root / ".dvc" / "config")
    broken.write({"models/customers.yml": SMALLER.replace("audits", "audit")})
    done = broken.synth("pull")
    assert done.returncode == 0, done.stderr
    assert "2 of 2" in done.stdout
    assert "faults in the project" in done.stderr
    assert broken.query("select count(*) as n from by_tier") == [{"n": 2}]


def test_old_versions_that_were_not_pushed(origin: Project, clone: Project) -> None:
    """The table that both commits share is there; for the other one the message names the command that brings it."""
    count = ("query", "--version", "HEAD~1", "--format", "json", "select count(*) as n from {}")
    shared = clone.query("select count(*) as n from customers")
    assert json.loads(clone.ok(*count[:-1], count[-1].format("customers"))) == shared
    for verb in (
        (*count[:-1], count[-1].format("by_tier")),
        ("rollback", "by_tier", "HEAD~1"),
        ("diff", "by_tier", "HEAD~1"),
    ):
        assert "synth push --all-versions" in clone.fails(*verb, code=2)
    origin.ok("push", "--all-versions")
    clone.ok("rollback", "by_tier", "HEAD~1")
    assert clone.query("select count(*) as n from by_tier") == [{"n": 3}]
