"""The CI files that ship: a linter of GitHub's workflows reads them, and what they call is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.cli.verify import command

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "synth.yml"
TESTS = ROOT / ".github" / "workflows" / "tests.yml"
ACTION = ROOT / ".github" / "actions" / "synth" / "action.yml"
FILES = (WORKFLOW, ACTION, ROOT / "ci" / "gitlab.yml", ROOT / ".pre-commit-hooks.yaml")


def load(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)


def test_actionlint_finds_nothing() -> None:
    beside = Path(sys.executable).parent / "actionlint"
    linter = str(beside) if beside.exists() else shutil.which("actionlint")
    if linter is None:
        pytest.skip("actionlint is not installed: the extra dev brings it on Linux only")
    done = subprocess.run([linter, str(WORKFLOW), str(TESTS)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_option_that_they_pass_is_one_of_synth_verify() -> None:
    known = {name for p in command.params for name in p.opts}
    for path in FILES:
        for call in re.findall(r"(?:synth verify|\(verify )[^\n]*|arguments\+=\([^)]*\)", path.read_text("utf-8")):
            for option in re.findall(r"(?<![\w-])--[a-z-]+", call.partition(" #")[0]):
                assert option in known, f"{path.name}: {option}"


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    inputs = load(ACTION)["inputs"]
    steps = load(WORKFLOW)["jobs"]["verify"]["steps"]
    used = next(s for s in steps if s.get("uses", "").startswith("./.github/actions/synth"))
    assert used["with"].keys() <= inputs.keys()
    assert any(s.get("with", {}).get("fetch-depth") == "0" for s in steps)


def test_every_push_and_pull_request_is_tested_as_a_user_tests() -> None:
    found = load(TESTS)
    assert {"push", "pull_request"} <= found["on"].keys()
    assert [s["run"] for s in found["jobs"]["test"]["steps"] if "run" in s][-1] == "make test"


def test_no_text_of_a_pull_request_reaches_a_shell_as_code() -> None:
    """GitHub puts expressions into scripts as they are: they belong into variables (its guide to script injection)."""
    for step in load(ACTION)["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_scripts_of_the_action_are_bash() -> None:
    for step in load(ACTION)["runs"]["steps"]:
        done = subprocess.run(["bash", "-n"], input=step.get("run", ""), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_hook_runs_verify() -> None:
    (hook,) = load(ROOT / ".pre-commit-hooks.yaml")
    assert hook["entry"].split()[:2] == ["synth", "verify"]
    assert re.search(hook["files"], "warehouse/dev/a.receipt.json")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("name", ["main", "synthkit"])
def test_the_suite_runs_in_a_folder_named_as_a_clone_is(name: str, tmp_path: Path) -> None:
    """With what is not committed yet, to make's exit status, and nothing is left behind."""
    root, programs, scratch = (tmp_path / n for n in (name, "programs", "scratch"))
    (root / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", root / ".ci" / "run")
    (root / "kept.txt").write_text("old")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for step in (("init", "-q"), ("add", "-A"), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", *step], cwd=root, check=True)
    (root / "kept.txt").write_text("new")
    programs.mkdir()
    scratch.mkdir()
    for program, script in (
        ("make", 'echo "$PWD $* $(cat kept.txt)"; exit 3'),
        ("apt-get", "true"),
        ("chromium", "true"),
    ):
        (programs / program).write_text(f"#!/bin/sh\n{script}\n")
        (programs / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(scratch)}
    done = subprocess.run(
        [root / ".ci" / "run"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert re.search(r"/synthkit test new$", done.stdout.strip())
    assert list(scratch.iterdir()) == []
