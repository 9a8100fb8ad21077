"""`synth export` of a published table: to a file, to standard output, and what it says when it cannot."""

from __future__ import annotations

import json

import pytest

from tests.synth import Project, make_project


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A table of pairs, published by an SQL model."""
    pairs = "select 'Add ' || i as instruction, 'Sum ' || i as response from range(3) t(i)"
    models = f"""
        version: 1
        models:
          - name: pairs
            generator: {{name: sql, query: "{pairs}"}}
          - name: odd
            generator: {{name: sql, query: "select 'x' as question, 'y' as response"}}
    """
    files = {"synth_project.yml": "name: shop\nseed: 7\n", "models/models.yml": models}
    project = make_project(tmp_path_factory.mktemp("built") / "shop", files)
    project.ok("build")
    return project


def test_to_standard_output(built: Project) -> None:
    lines = built.ok("export", "pairs", "--format", "prompt-completion").splitlines()
    assert [json.loads(line) for line in lines] == [{"prompt": f"Add {i}", "completion": f"Sum {i}"} for i in range(3)]


def test_to_a_file(built: Project) -> None:
    built.ok("export", "pairs", "--format", "sharegpt", "--system", "Be kind.", "--output", "out/pairs.jsonl")
    lines = (built.root / "out" / "pairs.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0])["conversations"][0] == {"from": "system", "value": "Be kind."}
    assert len(lines) == 3
    assert [p.name for p in (built.root / "out").iterdir()] == ["pairs.jsonl"]


def test_columns_of_another_name(built: Project) -> None:
    said = built.fails("export", "odd", code=2)
    assert "no column 'instruction'" in said
    assert "--instruction" in said
    assert json.loads(built.ok("export", "odd", "--instruction", "question"))["messages"][0]["content"] == "x"
