"""What the guarantee of a private table says of any attack on it, beside what one attack on it measured."""

from __future__ import annotations

from typing import Any

from synthkit.audits.context import PrivateTraining

RATES = (0.01, 0.001)  # false-positive rates at which attacks report their true-positive rates


def limits(training: PrivateTraining | None, measured_auc: float = 0.0) -> tuple[str, dict[str, Any]]:
    """What no attack on a model exceeds: a clause for a message, and details. ("", {}) for a table without a budget.

    Under (ε, δ)-DP one guess whether a unit was in, in and out equally likely, is right with probability
    (e^ε + δ)/(1 + e^ε) at most, and TPR ≤ e^ε·FPR + δ (Kairouz, Oh & Viswanath 2015,
    https://arxiv.org/abs/1311.0776). What the charged mechanisms allow is less
    (:func:`.bounds.of_mechanisms`). All of it follows from declarations, and tells nothing of the rows.

    Args:
        measured_auc: what an attack reached for certain, the lower end of its interval; 0 where none ran. The bounds
            are for the worst unit and an attacker who knows all others, so an attack that stays below them shows
            nothing; one above them refutes the guarantee.
    """
    from synthkit.privacy.accounting import bounds

    if training is None:
        return "", {}
    epsilon, delta = training.budget.epsilon, training.budget.delta
    if training.budget.insecure_seed is not None:
        return "; no bound holds against whoever knows its insecure_seed", {}
    budget, released = bounds.of_budget(epsilon, delta), training.attacker
    details: dict[str, Any] = {"declared": [epsilon, delta]}
    for name, found in (("by_epsilon", budget), ("by_mechanisms", released)):
        rates = {f"max_tpr_at_{100 * rate:g}_percent_fpr": found.tpr(rate) for rate in RATES}
        details[name] = {"max_accuracy": found.accuracy, "max_auc": found.auc, **rates}
    clause = (
        f"; of any attack, AUC ≤ {released.auc:.3f}, accuracy ≤ {released.accuracy:.3f}, TPR ≤ "
        f"{released.tpr(RATES[0]):.4f} at {RATES[0]:.0%} FPR (by ε = {epsilon:g} alone {budget.auc:.3f}, "
        f"{budget.accuracy:.3f}, {budget.tpr(RATES[0]):.4f})"
    )
    if measured_auc > released.auc:
        clause += ": the attack is above that, so the guarantee is false, or one unit has more rows than declared"
    return clause, {"theory": details}
