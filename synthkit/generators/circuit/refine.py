"""Refinement of a tree by a boosted density ratio, exact to sample from.

A tree of hidden states misses what it has no states for. Boosted trees that tell real rows from the model's own learn
just that: their log-odds f(x) estimate log(p_real(x) / p(x)) (Sugiyama et al. 2012, "Density ratio estimation in
machine learning"; as a correction of a generator: Azadi et al. 2019, "Discriminator rejection sampling"). The refined
model is

    q(x) = p(x) w(x) / Z,   w(x) = min(exp f(x), most)

and rejection samples it exactly, conditions included: draw from p(. | evidence), keep with chance w / most. Further
rounds learn what the refined model still misses; w is then the product of the rounds' weights, and a row that one round
rejects is not shown to the next. Z, the mean of w under p, is estimated once and carries its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.circuit.forest import MOST_LEAVES, Forest, columns_in_order, forest_of
from synthkit.generators.circuit.tables import Tables, tables_of

if TYPE_CHECKING:
    import numpy as np
    import torch

LEAST = -5.0  # of f: below it a row is as good as impossible, and rejection still ends
WIDEST_CATEGORICAL = 255  # cells; scikit-learn takes no more, and such a column is split by its order
REAL_ROWS = 50_000  # that the trees are trained on, at most
RATIO = 3  # rows of the model per real row


@dataclass(frozen=True)
class Round:
    """One factor of w: min(exp of the forest's sum, exp ``most``)."""

    forest: Forest | Tables
    most: float

    def log_weight(self, codes: torch.Tensor) -> torch.Tensor:
        """The factor's logarithm for each row of codes (integers, shape (rows, columns)): shape (rows,)."""
        return self.forest.total(codes).clamp_(LEAST, self.most)


@dataclass(frozen=True)
class Refinement:
    """w(x) as the product of its rounds' factors.

    Args:
        log_z, log_z_error: log Z in nats and its standard error.
    """

    rounds: tuple[Round, ...]
    log_z: float = 0.0
    log_z_error: float = 0.0

    @property
    def most(self) -> float:
        """Greatest log weight: exp(most) / Z rows are drawn per row kept."""
        return sum(r.most for r in self.rounds)

    def log_weight(self, codes: torch.Tensor) -> torch.Tensor:
        """log w of each row (integers, shape (rows, columns)), shape (rows,)."""
        total = self.rounds[0].log_weight(codes)
        for later in self.rounds[1:]:
            total += later.log_weight(codes)
        return total

    def kept(self, codes: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        """The rows that rejection keeps, in their order; ``codes`` and the result have shape (columns, rows)."""
        return _rows(codes, self.accepted(codes, random))

    def accepted(self, codes: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        """The numbers of the rows that rejection keeps, ascending; ``codes`` has shape (columns, rows)."""
        import numpy as np
        import torch

        found: torch.Tensor | None = None
        for part in self.rounds:
            uniform = torch.from_numpy(random.random(codes.shape[1], dtype=np.float32))
            stay = torch.from_numpy(np.flatnonzero(uniform < part.log_weight(codes.t()).sub_(part.most).exp_()))
            found = stay if found is None else found[stay]
            if part is not self.rounds[-1]:
                codes = _rows(codes, stay)
        assert found is not None
        return found


def _rows(codes: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Some rows of codes; both have shape (columns, rows). One column after the other takes half the time of all."""
    import torch

    found = codes.new_empty(len(codes), len(which))
    for column, into in zip(codes, found, strict=True):
        torch.index_select(column, 0, which, out=into)
    return found


def learn_ratio(
    real: torch.Tensor,
    drawn: torch.Tensor,
    cardinalities: Sequence[int],
    categorical: Sequence[int],
    *,
    trees: int,
    rate: float = 0.3,
    sets: Sequence[Sequence[int]] | None = None,
    seed: int,
) -> Forest | Tables:
    """Boosted trees whose sum estimates log(p_real / p_drawn); they stop early on held-out rows.

    Args:
        real, drawn: codes, shape (rows, columns).
        rate: learning rate. A high one takes few trees, and every row drawn later asks all of them.
        categorical: columns whose cells have no order.
        sets: of columns that a path of a tree may ask together; default: any. With them, the sum comes as tables.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = np.concatenate([real.numpy(), drawn.numpy()]).astype(np.float32)
    known = {j: np.unique(rows[:, j]).astype(np.int64) for j in categorical if cardinalities[j] <= WIDEST_CATEGORICAL}
    # Categorical columns first, where scikit-learn would move them: the sets speak of the columns as they stand then.
    order = columns_in_order(cardinalities, known)
    place = {column: i for i, column in enumerate(order)}
    label = np.repeat([1, 0], [len(real), len(drawn)])
    enough = min(len(real), len(drawn)) >= 100  # for a held-out share that says something
    model: Any = HistGradientBoostingClassifier(
        max_iter=trees if enough else min(trees, 10),
        learning_rate=rate,
        max_leaf_nodes=MOST_LEAVES,
        min_samples_leaf=40,
        l2_regularization=1.0,
        categorical_features=list(range(len(known))) or None,
        interaction_cst=None if sets is None else [[place[j] for j in members] for members in sets],
        early_stopping=enough,
        validation_fraction=0.15,
        n_iter_no_change=5,
        random_state=seed % 2**32,
    )
    model.fit(rows[:, order], label)
    read = forest_of if sets is None else tables_of
    return read(model, cardinalities, known, math.log(len(drawn) / len(real)))


def with_normaliser(refinement: Refinement, drawn: Iterable[torch.Tensor]) -> Refinement:
    """The refinement with log Z estimated over rows drawn from the unrefined tree, a part at a time."""
    import torch

    weights = torch.cat([refinement.log_weight(part) for part in drawn]).double().exp()
    mean = float(weights.mean())
    error = float(weights.std()) / math.sqrt(len(weights)) / mean if len(weights) > 1 else 0.0
    return Refinement(refinement.rounds, math.log(mean), error)
