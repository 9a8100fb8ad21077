"""Rows of a table that belongs to none: by number, with given values, and each with as many others as are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.conditional.columns import Context, Field
from synthkit.generators.exact.rejection import about, values_text
from synthkit.generators.family.asking import positions_of
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.entities import put_near
from synthkit.generators.family.model import Member, Plan
from synthkit.generators.family.owned import counts_of, possible
from synthkit.generators.functions import Quota
from synthkit.project.counts import ANY, Between

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

CHOICES = 8  # rows drawn for one that must have given values,
NEARER = 24  # and where such a value is a date that is drawn by its distance from another
FAR = 10.0  # what a cell between it and the value weighs, in nats
WIDEST_SEARCH = 400  # rows drawn for one that must own so many others, before it is given up
LEAST_SEARCH = 100_000  # rows drawn in any case
AT_ONCE = 50_000


def free_rows(
    member: Member,
    count: int,
    rng: np.random.Generator,
    wanted: Sequence[Quota],
    owned: Mapping[str, tuple[Member, Plan, Between]],
) -> Drawn:
    """Rows of a table without an owner; those of one quota after another.

    Args:
        wanted: what each row must have.
        owned: of each table whose rows belong to these: what is planned of it, and how many each is to have.

    Raises:
        BuildError: a value is not learnt, or too few rows are drawn that are to own so many others.
    """
    import numpy as np

    assert member.own is not None
    cells, places = np.zeros((count, len(member.own.fields)), np.int64), np.zeros((count, len(member.own.fields)))
    asked: list[tuple[Array, Quota]] = []
    given: dict[int, list[tuple[Array, Array]]] = {}
    quotas = tuple({id(q): q for q in wanted}.values()) or (Quota({}, count),)
    limits = _limits(owned, quotas)
    counts = {name: np.zeros(count, dtype=np.int64) for name in limits}
    for quota in quotas:
        at = np.array([i for i, q in enumerate(wanted) if q is quota]) if wanted else np.arange(count)
        here = {
            name: (child, plan, _both(member, quota, name, between)) for name, (child, plan, between) in limits.items()
        }
        cells[at], places[at], exact, numbers = _within(member, quota, here, len(at), rng)
        for j, values in exact.items():
            given.setdefault(j, []).append((at, values))
        for name, values in numbers.items():
            counts[name][at] = values
        if quota.values:
            asked.append((at, quota))
    positions = {j: member.fields[j].values(cells[:, j], places[:, j]) for j in given}
    for j, some in given.items():
        for at, values in some:
            positions[j][at] = values
    own, context = len(member.fields), Context.of(_columns(member), cells)
    levels = {
        key: member.own.fields[own + i].numbers(cells[:, own + i], places[:, own + i])
        for i, (key, part) in enumerate(member.looked)
        if part == -2
    }
    wished = {
        key: cells[:, [own + i for i, (k, _) in enumerate(member.looked) if k == key]]
        for key, link in enumerate(member.links)
        if link.kind in ("cut", "looked", "self")
    }
    return Drawn(
        member.fields,
        cells[:, :own],
        places[:, :own],
        positions,
        context,
        {},
        {},
        np.full(count, -1),
        {},
        levels,
        tuple(asked),
        wished,
        counts=counts,
    )


def _limits(
    owned: Mapping[str, tuple[Member, Plan, Between]], quotas: Sequence[Quota]
) -> dict[str, tuple[Member, Plan, Between]]:
    """The tables of which a number of rows is asked for."""
    named = {name for quota in quotas for name in quota.counts}
    return {name: found for name, found in owned.items() if name in named or found[2] != ANY}


def _both(member: Member, quota: Quota, name: str, between: Between) -> Between:
    found = between & quota.counts.get(name, ANY)
    if found is None:
        raise BuildError(
            f"a row of {member.name!r} cannot have {quota.counts[name]} rows of {name!r} and {between}",
            hint="drop at_least or at_most, or the condition",
        )
    return found


def _within(
    member: Member,
    quota: Quota,
    limits: Mapping[str, tuple[Member, Plan, Between]],
    count: int,
    rng: np.random.Generator,
) -> tuple[Array, Array, dict[int, Array], dict[str, Array]]:
    """Rows with a quota's values, exact positions of columns, and how many others each row owns: those are kept that
    own as many as are asked for."""
    import numpy as np

    if not limits:
        return *_conditioned(member, quota, count, rng), {}
    for child, plan, between in limits.values():
        possible(child, plan, between)
    kept: list[tuple[Array, Array, dict[int, Array], dict[str, Array]]] = []
    have = tries = 0
    while have < count:
        if tries >= max(LEAST_SEARCH, WIDEST_SEARCH * count):
            told = values_text(Quota(quota.values, count, {name: limit[2] for name, limit in limits.items()}))
            raise BuildError(
                f"conditional gave {have:,} of {count:,} rows of {member.name!r} with {told} in {tries:,} draws",
                hint="ask for fewer of them, or for a number of rows that is less rare",
            )
        size = min(AT_ONCE, int(1.1 * (count - have) * (tries + 2) / (have + 1)) + 10)
        cells, places, exact = _conditioned(member, quota, size, rng)
        context, fits, numbers = Context.of(_columns(member), cells), np.ones(size, dtype=bool), {}
        for name, (child, plan, between) in limits.items():
            numbers[name] = counts_of(child, plan, context, rng)
            fits &= (numbers[name] >= between.least) & (between.most is None or numbers[name] <= between.most)
        at = np.flatnonzero(fits)[: count - have]
        some = {j: values[at] for j, values in exact.items()}
        kept.append((cells[at], places[at], some, {name: values[at] for name, values in numbers.items()}))
        have, tries = have + len(at), tries + size
    return (
        np.concatenate([k[0] for k in kept]),
        np.concatenate([k[1] for k in kept]),
        {j: np.concatenate([k[2][j] for k in kept]) for j in kept[0][2]},
        {name: np.concatenate([k[3][name] for k in kept]) for name in limits},
    )


def _columns(member: Member) -> tuple[Field, ...]:
    """The fields of drawn cells: of the table's columns, and of rows that are looked up."""
    assert member.own is not None
    return (*member.fields, *member.own.fields[len(member.fields) :])


