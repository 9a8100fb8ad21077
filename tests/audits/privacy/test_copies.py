"""Copies of people's own records, told from records that many people have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audits.sides import context, run


@pytest.mark.parametrize("rows", [1_460, 48_445])
def test_records_that_many_people_have_say_nothing_of_copies(tmp_path: Path, rows: int) -> None:
    """Four records of all there are: every row is met on both sides, whoever made the table."""

    def two(seed: int, count: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        return {"a": rng.choice(["x", "y"], count), "b": rng.choice(["u", "v"], count)}

    found = run("exact_match", context(tmp_path, two(1, rows), two(2, rows * 4 // 5), two(3, rows // 5)))
    assert found.status == "skipped"
    assert found.message.startswith("does not apply: 4 different records")


def test_common_records_do_not_hide_a_decision_about_rare_ones(tmp_path: Path) -> None:
    """Nine rows in ten are one of four; of the others, which are people's own, a part was copied, or none."""

    def people(seed: int, count: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        own = rng.random(count) < 0.1
        return {"a": rng.choice(["x", "y"], count), "x": np.where(own, rng.normal(size=count), 0.0)}

    train, held, fresh = people(1, 4_000), people(2, 1_000), people(3, 5_000)
    clean = run("exact_match", context(tmp_path / "clean", fresh, train, held))
    assert clean.status == "pass"
    assert (clean.ci_low, clean.value) == (0.0, pytest.approx(0, abs=1e-3))
    copied = {k: np.concatenate([train[k], fresh[k][:1_000]]) for k in train}
    found = run("exact_match", context(tmp_path / "copied", copied, train, held))
    assert found.status == "fail"
    assert 0 <= found.ci_low <= found.value <= found.ci_high <= 1  # type: ignore[operator]
    assert found.value == pytest.approx(
        0.08, abs=0.02
    )  # four rows in five are copies, one in ten of them anybody's own
