"""Owned rows of which exact shares have given values.

Rows are drawn with factors that make about so many of them have each value (:mod:`.tilting`): a few draws of some
owners find the factors. What is missing then is made up owner by owner: all rows of one are drawn again, and taken if
with them the shares come nearer, until they are exact. So no value is put where it was not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.exact.rejection import values_text
from synthkit.generators.family.asking import put_asked
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.entities import Wanted, rows_of
from synthkit.generators.family.leaning import tilting
from synthkit.generators.family.model import Family, Member, Plan
from synthkit.generators.family.tilting import Tilt
from synthkit.generators.functions import Quota, Share

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TRIAL_ROWS = 12_000  # of the owners with which factors are found
FIRST = 2_000  # owners whose rows are counted, for a start
TRIALS = 25
CLOSE = 1.0  # standard errors of a share: nearer than that it cannot be told apart
ROUNDS = 400  # in which owners' rows are drawn again
AT_ONCE = 64  # owners, at least
PAIRED = 256  # owners of which every two are tried together
SIDEWAYS = 0.3  # chance that an owner's new rows are taken where the shares are as far off with them


@dataclass
class Shares:
    """What is asked of an owned table's rows, and how much of it is drawn.

    Args:
        given: rows of each share so far.
    """

    member: Member
    shares: tuple[Share, ...]
    tilt: Tilt | None = None
    given: list[int] = field(default_factory=list)

    def next(self, rows: int) -> list[int]:
        """Rows of each share among the next so many: as near to the shares as all of them can come so far."""
        given = self.given or [0] * len(self.shares)
        total = sum(given) + rows
        exact = [s.part * total for s in self.shares]
        found = [max(g, int(e + 1e-9)) for g, e in zip(given, exact, strict=True)]
        while sum(found) != total:
            step = 1 if sum(found) < total else -1
            movable = [i for i in range(len(found)) if step > 0 or found[i] > given[i]]
            best = max(movable, key=lambda i: (step * (exact[i] - found[i]), -i))
            found[best] += step
        self.given = found
        return [n - g for n, g in zip(found, given, strict=True)]


def rows_with(
    member: Member,
    owner: int,
    plan: Plan,
    known: Mapping[str, Drawn],
    rng: np.random.Generator,
    wanted: Wanted,
    asked: Shares,
    family: Family,
) -> Drawn:
    """Rows of an owned table with the values that are asked for, in exact shares.

    Raises:
        BuildError: a value cannot be asked for, or is not drawn so often however often owners' rows are drawn.
    """
    import numpy as np

    def draw(some: Wanted) -> tuple[Drawn, Array]:
        return rows_of(member, owner, plan, known, rng, some, family)

    if asked.tilt is None:
        asked.tilt = tilting(member, plan, asked.shares)
        _find(asked.tilt, draw, wanted, rng)
    drawn, count = draw(replace(wanted, tilt=asked.tilt))
    rows = asked.next(len(drawn))
    goal = np.bincount(asked.tilt.of, rows, minlength=len(asked.tilt.labels)).astype(np.int64)
    labels = _exact(member, asked, draw, replace(wanted, tilt=asked.tilt), drawn, count, goal, rng)
    drawn.asked = _values(asked, labels, rows, rng)
    put_asked(member, drawn)
    return drawn


def _find(tilt: Tilt, draw: Any, wanted: Wanted, rng: np.random.Generator) -> None:
    """Find the factors with the rows of some owners."""
    import numpy as np

    order = rng.permutation(len(wanted.who))
    most = FIRST
    while True:
        some = order[:most]
        counts = None if wanted.counts is None else wanted.counts[some]
        _, count = draw(replace(wanted, who=wanted.who[some], counts=counts))
        if most >= len(order) or count.sum() >= TRIAL_ROWS / 4:
            break
        most *= 8
    upto = int(np.searchsorted(np.cumsum(count), TRIAL_ROWS)) + 1
    some, count = some[:upto], count[:upto]
    some, count = some[count > 0], count[count > 0]
    if not len(some):
        return
    trial = Wanted(wanted.who[some], count.astype(np.float64), tilt=tilt)
    best, found = np.inf, tilt.factors
    for _ in range(TRIALS):
        labels = tilt.labelled(draw(trial)[0].cells)
        seen = np.bincount(labels[labels >= 0], minlength=len(tilt.parts)) / max(1, len(labels))
        off = np.abs(seen - tilt.parts) / np.sqrt(tilt.parts * (1 - tilt.parts) / max(1, len(labels)) + 1e-12)
        if off.max() < best:
            best, found = float(off.max()), [f.copy() for f in tilt.factors]
        if best <= CLOSE:
            break
        tilt.learn(labels)
    tilt.factors = found


def _exact(
    member: Member,
    asked: Shares,
    draw: Any,
    wanted: Wanted,
    drawn: Drawn,
    count: Array,
    goal: Array,
    rng: np.random.Generator,
) -> Array:
    """Draw owners' rows again until so many rows have each label; the labels of all rows."""
    import numpy as np

    assert asked.tilt is not None
    tilt, size = asked.tilt, len(goal) + 1  # the first is what is not asked for
    labels = tilt.labelled(drawn.cells) + 1
    starts = np.cumsum(count) - count
    entity = np.repeat(np.arange(len(count)), count)
    off = np.bincount(labels, minlength=size) - np.append(0, goal)
    again = 0
    for turn in range(ROUNDS):
        wrong = int(np.abs(off).sum())
        if not wrong:
            return labels - 1
        # Owners with too much of something; now and then any, as what these give away others must take.
        pool = np.unique(entity[off[labels] > 0]) if turn % 3 else np.flatnonzero(count)
        some = rng.choice(pool, min(len(pool), max(AT_ONCE, wrong)), replace=False)
        once = dict(wanted.taken)
        for key, link in enumerate(member.links):
            if link.once and key in drawn.named:
                once[key] = np.append(once.get(key, np.zeros(0, np.int64)), drawn.named[key])
        other, _ = draw(replace(wanted, who=wanted.who[some], counts=count[some].astype(np.float64), taken=once))
        again += len(some)
        fresh = tilt.labelled(other.cells) + 1
        of = np.repeat(np.arange(len(some)), count[some])
        old = np.repeat(starts[some] - np.cumsum(count[some]) + count[some], count[some]) + np.arange(len(fresh))
        change = np.zeros((len(some), size), dtype=np.int64)
        np.add.at(change, (of, fresh), 1)
        np.subtract.at(change, (of, labels[old]), 1)
        chosen = _nearer(off, change, rng)
        off += change[chosen].sum(axis=0)
        new = np.flatnonzero(np.isin(of, chosen))
        drawn.put(old[new], other, new)
        drawn.put_plans(some[chosen], other, np.array(chosen, dtype=np.int64))
        labels[old[new]] = fresh[new]
    raise _unmet(member, asked, off, goal, again)


