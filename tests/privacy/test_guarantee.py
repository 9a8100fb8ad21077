"""A receipt in words: what its guarantees leave to an attacker, never said to be less than it is."""

from __future__ import annotations

from typing import Any

import pytest

from synthkit.privacy.accounting.accountant import calibrate
from synthkit.privacy.accounting.mechanisms import Gaussian
from synthkit.privacy.guarantee import attacker_in_words, rounded_up
from synthkit.records.receipt import AuditedTable
from tests.receipts import audited


def receipt(*pairs: tuple[float | None, float | None], **more: Any) -> AuditedTable:
    guarantees = [
        {"account": f"crm.t{i}", "sources": [], "epsilon": e, "delta": d, "entries": [f"hash{i}"]}
        for i, (e, d) in enumerate(pairs)
    ]
    return audited(**{"guarantees": guarantees, **more})


def charged(insecure_seed: int | None = None, unit: str | None = None) -> dict[str, Any]:
    noise = Gaussian(calibrate(lambda x: [Gaussian(x)], 1.0, 1e-5))
    return {
        "entry": "hash0",
        "account": "crm.t0",
        "privacy_unit": unit,
        "mechanisms": [noise.to_json()],
        "insecure_seed": insecure_seed,
    }


def test_by_epsilon_and_delta_where_nothing_more_is_known() -> None:
    text = attacker_in_words(receipt((1.0, 1e-5)))
    assert text is not None
    assert "right at most 73.2 % of the time whether one unit is in crm.t0" in text  # e / (1 + e) = 0.73106


def test_by_the_mechanisms_of_its_own_training() -> None:
    """0.5533 for Gaussian noise at (1, 1e-5), rounded up."""
    text = attacker_in_words(receipt((1.0, 1e-5), privacy=charged(unit="customer_id")))
    assert text is not None
    assert "55.4 % of the time whether one customer_id is in crm.t0" in text


def test_a_second_account_goes_by_its_own_figures() -> None:
    text = attacker_in_words(receipt((1.0, 1e-5), (3.0, 1e-5), privacy=charged()))
    assert text is not None
    assert "55.4 % of the time whether one row is in crm.t0; 95.3 % of the time whether one unit is in crm.t1" in text


@pytest.mark.parametrize(
    "unprotected",
    [
        receipt(),
        receipt((1.0, 1e-5), (None, None)),
        receipt((1.0, 1e-5), contains_real_rows=True),
        receipt((1.0, 1e-5), privacy=charged(insecure_seed=4)),
        audited(guarantees=None),
    ],
)
def test_nothing_is_promised_where_nothing_holds(unprotected: AuditedTable) -> None:
    assert attacker_in_words(unprotected) is None


def test_the_most_is_rounded_up() -> None:
    assert [rounded_up(x) for x in (0.5, 0.5531, 0.9999, 1.0)] == ["50 %", "55.4 %", "100 %", "100 %"]
