"""How one column falls into cells: a small integer code, and for some cells a residual, the place in the cell.

Three kinds share one shape. :class:`Categories` are the values of a categorical column; :class:`Bins` cut a numeric
column into spikes (values that many rows hold), lists (several values of a sparse column) and intervals between
quantiles, with the residual uniform in [0, 1) in each; :class:`Modes` are the components of a Gaussian mixture, the
mode-specific normalisation of CTGAN (Xu et al. 2019, section 4.2), with the residual in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

KNOTS = 1_000  # quantiles that describe the shape of a continuous column within its bins
MOST_LISTED = 10_000  # different values of a column that are kept as a list
EDGE = 1e-6  # of a cell: what separates its last value from the next cell
SPREAD = 4.0  # standard deviations of a mode that a residual of 1 stands for (Xu et al. 2019)
LEAST_WEIGHT = 0.005  # of a mode: lighter ones are dropped, as CTGAN does


@dataclass(frozen=True)
class Categories:
    """Kept values as cells 0 … ``kept`` - 1; with ``shares``, one cell more for the rare values behind them.

    ``shares`` are the rare values' frequencies among themselves, in the order of the vocabulary, adding up to 1.
    """

    kept: int
    shares: Array

    @property
    def cells(self) -> int:
        return self.kept + (1 if len(self.shares) else 0)

    def has_residual(self) -> Array:
        import numpy as np

        return np.arange(self.cells) >= self.kept if len(self.shares) > 1 else np.zeros(self.cells, dtype=bool)

    def place(self, index: Array, _rng: np.random.Generator) -> tuple[Array, Array]:
        """Vocabulary indexes as (cell, residual)."""
        import numpy as np

        ends = np.cumsum(self.shares)
        rare = index >= self.kept
        residual = np.zeros(len(index))
        if rare.any():
            which = index[rare] - self.kept
            residual[rare] = ends[which] - self.shares[which] / 2
        return np.minimum(index, self.kept), residual

    def value(self, code: Array, residual: Array) -> Array:
        """(cell, residual) as vocabulary indexes."""
        import numpy as np

        if not len(self.shares):
            return code
        which = np.searchsorted(np.cumsum(self.shares), residual, side="right")
        return np.where(code < self.kept, code, self.kept + np.minimum(which, len(self.shares) - 1))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "categories", "kept": self.kept, "shares": self.shares.tolist()}


@dataclass(frozen=True)
class Bins:
    """A monotone map between positions and the axis t = cell + residual.

    Args:
        values: ascending positions. Of a listed column: its values; else the knots between which t is linear.
        axis: t where each listed value begins (one more than values), or t of each knot.
        listed: which of the two.
        residual: per cell, whether it has a residual.
    """

    values: Array
    axis: Array
    listed: bool
    residual: Array

    @property
    def cells(self) -> int:
        return len(self.residual)

    def has_residual(self) -> Array:
        return self.residual

    def place(self, positions: Array, _rng: np.random.Generator) -> tuple[Array, Array]:
        import numpy as np

        if self.listed:
            after = np.clip(np.searchsorted(self.values, positions), 0, len(self.values) - 1)
            before = np.maximum(after - 1, 0)
            nearer = np.abs(positions - self.values[before]) < np.abs(self.values[after] - positions)
            index = np.where(nearer, before, after)
            t = (self.axis[index] + self.axis[index + 1]) / 2
        else:
            # A spike has two knots of one value; the left of them is the beginning of its cell.
            left = np.searchsorted(self.values, positions, side="left")
            spike = self.values[np.minimum(left, len(self.values) - 1)] == positions
            t = np.where(
                spike, self.axis[np.minimum(left, len(self.values) - 1)], np.interp(positions, self.values, self.axis)
            )
        code = np.minimum(t.astype(np.int64), self.cells - 1)
        return code, np.where(self.residual[code], np.clip(t - code, 0.0, 1 - EDGE), 0.0)

    def value(self, code: Array, residual: Array) -> Array:
        import numpy as np

        t = code + residual
        if self.listed:
            which = np.searchsorted(self.axis, t, side="right") - 1
            found: Array = self.values[np.clip(which, 0, len(self.values) - 1)]
            return found
        return np.asarray(np.interp(t, self.axis, self.values))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "bins",
            "values": self.values.tolist(),
            "axis": self.axis.tolist(),
            "listed": self.listed,
            "residual": self.residual.tolist(),
        }


@dataclass(frozen=True)
class Modes:
    """Spikes as cells 0 …, then the components of a Gaussian mixture."""

    spikes: Array
    means: Array
    deviations: Array
    weights: Array

    @property
    def cells(self) -> int:
        return len(self.spikes) + len(self.means)

    def has_residual(self) -> Array:
        import numpy as np

        return np.arange(self.cells) >= len(self.spikes)

    def place(self, positions: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """The mode is drawn from its posterior, as CTGAN does."""
        import numpy as np

        z = (positions[:, None] - self.means) / self.deviations
        log = np.log(self.weights) - np.log(self.deviations) - z * z / 2
        gumbel = rng.gumbel(size=log.shape)
        mode = np.argmax(log + gumbel, axis=1) if len(self.means) else np.zeros(len(positions), dtype=np.int64)
        code, residual = mode + len(self.spikes), np.zeros(len(positions))
        if len(self.means):
            residual = np.clip(z[np.arange(len(mode)), mode] / SPREAD, -1, 1)
        for i, spike in enumerate(self.spikes):
            at = positions == spike
            code[at], residual[at] = i, 0.0
        return code, residual

    def value(self, code: Array, residual: Array) -> Array:
        import numpy as np

        centre = np.concatenate([self.spikes, self.means])
        width = np.concatenate([np.zeros(len(self.spikes)), self.deviations * SPREAD])
        return np.asarray(centre[code] + width[code] * residual)

    def to_json(self) -> dict[str, Any]:
        arrays = {k: getattr(self, k).tolist() for k in ("spikes", "means", "deviations", "weights")}
        return {"kind": "modes", **arrays}


Cells = Categories | Bins | Modes


def cells_from_json(data: dict[str, Any]) -> Cells:
    import numpy as np

    arrays = {k: np.array(v, dtype=np.float64) for k, v in data.items() if isinstance(v, list)}
    if data["kind"] == "categories":
        return Categories(int(data["kept"]), arrays["shares"])
    if data["kind"] == "bins":
        return Bins(arrays["values"], arrays["axis"], bool(data["listed"]), arrays["residual"].astype(bool))
    return Modes(arrays["spikes"], arrays["means"], arrays["deviations"], arrays["weights"])


def fit_bins(values: Array, counts: Array, *, most: int, rounded: bool, listed: bool) -> Bins:
    """Bins of about equal numbers of rows; a value that fills a bin on its own becomes a spike.

    Args:
        values: distinct positions in ascending order, shape (values,).
        counts: rows per value.
        most: bins at most, about.
        rounded: positions are whole numbers, so that each owns half a unit to either side.
        listed: the values are all that the column holds, so that no other should come back.
    """
    import numpy as np

    cell = cells_of(counts, most)
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    ends = np.append(starts[1:], len(values))
    single = ends - starts == 1
    if listed:
        before = np.cumsum(counts) - counts
        inside = (before - before[starts][cell]) / np.add.reduceat(counts, starts)[cell]
        return Bins(values, np.append(cell + inside, float(len(starts))), True, ~single)
    knots_y: list[Array] = []
    knots_t: list[Array] = []
    for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
        if single[i]:
            knots_y.append(values[[a, a]])
            knots_t.append(np.array([i, i + 1.0]))
            continue
        y, t = _knots(values[a:b], counts[a:b], max(4, KNOTS // len(starts)), rounded)
        knots_y.append(y)
        # The last knot lies just inside its cell: at t = i + 1 the next cell begins, and a gap may lie between them.
        knots_t.append(i + np.minimum(t, 1 - EDGE))
    return Bins(np.concatenate(knots_y), np.concatenate(knots_t), False, ~single)


def cells_of(counts: Array, most: int) -> Array:
    """The cell of each distinct value: ascending, beginning at 0."""
    import numpy as np

    if len(counts) <= most:
        return np.arange(len(counts))
    spike = counts >= counts.sum() / most
    room = max(1, most - int(spike.sum()))
    # Between two spikes, the other values are cut where their running share passes a multiple of 1 / room.
    share = np.where(spike, 0, counts)
    middle = (np.cumsum(share) - share / 2) / max(1, share.sum())
    piece = np.minimum((middle * room).astype(np.int64), room - 1)
    run = np.cumsum(spike)
    change = np.ones(len(counts), dtype=bool)
    change[1:] = (piece[1:] != piece[:-1]) | (run[1:] != run[:-1]) | spike[1:] | spike[:-1]
    return np.cumsum(change) - 1


def _knots(values: Array, counts: Array, most: int, rounded: bool) -> tuple[Array, Array]:
    """Quantiles of one interval: positions ascending, and the share of the interval's rows below each, 0 to 1."""
    import numpy as np

    half = 0.5 if rounded else 0.0
    below = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    if rounded:  # each value owns its unit; the gap to the next one holds nothing
        y = np.stack([values - half, values + half], axis=1).ravel()
        t = np.stack([below[:-1], below[1:]], axis=1).ravel()
    else:
        y, t = values, np.concatenate([[0.0], below[1:-1][: len(values) - 2], [1.0]])
    if len(y) > most:
        keep = np.unique(np.searchsorted(t, np.linspace(0, 1, most)).clip(0, len(t) - 1))
        keep = np.unique(np.concatenate([[0], keep, [len(y) - 1]]))
        y, t = y[keep], t[keep]
    return y, t


