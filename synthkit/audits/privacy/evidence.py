"""How sure an attacker can be of each canary, by what was released: log-likelihood ratios of "in" to "out".

Everything that is observed is taken as linear in the canaries' coins: y = K·b + noise of covariance z²·K, where b says
who is in, and K is the Gram matrix of what each canary adds. The other canaries' coins count as Gaussian noise of their
variance V, which makes the matched filter w = (K·V + z²)⁻¹(y − K·E[b]) of mean shift κ = diag((K·V + z²)⁻¹K) and
variance κ. How good this approximation is decides how strong the attack is, never whether its verdict is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.audits.privacy.canaries import Design

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import torch

    from synthkit.generators.neural.cells import CellEncoder
    from synthkit.generators.neural.clipping import Gradients
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.spending import Spending
    from synthkit.generators.neural.watching import RowGradients

    Array = np.ndarray[Any, Any]

MOST_PAIRS = 300  # of columns that are looked at
CLOSE = 0.1  # of the distance between rungs, within which values end at one


def ratios(gram: Array, inner: Array, mean: Array, variance: Array, noise: float) -> tuple[Array, float]:
    """Log-likelihood ratios, shape (rows,), and the mean square of what they come from over what it should be: about 1
    where the model is right.

    Args:
        gram: K, shape (rows, rows).
        inner: y, shape (rows,).
        mean, variance: of each b beforehand, shape (rows,).
        noise: z.
    """
    import numpy as np

    system = gram * variance[None, :] + noise**2 * np.eye(len(gram))
    solved = np.linalg.solve(system, np.column_stack([inner - gram @ mean, gram]))
    shift = np.maximum(np.diagonal(solved[:, 1:]), 1e-12)
    own = 1 / np.maximum(1e-6, 1 - variance * shift)  # without the row's own coin, which is not noise to itself
    return (solved[:, 0] - (0.5 - mean) * shift) * own, float(np.mean(solved[:, 0] ** 2 / shift))


def of_counts(design: Design, released: Sequence[pa.RecordBatch]) -> Array:
    """From how often the canaries' values and pairs of values occur in a synthetic table: shape (canaries,).

    The noise of each marginal is estimated from how far all its counts are off.
    """
    import numpy as np

    columns, count = len(design.grids), len(design.canaries)
    positions = [np.concatenate(p) for p in zip(*(design.encoder.encode(b) for b in released), strict=True)]
    drawn = [design.codes(i, p) for i, p in enumerate(positions)]
    own = [design.codes(i, p) for i, p in enumerate(design.canaries.T)]
    rungs = design.rungs
    for i in range(columns):
        own[i][design.values :][rungs[:, 0] == i] = -1
    rows = len(design.patterns) * design.repeats + design.copies * count / 2
    scale = rows / max(1, len(positions[0]))
    gram, inner = np.zeros((count, count)), np.zeros(count)
    pairs = list(combinations(range(columns), 2))
    if len(pairs) > MOST_PAIRS:
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, MOST_PAIRS).astype(int)]
    for marginal in [*((i,) for i in range(columns)), *pairs]:
        sizes = [len(design.grids[i]) for i in marginal]
        cells = int(np.prod(sizes))
        here = _cell([own[i] for i in marginal], sizes)
        known = _cell([design.patterns[:, i] for i in marginal], sizes)
        base = np.bincount(known, minlength=cells) * design.repeats
        found = _cell([drawn[i] for i in marginal], sizes)
        seen = np.bincount(found[found >= 0], minlength=cells) * scale
        sharing = np.bincount(here[here >= 0], minlength=cells)
        off = seen - base - design.copies * sharing / 2
        at = sharing > 0
        if not at.any():
            continue
        spread = float(np.mean(off[at] ** 2 - design.copies**2 * sharing[at] / 4))
        spread = max(spread, scale * float(seen[at].mean()), 1e-2)
        inside = np.flatnonzero(here >= 0)
        same = here[inside][:, None] == here[inside][None, :]
        gram[np.ix_(inside, inside)] += design.copies**2 * same / spread
        inner[inside] += design.copies * (off[here[inside]]) / spread
    half = np.full(count, 0.5)
    # `off` is taken against half of those who share a cell, which is gram @ half
    return ratios(gram, inner + gram @ half, half, half / 2, 1.0)[0]


def of_extremes(design: Design, released: Sequence[pa.RecordBatch]) -> Array:
    """From how far the synthetic values reach: where they end at a rung, it is in, and all beyond it are out.

    Shape (rungs,). Where they end at none, next to nothing is said.
    """
    import numpy as np

    from synthkit.audits.privacy.canaries import LADDER

    positions = [np.concatenate(p) for p in zip(*(design.encoder.encode(b) for b in released), strict=True)]
    scores = np.zeros(len(design.rungs))
    for i, (column, end, place) in enumerate(design.rungs):
        points = design.encoder.axes[column].points
        values = positions[column][positions[column] < points].astype(np.int64)
        if not len(values):
            continue
        beyond = points - 1 - values.max() if end else values.min()
        last = float(beyond) * 4 * LADDER / (points - 1)  # in rungs, from the outermost inwards
        nearest = round(last)
        if nearest < LADDER and abs(last - nearest) < CLOSE:
            sure = 1 - abs(last - nearest)
            scores[i] = sure if place == nearest else -1 - sure if place < nearest else 0.0
    return scores


def _cell(codes: Sequence[Array], sizes: Sequence[int]) -> Array:
    """One number for the codes of several columns; -1 where one of them is."""
    import numpy as np

    found, valid = np.zeros(len(codes[0]), dtype=np.int64), np.ones(len(codes[0]), dtype=bool)
    for code, size in zip(codes, sizes, strict=True):
        found, valid = found * size + code, valid & (code >= 0)
    return np.where(valid, found, -1)


class GradientWitness:
    """Watches DP-SGD, and gathers evidence of the canaries from every noisy gradient sum.

    The known rows are in it too: who of them is in a sample is one more thing that is not known. Two readings are kept,
    one for gradients that were clipped as they should be and one for whole ones; that one counts whose spread is what
    it says it is.
    """

    def __init__(self, design: Design) -> None:
        import numpy as np

        self.design = design
        self.steps = 0
        self._totals = np.zeros((2, len(design.canaries)))
        self._misfit = np.zeros(2)

    @property
    def total(self) -> Array:
        """Log-likelihood ratios, shape (canaries,); 0 where there was nothing to watch."""
        import numpy as np

        if not self.steps:
            return np.asarray(self._totals[0])
        return np.asarray(self._totals[np.argmin(np.abs(np.log(self._misfit / self.steps + 1e-300)))])

    def begin(self, encoder: CellEncoder, plan: Spending, norm: float) -> None:
        import numpy as np

        design = self.design
        rows = design.decode(np.concatenate([design.canaries, design.known]))
        self._cells = encoder.cells(encoder.encoder.encode(rows))
        self._plan, self._norm = plan, norm
        self._rate = 1 - (1 - plan.rate) ** design.copies
        half, known, ones = self._rate / 2, plan.rate * design.repeats, np.ones(len(design.patterns))
        canaries = np.ones(len(design.canaries))
        self._mean = np.concatenate([canaries * half, ones * known])
        self._variance = np.concatenate([canaries * half * (1 - half), ones * known * (1 - plan.rate)])

    def step(self, gradients: RowGradients, released: Weights) -> None:
        import numpy as np
        import torch

        with torch.no_grad():
            each = flat(gradients(self._cells.to(next(iter(released.values())).device)), list(released)) / self._norm
            summed = torch.cat([w.flatten() for w in released.values()]) * (self._plan.batch / self._norm)
            gram, inner = (each @ each.t()).double().cpu().numpy(), (each @ summed).double().cpu().numpy()
        clipped = 1 / np.maximum(1.0, np.sqrt(np.diagonal(gram)))
        out = np.log1p(-self._rate) if self._rate < 1 else -np.inf
        for reading, factor in enumerate((clipped, np.ones(len(gram)))):
            scaled, given = gram * factor[:, None] * factor, inner * factor
            found, misfit = ratios(scaled, given, self._mean, self._variance, self._plan.noise_multiplier)
            # in the sample only with the sampling rate, and then as much as the step says
            self._totals[reading] += np.logaddexp(out, np.log(self._rate) + found[: self._totals.shape[1]])
            self._misfit[reading] += misfit
        self.steps += 1


def flat(gradients: Gradients, names: Sequence[str]) -> torch.Tensor:
    """Each row's gradient, not clipped: shape (rows, weights)."""
    import torch

    parts = []
    for name in names:
        layer, kind = gradients[name.rsplit(".", 1)[0]], name.rsplit(".", 1)[1]
        if kind == "weight":
            parts.append(torch.einsum("rto,rti->roi", layer.left, layer.right).flatten(1))
        else:
            bias = torch.tensor(layer.bias, device=layer.left.device, dtype=layer.left.dtype)
            parts.append((layer.left * bias[:, None]).sum(1))
    return torch.cat(parts, dim=1)
