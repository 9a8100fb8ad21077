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


def drawn(seed: int, kinds: tuple[int, ...], rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"c{i}": rng.integers(0, many, rows).astype(str) for i, many in enumerate(kinds)}


def learnt(train: dict[str, Any], seed: int, rows: int) -> dict[str, Any]:
    """Rows of values that five training people have, as often as these have them: what generators give out."""
    rng, found = np.random.default_rng(seed), {}
    for name, values in train.items():
        known, counts = np.unique(values, return_counts=True)
        counts = np.where(counts >= 5, counts, 0)
        found[name] = rng.choice(known, rows, p=counts / counts.sum())
    return found


@pytest.mark.parametrize("kinds", [(100,), (200,), (20, 20), (8, 8, 8)])
def test_real_rows_are_no_copies_of_real_rows_that_have_few_values(kinds: tuple[int, ...], tmp_path: Path) -> None:
    """Twenty times 800 people, 200 others, and 1,000 more in the synthetic rows' place. A fail is an interval of 95 %
    above 0.01 on one side: once in forty at most. Three in twenty would come once in five hundred."""
    fails = 0
    for seed in range(20):
        sides = (drawn(3 * seed, kinds, 1_000), drawn(3 * seed + 1, kinds, 800), drawn(3 * seed + 2, kinds, 200))
        fails += run("exact_match", context(tmp_path / str(seed), *sides)).status == "fail"
    assert fails <= 2


@pytest.mark.parametrize("many", [100, 200, 400])
def test_values_that_five_people_have_are_no_copies_of_theirs(many: int, tmp_path: Path) -> None:
    for seed in range(5):
        train, held = drawn(2 * seed, (many,), 800), drawn(2 * seed + 1, (many,), 200)
        found = run("exact_match", context(tmp_path / str(seed), learnt(train, seed, 1_000), train, held))
        assert found.status in ("pass", "skipped"), found.message


@pytest.mark.parametrize("kinds", [(60, 60), (30, 30, 30)])
def test_copies_among_rows_of_few_values_are_caught(kinds: tuple[int, ...], tmp_path: Path) -> None:
    for seed in range(5):
        train, held, fresh = (
            drawn(3 * seed, kinds, 800),
            drawn(3 * seed + 1, kinds, 200),
            drawn(3 * seed + 2, kinds, 1_000),
        )
        copied = {n: np.concatenate([train[n][:400], fresh[n][400:]]) for n in train}
        assert run("exact_match", context(tmp_path / str(seed), copied, train, held)).status == "fail"


DAYS = (500, 4, 2)  # a day, a country, a tier: of 2,000 people four come on a day, and are of one country by chance


def test_frequencies_of_a_column_of_many_values_are_no_copies(tmp_path: Path) -> None:
    """A table of columns that are independent, each as often as among the training rows, meets these rather."""
    fails = 0
    for seed in range(5):
        train, held = drawn(2 * seed, DAYS, 2_000), drawn(2 * seed + 1, DAYS, 500)
        found = run("exact_match", context(tmp_path / str(seed), learnt(train, seed, 2_500), train, held))
        assert found.details["by_frequencies"] > 0.05  # of rows that are nobody's copies
        fails += found.status == "fail"
    assert fails == 0


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_copies_are_found_beside_what_frequencies_give(share: float, tmp_path: Path) -> None:
    train, held = drawn(0, DAYS, 2_000), drawn(1, DAYS, 500)
    fresh = learnt(train, 2, 2_500)
    copied = {name: np.concatenate([train[name][: int(2_500 * share)], fresh[name]])[:2_500] for name in train}
    found = run("exact_match", context(tmp_path, copied, train, held))
    assert found.status == "fail", found.message


def test_single_peoples_values_are_not_taken_off_as_frequencies(tmp_path: Path) -> None:
    """Beside a column of one value the other one is the record: it is copied whole."""
    rng = np.random.default_rng(0)
    train, held = ({"a": np.full(n, "x"), "b": rng.normal(size=n)} for n in (800, 200))
    found = run("exact_match", context(tmp_path, train, train, held))
    assert (found.status, found.details["by_frequencies"]) == ("fail", 0.0)
    assert found.value == pytest.approx(1.0)