def _conditioned(
    member: Member, quota: Quota, count: int, rng: np.random.Generator
) -> tuple[Array, Array, dict[int, Array]]:
    """Rows with given values, and exact positions, those of numbers that are asked for among them: several are drawn
    with them, and one is chosen by its chance of having them, and of those that a date is drawn in by its distance from
    another by how near it is."""
    import numpy as np

    assert member.own is not None
    if not quota.values:
        return _near(member, *member.own.draw(Context.nothing(count), rng)[:2], {}, rng)
    if member.encoder is None:
        raise BuildError(f"{member.name!r} has no column that is learnt, so that none can have a given value")
    names = [f.name for f in member.fields]
    with about(quota):
        wanted = {names.index(n): member.encoder.cell_of(n, v) for n, v in quota.values.items()}
    near: dict[int, int] = {}
    for anchor in (a for a in member.anchors if a.column in wanted):
        cell = wanted.pop(anchor.column)
        if quota.values[names[anchor.column]] is None and anchor.field.codec.missing:
            wanted[anchor.column] = anchor.field.none
        else:
            near[anchor.column] = cell
    times = NEARER if near else CHOICES
    cells, places, weight = member.own.draw(Context.nothing(times * count), rng, wanted)
    asked = positions_of(member, quota.values)
    cells, places, exact = _near(member, cells, places, asked, rng)
    for j, cell in near.items():
        weight -= FAR * np.abs(cells[:, j] - cell)
    chances = np.exp(weight - weight.max()) if not near else np.exp(weight - _best(weight, times))
    chances = chances.reshape(count, times)
    chances /= np.maximum(chances.sum(axis=1, keepdims=True), 1e-300)
    pick = (rng.random(count)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1).clip(0, times - 1)
    rows = np.arange(count) * times + pick
    found = {j: np.full(count, asked[j]) if j in asked else values[rows] for j, values in exact.items()}
    cells = cells[rows]
    for j, cell in near.items():
        cells[:, j] = cell
    return cells, places[rows], found


def _best(weight: Array, times: int) -> Array:
    """The greatest weight of the rows that one is chosen from, for each of them."""
    import numpy as np

    return np.repeat(weight.reshape(-1, times).max(axis=1), times)


def _near(
    member: Member, cells: Array, places: Array, asked: Mapping[int, float], rng: np.random.Generator
) -> tuple[Array, Array, dict[int, Array]]:
    """Dates that were drawn by their distance from others of the row as dates; of those others what is asked for."""
    import numpy as np

    positions = {j: np.full(len(cells), position) for j, position in asked.items()}
    put_near(member, cells, places, positions, {}, {}, rng)
    return cells, places, positions
