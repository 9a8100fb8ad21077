"""Each attack of the membership audit on its own: a memoriser, a fresh sample, near copies, and rows that tie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthkit.audits.contract import AuditResult
from synthkit.audits.privacy.membership import MembershipParams, attack_scores, membership_inference
from tests.audits.privacy.test_membership import context, population

ATTACKS = ("distance", "density", "classifier")
TRAIN, HOLDOUT = population(5_000, 21), population(10_000, 22)  # 5,000 members against 5,000 others
MEMORISED = TRAIN.sample(frac=1, random_state=3)


def attack(folder: Path, synthetic: pd.DataFrame, name: str) -> AuditResult:
    params = MembershipParams.model_validate({"attack": name})
    return membership_inference(context(folder, synthetic, TRAIN, HOLDOUT), params)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_memoriser_is_caught_by_its_average_and_by_its_surest_guesses(tmp_path: Path, name: str) -> None:
    result = attack(tmp_path, MEMORISED, name)
    assert result.status == "fail"
    assert result.value is not None
    assert result.value >= 0.95
    # Raw distances find nobody at 1 % false alarms, as every copy lies at 0; what is calibrated finds 3 in 4 at least.
    assert result.details["tpr_at_1_percent_fpr"] >= 0.748
    assert result.details["attack"] == name


@pytest.mark.parametrize("name", ATTACKS)
def test_a_fresh_sample_is_a_coin(tmp_path: Path, name: str) -> None:
    result = attack(tmp_path, population(5_000, 23), name)
    assert result.status == "pass"
    # The standard error of an AUC of ½ is 0.0058 with 5,000 on each side; 0.015 are two and a half of them.
    assert result.value == pytest.approx(0.5, abs=0.015)
    assert result.details["tpr_at_1_percent_fpr"] == pytest.approx(0.01, abs=0.006)


@pytest.mark.parametrize("name", ATTACKS)
def test_near_copies_are_caught(tmp_path: Path, name: str) -> None:
    """Noise of 2 % of the spread: no row is a copy any more."""
    rng, rows = np.random.default_rng(4), MEMORISED.copy()
    for column in ("spend", "score"):
        rows[column] += rng.normal(0, 0.02 * rows[column].std(), len(rows))
    result = attack(tmp_path, rows, name)
    assert result.status == "fail"
    assert result.value is not None
    assert result.value >= 0.9


@pytest.mark.parametrize("name", ATTACKS)
def test_a_tenth_of_copies_is_found_at_few_false_alarms(tmp_path: Path, name: str) -> None:
    """The AUC hides them (0.55 by the size of the share); at 1 % false alarms a tenth of the members is found."""
    table = pd.concat([population(4_500, 24), TRAIN.sample(500, random_state=3)], ignore_index=True)
    result = attack(tmp_path, table, name)
    assert result.status == "fail"
    assert result.value == pytest.approx(0.55, abs=0.02)
    assert result.details["tpr_at_1_percent_fpr"] == pytest.approx(0.11, abs=0.03)
    assert "of the members are found at 1 % false alarms" in result.message


@pytest.mark.parametrize("name", ATTACKS)
def test_rows_that_tie_favour_no_side(tmp_path: Path, name: str) -> None:
    """Few kinds of rows, all of a kind on one side of the split: distances are 0 or alike, and still no one is found."""
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"age": rng.integers(0, 400, 9_000), "spend": 1.0, "score": 0.0})
    rows = rows.assign(tier=rng.choice(list("xyz"), 9_000), region="a", member=False)
    kinds = rows[:6_000].groupby(["age", "tier"]).ngroup().to_numpy()
    held_out = (rng.random(kinds.max() + 1) < 0.4)[kinds]
    over = context(tmp_path, rows[6_000:], rows[:6_000][~held_out], rows[:6_000][held_out])
    result = membership_inference(over, MembershipParams.model_validate({"attack": name}))
    assert result.status == "pass"
    # Kinds, not rows, are independent: some 250 on each side, a standard error of 0.025.
    assert result.value == pytest.approx(0.5, abs=0.06)
    assert result.details["tpr_at_1_percent_fpr"] < 0.05


@pytest.mark.parametrize("name", ATTACKS)
def test_one_value_in_every_row_tells_nothing(tmp_path: Path, name: str) -> None:
    """All records are one point to the attacker: every score is finite and the same."""
    one = population(600, 1).assign(age=30)
    members, others = attack_scores(context(tmp_path, one, one, one), ("age",), 200, name)
    assert np.isfinite(members).all()
    assert len(np.unique(np.concatenate([members, others]))) == 1


@pytest.mark.parametrize("name", ATTACKS)
def test_held_out_rows_that_are_all_alike_leave_no_reference(tmp_path: Path, name: str) -> None:
    one = pd.concat([population(1, 1)] * 300, ignore_index=True)
    over = context(tmp_path, TRAIN[:300], TRAIN[:300], one)
    result = membership_inference(over, MembershipParams.model_validate({"attack": name}))
    assert result.status == "inconclusive"
    assert "no reference is left" in result.message


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_table_gives_the_same_value(tmp_path: Path, name: str) -> None:
    def once() -> AuditResult:
        over = context(tmp_path, population(300, 9), TRAIN[:300], HOLDOUT[:400])
        return membership_inference(over, MembershipParams.model_validate({"attack": name}))

    assert once() == once()
