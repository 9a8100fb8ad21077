"""Importances of models trained on real and on synthetic rows: they agree on fresh rows, not on rewired ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.audits.utility.importance import FeatureImportanceParams, _estimate, feature_importance, overlap
from tests.audits.sides import context


def rows(count: int, seed: int, weights: tuple[float, ...] = (2, 1, 0)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (count, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["y"] = x @ np.array(weights) + rng.normal(0, 0.5, count)
    frame["label"] = np.where(frame["y"] > 0, "up", "down")
    return frame


def judged(folder: Path, synthetic: pd.DataFrame, train: int = 800, **params: Any) -> Any:
    sides = [synthetic, rows(train, 1), rows(600, 2)]
    tables = [pa.Table.from_pandas(f, preserve_index=False) for f in sides]
    given = {"target": "y", "features": ["a", "b", "c"], "estimator": "Ridge", "repeats": 1, **params}
    return feature_importance(context(folder, *tables), FeatureImportanceParams(**given))


@pytest.mark.parametrize(("target", "estimator"), [("y", "Ridge"), ("label", "LogisticRegression")])
def test_fresh_rows_agree_and_rewired_ones_do_not(tmp_path: Path, target: str, estimator: str) -> None:
    good = judged(tmp_path, rows(800, 3), target=target, estimator=estimator)
    assert good.status == "pass"
    assert good.value > 0.9
    assert good.ci_low <= good.value <= good.ci_high
    bad = judged(tmp_path, rows(800, 3, (0, 1, 2)), target=target, estimator=estimator)
    assert bad.status == "fail"
    assert bad.columns[0].column in ("a", "b")  # permuting c costs nothing where c is worth nothing


def test_a_linear_model_loses_twice_the_squared_weight(tmp_path: Path) -> None:
    """Permuting x of weight w and variance 1 costs a linear model 2w² of squared error (Fisher et al. 2019)."""
    found = judged(tmp_path, rows(800, 3), metric="neg_mean_squared_error", repeats=20)
    holdout = rows(600, 2)
    for column, weight in (("a", 2), ("b", 1), ("c", 0)):
        expected = 2 * weight**2 * holdout[column].var()
        assert found.details["importances"][column]["real"] == pytest.approx(expected, abs=0.3)


def test_nothing_to_agree_on_is_too_few_rows_to_tell(tmp_path: Path) -> None:
    noise = rows(800, 3).assign(y=np.random.default_rng(5).permutation(800))
    tables = [
        pa.Table.from_pandas(f, preserve_index=False) for f in (noise, noise, noise.sample(frac=1, random_state=1))
    ]
    shuffled = tables[2].set_column(3, "y", pa.array(np.random.default_rng(6).permutation(800)))
    params = FeatureImportanceParams(target="y", features=("a", "b", "c"), estimator="Ridge")
    assert feature_importance(context(tmp_path, tables[0], tables[1], shuffled), params).status == "inconclusive"


def test_overlap() -> None:
    assert overlap(np.array([2.0, 1.0, -1.0]), np.array([4.0, 2.0, 0.0])) == pytest.approx(1)
    assert overlap(np.array([1.0, 0.0]), np.array([0.0, 3.0])) == 0
    assert overlap(np.array([1.0, 1.0]), np.array([3.0, 1.0])) == pytest.approx(0.75)
    assert overlap(np.array([-1.0, 0.0]), np.array([1.0, 1.0])) == 0


def test_few_trainings_make_a_wide_interval() -> None:
    """Two splits of two sides tell four degrees of freedom: 2.776 standard errors, where many would make it 1.96."""
    real, fake = [np.array([0.4, 0.6]), np.array([0.6, 0.4])], [np.array([1.0, 0.0])] * 2
    found = _estimate(0.5, [0.5] * 20, {"train": [real, real], "synthetic": [fake, fake]})
    # The half models' overlaps are 0.4 and 0.6: a variance of 0.02, of which half remains at twice the rows.
    assert found.high - found.value == pytest.approx(2.776 * 0.01**0.5, abs=1e-3)
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert found.floor == pytest.approx(0.8)
