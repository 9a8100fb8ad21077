"""A chain whose fields, drawn one after another, hang together as the rows that it was learnt from do.

Each field is learnt given the true ones before it, and drawn given drawn ones: what each loses a little of is lost more
the more stands between. So chains are drawn, and where a field's correlation with one before it falls short, its
log-odds get a score of that one, until it does not: the moments of a log-linear model are matched by its parameters
(Jaynes 1957; Robbins & Monro 1951 for steps from what is drawn).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Chain, Context, Field
from synthkit.generators.conditional.slopes import standardised

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CODES = 256
LEAST = 200  # rows, below which correlations are too uncertain to be held
ENOUGH = 20_000  # rows, of which correlations are certain enough
NAMED = 12  # codes of a feature without order that have a score of their own, and
EACH = 40  # rows that have such a code, at least
STEPS = (1.5, 1.2, 1.0, 0.8, 0.6, 0.5)  # log-odds for a correlation of 1 that is missing
DRAWN = 4_000  # rows drawn for a step, at least
NOISE = 0.5  # standard errors of a correlation that are not followed
RIDGE = 0.1  # added to the variances of scores, which are 1: they go with one another
MOST = 0.5  # of one score's log-odds, and
MORE = 1.0  # of as many rows as say so for certain:
CERTAIN = 4_000


@dataclass(frozen=True)
class _Scores:
    """Numbers of mean 0 and variance 1 for a feature's codes: ``table`` has shape (scores, 256)."""

    of: Array
    table: Array

    def of_rows(self, codes: Array) -> Array:
        """Shape (rows, scores)."""
        import numpy as np

        return np.stack([row[codes[:, j]] for j, row in zip(self.of, self.table, strict=True)], axis=1)


def settled(chain: Chain, context: Context, cells: Array, seed: int) -> Chain:
    """The chain with what is missing of its correlations added.

    Args:
        context, cells: what it was learnt from, shapes (rows, features) and (rows, fields).
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    if len(cells) > ENOUGH:
        some = rng.choice(len(cells), ENOUGH, replace=False)
        context, cells = context.take(some), cells[some]
    size, before = context.codes.shape
    if size < LEAST:
        return chain
    given = Context.join(context, Context.of(chain.fields, cells))
    scores = _scores(given)
    if not len(scores.of):
        return chain
    aims = [_places(field, cells[:, j]) for j, field in enumerate(chain.fields)]
    said = scores.of_rows(given.codes)
    wanted = _moments(scores, aims, given.codes, cells)
    alike = said.T @ said / size + RIDGE * np.eye(len(scores.of))
    known = [
        np.flatnonzero(scores.of < before + j) if aim.any() and part.forks else np.zeros(0, dtype=np.int64)
        for j, (aim, part) in enumerate(zip(aims, chain.parts, strict=True))
    ]
    weights = [np.zeros(len(some)) for some in known]
    times, most = -(-DRAWN // size), MOST if size < CERTAIN else MORE
    for step in STEPS:
        told = sum(_drawn(chain, context, scores, aims, rng) for _ in range(times)) / times
        for j, some in enumerate(known):
            off = (wanted - told)[some, j]
            off = np.sign(off) * np.maximum(np.abs(off) - NOISE / np.sqrt(size), 0)
            if off.any():
                weights[j] = weights[j] + step * np.linalg.solve(alike[np.ix_(some, some)], off)
                weights[j] = np.clip(weights[j], -most, most)
        chain = _shifted(chain, scores, known, weights)
    return chain


def _drawn(chain: Chain, context: Context, scores: _Scores, aims: list[Array], rng: np.random.Generator) -> Array:
    cells = chain.draw(context, rng)[0]
    return _moments(scores, aims, Context.join(context, Context.of(chain.fields, cells)).codes, cells)


def _moments(scores: _Scores, aims: list[Array], codes: Array, cells: Array) -> Array:
    """Means of products of scores and fields' ranks, shape (scores, fields)."""
    import numpy as np

    ranks = np.stack([aim[cells[:, j]] for j, aim in enumerate(aims)], axis=1)
    return np.asarray(scores.of_rows(codes).T @ ranks / len(cells))


def _shifted(chain: Chain, scores: _Scores, known: list[Array], weights: list[Array]) -> Chain:
    import numpy as np

    parts = []
    for part, some, weight in zip(chain.parts, known, weights, strict=True):
        some, weight = some[weight != 0], weight[weight != 0]
        of, at = np.unique(scores.of[some], return_inverse=True)
        table = np.zeros((len(of), CODES))
        np.add.at(table, at, weight[:, None] * scores.table[some])
        parts.append(replace(part, shift_of=of, shift=table.astype(np.float32)))
    return replace(chain, parts=tuple(parts))


def _scores(given: Context) -> _Scores:
    """Of an ordered feature its ranks, of any other each code that many rows have; and whether there is a value."""
    import numpy as np

    of, table = [], []
    for j in range(given.codes.shape[1]):
        count = np.bincount(given.codes[:, j], minlength=CODES).astype(np.float64)
        blank = int(given.blank[j])
        made = []
        if given.nominal[j]:
            made += [np.arange(CODES) == c for c in np.argsort(-count, kind="stable")[:NAMED] if count[c] >= EACH]
        elif count[:blank].sum() >= EACH:
            made.append(_ranks(count, blank))
            made += [np.arange(CODES) >= blank] if count[blank:].sum() >= EACH else []
        for one in made:
            ranked = one.dtype == np.float64
            scaled = one if ranked else standardised(one.astype(np.float64), count)
            if scaled.any():
                of.append(j)
                table.append(scaled)
    return _Scores(np.array(of, dtype=np.int64), np.array(table).reshape(-1, CODES))


def _ranks(count: Array, blank: int) -> Array:
    """Middle ranks of codes, with mean 0 and variance 1 over the rows that have a value; 0 for the others."""
    import numpy as np

    some = count[:blank]
    found = np.zeros(len(count))
    found[:blank] = standardised(np.cumsum(some) - some / 2, some)
    return found


def _places(field: Field, cells: Array) -> Array:
    """Middle ranks of a numeric field's cells; nothing but 0 of any other."""
    import numpy as np

    count = np.bincount(cells, minlength=field.cells).astype(np.float64)
    some = field.codec.cells.cells
    if not field.numeric or some < 2 or count[:some].sum() < LEAST:
        return np.zeros(field.cells)
    return _ranks(count, some)
