"""Refinement of a tree by a boosted density ratio, exact to sample from.

A tree of hidden states misses what it has no states for. Boosted trees that tell real rows from the model's own learn
just that: their log-odds f(x) estimate log(p_real(x) / p(x)) (Sugiyama et al. 2012, "Density ratio estimation in
machine learning"; as a correction of a generator: Azadi et al. 2019, "Discriminator rejection sampling"). The refined
model is

    q(x) = p(x) w(x) / Z,   w(x) = min(exp f(x), most)

and rejection samples it exactly, conditions included: draw from p(. | evidence), keep with chance w / most. Z, the mean
of w under p, is estimated once and carries its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.circuits.forest import MOST_LEAVES, Forest, forest_of

if TYPE_CHECKING:
    import torch

LEAST = -5.0  # of f: below it a row is as good as impossible, and rejection still ends
WIDEST_CATEGORICAL = 255  # cells; scikit-learn takes no more, and such a column is split by its order
REAL_ROWS = 50_000  # that the trees are trained on, at most
RATIO = 3  # rows of the model per real row


@dataclass(frozen=True)
class Refinement:
    """w(x) as forests, one per round.

    Args:
        most: greatest log weight; its exponential is the mean number of draws per row, about.
        log_z, log_z_error: log Z in nats and its standard error.
    """

    forests: tuple[Forest, ...]
    most: float
    log_z: float = 0.0
    log_z_error: float = 0.0

    def log_weight(self, codes: torch.Tensor) -> torch.Tensor:
        """log w of each row (int64 codes), shape (rows,)."""
        total = self.forests[0].total(codes).clamp_(LEAST, self.most)
        for forest in self.forests[1:]:
            total += forest.total(codes).clamp_(LEAST, self.most)
        return total.clamp_(LEAST, self.most)

    def accepts(self, codes: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """Which rows rejection keeps, given one uniform number in [0, 1) per row: booleans, shape (rows,)."""
        return uniform.log() < self.log_weight(codes) - self.most


def learn_ratio(
    real: torch.Tensor,
    drawn: torch.Tensor,
    cardinalities: Sequence[int],
    categorical: Sequence[int],
    *,
    trees: int,
    seed: int,
) -> Forest:
    """Boosted trees whose sum estimates log(p_real / p_drawn); they stop early on held-out rows.

    Args:
        real, drawn: codes, shape (rows, columns).
        categorical: columns whose cells have no order.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = np.concatenate([real.numpy(), drawn.numpy()]).astype(np.float32)
    known = {j: np.unique(rows[:, j]).astype(np.int64) for j in categorical if cardinalities[j] <= WIDEST_CATEGORICAL}
    label = np.repeat([1, 0], [len(real), len(drawn)])
    enough = min(len(real), len(drawn)) >= 100  # for a held-out share that says something
    model: Any = HistGradientBoostingClassifier(
        max_iter=trees if enough else min(trees, 10),
        max_leaf_nodes=MOST_LEAVES,
        min_samples_leaf=40,
        l2_regularization=1.0,
        categorical_features=list(known) or None,
        early_stopping=enough,
        validation_fraction=0.15,
        n_iter_no_change=5,
        random_state=seed % 2**32,
    )
    model.fit(rows, label)
    return forest_of(model, cardinalities, known, base=math.log(len(drawn) / len(real)))


def with_normaliser(refinement: Refinement, drawn: torch.Tensor) -> Refinement:
    """The refinement with log Z estimated over rows drawn from the unrefined tree."""
    weights = refinement.log_weight(drawn).double().exp()
    mean = float(weights.mean())
    error = float(weights.std()) / math.sqrt(len(weights)) / mean if len(weights) > 1 else 0.0
    return Refinement(refinement.forests, refinement.most, math.log(mean), error)
