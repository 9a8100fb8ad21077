"""How many rows belong to a row, where that is asked for: drawn by their learnt chances, of numbers that will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.conditional.columns import Context
from synthkit.generators.family.model import Member, Plan
from synthkit.project.counts import Between

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

END = 1 - 1e-9  # of a cell


def counts_of(member: Member, plan: Plan, context: Context, rng: np.random.Generator) -> Array:
    """How many rows of a table belong to each row, as it was learnt: int64."""
    import numpy as np

    field = plan.chain.fields[0]
    assert plan.usual is not None
    # Plans of tables beside it are not drawn yet: what is usual stands for them.
    usual = np.tile(plan.usual, (len(context.codes), 1))
    cells = plan.chain.parts[0].draw(np.concatenate([context.codes, usual], axis=1), rng)
    found = _whole(field.numbers(cells, rng.random(len(cells))))
    most = member.links[plan.key].most
    return np.minimum(found, most) if most else found


def count_between(member: Member, plan: Plan, context: Context, rng: np.random.Generator, between: Between) -> Array:
    """The same of the numbers that are asked for alone: int64.

    Raises:
        BuildError: no row that was learnt from has so many.
    """
    import numpy as np

    field = plan.chain.fields[0]
    fits, most = possible(member, plan, between)
    more = np.where(fits, 0.0, -np.inf)
    chances = plan.chain.parts[0].log_probs(context.codes, field.cells)
    unknown = ~np.isfinite(chances[:, fits]).any(axis=1)
    chances[unknown] = 0.0  # none of these has a chance where it is: any of them will do
    total = chances + more
    cells = (total + rng.gumbel(size=total.shape)).argmax(axis=1)
    return np.clip(_whole(field.numbers(cells, rng.random(len(cells)))), between.least, most)


def possible(member: Member, plan: Plan, between: Between) -> tuple[Array, int]:
    """Which cells of a number of rows hold one that will do, and the most rows that will.

    Raises:
        BuildError: none does.
    """
    import numpy as np

    link, field = member.links[plan.key], plan.chain.fields[0]
    every = np.arange(field.cells)
    low, high = (_whole(field.numbers(every, np.full(len(every), at))) for at in (0.0, END))
    most = min((m for m in (between.most, link.most or None) if m is not None), default=int(high.max(initial=0)))
    fits = (high >= between.least) & (low <= most)
    if not fits.any() or most < between.least:
        raise BuildError(
            f"no row of {link.references!r} is drawn with {between} rows of {member.name!r}: numbers that few of them "
            "have are not learnt",
            hint="ask for a number of rows that more of them have",
        )
    return fits, most


def _whole(numbers: Array) -> Array:
    import numpy as np

    return np.asarray(np.maximum(np.rint(np.nan_to_num(numbers)), 0).astype(np.int64))
