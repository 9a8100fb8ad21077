"""Where rows are computed: held to one set of instructions where that can be, and recorded with them."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from synthkit.runners.environment import HELD, THREADS, held_fixed
from tests.synth import Project

MODEL = """
    version: 1
    models:
      - name: numbers
        generator: {name: sql, query: "select i from range(3) as t(i)"}
        audits: []
"""
X86 = platform.machine() == "x86_64"


def test_a_processor_with_newer_instructions_takes_the_path_of_an_older_one() -> None:
    older = held_fixed(2, {}, frozenset({"avx2", "fma"}))
    assert held_fixed(2, {}, frozenset({"avx2", "fma", "avx512f", "amx_tile"})) == older
    assert older == {**dict.fromkeys(THREADS, "2"), **HELD}


@pytest.mark.parametrize("flags", [frozenset(), frozenset({"avx"}), frozenset({"avx2"}), frozenset({"asimd"})])
def test_no_processor_is_asked_for_what_it_cannot_do(flags: frozenset[str]) -> None:
    assert held_fixed(1, {}, flags) == dict.fromkeys(THREADS, "1")


def test_what_the_user_sets_wins() -> None:
    found = held_fixed(1, {"OPENBLAS_CORETYPE": "SkylakeX"}, frozenset({"avx2", "fma"}))
    assert "OPENBLAS_CORETYPE" not in found  # the worker inherits the user's
    assert found.keys() == {*THREADS, *HELD} - {"OPENBLAS_CORETYPE"}


def test_the_receipt_says_where_and_verify_takes_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop").write(
        {"synth_project.yml": "name: shop\nmodel_threads: 2\n", "models/m.yml": MODEL}
    )
    project.ok("build", env={"OPENBLAS_CORETYPE": "Sandybridge"} if X86 else {})
    receipt = json.loads((project.root / "warehouse/dev/numbers.receipt.json").read_text("utf-8"))
    found = receipt["environment"]
    assert found["platform"] == f"{platform.system()} {platform.machine()}"
    assert found["threads"] == 2
    if X86:
        assert found["held"]["OPENBLAS_CORETYPE"] == "Sandybridge"
        assert {v for k, v in found["kernels"].items() if k.startswith("openblas")} <= {"Sandybridge"}
    assert "verified" in project.ok("verify")
    # Audits alone judge rows that were computed before, elsewhere maybe.
    project.write({"models/m.yml": MODEL.replace("audits: []", "audits: [{row_count: {equals: 3}}]")})
    project.ok("build")
    again = json.loads((project.root / "warehouse/dev/numbers.receipt.json").read_text("utf-8"))
    assert project.results()["numbers"]["action"] == "audit"
    assert again["environment"] == found
