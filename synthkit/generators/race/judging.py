"""How surely drawn rows are told from real ones, as cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.circuit.refine import WIDEST_CATEGORICAL

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FOLDS = 3
TREES = 40
FOREST = 40


def told_apart(real: Array, drawn: Array, categorical: Sequence[int], seed: int) -> float:
    """The area under the ROC curve of telling ``real`` rows from ``drawn`` ones, 0.5 if they cannot be told.

    The mean of boosted trees and of a forest, as each suits other differences (classifier two-sample tests: Lopez-Paz
    and Oquab 2017), of rows that they were not trained on.

    Args:
        real, drawn: codes, shape (rows, columns) each.
        categorical: columns whose cells have no order.
    """
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = np.concatenate([real, drawn]).astype(np.float32)
    label = np.repeat([1, 0], [len(real), len(drawn)])
    known = [j for j in categorical if rows[:, j].max() < WIDEST_CATEGORICAL]
    boosted = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=16, early_stopping=False, categorical_features=known or None, random_state=seed
    )
    forest = ExtraTreesClassifier(FOREST, min_samples_leaf=3, max_features=None, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found = [cross_val_predict(m, rows, label, cv=folds, method="predict_proba")[:, 1] for m in (boosted, forest)]
    return float(np.mean([roc_auc_score(label, chances) for chances in found]))