def _nearer(off: Array, change: Array, rng: np.random.Generator) -> list[int]:
    """Which changes are made: each that brings what is off nearer to nothing, else two that do so together.

    Args:
        off: rows too many of each label.
        change: of each owner, shape (owners, labels).
    """
    import numpy as np

    left, chosen = off.copy(), []
    now = first = int(np.abs(off).sum())
    moving = np.flatnonzero(change.any(axis=1))
    for i in moving.tolist():
        then = int(np.abs(left + change[i]).sum())
        if then < now or (then == now and rng.random() < SIDEWAYS):
            left, now = left + change[i], then
            chosen.append(i)
    if now < first:
        return chosen
    some = moving[:PAIRED]
    both = np.abs(off + change[some][:, None] + change[some][None, :]).sum(axis=2)
    both[np.arange(len(some)), np.arange(len(some))] = first
    if not len(some) or both.min() >= first:
        return chosen
    one, other = divmod(int(both.argmin()), len(some))
    return [int(some[one]), int(some[other])]


def _unmet(member: Member, asked: Shares, off: Array, goal: Array, again: int) -> BuildError:
    """The label of which most is missing, or, where none is, what was drawn although nobody asks for it."""
    assert asked.tilt is not None
    worst = int(off[1:].argmin()) if off[1:].min() < 0 else 0
    first = next(s for s, label in zip(asked.shares, asked.tilt.of.tolist(), strict=True) if label == worst)
    have, wanted = int(goal[worst] + off[1:][worst]), int(goal[worst])
    told = values_text(Quota(first.values, wanted))
    return BuildError(
        f"conditions on {member.name!r}: {have:,} of {wanted:,} rows with {told} were drawn, though the rows of "
        f"{again:,} owners were drawn again",
        hint="ask for a smaller share, or of the table that these rows belong to, too",
    )


def _values(
    asked: Shares, labels: Array, rows: Sequence[int], rng: np.random.Generator
) -> tuple[tuple[Array, Quota], ...]:
    """Which rows have which values: those whose cells are the same are dealt out."""
    import numpy as np

    assert asked.tilt is not None
    found = []
    for label in range(len(asked.tilt.labels)):
        at = rng.permutation(np.flatnonzero(labels == label))
        for i in np.flatnonzero(asked.tilt.of == label).tolist():
            mine, at = np.sort(at[: rows[i]]), at[rows[i] :]
            found.append((mine, Quota(asked.shares[i].values, rows[i])))
    return tuple(found)
