"""Copies of late parts: asked for once each, and gone when the part is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthkit.runners import straggling
from synthkit.runners.jobs import Job
from synthkit.runners.kubernetes.copies import INDEX, Copies
from synthkit.runners.kubernetes.handed import Handed
from tests.runners.test_local import partition, query

PARTS = 4


def pods(*phases: str) -> list[Any]:
    return [
        SimpleNamespace(
            metadata=SimpleNamespace(name=f"pod-{part}", annotations={INDEX: str(part)}),
            status=SimpleNamespace(phase=phase),
        )
        for part, phase in enumerate(phases)
    ]


@pytest.mark.parametrize("taken", [True, False])
def test_one_late_part_is_copied_once_and_the_build_goes_on_where_it_cannot_be(
    taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straggling, "LEAST", 0.0)
    monkeypatch.setattr(straggling, "MULTIPLIER", 0.0)
    asked, deleted = list[str](), list[str]()
    whole, copied = Handed(tmp_path / "whole"), Handed(tmp_path / "copy")
    jobs = [replace(partition(tmp_path / str(part)), root=tmp_path) for part in range(PARTS)]
    whole.write(jobs)

    def apply(name: str, given: Sequence[Job[Any]]) -> Handed | None:
        asked.append(name)
        copied.write(given)
        return copied if taken else None

    copies = Copies("late", jobs, apply, lambda name, _handed: deleted.append(name))
    most = pods(*["Succeeded"] * (PARTS - 1), "Running")
    assert not any(copies.look(most, whole) for _ in range(3))
    assert asked == ["late-c3"]
    copied.end(0, {"result": "of the copy"})
    assert copies.look(most, whole) is taken
    assert deleted == (["late-c3"] if taken else [])
    assert whole.ended(3) == ({"result": "of the copy"} if taken else None)
    assert copies.look(pods(*["Succeeded"] * PARTS), whole)
    assert asked == ["late-c3"]


def test_jobs_that_are_not_alike_have_no_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of audits that take long two would write failing rows into one folder."""
    monkeypatch.setattr(straggling, "LEAST", 0.0)
    monkeypatch.setattr(straggling, "MULTIPLIER", 0.0)
    jobs = [query(tmp_path / str(part), "select 1 as n", root=tmp_path) for part in range(PARTS)]
    asked = list[str]()
    copies = Copies("long", jobs, lambda name, _jobs: asked.append(name), lambda _name, _handed: None)
    whole = Handed(tmp_path / "whole")
    assert not any(copies.look(pods(*["Succeeded"] * (PARTS - 1), "Running"), whole) for _ in range(3))
    assert asked == []
