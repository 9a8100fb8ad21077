"""The rows of drawn entities: their plans first, then row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Context
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.leaning import constants_in, in_plan, in_rows
from synthkit.generators.family.matching import Matcher
from synthkit.generators.family.model import Family, Member, Plan
from synthkit.generators.family.owned import count_between
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.family.rows import draw_rows
from synthkit.generators.family.shares import whole_shares
from synthkit.generators.family.tilting import Tilt
from synthkit.generators.family.times import climbed_of, spanned_of, times_of, within_record
from synthkit.generators.family.walk import Entities, followed
from synthkit.project.counts import ANY, Between

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


BESIDE = 48  # features of a plan that plans of other tables are learnt from


@dataclass(frozen=True)
class Wanted:
    """Whose rows are drawn, and what is asked of them.

    Args:
        who: the owner's rows, by number; -1: of none.
        counts: rows of each; NaN: as the plan has it.
        owned: how many rows each row of the owner has.
        tilt: how much likelier some values are made.
        taken: of a key whose rows are named once: those that are named already.
    """

    who: Array
    counts: Array | None = None
    owned: Between = ANY
    tilt: Tilt | None = None
    taken: Mapping[int, Array] = field(default_factory=dict)


def everybody(member: Member, owner: int, plan: Plan, known: Mapping[str, Drawn], rng: np.random.Generator) -> Wanted:
    """All rows of the owner in their order; then rows that belong to none."""
    import numpy as np

    parent = known[member.links[owner].references]
    orphans = int(rng.poisson(plan.orphans * len(parent))) if plan.orphans else 0
    who = np.append(np.arange(len(parent)), np.full(orphans, -1))
    given = parent.counts.get(member.name)
    counts = np.append(given.astype(np.float64), np.ones(orphans)) if given is not None else None
    return Wanted(who, counts)


def rows_of(
    member: Member,
    owner: int,
    plan: Plan,
    known: Mapping[str, Drawn],
    rng: np.random.Generator,
    wanted: Wanted,
    family: Family,
) -> tuple[Drawn, Array]:
    """Rows for each of the owner's that is wanted, in that order, and how many each has."""
    import numpy as np

    model, link, who = member.rows, member.links[owner], wanted.who
    parent = known[link.references]
    assert model is not None
    context = Context.join(parent.context, *(parent.plans[b] for b in plan.beside)).take(who)
    given = wanted.counts
    if given is None and wanted.owned != ANY:
        given = np.where(who < 0, 1, count_between(member, plan, context, rng, wanted.owned)).astype(np.float64)
    held = given if given is not None else np.where(who < 0, 1.0, np.nan) if (who < 0).any() else None
    lean = None if wanted.tilt is None else in_plan(plan, wanted.tilt)
    cells, places, _ = plan.chain.draw(context, rng, rows=held, lean=lean)
    numbers = _numbers(plan, cells, places)
    if given is not None:
        numbers[:, 0] = np.where(np.isnan(given), numbers[:, 0], given)
    count = np.maximum(np.rint(np.nan_to_num(numbers[:, 0])), 0).astype(np.int64)
    if link.most:
        count = np.minimum(count, link.most)
    order = np.argsort(-count, kind="stable")
    back = np.argsort(order, kind="stable")
    mine = Context.of(plan.chain.fields, cells)
    static = Context.join(context, mine).codes
    first, last = times_of(member, plan, numbers, model.least_gap)
    cells_followed = followed(model.layout, cells, plan.modes)
    dealt = whole_shares(model.layout, numbers, count)
    entities = Entities(static[order], count[order], first[order], last[order], dealt[order], cells_followed[order])
    matcher = Matcher(member, model.layout.later, known, who[order], entities.rows, rng, wanted.taken, family)
    leant = None
    if wanted.tilt is not None:
        leant = in_rows(member, wanted.tilt, constants_in(plan, wanted.tilt, cells)[order])
    rows, row_places = draw_rows(model, entities, rng, matcher.find, leant)
    within_record(model, rows, entities.rows)
    begins = np.cumsum(count) - count
    take = np.repeat(rows.starts[back] - begins, count) + np.arange(count.sum())
    entity = np.repeat(np.arange(len(who)), count)
    found = np.zeros((len(take), len(member.fields)), dtype=np.int64)
    where = np.zeros((len(take), len(member.fields)))
    for i, j in enumerate(member.row_columns):
        if j >= 0:
            found[:, j], where[:, j] = rows.cells[take, i], row_places[take, i]
    for j, at in plan.constants:
        found[:, j], where[:, j] = cells[entity, at], places[entity, at]
    named = {**{i: at[take] for i, at in matcher.found(rows.starts, len(take)).items()}, owner: who[entity]}
    for copy in member.copies:
        there = known[member.links[copy.key].references].cells[:, copy.other]
        at = named[copy.key]
        found[:, copy.column] = np.where(at >= 0, copy.cells[there[np.maximum(at, 0)]], 0) if len(there) else 0
    positions = climbed_of(member, plan, rows, take, begins[entity], cells[entity], places[entity])
    positions |= spanned_of(member, plan, positions, begins[entity], numbers[entity])
    for j, values in positions.items():
        found[:, j] = member.fields[j].place(values)
    apart = put_near(member, found, where, positions, named, known, rng)
    looked = [i for i, j in enumerate(member.row_columns) if j == -2]
    looked_cells = rows.cells[take][:, looked]
    extra = Context.of([model.layout.fields[i] for i in looked], looked_cells)
    above = parent.context.take(who[entity])
    wished = {
        key: looked_cells[:, [n for n, (k, _) in enumerate(member.looked) if k == key]]
        for key, other in enumerate(member.links)
        if other.kind in ("cut", "self")
    }
    levels = {
        key: model.layout.fields[i].numbers(rows.cells[take, i], row_places[take, i])
        for i, (key, part) in zip(looked, member.looked, strict=True)
        if part == -2
    }
    whole = Context.join(Context.of(member.fields, found), extra, above)
    drawn = Drawn(member.fields, found, where, positions, whole, named, {}, who[entity], {}, levels, wished=wished)
    drawn.plan, drawn.apart = mine.first(BESIDE), apart
    return drawn, count


