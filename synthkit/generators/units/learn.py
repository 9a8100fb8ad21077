"""Learn each table of a family from one row of each unit: measured, chosen and inferred as a table alone is.

The rows are used for nothing but the releases of :class:`..marginals.release.Releases`. What is taken over from the
owner's model (which of its columns go together, how many rows an owner has) is post-processing of what it released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis
from synthkit.errors import BuildError
from synthkit.generators.functions import Budget, Progress
from synthkit.generators.marginals.cuts import Cut, cut
from synthkit.generators.marginals.estimate import Estimator, Measurement, total_of
from synthkit.generators.marginals.fit import SETTLED, measure
from synthkit.generators.marginals.fitted import Marginals
from synthkit.generators.marginals.model import Model, spread
from synthkit.generators.marginals.pairs import marginals_of
from synthkit.generators.marginals.params import AimParams
from synthkit.generators.marginals.release import Releases, same
from synthkit.generators.marginals.schedule import Schedule
from synthkit.generators.marginals.select import Candidates
from synthkit.generators.marginals.tree import histogram
from synthkit.generators.tables import Tables
from synthkit.generators.units.bounding import Rows, bounded
from synthkit.generators.units.levels import Level, root_level, walk
from synthkit.generators.units.model import Frame, Roles, Units
from synthkit.generators.units.schedule import schedules

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TRUST = 0.5  # standard deviations of a measurement by which what the owner's model says may be missed


def fit_tables(
    tables: Tables, params: AimParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> Units:
    """Learn a family under a budget. See :class:`~synthkit.generators.functions.FitTables`."""
    from synthkit.privacy.accounting.noise import Noise

    del seed, device  # all randomness of a fit is the noise's
    if budget is None:
        raise BuildError(
            "aim learns from noisy marginals, and needs epsilon to know how noisy",
            hint="give the family an epsilon, or take another generator: conditional needs none",
        )
    plans = schedules(params, budget, tables.shape)
    root = root_level(tables.shape)
    noise = Noise.secure() if budget.insecure_seed is None else Noise.seeded(budget.insecure_seed)
    releases = Releases(noise)
    rows = bounded(tables, root)
    owners = {child.name: level.name for level in walk(root) for child in level.below}
    frames: list[Frame] = []
    learnt: dict[str, _Learning] = {}
    for level in walk(root):
        learning = learnt[level.name] = _Learning(tables, level, rows, learnt.get(owners.get(level.name, "")))
        learning.model = learning.frame(params, plans[level.name], releases, progress)
        frames.append(learning.model)
    spent = tuple(m for plan in plans.values() for m in plan.mechanisms)
    if not same(releases.spent, spent):
        raise AssertionError(f"aim released {releases.spent}, but was to release {spent}")
    return _described(tables, tuple(frames))


class _Learning:
    """The learning of one table.

    Args:
        rows: of each table, what is read of it.
        above: the learning of the owner, which is done.
    """

    model: Frame

    def __init__(self, tables: Tables, level: Level, rows: Mapping[str, Rows], above: _Learning | None) -> None:
        self.tables, self.level, self.rows, self.above = tables, level, rows, above
        self.own, self.at = rows[level.name], rows[level.name].chosen
        self.roles: Roles = Roles.of(level, 0 if above is None else above.roles.new)

    def frame(self, params: AimParams, plan: Schedule, releases: Releases, progress: Progress) -> Frame:
        import numpy as np

        columns = [*self.new_columns]
        if self.level.key is not None:
            columns.append((_counting("(place)", self.level.most - 1), self.own.place))
        found = [
            histogram(axis, values[self.at], levels, plan.first_sigma, releases)
            for (axis, values), levels in zip(columns, plan.levels, strict=True)
        ]
        total = total_of([Measurement((i,), h.counts, h.variances) for i, h in enumerate(found)])
        sigma = plan.sigma or plan.first_sigma
        least = params.least_count * sigma
        fresh = [cut(axis, h, params.bins, least, params.slack) for (axis, _), h in zip(columns, found, strict=True)]
        codes = [c.codes(values[self.at]) for c, (_, values) in zip(fresh, columns, strict=True)]
        new, given = self.roles.new, [] if self.above is None else self._context(self.above)
        cuts = [*fresh[:new], *(c for c, _ in given), *fresh[new:]]
        codes = [*codes[:new], *(c for _, c in given), *codes[new:]]
        for column in self.roles.before:
            cuts.append(_plain(fresh[column].cells + 1))
            codes.append(self._earlier(fresh[column], columns[column][1]))
        sizes = tuple(c.cells for c in cuts)
        estimator = Estimator(sizes, params.slack, sigma)
        for i, h, c in zip([*range(new), *([self.roles.place] if self.roles.place is not None else [])], found, fresh,
                           strict=True):  # fmt: skip
            estimator.add(Measurement((i,), np.bincount(c.cell, h.counts), np.bincount(c.cell, h.variances)))
        self._taken_over(estimator, total, sigma)
        weights = _candidates(self.roles, len(sizes))
        measure(Candidates(codes, sizes, weights, total, sigma), estimator, params, plan, releases, progress)
        model = estimator.fit(params.final_sweeps, SETTLED)
        marginals = Marginals(self.own.encoder, tuple(cuts), (), model)
        return Frame(self.level, self.roles, marginals, tuple(axis for axis, _ in columns[:new]))

    @cached_property
    def new_columns(self) -> list[tuple[Axis, Array]]:
        """The new columns: of each its axis, and the position of every row that is read."""
        import numpy as np

        own, level = self.own, self.level
        found = list(zip(own.encoder.axes, own.positions, strict=True))
        if self.roles.time is not None:
            axis, values = found[self.roles.time]
            found.append((_gaps(axis), _gap(axis, values, own.place)))
        count = {child.name: self.rows[child.name] for child in level.below}
        for child in level.below:
            many = np.bincount(count[child.name].owner, minlength=len(own))
            found.append((_counting(f"(rows of {child.name})", child.most), many))
        for child in level.below:
            if child.time is None:
                continue
            rows, at = count[child.name], [c.name for c in child.columns].index(child.time.name)
            axis = rows.encoder.axes[at]
            first = np.full(len(own), axis.points, dtype=np.int64)
            begins = rows.place == 0
            first[rows.owner[begins]] = np.minimum(rows.positions[at][begins], axis.points)
            found.append((replace(axis, name=f"(first of {child.name})", nullable=True), first))
        for key, missing, named in zip(level.lookups, level.missing, own.looked_up, strict=True):
            public = self.tables.members[key.references].rows
            axis = Axis(f"(row of {', '.join(key.columns)})", missing or not public, public, tuple(range(public)))
            found.append((axis, np.where(named < 0, public, named)))
        return found

    def _context(self, above: _Learning) -> list[tuple[Cut, Array]]:
        """The owner's columns: how they are cut, and the cell of each row that is looked at."""
        at, cuts = self.own.owner[self.at], above.model.cuts
        return [(one, one.codes(values[at])) for one, (_, values) in zip(cuts, above.new_columns, strict=False)]

    def _earlier(self, one: Cut, values: Array) -> Array:
        """The cell of the row before, plus 1; 0 where there is none."""
        import numpy as np

        first = self.own.place[self.at] == 0
        return np.where(first, 0, 1 + one.codes(values[np.maximum(self.at - 1, 0)]))

    def _taken_over(self, estimator: Estimator, total: float, sigma: float) -> None:
        """What the owner's model says of its columns, for owners that have rows here; and how rows before fall."""
        import numpy as np

        if self.above is None:
            return
        above, roles = self.above.model, self.roles
        model = _with_rows(above, self.level.name)
        share = total / max(model.total, 1e-9)
        for columns, counts in _strongest(model, above.roles.new):
            shifted = tuple(roles.new + c for c in columns)
            estimator.add(Measurement.of(shifted, np.asarray(counts * share), TRUST * sigma))
        first = _first_share(above, model, self.level.name)
        ones = {m.columns: m for m in estimator.measurements if len(m.columns) == 1}
        for column, before in roles.before.items():
            counts = np.maximum(ones[(column,)].counts, 0)
            counts = counts / max(counts.sum(), 1e-9) * total
            counts = np.append(first * total, (1 - first) * counts)
            estimator.add(Measurement.of((before,), counts, sigma))


