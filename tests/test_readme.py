"""The README says what is there: every generator, audit and verb, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import synthkit
from synthkit.audits import registry as audits
from synthkit.cli.main import VERBS
from synthkit.generators import registry as generators

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


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
    assert "TODO" not in README
