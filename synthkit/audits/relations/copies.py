"""Entities whose whole set of rows is that of a real one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.gate import Default, GateParams, Limit, gated, limit_of, skipped, untold
from synthkit.audits.privacy.copies import ADVICE, beyond_chance, rarefied, reach_of
from synthkit.audits.relations.columns import comparable
from synthkit.audits.relations.steps import family_links
from synthkit.audits.relations.views import By, ancestors, entities_on, has_entities, kinds, worse
from synthkit.audits.rows.links import SHOWN_SIDE, Links, World, world_of
from synthkit.digests import mixed
from synthkit.schema import MIN_COUNT

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 50  # entities on a side below which nothing can be told
DEFAULT: Default = {"max": 0.01}


class EntityCopiesParams(GateParams):
    """Parameters of ``entity_copies``, beside the gate's.

    Args:
        max: the largest share of copied entities that passes. Default: 0.01.
    """

    max: float | None = Field(default=None, ge=0, le=1)


@audit(
    "entity_copies",
    EntityCopiesParams,
    version=3,
    family="privacy",
    needs=("train", "holdout"),
    between=SHARE,
    stands_on=("root", "sequence"),
)
def entity_copies(context: AuditContext, params: EntityCopiesParams) -> AuditResult:
    """How many synthetic entities have the whole set of rows of a training entity, beyond chance? Their share

    An entity's record is its own columns with the set of the rows that belong to it, and theirs, all the way down.
    Where several rows of the root are of one ``privacy_unit``, their set is a record, and each of them is one: the
    audit comes to what is worse. Keys and made-up columns are left out, the order of rows does not count. The value is
    (rate in the training entities − rate in the held-out ones) / f, both for equally many entities, as of
    ``exact_match`` (rarefaction); records which five have (a customer without orders) count for nothing, and its
    interval is that audit's. A pass says nothing of near copies: ``entity_membership`` looks for these.
    """
    limit = limit_of(params, 0.0, DEFAULT)
    found = family_links(context)
    if not has_entities(found):
        return skipped("its rows belong to no entity, or to those of another table: the audit stands on the root")
    if context.holdout is None:
        return skipped("there are no held-out rows")
    return worse({by: _judged(found, params, limit, by) for by in kinds(found)})


def _judged(found: Links, params: EntityCopiesParams, limit: Limit, by: By) -> AuditResult:
    import numpy as np

    records = {side: _records(found, side, by) for side in _SIDES}
    few = {side: len(r) for side, r in records.items() if len(r) < FEWEST}
    if few:
        counts = " and ".join(f"{n} {SHOWN_SIDE[side]}" for side, n in few.items())
        return untold(f"{counts} entities, and at least {FEWEST} of each are needed", limit.text)
    ours, train, holdout = (records[s] for s in _SIDES)
    keys = np.unique(np.concatenate([train, holdout, ours]))
    place = {side: np.searchsorted(keys, r) for side, r in records.items()}
    known, held = (np.bincount(place[s], minlength=len(keys)) for s in ("train", "holdout"))
    part = min(1.0, len(holdout) / len(train))
    reach = reach_of(known, held, part)
    details: dict[str, Any] = {"reach": reach, "different records": len(np.unique(np.concatenate([train, holdout])))}
    if limit.value is not None and reach <= limit.value < 1:
        message = "does not apply: entities are alike; even a copy of them all would not count"
        return AuditResult(None, "skipped", limit.text, message=message, details=details)
    at = place["synthetic"]
    estimate = beyond_chance(known[at], held[at], at, len(ours), (len(train), len(holdout)))
    equal = int((known[at] > 0).sum())
    details |= {"equal to a training entity": equal, "equal to a held-out entity": int((held[at] > 0).sum())}
    message = (
        f"{equal:,} of {len(ours):,} synthetic entities equal a training entity in all their rows; "
        f"beyond chance, {estimate.value:.2%} are copies"
    )
    floor = _floor(known, held, part)
    return gated(params, replace(estimate, floor=floor), DEFAULT, message, details=details, advice=ADVICE)


_SIDES: tuple[Side, ...] = ("synthetic", "train", "holdout")


def _floor(known: Array, held: Array, part: float) -> float:
    """The share of held-out entities that equal a training one, as many training ones as there are held out.

    As in the value, a record that so many have is no copy of one of them.
    """
    few = known + held < MIN_COUNT
    return float((held * few * rarefied(known, part)).sum() / max(1, held.sum()))


def _records(found: Links, side: Side, by: By) -> Array:
    """A 64-bit hash of each entity's record on a side."""
    import numpy as np

    world, table = world_of(side), found.family.table
    hashes: Array = found.once(("whole", world), lambda: _whole(found, world, table))
    if by == "unit":
        units = found.units(world, table)
        hashes = mixed(_sums(hashes, units, int(units.max(initial=-1)) + 1))
        return np.asarray(hashes[entities_on(found, side, by)])
    return np.asarray(hashes[entities_on(found, side, by)[_with_rows(found, side)]])


def _with_rows(found: Links, side: Side) -> Array:
    """Which rows of the root have rows on a side: of those without, exact_match of the root's own table tells."""
    import numpy as np

    world, part = world_of(side), found.part(side, found.family.table)
    rows = np.zeros(part.stop, dtype=bool)
    for table in found.family.owned(found.family.table):
        above = found.on(side, table, ancestors(found, world, table))
        rows[above[above >= 0]] = True
    return rows[part]


def _whole(found: Links, world: World, table: str) -> Array:
    """A hash of each row with the set of the rows that belong to it, and so on down."""
    own = _hashed(found, world, table)
    for key in found.family.keys:
        if key.owner and key.references == table and key.table != table:
            below = _whole(found, world, key.table)
            own = mixed(own) + _sums(below, found.named(world, key), len(own))
    return mixed(own)


def _hashed(found: Links, world: World, table: str) -> Array:
    """A hash of each row's own columns: the same for equal values of other SQL types."""
    import duckdb
    import numpy as np
    import pyarrow as pa

    columns = comparable(found, table)
    rows = sum(found.rows(s, table) for s in found.sides(world, table))
    if not columns:
        return np.zeros(rows, dtype=np.uint64)
    read = found.world(world, table, tuple(c.name for c in columns))
    read = read.rename_columns([f"c{i}" for i in range(read.num_columns)]).append_column("r", pa.array(np.arange(rows)))
    wanted = ", ".join(
        f"CAST(CAST(c{i} AS DOUBLE) AS VARCHAR)" if c.numeric else f"CAST(c{i} AS VARCHAR)"
        for i, c in enumerate(columns)
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("rows_read", read)
        found_rows = connection.sql(f"SELECT hash({wanted}) AS h FROM rows_read ORDER BY r").to_arrow_table()
    return np.asarray(found_rows["h"].to_numpy(), dtype=np.uint64)


def _sums(hashes: Array, of: Array, total: int) -> Array:
    """The sum of the rows' hashes for each of ``total`` they belong to: the same in whatever order they come."""
    import numpy as np

    found = np.zeros(total, dtype=np.uint64)
    there = of >= 0
    np.add.at(found, of[there], mixed(hashes[there]))
    return found
