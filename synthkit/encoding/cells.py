"""How one column falls into cells: a small integer code, and for some cells a residual, the place in the cell.

Three kinds share one shape. :class:`Categories` are the values of a categorical column; :class:`Bins` cut a numeric
column between quantiles, with the residual uniform in [0, 1) in each: it says which of the cell's common values
comes back, or where between them; :class:`Modes` are the components of a Gaussian mixture, the
mode-specific normalisation of CTGAN (Xu et al. 2019, section 4.2), with the residual in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_LISTED = 10_000  # different values of a column that are counted over all rows
EDGE = 1e-6  # of a cell: what separates its last value from the next cell
SPREAD = 4.0  # standard deviations of a mode that a residual of 1 stands for (Xu et al. 2019)
MODES = ("spikes", "means", "deviations", "weights", "ends")
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
    """Pieces of a numeric column along the axis t = cell + residual, each with its share of the rows.

    A point is a value that comes back as it is; from a range comes any position in it, each equally likely. Within a
    cell, the points stand before the ranges, which may lie around them (:mod:`.pools`).

    Args:
        axis: t where each piece begins, and the end; shape (pieces + 1,).
        low: least position of each piece.
        high: greatest position; of a point the same.
        point: which pieces are points.
        residual: per cell, whether it has a residual.
        rounded: positions are whole numbers.
    """

    axis: Array
    low: Array
    high: Array
    point: Array
    residual: Array
    rounded: bool

    @property
    def cells(self) -> int:
        return len(self.residual)

    def has_residual(self) -> Array:
        return self.residual

    def pieces(self, positions: Array) -> tuple[Array, Array]:
        """The piece of each position, the nearest one where it is in none, and whether it is in one."""
        import numpy as np

        best, piece = np.full(len(positions), np.inf), np.zeros(len(positions), dtype=np.int64)
        for kind in (True, False):  # a point before the range around it
            index = np.flatnonzero(self.point == kind)
            if not len(index):
                continue
            index = index[np.argsort(self.low[index], kind="stable")]
            after = np.searchsorted(self.low[index], positions, side="right")
            for side in (after - 1, after):
                near = index[np.clip(side, 0, len(index) - 1)]
                away = np.maximum(np.maximum(self.low[near] - positions, positions - self.high[near]), 0.0)
                closer = away < best
                best[closer], piece[closer] = away[closer], near[closer]
        return piece, best == 0

    def place(self, positions: Array, _rng: np.random.Generator) -> tuple[Array, Array]:
        import numpy as np

        piece, _ = self.pieces(positions)
        low, steps = self.low[piece], self._steps[piece]
        within = np.clip(positions, low, self.high[piece]) - low + (0.5 if self.rounded else 0.0)
        inside = np.where(self.point[piece] | (steps == 0), 0.5, within / np.where(steps == 0, 1.0, steps))
        t = self.axis[piece] + inside * (self.axis[piece + 1] - self.axis[piece])
        code = np.minimum(((self.axis[piece] + self.axis[piece + 1]) / 2).astype(np.int64), self.cells - 1)
        return code, np.where(self.residual[code], np.clip(t - code, 0.0, 1 - EDGE), 0.0)

    def value(self, code: Array, residual: Array) -> Array:
        import numpy as np

        t = code + residual
        piece = self._piece_at(t)
        inside = (t - self.axis[piece]) / (self.axis[piece + 1] - self.axis[piece])
        place = np.clip(inside, 0.0, 1.0) * self._steps[piece]
        found = self.low[piece] + (np.floor(place) if self.rounded else place)
        return np.asarray(np.where(self.point[piece], self.low[piece], np.minimum(found, self.high[piece])))

    def _piece_at(self, t: Array) -> Array:
        """The last piece that begins at or before each t: from where a sixteenth of a cell begins, a few steps on."""
        import numpy as np

        sixteenth = np.minimum((t * 16).astype(np.int64), len(self._guide) - 1)
        piece = self._guide[sixteenth]
        for _ in range(3):
            further = self._ends[piece] <= t
            piece += further
        left = np.flatnonzero(self._ends[piece] <= t)
        piece[left] = np.minimum(np.searchsorted(self.axis, t[left], side="right"), len(self.low)) - 1
        return piece

    @cached_property
    def _guide(self) -> Array:
        import numpy as np

        begins = np.arange(16 * self.cells + 1) / 16
        return np.clip(np.searchsorted(self.axis, begins, side="right") - 1, 0, len(self.low) - 1)

    @cached_property
    def _ends(self) -> Array:
        """Where each piece ends; the last one never."""
        import numpy as np

        return np.append(self.axis[1:-1], np.inf)

    def holds(self, positions: Array) -> Array:
        """Whether each position can come back."""
        return self.pieces(positions)[1]

    @property
    def _steps(self) -> Array:
        """How many positions each piece has, or its length where they are on no grid."""
        return self.high - self.low + (1.0 if self.rounded else 0.0)

    def to_json(self) -> dict[str, Any]:
        arrays = {k: getattr(self, k).tolist() for k in ("axis", "low", "high", "point", "residual")}
        return {"kind": "bins", "rounded": self.rounded, **arrays}


@dataclass(frozen=True)
class Modes:
    """Spikes as cells 0 …, then the components of a Gaussian mixture. ``ends``: the least and the greatest value."""

    spikes: Array
    means: Array
    deviations: Array
    weights: Array
    ends: Array

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
        if not len(self.means):
            return np.abs(positions[:, None] - self.spikes).argmin(axis=1), np.zeros(len(positions))
        mode = np.argmax(log + gumbel, axis=1)
        code, residual = mode + len(self.spikes), np.clip(z[np.arange(len(mode)), mode] / SPREAD, -1, 1)
        for i, spike in enumerate(self.spikes):
            at = positions == spike
            code[at], residual[at] = i, 0.0
        return code, residual

    def value(self, code: Array, residual: Array) -> Array:
        import numpy as np

        centre = np.concatenate([self.spikes, self.means])
        width = np.concatenate([np.zeros(len(self.spikes)), self.deviations * SPREAD])
        found = centre[code] + width[code] * residual
        # What falls beyond the range is thrown back: cut off, it would all be the least or the greatest value.
        low, high = self.ends
        found = np.where(found < low, 2 * low - found, found)
        return np.asarray(np.clip(np.where(found > high, 2 * high - found, found), low, high))

    def holds(self, positions: Array) -> Array:
        """Whether each position between the ends can come back."""
        import numpy as np

        return np.isin(positions, self.spikes) | bool(len(self.means))

    def to_json(self) -> dict[str, Any]:
        arrays = {k: getattr(self, k).tolist() for k in MODES}
        return {"kind": "modes", **arrays}


@dataclass(frozen=True)
class Values:
    """The different values of a numeric column.

    Args:
        positions: on the column's grid, ascending.
        rows: that hold each.
        people: who hold each: the source's privacy units, or its rows.
        rounded: positions are whole numbers.
        units: (index of the value, number of the unit) pairs, shape (pairs, 2), where a person may have several rows.
    """

    positions: Array
    rows: Array
    people: Array
    rounded: bool
    units: Array | None = None

    def united(self, first: int, last: int, among: Array) -> int:
        """How many people hold those of the values ``first`` to ``last`` that are ``among`` them."""
        import numpy as np

        if self.units is None:
            return int(self.people[first : last + 1][among[first : last + 1]].sum())
        index = self.units[:, 0]
        held = (index >= first) & (index <= last)
        held[held] = among[index[held]]
        return len(np.unique(self.units[held, 1]))


Cells = Categories | Bins | Modes


def cells_from_json(data: dict[str, Any]) -> Cells:
    import numpy as np

    arrays = {k: np.array(v, dtype=np.float64) for k, v in data.items() if isinstance(v, list)}
    if data["kind"] == "categories":
        return Categories(int(data["kept"]), arrays["shares"])
    if data["kind"] == "bins":
        point, residual = arrays["point"].astype(bool), arrays["residual"].astype(bool)
        return Bins(arrays["axis"], arrays["low"], arrays["high"], point, residual, bool(data["rounded"]))
    return Modes(*(arrays[k] for k in MODES))


def cells_of(counts: Array, most: int, spike: Array | None = None) -> Array:
    """The cell of each distinct value: ascending, beginning at 0.

    Args:
        spike: which values have a cell of their own; default: those that fill one.
    """
    import numpy as np

    if spike is None:
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


def fit_modes(values: Values, *, most: int, spike_share: float, seed: int, min_count: int) -> Modes:
    """A mixture over what is left when the spikes are taken out.

    Args:
        values: of a sample whose size the caller bounds.
        spike_share: share of the rows that makes a value a spike.
        min_count: people who hold a spike, at least; and a mode, about.
    """
    import numpy as np

    spike = (values.rows >= spike_share * values.rows.sum()) & (values.people >= min_count)
    rest = np.repeat(values.positions[~spike], values.rows[~spike])
    spikes, ends = values.positions[spike], values.positions[[0, -1]]
    if not len(rest) or (len(spikes) and values.people[~spike].sum() < min_count):
        none = np.zeros(0)
        return Modes(spikes, none, none, none, ends)
    means, deviations, weights = _mixture(rest, most, seed, min_count)
    floor = max(float(np.ptp(rest)) * 1e-6, 1e-12 * float(np.abs(rest).max()), float(np.finfo(float).tiny))
    return Modes(spikes, means, np.maximum(deviations, floor), weights, ends)


def _mixture(x: Array, most: int, seed: int, fewest: int) -> tuple[Array, Array, Array]:
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
    # A mode of a few people would give their values out again.
    least = min(max(LEAST_WEIGHT, fewest / len(x)), float(model.weights_.max()))
    keep = (model.weights_ > LEAST_WEIGHT) & (model.weights_ >= least)
    weights = model.weights_[keep] / model.weights_[keep].sum()
    means = model.means_[keep, 0] * scale + centre
    return means, np.sqrt(model.covariances_[keep, 0, 0]) * scale, weights
