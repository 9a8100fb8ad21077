"""`synth build --commit`: receipts, pointers and ledger in one commit, and nothing that is not theirs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.store.versions.test_versions import QUIET, dvc, run
from tests.synth import Project, make_project
from tests.test_private_build import DECLARED

MODELS = """
    version: 1
    models:
      - name: fake
        source: "{{ source('crm', 'customers') }}"
        generator: independent
        epsilon: 1
        delta: 1e-5
        size: 30
        audits: [{row_count: {equals: 30}}]
      - name: by_tier
        generator: {name: sql, query: "select distinct tier from {{ ref('fake') }}"}
        audits: []
"""
FILES = {
    "synth_project.yml": "name: shop\nholdout: 0\n",
    "models/sources.yml": DECLARED,
    "models/customers.yml": MODELS,
    ".gitignore": "/target/\n/data/\n*.duckdb\n/warehouse/**/*.parquet\n.database-state\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "shop", FILES)
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    run(project.root, "git", "add", "-A")
    run(project.root, "git", "commit", "-qm", "declared")
    return project


def committed(project: Project) -> list[str]:
    return sorted(run(project.root, "git", "show", "--name-only", "--format=", "HEAD").split())


@pytest.mark.slow
def test_what_was_published_is_committed_and_nothing_else(shop: Project) -> None:
    shop.write({"notes.txt": "mine", "models/sources.yml": DECLARED + "\n    # a remark\n"})
    run(shop.root, "git", "add", "notes.txt")
    assert "committed " in shop.ok("build", "--commit", env=QUIET)
    tables = [f"warehouse/dev/{m}.{e}" for m in ("by_tier", "fake") for e in ("dvc", "receipt.json")]
    assert committed(shop) == ["privacy/.gitignore", "privacy/ledger.jsonl", *tables]
    assert run(shop.root, "git", "log", "-1", "--format=%s").strip() == "Publish fake, by_tier"
    status = run(shop.root, "git", "status", "--porcelain").splitlines()
    assert status == [" M models/sources.yml", "A  notes.txt"]
    assert "nothing to commit" in shop.ok("build", "--commit", env=QUIET)
    shop.write({"models/customers.yml": MODELS.replace("distinct tier", "distinct tier, 1 as one")})
    shop.ok("build", "--commit", "-m", "One more column", env=QUIET)
    assert committed(shop) == tables[:2]
    assert run(shop.root, "git", "log", "-1", "--format=%s").strip() == "One more column"
    shop.ok("verify", "--base", "HEAD~2")
    assert len(shop.ok("versions", "by_tier").splitlines()) == 3


def test_a_failed_build_commits_nothing(shop: Project) -> None:
    shop.write({"models/customers.yml": MODELS.replace("equals: 30", "equals: 31")})
    before = run(shop.root, "git", "rev-parse", "HEAD")
    done = shop.synth("build", "--commit", env=QUIET)
    assert done.returncode == 1
    assert "nothing was committed" in done.stderr
    assert run(shop.root, "git", "rev-parse", "HEAD") == before


def test_outside_git_it_says_so_before_anything_is_built(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    text = project.fails("build", "--commit", code=2)
    assert "is in no git repository" in text
    assert not (project.root / "warehouse").exists()
    assert "-m is the message of --commit" in project.fails("build", "-m", "x", code=2)


def test_what_git_refuses_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    project.write({".gitignore": "warehouse/\n"})
    text = project.fails("build", "--commit", code=2)
    assert "the tables are published, but git add refused" in text
    assert len(project.parquet("by_tier")) == 1
