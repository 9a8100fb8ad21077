"""A table whose model was renamed, removed or made ephemeral is told of wherever it is met, and can be withdrawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.project.project import load_project
from synthkit.store.unclaimed import told, unclaimed
from tests.synth import Project

MODEL = """
    version: 1
    models:
      - name: {name}
        generator: {{name: sql, query: "select i from range(3) as t(i)"}}
        materialized: {kind}
        enabled: {enabled}
        audits: []
      - name: other
        generator: {{name: sql, query: "select 1 as x"}}
        audits: []
"""
SAYS = "the table 'numbers' is still published, but no model makes it any more"


def model(name: str = "numbers", kind: str = "table", enabled: str = "true") -> dict[str, str | bytes]:
    return {"models/m.yml": MODEL.format(name=name, kind=kind, enabled=enabled)}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """With the tables ``numbers`` and ``other`` published."""
    made = Project(tmp_path / "shop").write({"synth_project.yml": "name: shop\n", **model()})
    made.ok("build")
    return made


def printed(project: Project, *arguments: str) -> str:
    done = project.synth(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("change", [model("renamed"), model(kind="ephemeral")], ids=["renamed", "ephemeral"])
def test_it_is_told_of_and_goes_when_it_is_asked_for(project: Project, change: dict[str, str | bytes]) -> None:
    project.write(change)
    for verb in (("build",), ("plan",), ("ls",), ("query", "select * from Numbers"), ("show", "numbers")):
        assert SAYS in printed(project, *verb), verb
    assert SAYS not in printed(project, "query", "select * from other")
    assert "no model makes it any more" in project.synth("verify").stdout
    assert "table numbers" not in printed(project, "gc")
    assert "table numbers" in printed(project, "gc", "--removed", "--dry-run")
    assert SAYS in printed(project, "query", "select * from numbers")
    assert "table numbers" in printed(project, "gc", "--removed")
    assert not list(project.root.glob("warehouse/dev/numbers*"))
    assert "does not exist" in project.fails("query", "select * from numbers", code=2)
    assert SAYS not in printed(project, "build")


def test_a_disabled_model_may_be_back_tomorrow(project: Project) -> None:
    project.write(model(enabled="false"))
    for verb in (("build",), ("ls",), ("query", "select * from numbers")):
        assert SAYS not in printed(project, *verb), verb
    printed(project, "gc", "--removed")
    assert SAYS not in printed(project, "query", "select * from numbers")


def test_whoever_only_reads_needs_no_valid_project(project: Project) -> None:
    project.write({"models/m.yml": "models: [{nme: x}]\n"})
    (project.root / "target" / "manifest.json").unlink()
    assert SAYS not in printed(project, "query", "select * from numbers")


def test_many_are_counted(tmp_path: Path) -> None:
    project = Project(tmp_path).write({"synth_project.yml": "name: shop\n", **model()})
    left = unclaimed([*"abcdef", "numbers"], load_project(project.root))
    assert told(left) is not None
    assert "'a', 'b', 'c', 'd' and 2 more are still published, but no model makes them" in str(told(left))
    assert told([]) is None
