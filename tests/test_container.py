"""The container's files agree with what they go with: the pods' user, the pinned versions, what the wheel is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import synthkit
from synthkit.runners.kubernetes.manifests import USER

ROOT = Path(__file__).parents[1]


def test_the_image_is_of_the_pods_user_and_pinned() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert f"USER {USER}:{USER}" in text
    assert f"--uid {USER}" in text
    bases = re.findall(r"^FROM (\S+)", text + (ROOT / ".devcontainer/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    (torch,) = re.findall(r"^TORCH := (\S+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert f"pip install --no-cache-dir -c /tmp/pinned/constraints.txt {torch} " in text
    assert text.count("pip install") == text.count("-c /tmp/pinned/constraints.txt") + text.count("--require-hashes")
    assert "--require-hashes -r /tmp/pinned/base.txt" in text
    assert f"synthkit:{synthkit.__version__}" in text


def test_the_image_is_made_of_what_the_wheel_needs_and_of_no_data() -> None:
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert taken == {"pyproject.toml", "constraints.txt", "locks", "README.md", "LICENSE", "synthkit"}
    assert all((ROOT / name).exists() for name in taken)


def test_the_devcontainer_names_what_is_there() -> None:
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).exists()
    editor = settings["customizations"]["vscode"]["settings"]
    assert all((ROOT / schema).exists() for schema in editor["yaml.schemas"])
    assert f"useradd --create-home --shell /bin/bash {settings['remoteUser']}" in (
        ROOT / ".devcontainer/Dockerfile"
    ).read_text("utf-8")
