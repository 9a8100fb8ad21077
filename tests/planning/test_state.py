"""`--state DIR`: what a branch changes against another commit's manifest and receipts, and a build of just that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.synth import SQL_PROJECT, Project, make_project
from tests.verify.shop import synth

Capture = pytest.CaptureFixture[str]

MODELS = (
    SQL_PROJECT["models/customers.yml"]
    + """
          - name: tiers
            materialized: ephemeral
            generator: {name: sql, query: "select tier from {{ ref('by_tier') }}"}
            audits: []
"""
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built, with its state kept beside it."""
    top = tmp_path_factory.mktemp("state")
    shop = make_project(top / "shop", {**SQL_PROJECT, "models/customers.yml": MODELS})
    shop.ok("build")
    shutil.copytree(shop.root / "target", top / "state")
    shutil.copytree(shop.root / "warehouse", top / "state" / "warehouse")
    return top


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Project:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path / "shop")


def listed(capsys: Capture, shop: Project, select: str, *more: str) -> list[str]:
    where = ("--project-dir", str(shop.root), "--state", str(shop.root.parent / "state"))
    code, out, err = synth(capsys, "ls", "--select", select, "--resource-type", "model", *where, *more)
    assert code == 0, err
    return out.split()


def change(shop: Project, old: str, new: str) -> None:
    path = shop.root / "models" / "customers.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_branch_is_held_against_another_commit_not_against_what_is_published(shop: Project, capsys: Capture) -> None:
    assert listed(capsys, shop, "state:modified") == []
    change(shop, "group by tier order by tier", "group by tier order by n, tier")
    assert listed(capsys, shop, "state:modified+") == ["by_tier", "tiers"]
    text = shop.ok("build", "--select", "state:modified+", "--state", "../state")
    assert set(shop.results()) == {"by_tier", "tiers"}, text
    assert (
        synth(capsys, "ls", "--select", "state:modified", "--project-dir", str(shop.root))[1] == ""
    )  # what is published here is up to date
    assert listed(capsys, shop, "state:modified") == ["by_tier"]  # but the branch still changes it


def test_new_models_new_data_and_models_without_a_receipt(shop: Project, capsys: Capture) -> None:
    change(shop, "select tier from", "select distinct tier from")
    assert listed(capsys, shop, "state:modified") == ["tiers"]  # ephemeral: by its declaration
    shop.write(
        {
            "models/new.yml": 'version: 1\nmodels: [{name: one, generator: {name: sql, query: "select 1 as a"}, audits: []}]\n'
        }
    )
    assert listed(capsys, shop, "state:new") == ["one"]
    with (shop.root / "data" / "customers.csv").open("a", newline="") as file:
        file.write("C-1,20,1.5,pro,2020-01-01,3,no\r\n")
    assert listed(capsys, shop, "state:modified") == ["one", "customers", "tiers"]


def test_a_folder_without_a_manifest_is_a_usage_error(shop: Project, capsys: Capture) -> None:
    where = ("--project-dir", str(shop.root), "--state", "elsewhere")
    code, _, err = synth(capsys, "plan", "--select", "state:modified", *where)
    assert (code, "holds no manifest.json" in err, "synth compile" in err) == (2, True, True)
