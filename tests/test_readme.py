"""The README is short, and its pages say what is there: every generator, audit and verb, and a build of today."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import synthkit
from benchmarks import readme
from benchmarks.first_build import PARTS
from synthkit.audits import registry as audits
from synthkit.cli.main import VERBS
from synthkit.compiler import compile_project
from synthkit.generators import registry as generators
from synthkit.generators.base import Query
from synthkit.project.project import load_project

ROOT = Path(synthkit.__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MOST_WORDS = 1_050


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_it_is_read_in_minutes() -> None:
    assert len(README.split()) <= MOST_WORDS


def test_every_generator_is_described() -> None:
    text = page("generators.md")
    assert [n for n in generators.names() if f"| `{n}` | {generators.get(n).summary} |" not in text] == []


def test_every_audit_is_described() -> None:
    text, found = page("audits/README.md"), [audits.get(n) for n in audits.names()]
    assert [a.name for a in found if f"| `{a.name}` | {a.family} | {a.summary.rstrip('.')} |" not in text] == []


def test_every_verb_is_described() -> None:
    assert [v for v in VERBS if re.search(rf"^  {v} ", page("commands.md"), re.MULTILINE) is None] == []


def test_the_first_build_that_it_shows_is_of_todays_project(tmp_path: Path) -> None:
    """Its models and their number of audits; `python -m benchmarks readme` holds all of it against a real run."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    models = compile_project(load_project(tmp_path, environ={})).models
    run = readme.shown(page("example.md"))
    assert readme.shown(README) == readme.ending(run)
    ended = re.findall(
        r"^\[\d+/(\d+)\] (\w+) +(\w+) \.{3,} \w+ .*?rows, \d+ of (\d+) audits? passed", run, re.MULTILINE
    )
    assert {name: int(audits) for _, _, name, audits in ended} == {n: len(m.audits) for n, m in models.items()}
    assert {(int(total), verb == "query") for total, verb, *_ in ended} <= {(len(models), q) for q in (True, False)}
    assert all((verb == "query") == isinstance(models[name].generator, Query) for _, verb, name, _ in ended)


def test_a_new_run_is_written_where_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, old in (("EXAMPLE", page("example.md")), ("README", README)):
        (tmp_path / name).write_text(old, "utf-8")
        monkeypatch.setattr(readme, name, tmp_path / name)
    run = "".join(f"line {n}\n" for n in range(9))
    readme.write(run)
    after = {name: (tmp_path / name).read_text("utf-8") for name in ("EXAMPLE", "README")}
    assert readme.shown(after["EXAMPLE"]) == run
    assert readme.shown(after["README"]) == "line 6\nline 7\nline 8\n"
    assert after["README"].replace("line 6\nline 7\nline 8\n", readme.shown(README)) == README


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
    assert "TODO" not in README
