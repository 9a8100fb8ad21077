"""Estimators by name: which are found, and what it costs to find them."""

from __future__ import annotations

import pytest
from sklearn.utils import all_estimators

from synthkit.audits.measures import estimators
from synthkit.audits.measures.estimators import PLACES, Task, estimator_class
from synthkit.errors import SynthError


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_what_is_found_without_a_list_is_what_the_list_has(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(all_estimators(type_filter="classifier" if task == "classification" else "regressor"))
    monkeypatch.setattr(estimators, "_estimators", lambda kind: {})  # nothing is listed for these
    for name in PLACES:
        if name in known:
            assert estimator_class(name, task) is known[name]
        else:
            with pytest.raises(SynthError, match="has no"):
                estimator_class(name, task)


def test_any_other_is_listed() -> None:
    assert estimator_class("Ridge", "regression").__name__ == "Ridge"
    with pytest.raises(SynthError, match="has no classifier 'Ridge'"):
        estimator_class("Ridge", "classification")