def _strongest(model: Model, columns: int) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each of the first columns by itself, and the tree of pairs with most mutual information (Chow & Liu 1968).

    More of what goes together among an owner's columns would leave no room for what goes together with its rows'.
    """
    import numpy as np

    yield from marginals_of(model, [(i,) for i in range(columns)])
    found = []
    for pair, counts in marginals_of(model, list(combinations(range(columns), 2))):
        share = counts / counts.sum()
        even = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
        held = share > 0
        found.append((float((share[held] * np.log(share[held] / even[held])).sum()), pair, counts))
    part = list(range(columns))
    for _, (a, b), counts in sorted(found, key=lambda f: (-f[0], f[1])):
        if part[a] != part[b]:
            part = [part[a] if p == part[b] else p for p in part]
            yield (a, b), counts


def _candidates(roles: Roles, columns: int) -> dict[tuple[int, ...], float]:
    """The pairs that may be measured, with their weights: each has a new column, and of the row before the same one."""
    earlier = {b: c for c, b in roles.before.items()}
    return {(a, b): 1.0 for a in range(roles.new) for b in range(a + 1, columns) if earlier.get(b, a) == a}


def _with_rows(above: Frame, below: str) -> Model:
    """The owner's model of those that have rows of a table below."""
    import numpy as np

    at, model = above.roles.counts[below], above.marginals.model
    one = above.cuts[at]
    greatest = np.zeros(one.cells, dtype=np.int64)
    np.maximum.at(greatest, one.cell, one.ends - 1)
    if greatest.min() > 0:
        return model
    home = model.tree.home([at], model.sizes)
    assert home is not None
    tables = [t.copy() for t in model.tables]
    tables[home] *= spread((greatest > 0).astype(np.float64), (at,), model.tree.cliques[home])
    found = Model(model.tree, model.sizes, tables, [s.copy() for s in model.shared])
    found.calibrate()
    return found if found.total > 0 else model