def fit_modes(values: Array, counts: Array, *, most: int, spike_share: float, seed: int) -> Modes:
    """A mixture over what is left when the spikes are taken out.

    ``values`` and ``counts`` as in :func:`fit_bins`, of a sample whose size the caller bounds.
    """
    import numpy as np

    spike = counts >= max(2, spike_share * counts.sum())
    rest = np.repeat(values[~spike], counts[~spike])
    spikes = values[spike]
    if not len(rest):
        return Modes(spikes, *(np.zeros(0) for _ in range(3)))
    means, deviations, weights = _mixture(rest, most, seed)
    floor = max(float(np.ptp(rest)) * 1e-6, 1e-12 * max(1.0, float(np.abs(rest).max())))
    return Modes(spikes, means, np.maximum(deviations, floor), weights)


def _mixture(x: Array, most: int, seed: int) -> tuple[Array, Array, Array]:
    """Means, standard deviations and weights of a Bayesian mixture without its light components."""
    import warnings

    import numpy as np
    from sklearn.mixture import BayesianGaussianMixture

    if len(x) > 10_000:
        x = np.random.default_rng(seed).choice(x, 10_000, replace=False)
    distinct = len(np.unique(x))
    centre, scale = float(x.mean()), float(x.std())
    if distinct < 3 or scale == 0:
        return np.array([centre]), np.array([max(scale, 0.0)]), np.ones(1)
    model = BayesianGaussianMixture(
        n_components=min(most, distinct - 1, len(x)),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        max_iter=100,
        random_state=seed % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(((x - centre) / scale)[:, None])
    keep = model.weights_ > LEAST_WEIGHT
    weights = model.weights_[keep] / model.weights_[keep].sum()
    means = model.means_[keep, 0] * scale + centre
    return means, np.sqrt(model.covariances_[keep, 0, 0]) * scale, weights
