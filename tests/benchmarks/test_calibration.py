"""The benchmark of the audits' calibration: a smaller run, and the parts it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.audits.calibration import Seen, covered, repeat
from benchmarks.audits.contexts import judged
from benchmarks.audits.populations import Population, made_up
from synthkit.audits.contract import AuditParams, AuditResult, audit, declared


def drawn(sizes: tuple[int, int, int], rng: np.random.Generator, shift: float):  # type: ignore[no-untyped-def]
    return made_up(sizes[0], rng, shift), made_up(sizes[1], rng), made_up(sizes[2], rng)


FEW = Population("few", (600, 600, 300), drawn, "churned", known=True)


@pytest.mark.slow
def test_real_rows_fail_no_more_often_than_they_may() -> None:
    """40 tables each; at a true 5 % more than six of 40 fail in 1.4 % of cases."""
    seen = repeat(FEW, 40, ["total_variation", "column_pairs", "coverage"], 0.0)
    assert set(seen) == {"total_variation", "column_pairs", "coverage"}
    for name, one in seen.items():
        assert sum(one.statuses.values()) == 40
        assert one.statuses["fail"] <= 6, name
    pairs = seen["column_pairs"]
    held = covered(pairs, dict.fromkeys(pairs.intervals, (0.0, 0.0, 0.0)))
    assert held is not None
    assert held[0] >= 0.85  # three standard errors below 95 %, were there one pair alone
    assert held[1] == 40 * 28


def test_every_statistical_audit_is_judged_unless_it_needs_more_than_a_target() -> None:
    taken, left = judged([], "churned")
    assert {"ks", "detection", "coverage", "tstr", "membership_inference"} <= set(taken)
    assert not {"not_null", "empirical_epsilon"} & {*taken, *left}


def test_coverage_counts_intervals_that_hold_the_truth() -> None:
    seen = Seen()
    for low in (0.0, 0.05, 0.2):
        seen.add("x", AuditResult(low + 0.05, "pass", None, low, low + 0.1))
    assert covered(seen, {"": (0.1, 0.0, 0.0)}) == (pytest.approx(2 / 3), 3)
    assert covered(seen, {"another": (0.1, 0.0, 0.0)}) is None
    assert covered(seen, None) == (pytest.approx(1 / 3), 3)  # the mean of the values, 0.133


def test_the_shift_bends_the_population() -> None:
    same, bent = (made_up(20_000, np.random.default_rng(1), s) for s in (0.0, 1.0))
    assert np.asarray(bent["age"]).mean() - np.asarray(same["age"]).mean() == pytest.approx(4, abs=0.5)
    assert same["income"].null_count / 20_000 == pytest.approx(0.1, abs=0.02)


def test_an_audit_of_a_plugin_is_judged_too() -> None:
    before = dict(declared())

    def run(context: object, params: AuditParams) -> AuditResult:
        """One more."""
        return AuditResult(0.0, "pass")

    try:
        audit("one_more", AuditParams, family="fidelity", needs=("holdout",))(run)
        assert "one_more" in judged([], "churned")[0]
    finally:
        from synthkit.audits import contract as base

        base._declared.clear()
        base._declared.update(before)
