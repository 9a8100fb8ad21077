"""Conditions met by rejection: draw rows, keep those that a quota still wants, overwrite nothing.

Each kept row was drawn with its quota's values, so the other columns have the distribution that the model gives them
for that class, whatever the model is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.values import array_of
from synthkit.errors import BuildError
from synthkit.generators.base import Progress, Quota

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BLOCK = 50_000  # rows drawn, held per quota, and given out at once: bounds the memory
WIDEST_SEARCH = 400  # rows drawn per row asked for before a condition is given up
LEAST_SEARCH = 500_000  # rows drawn in any case


@dataclass(frozen=True)
class Drawn:
    """The rows of one draw; for each quota how many draws could have served it; how many draws there were in all."""

    rows: pa.RecordBatch
    chances: Sequence[int]
    draws: int


class Supply(Protocol):
    """Where rows come from until every quota is full."""

    def draw(self, needs: Sequence[float], most: int) -> Drawn:
        """Draw once, at most ``most`` rows; ``needs`` is how many draws each quota seems to need still."""

    def unmet(self, quota: Quota, have: int, draws: int) -> BuildError:
        """What to say when a quota is not full after so many draws."""


def sample_quotas(
    draw: Callable[[int], pa.RecordBatch],
    quotas: Sequence[Quota],
    rows: int,
    *,
    name: str,
    seed: int,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """Exactly the rows of each quota out of rows drawn without conditions, in an order that the seed decides.

    Args:
        draw: the next so many rows of the model.
        rows: how many the quotas ask for in all.
        name: of the generator, for the message.

    Raises:
        BuildError: a quota is not full after 400 draws per row (500,000 at least).
    """
    yield from fill_quotas(_Any(draw, name), quotas, rows, seed=seed, progress=progress)


def fill_quotas(
    supply: Supply, quotas: Sequence[Quota], rows: int, *, seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Exactly the rows of each quota out of what ``supply`` draws, in an order that the seed decides.

    The order is random because rows of a rare class are found last, and a table sorted by class would mislead whoever
    reads or splits it from the top.

    Raises:
        BuildError: ``supply.unmet``, when a quota is not full after 400 draws per row (500,000 at least).
    """
    import numpy as np
    import pyarrow as pa

    order = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(quotas)), [q.rows for q in quotas]))
    stock = _Stock(supply, quotas, rows)
    for start in range(0, rows, BLOCK):
        block = order[start : start + BLOCK]
        wanted = np.bincount(block, minlength=len(quotas)).tolist()
        while any(stock.missing(wanted)):
            stock.draw(wanted)
            progress(start + len(block) - sum(stock.missing(wanted)), rows, "rows")
        kept = pa.Table.from_batches([b for i, count in enumerate(wanted) for b in stock.take(i, count)])
        back = np.empty(len(block), dtype=np.int64)
        back[np.argsort(block, kind="stable")] = np.arange(len(block))
        yield kept.take(back).combine_chunks().to_batches()[0]


class PerQuota:
    """Draws each quota by itself: ``source(i, rows)`` gives so many rows of a distribution made for quota ``i``.

    Args:
        name: who drew, for the message.
        hint: what to do when a quota cannot be filled.
    """

    def __init__(
        self, source: Callable[[int, int], Iterable[pa.RecordBatch]], name: str, hint: str | None = None
    ) -> None:
        self.source, self.name, self.hint = source, name, hint

    def draw(self, needs: Sequence[float], most: int) -> Drawn:
        import pyarrow as pa

        scale = min(1.0, most / max(1.0, sum(needs)))
        counts = [math.ceil(n * scale) for n in needs]
        batches = [batch for i, count in enumerate(counts) if count for batch in self.source(i, count)]
        whole = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
        return Drawn(whole, counts, whole.num_rows)

    def unmet(self, quota: Quota, have: int, draws: int) -> BuildError:
        return _unmet(self.name, quota, have, draws, self.hint)


class _Any:
    """Draws rows without conditions: each could serve any quota, so the rarest decides how many."""

    def __init__(self, source: Callable[[int], pa.RecordBatch], name: str) -> None:
        self.source, self.name = source, name

    def draw(self, needs: Sequence[float], most: int) -> Drawn:
        batch = self.source(int(min(most, max(1_000, 1.1 * max(needs)))))
        return Drawn(batch, [batch.num_rows] * len(needs), batch.num_rows)

    def unmet(self, quota: Quota, have: int, draws: int) -> BuildError:
        hint = "ask for a smaller share, train longer, or choose a generator that learns this class"
        return _unmet(self.name, quota, have, draws, hint)


