"""``runner:`` of a target: unknown names and options are faults with their place; an absent extra is named first."""

from __future__ import annotations

from pathlib import Path

import pytest

import synthkit
from synthkit import extras
from synthkit.errors import SynthError
from tests.packages import installed
from tests.synth import SQL_PROJECT, Project, make_project


def project(folder: Path, runner: str) -> Project:
    yaml = f"name: shop\ntargets:\n  dev:\n    runner: {runner}\n"
    return make_project(folder / "shop", {**SQL_PROJECT, "synth_project.yml": yaml})


def test_an_unknown_runner_is_a_fault_with_its_place(tmp_path: Path) -> None:
    said = project(tmp_path, "rey").fails("compile", code=2)
    assert "synth_project.yml:4:13" in said
    assert "ray" in said.partition("rey")[2]


def test_an_option_that_the_runner_does_not_take_is_a_fault_with_its_place(tmp_path: Path) -> None:
    said = project(tmp_path, "{name: ray, retrys: 2, start_seconds: 0}").fails("compile", code=2)
    assert "synth_project.yml:4:25" in said
    assert "retries" in said.partition("retrys")[2]
    assert "start_seconds" in said
    assert "local" in project(tmp_path, "{name: local, retries: 2}").fails("compile", code=2)


def test_the_command_line_wins_and_keeps_the_targets_options(tmp_path: Path) -> None:
    root = project(tmp_path, "{name: ray, retries: 7}").root
    assert synthkit.compile(root).project.runner.name == "ray"
    assert synthkit.compile(root, runner="ray").project.runner.options == {"retries": 7}
    assert synthkit.compile(root, runner="local").project.runner.options == {}
    with pytest.raises(SynthError, match="there is no runner 'rey'"):
        synthkit.compile(root, runner="rey")


def test_an_absent_extra_is_named_before_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "installed", lambda module: module != "ray")
    root = project(tmp_path, "ray").root
    assert synthkit.plan(root).work  # who only looks needs nothing
    with pytest.raises(SynthError, match="the runner 'ray' needs the package ray, which is not installed") as caught:
        synthkit.build(root)
    assert caught.value.hint == "pip install 'synthkit-build[ray]'"
    assert not (root / "target" / "lock").exists()
    assert not (root / "target" / "run_results.json").exists()


def test_a_package_brings_a_runner_by_a_bare_function(tmp_path: Path) -> None:
    env = installed(tmp_path / "packages", "in-process", "synthkit.runners", "test.inprocess = tests.in_process:runner")
    shop = project(tmp_path, "test.inprocess")
    shop.ok("build", env=env)
    (log,) = (shop.root / "target/logs").glob("*.log")
    assert log.read_text("utf-8").startswith("one process")
