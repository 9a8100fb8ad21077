"""The attack on a family's training: a right one passes, and noise that is scaled for one table alone is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthkit.audits.context import PrivateTraining
from synthkit.audits.contract import AuditResult
from synthkit.audits.privacy.empirical import EmpiricalParams, attack, verdict
from synthkit.generators import registry
from synthkit.generators.base import Budget
from synthkit.generators.tables import Key, Shape
from synthkit.generators.units import bounding, learn
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, Schema

VALUES = tuple(f"v{i}" for i in range(40))


def _columns(letter: str) -> tuple[Column, ...]:
    return tuple(Column(f"{letter}{i}", "categorical", "VARCHAR", False, values=VALUES) for i in range(2))


PEOPLE = Schema((Column("id", "id", "VARCHAR"), *_columns("a")), primary_key=("id",))
ORDERS = Schema((Column("of", "id", "VARCHAR"), *_columns("b")))


def judged(runs: int, most: int = 8, seed: int = 0) -> AuditResult:
    """Of a family of people with ``most`` orders each."""
    key = Key("orders", ("of",), "people", owner=True, max_per_parent=most)
    shape = Shape({"people": PEOPLE, "orders": ORDERS}, (key,), "people")
    aim, budget = registry.trained("aim"), Budget(1.0, 1e-5, rows=5_000)
    params = aim.params.model_validate({"rounds": 1})
    assert aim.related is not None
    assert aim.related.mechanisms is not None
    spends = aim.related.mechanisms(params, budget, shape)
    trained = PrivateTraining("aim", params.model_dump(mode="json"), budget, PEOPLE, spends, shape=shape)
    wanted = EmpiricalParams(runs=runs)
    return verdict(trained, wanted, attack(trained, wanted, seed))


def test_a_right_training_of_a_family_passes() -> None:
    found = judged(1)
    assert found.status == "pass"
    assert "would disprove it" in found.message


def test_rows_that_count_one_by_one_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: each of a unit's 30 rows counts, as if it were somebody else's. Of four seeds two find it, with twice the
    trainings three. Of 8 rows it is not found."""
    monkeypatch.setattr(bounding, "_chosen", lambda way: np.arange(len(way[0])))
    assert judged(4, most=30, seed=2).status == "fail"


def test_noise_that_is_scaled_for_the_root_alone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: below the root there is a twentieth of the noise. Four trainings: 306 of 400 guesses are right, where
    286 disprove it."""
    honest, whole = Noise.discrete_gaussian, learn._Learning.frame

    def frame(self: Any, *arguments: Any) -> Any:
        if self.level.key is not None:
            less = lambda noise, sigma, size: honest(noise, max(1.0, sigma / 20), size)  # noqa: E731
            monkeypatch.setattr(Noise, "discrete_gaussian", less)
        try:
            return whole(self, *arguments)
        finally:
            monkeypatch.setattr(Noise, "discrete_gaussian", honest)

    monkeypatch.setattr(learn._Learning, "frame", frame)
    assert judged(4).status == "fail"