def _numbers(plan: Plan, cells: Array, places: Array) -> Array:
    """The plan's numbers, NaN where a field is a column's cell."""
    import numpy as np

    found = np.full(cells.shape, np.nan)
    for j, part in enumerate(plan.chain.fields):
        if not part.name.startswith(("column ", "mode ")):
            found[:, j] = part.numbers(cells[:, j], places[:, j])
    return found


def put_near(
    member: Member,
    cells: Array,
    places: Array,
    positions: dict[int, Array],
    named: Mapping[int, Array],
    known: Mapping[str, Drawn],
    rng: np.random.Generator,
) -> dict[int, Array]:
    """Turn distances and ratios, which ``cells`` and ``places`` hold, into positions of the columns themselves; the
    distances and ratios by column."""
    import numpy as np

    found: dict[int, Array] = {}
    for anchor in member.anchors:
        distance = found[anchor.column] = anchor.field.numbers(cells[:, anchor.column], places[:, anchor.column])
        if anchor.key < 0:
            part = member.fields[anchor.other]
            own = positions.get(anchor.other)
            base = (
                numbers_of(part, own)
                if own is not None
                else part.numbers(cells[:, anchor.other], places[:, anchor.other])
            )
        else:
            there, rows = known[member.links[anchor.key].references], named[anchor.key]
            base = np.where(rows >= 0, there.numbers(anchor.other)[np.maximum(rows, 0)], np.nan)
            base = np.where(base == 0, np.nan, base) if anchor.digits is not None and not anchor.nothing else base
        field = member.fields[anchor.column]
        lost = np.isnan(base) if anchor.alone is not None else np.isnan(base) & ~np.isnan(distance)
        at = anchor.positions(field, base, distance)
        size = max(1, field.codec.cells.cells)
        chances = np.ones(size) if anchor.alone is None else anchor.alone  # what it is near to is not there
        free = rng.choice(len(chances), int(lost.sum()), p=chances / chances.sum())
        at[lost] = field.values(free, rng.random(len(free)))
        positions[anchor.column] = at
        cells[:, anchor.column] = field.place(at)
        places[:, anchor.column] = 0.0
    return found