def _unmet(name: str, quota: Quota, have: int, draws: int, hint: str | None) -> BuildError:
    message = f"{name} gave {have:,} of {quota.rows:,} rows with {values_text(quota)} in {draws:,} draws"
    return BuildError(message, hint=hint)


class _Stock:
    """Rows drawn for each quota and not given out yet."""

    def __init__(self, supply: Supply, quotas: Sequence[Quota], rows: int) -> None:
        self.supply, self.quotas = supply, quotas
        self.most = max(LEAST_SEARCH, WIDEST_SEARCH * rows)
        self.left = [q.rows for q in quotas]  # rows still to be given out
        self.found = [0] * len(quotas)  # among all rows drawn
        self.chances = [0] * len(quotas)
        self.drawn = 0
        self.held: list[list[pa.RecordBatch]] = [[] for _ in quotas]

    def missing(self, wanted: Sequence[int]) -> list[int]:
        """How many rows each quota lacks for what is wanted of it."""
        return [max(0, n - self._count(i)) for i, n in enumerate(wanted)]

    def draw(self, wanted: Sequence[int]) -> None:
        """Draw once: about as many rows as are missing at the rates seen so far."""
        import numpy as np

        missing = self.missing(wanted)
        if self.drawn >= self.most:
            i = max(range(len(missing)), key=missing.__getitem__)
            have = self.quotas[i].rows - self.left[i] + self._count(i)
            raise self.supply.unmet(self.quotas[i], have, self.drawn)
        rates = [(n + 1) / (chances + 2) for n, chances in zip(self.found, self.chances, strict=True)]
        needs = [n / rate for n, rate in zip(missing, rates, strict=True)]
        drawn = self.supply.draw(needs, min(BLOCK, self.most - self.drawn))
        self.drawn += drawn.draws
        self.chances = [a + b for a, b in zip(self.chances, drawn.chances, strict=True)]
        batch = drawn.rows
        free = np.ones(batch.num_rows, dtype=bool)  # a row serves one quota
        for i, quota in enumerate(self.quotas):
            matches = np.flatnonzero(_matches(batch, quota) & free)
            self.found[i] += len(matches)
            kept = matches[: max(0, min(BLOCK, self.left[i]) - self._count(i))]
            free[kept] = False
            if len(kept):
                self.held[i].append(batch.take(kept))

    def take(self, i: int, count: int) -> Iterator[pa.RecordBatch]:
        """The first ``count`` rows held for a quota."""
        self.left[i] -= count
        while count:
            first = self.held[i].pop(0)
            if first.num_rows > count:
                self.held[i].insert(0, first.slice(count))
                first = first.slice(0, count)
            count -= first.num_rows
            yield first

    def _count(self, i: int) -> int:
        return sum(batch.num_rows for batch in self.held[i])


@contextmanager
def about(quota: Quota) -> Iterator[None]:
    """Say which condition a BuildError raised inside is about."""
    try:
        yield
    except BuildError as error:
        raise BuildError(f"condition {values_text(quota)}: {error.message}", hint=error.hint) from None


def in_batches(
    draw: Callable[[int], pa.RecordBatch], rows: int, most: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """``rows`` rows without conditions, drawn ``most`` at a time."""
    done = 0
    while done < rows:
        batch = draw(min(most, rows - done))
        done += batch.num_rows
        progress(done, rows, "rows")
        yield batch


def values_text(quota: Quota) -> str:
    """What a quota asks for, for messages: ``churned = 'yes', tier = None, count(orders) = 1+``."""
    told = [f"{k} = {v!r}" for k, v in quota.values.items()]
    return ", ".join([*told, *(f"count({table}) = {between}" for table, between in quota.counts.items())])


def _matches(batch: pa.RecordBatch, quota: Quota) -> np.ndarray[Any, Any]:
    """Which rows have the quota's values: booleans, shape (rows,)."""
    import numpy as np
    import pyarrow.compute as pc

    found = np.ones(batch.num_rows, dtype=bool)
    for name, value in quota.values.items():
        column = batch.column(name)
        same = column.is_null() if value is None else pc.equal(column, array_of([value], column.type, name)[0])
        found &= pc.fill_null(same, False).to_numpy(zero_copy_only=False)
    return found