def _first_share(above: Frame, model: Model, below: str) -> float:
    """How often a row that is taken at random of an owner's is the first: the mean of 1 / their number."""
    import numpy as np

    at = above.roles.counts[below]
    one, held = above.cuts[at], model.marginal((at,))
    assert held is not None
    many, mass = 0.0, 0.0
    for start, end, cell, weight in zip(one.starts, one.ends, one.cell, one.weights, strict=True):
        numbers = np.arange(max(1, start), end)
        if len(numbers):
            share = float(held[cell] * weight)
            mass += share
            many += share * float((1 / numbers).mean())
    return many / mass if mass > 0 else 1.0


def _counting(name: str, most: int) -> Axis:
    return Axis(name, False, most + 1, None, True, None, 0, 1)


def _gaps(axis: Axis) -> Axis:
    """Steps from one position of ``axis`` to a later one."""
    return Axis("(gap)", True, max(1, axis.points), None, True, None, 0, 1)


def _gap(axis: Axis, values: Array, place: Array) -> Array:
    """Steps since the row before; missing of a first row, and where either has no time."""
    import numpy as np

    values = values.astype(np.int64)
    before = np.append(np.zeros(1, np.int64), values[:-1])[: len(values)]
    known = (place > 0) & (values < axis.points) & (before < axis.points)
    return np.where(known, values - before, max(1, axis.points))


def _plain(cells: int) -> Cut:
    import numpy as np

    return Cut(np.arange(cells), cells, np.arange(cells), np.ones(cells))


def _described(tables: Tables, frames: tuple[Frame, ...]) -> Units:
    """The model, with what drawing must know of keys and columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds, orders = {}, {}
    for frame in frames:
        name = frame.level.name
        table = tables.members[name]
        arrow = pq.read_schema(table.paths[0])
        keys = {c for k in tables.keys if k.table == name for c in k.columns}
        keys |= set(table.schema.primary_key if len(table.schema.primary_key) == 1 else ())
        kinds[name] = {c: pa.types.is_integer(arrow.field(c).type) for c in keys}
        orders[name] = tuple(c.name for c in table.schema.columns if c.name in keys or c.name in frame.roles.names)
    looked_up = {key.references for frame in frames for key in frame.level.lookups}
    public = {}
    for name in looked_up:
        table = tables.members[name]
        keys_at = table.to_arrow(list(table.schema.primary_key))
        public[name] = tuple(keys_at.column(c).combine_chunks() for c in table.schema.primary_key)
    return Units(frames, kinds, public, orders)
