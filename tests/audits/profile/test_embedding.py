"""The plane: the same axes for both sides, alike where the rows are alike, apart where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synthkit.audits.profile import make_profile
from synthkit.audits.profile.embedding import POINTS
from tests.audits.sides import context


def people(n: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, n)
    return {"x": x, "y": x + rng.normal(0, 0.3, n), "z": rng.normal(size=n), "c": np.where(x > shift, "a", "b")}


def plane(directory: Path, *sides: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = make_profile(context(directory, *sides))["embedding"]
    return found


def test_alike_rows_lie_alike_and_shifted_ones_apart(tmp_path: Path) -> None:
    same = plane(tmp_path / "same", people(900, 1), people(900, 2), people(300, 3))
    gap = np.mean(same["synthetic"], axis=0) - np.mean(same["real"], axis=0)
    assert np.abs(gap).max() < 0.25  # five standard errors of a mean of 900 with a deviation of about 1.5
    apart = plane(tmp_path / "apart", people(900, 1, shift=2), people(900, 2), people(300, 3))
    gap = np.mean(apart["synthetic"], axis=0) - np.mean(apart["real"], axis=0)
    assert np.abs(gap).max() > 2


def test_the_first_axis_is_the_one_that_explains_most(tmp_path: Path) -> None:
    found = plane(tmp_path, people(500, 1), people(900, 2))
    first, second = found["axes"]
    assert first["share"] > second["share"] > 0
    assert {"x", "y"} <= set(first["columns"])
    deviations = np.std(found["real"], axis=0)
    assert deviations[0] > deviations[1]


def test_it_is_a_sample_and_the_same_one_every_time(tmp_path: Path) -> None:
    found = plane(tmp_path / "a", people(3000, 1), people(3000, 2))
    assert len(found["synthetic"]) == len(found["real"]) == POINTS
    assert found == plane(tmp_path / "b", people(3000, 1), people(3000, 2))


def test_too_little_to_draw_is_said(tmp_path: Path) -> None:
    assert "20 rows" in plane(tmp_path / "few", people(5, 1), people(900, 2))["reason"]
    assert "two columns" in plane(tmp_path / "narrow", {"x": list(range(50))})["reason"]
    constant = {"x": [1.0] * 50, "y": [2.0] * 50}
    assert plane(tmp_path / "constant", constant)["reason"] == "no column varies"


def test_missing_values_and_unknown_categories_are_points_too(tmp_path: Path) -> None:
    fake = people(200, 1)
    fake["c"] = ["unheard of"] * 200
    fake["x"] = [None] * 200
    found = plane(tmp_path, fake, people(900, 2))
    assert np.isfinite(np.array(found["synthetic"])).all()
