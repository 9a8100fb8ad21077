"""The name synthkit belongs to another project of the public index: nothing here may have pip install that."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.errors import DISTRIBUTION, install
from synthkit.scaffold.scaffold import empty_files, scaffold_files

ROOT = Path(__file__).parent.parent
# What follows "pip install", and requirements with an extra or a version wherever they stand.
COMMAND = re.compile(r"pip3? install(?P<what>[^`\n]*)")
OTHERS = re.compile(r"(?<![\w./-])synthkit(?![\w./-])")
REQUIREMENT = re.compile(r"(?<![\w./-])synthkit(?:\[[a-z]|==|>=|~=)")


def wrong(text: str) -> list[str]:
    """The commands and requirements of a text that name the other project."""
    commands = [found[0] for found in COMMAND.finditer(text) if OTHERS.search(found["what"].partition(" #")[0])]
    return commands + [found[0] for found in REQUIREMENT.finditer(text)]


def texts() -> dict[str, str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in found.split("\0") if name and name != Path(__file__).relative_to(ROOT).as_posix()]
    return {
        str(f): f.read_text("utf-8", "replace")
        for f in files
        if f.is_file() and f.stat().st_size < 2**20 and is_text(f)
    }


def is_text(file: Path) -> bool:
    return b"\0" not in file.read_bytes()[:4096]


@pytest.mark.parametrize(
    "text",
    [
        "pip install synthkit",
        "python -m pip install --quiet 'synthkit[lineage]'",
        "pip install -U synthkit # and go",
        "needs: synthkit==0.1",
    ],
)
def test_what_would_install_the_other_project_is_seen(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize("text", [f"pip install {DISTRIBUTION}", install("lineage"), "pip install -e ./synthkit", "."])
def test_what_installs_this_one_is_fine(text: str) -> None:
    assert wrong(text) == []


def test_no_file_tells_anyone_to_install_the_other_project() -> None:
    assert {name: found for name, text in texts().items() if (found := wrong(text))} == {}


def test_a_new_project_tells_nobody_either() -> None:
    made = {**empty_files("shop"), **scaffold_files("shop")}
    assert [name for name, text in made.items() if wrong(text)] == []
    assert install("train") in made["README.md"]


def test_what_installs_by_a_variable_installs_this_one() -> None:
    action = load(".github/actions/synth/action.yml")
    assert action["inputs"]["install"]["default"] == DISTRIBUTION
    assert load("ci/gitlab.yml")["synth-verify"]["variables"]["SYNTHKIT"].split()[0] == DISTRIBUTION


def test_the_hints_and_the_package_have_one_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == DISTRIBUTION
    assert project["scripts"].keys() == {"synth"}


def load(name: str) -> Any:
    return yaml.load((ROOT / name).read_text("utf-8"), Loader=yaml.BaseLoader)
