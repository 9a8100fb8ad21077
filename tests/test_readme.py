"""The README says what is there: every generator, audit and verb, and links that lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import synthkit
from benchmarks.first_build import PARTS
from benchmarks.readme import shown
from synthkit.audits import registry as audits
from synthkit.cli.main import VERBS
from synthkit.compiler import compile_project
from synthkit.generators import registry as generators
from synthkit.project.project import load_project

ROOT = Path(synthkit.__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", generators.names())
def test_generators(name: str) -> None:
    assert f"| `{name}` | {generators.get(name).summary} |" in README


@pytest.mark.parametrize("name", audits.names())
def test_audits(name: str) -> None:
    audit = audits.get(name)
    assert f"| `{name}` | {audit.family} | {audit.summary.rstrip('.')} |" in README


def test_verbs() -> None:
    assert all(re.search(rf"^  {verb} ", README, re.MULTILINE) for verb in VERBS)


def test_the_first_build_that_it_shows_is_of_todays_project(tmp_path: Path) -> None:
    """Its models and their number of audits; `python -m benchmarks readme` holds all of it against a real run."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    models = compile_project(load_project(tmp_path, environ={})).models
    run = shown(README)
    ended = re.findall(
        r"^\[\d+/(\d+)\] (\w+) +(\w+) \.{3,} \w+ .*?rows, \d+ of (\d+) audits? passed", run, re.MULTILINE
    )
    assert {name: int(audits) for _, _, name, audits in ended} == {n: len(m.audits) for n, m in models.items()}
    assert {(int(total), verb == "query") for total, verb, *_ in ended} <= {(len(models), q) for q in (True, False)}
    assert all((verb == "query") == (models[name].generator.kind == "query") for _, verb, name, _ in ended)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
    assert "TODO" not in README
