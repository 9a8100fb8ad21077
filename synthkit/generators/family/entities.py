"""The rows of drawn entities: their plans first, then row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Context, Field
from synthkit.generators.family.looking import Deck
from synthkit.generators.family.model import Member, Plan
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.family.rows import Sorted, draw_rows
from synthkit.generators.family.walk import Entities, followed
from synthkit.generators.functions import Quota

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


@dataclass
class Drawn:
    """Rows of one table.

    Args:
        positions: of columns that never fall: the cells would be too coarse.
        context: their features and those of their owners.
        named: the row that each key names, by number; -1 for none.
        keys: the columns of keys.
        owner: the row of the owner; -1 for none.
        asked: rows that must have given values, and which.
        copied: columns that are the owner's.
        levels: of a key to its own table: how far below the top each row is to stand.
        wished: of a key that is found when all is drawn: the cells of the row that it is to name.
        loads: how many rows are to name each row, by (child, key).
    """

    fields: tuple[Field, ...]
    cells: Array
    places: Array
    positions: dict[int, Array]
    context: Context
    named: dict[int, Array]
    keys: dict[str, pa.Array]
    owner: Array
    copied: dict[str, pa.Array] = field(default_factory=dict)
    levels: dict[int, Array] = field(default_factory=dict)
    asked: tuple[tuple[Array, Quota], ...] = ()
    wished: dict[int, Array] = field(default_factory=dict)
    loads: dict[tuple[str, int], Array] = field(default_factory=dict)

    def numbers(self, column: int) -> Array:
        """The numbers of a column, NaN where missing."""
        part = self.fields[column]
        if column in self.positions:
            return numbers_of(part, self.positions[column])
        return part.numbers(self.cells[:, column], self.places[:, column])

    def __len__(self) -> int:
        return len(self.cells)


def rows_of(member: Member, owner: int, plan: Plan, known: Mapping[str, Drawn], rng: np.random.Generator) -> Drawn:
    """Rows for each row of the owner, in its order; then those that belong to none."""
    import numpy as np

    model, link = member.rows, member.links[owner]
    parent = known[link.references]
    assert model is not None
    orphans = int(rng.poisson(plan.orphans * len(parent))) if plan.orphans else 0
    who = np.append(np.arange(len(parent)), np.full(orphans, -1))
    context = parent.context.take(who)
    cells, places, _ = plan.chain.draw(context, rng, rows=np.where(who < 0, 1.0, np.nan) if orphans else None)
    numbers = _numbers(plan, cells, places)
    count = np.maximum(np.rint(np.nan_to_num(numbers[:, 0])), 0).astype(np.int64)
    if link.most:
        count = np.minimum(count, link.most)
    order = np.argsort(-count, kind="stable")
    back = np.argsort(order, kind="stable")
    static = Context.join(context, Context.of(plan.chain.fields, cells)).codes
    first, last = _times(member, plan, numbers, model.least_gap)
    cells_followed = followed(model.layout, cells, plan.modes)
    entities = Entities(static[order], count[order], first[order], last[order], numbers[order], cells_followed[order])
    matcher = Matcher(member, model.layout.later, known, who[order], entities.rows, rng)
    rows, row_places = draw_rows(model, entities, rng, matcher.find)
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
    for copy in member.copies:
        found[:, copy.column] = copy.cells[parent.cells[who[entity], copy.other]]
    positions = _climbed(member, plan, rows, take, begins[entity], cells[entity], places[entity])
    for j, values in positions.items():
        found[:, j] = member.fields[j].place(values)
    named = {**{i: at[take] for i, at in matcher.found(rows.starts, len(take)).items()}, owner: who[entity]}
    _anchored(member, found, where, positions, named, known, rng)
    looked = [i for i, j in enumerate(member.row_columns) if j == -2]
    extra = Context.of([model.layout.fields[i] for i in looked], rows.cells[take][:, looked])
    above = parent.context.take(who[entity])
    wished = {
        key: rows.cells[take][:, [i for i, (k, _) in zip(looked, member.looked, strict=True) if k == key]]
        for key, cut in enumerate(member.links)
        if cut.kind == "cut"
    }
    levels = {
        key: model.layout.fields[i].numbers(rows.cells[take, i], row_places[take, i])
        for i, (key, part) in zip(looked, member.looked, strict=True)
        if part == -2
    }
    whole = Context.join(Context.of(member.fields, found), extra, above)
    return Drawn(member.fields, found, where, positions, whole, named, {}, who[entity], {}, levels, wished=wished)


def _numbers(plan: Plan, cells: Array, places: Array) -> Array:
    """The plan's numbers, NaN where a field is a column's cell."""
    import numpy as np

    found = np.full(cells.shape, np.nan)
    for j, part in enumerate(plan.chain.fields):
        if not part.name.startswith(("column ", "mode ")):
            found[:, j] = part.numbers(cells[:, j], places[:, j])
    return found


def _times(member: Member, plan: Plan, numbers: Array, least: float) -> tuple[Array, Array]:
    """The first and the last time of each entity, within the times that were seen.

    Args:
        least: between two rows' times.
    """
    import numpy as np

    if plan.first < 0:
        return np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    grid = next(member.fields[c.column].codec.grid for c in member.climbers if c.time)
    assert grid is not None
    rows = np.nan_to_num(numbers[:, 0])
    first = np.minimum(numbers[:, plan.first], grid.last - np.maximum(rows - 1, 0) * least)
    first = np.maximum(first, grid.first)
    if plan.last >= 0:
        last = np.where(np.isnan(numbers[:, plan.last]), first, numbers[:, plan.last])
        return first, np.clip(last, first, np.maximum(grid.last, first))
    steps = np.nan_to_num(numbers[:, plan.visits if plan.visits >= 0 else 0]) - 1
    span = np.maximum(steps, 0) * np.maximum(np.nan_to_num(numbers[:, plan.pace]), 0)
    return first, np.minimum(first + (np.rint(span) if grid.rounded else span), grid.last)


def _climbed(
    member: Member, plan: Plan, rows: Sorted, take: Array, begins: Array, cells: Array, places: Array
) -> dict[int, Array]:
    """The positions of columns that never fall.

    Args:
        begins: where each row's entity begins.
        cells, places: the plan of each row's entity.
    """
    import numpy as np

    starts = dict(plan.starts)
    found = {}
    for climber in member.climbers:
        if climber.time:
            found[climber.column] = rows.time[take]
            continue
        at = starts[climber.column]
        start = member.fields[climber.column].values(cells[:, at], places[:, at])
        grown = np.nan_to_num(rows.values[take, climber.field])
        grown[begins == np.arange(len(take))] = 0
        total = np.cumsum(grown)
        found[climber.column] = start + total - (total[begins] if len(take) else 0)
    return found


def _anchored(
    member: Member,
    cells: Array,
    places: Array,
    positions: dict[int, Array],
    named: Mapping[int, Array],
    known: Mapping[str, Drawn],
    rng: np.random.Generator,
) -> None:
    """Turn distances, which ``cells`` and ``places`` hold, into positions of the columns themselves."""
    import numpy as np

    for anchor in member.anchors:
        distance = anchor.field.numbers(cells[:, anchor.column], places[:, anchor.column])
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
        field, grid = member.fields[anchor.column], member.fields[anchor.column].codec.grid
        assert grid is not None
        number = np.clip(np.round(base + distance, 9), grid.low, grid.high)
        lost = np.isnan(base) & ~np.isnan(distance)
        raw = np.where(np.isnan(number), 0.0, number)
        at = grid.positions(np.rint(raw).astype(np.int64) if grid.whole else raw)
        at = np.where(np.isnan(number), np.nan, at)
        free = rng.integers(
            0, max(1, field.codec.cells.cells), int(lost.sum())
        )  # the row that it is near to is not there
        at[lost] = field.values(free, rng.random(len(free)))
        positions[anchor.column] = at
        cells[:, anchor.column] = field.place(at)
        places[:, anchor.column] = 0.0


class Matcher:
    """Looks up rows of other tables while a table's rows are drawn.

    Args:
        later: fields that stand before those of rows looked up.
        who: the owner's row of each entity.
    """

    def __init__(
        self, member: Member, later: int, known: Mapping[str, Drawn], who: Array, count: Array, rng: np.random.Generator
    ) -> None:
        self.member, self.who, self.rng = member, who, rng
        self.parts: dict[int, list[Array]] = {}
        self.decks: dict[int, Deck] = {}
        self.at: dict[int, list[tuple[int, int]]] = {}
        expected = float(count.sum())
        for n, (key, part) in enumerate(member.looked):
            self.at.setdefault(key, []).append((later + n, part))
        for key in self.at:
            link = member.links[key]
            if link.kind != "looked":
                continue
            there = known[link.references]
            loads = there.loads[member.name, key]
            fitting = expected * (1 - link.nulls) / max(1.0, float(loads.sum()))
            columns = [part for _, part in self.at[key] if part >= 0]
            self.decks[key] = Deck(
                tuple(member.rows.layout.fields[i] for i, part in self.at[key] if part >= 0) if member.rows else (),
                there.cells[:, columns],
                loads * (1.0 if link.once else fitting),
                there.owner if link.within else None,
                link.once,
            )
            self.parts[key] = []

    def find(self, key: int, entities: Array, cells: Array) -> None:
        """Find the row that each entity's next row names, and put its cells into ``cells``."""
        import numpy as np

        link, deck, at = self.member.links[key], self.decks[key], self.at[key]
        assert self.member.rows is not None
        wanted = np.ones(len(entities), dtype=bool)
        for i, part in at:
            if part == -1:
                field = self.member.rows.layout.fields[i]
                wanted = field.numbers(cells[:, i], np.zeros(len(cells))) > 0.5
        columns = [i for i, part in at if part >= 0]
        before = self.parts[key]
        size = len(entities)
        taken = np.stack([b[:size] for b in before], axis=1) if link.apart and before else np.zeros((size, 0), np.int64)
        who = self.who[entities]
        rows = np.full(size, -1)
        rows[wanted] = deck.find(
            cells[wanted][:, columns], who[wanted] if link.within else None, taken[wanted], self.rng
        )
        there = deck.cells[np.maximum(rows, 0)] if len(deck.cells) else np.zeros((size, len(columns)), np.int64)
        for n, i in enumerate(columns):
            cells[:, i] = np.where(rows >= 0, there[:, n], 0)
        before.append(rows)

    def found(self, starts: Array, size: int) -> dict[int, Array]:
        """The row that each row names, in the order of the entities as they were drawn."""
        import numpy as np

        every = {}
        for key, steps in self.parts.items():
            rows = np.full(size, -1)
            for step, part in enumerate(steps):
                rows[starts[: len(part)] + step] = part
            every[key] = rows
        return every


def find_cut(member: Member, key: int, drawn: Drawn, there: Drawn, rng: np.random.Generator) -> Array:
    """The row that each row names, found when all rows are there, by what it was to be like."""
    import numpy as np

    link = member.links[key]
    parts = [part for k, part in member.looked if k == key]
    fields = _looked_fields(member)
    mine = [fields[n] for n, (k, _) in enumerate(member.looked) if k == key]
    wished, wanted = drawn.wished[key], np.ones(len(drawn), dtype=bool)
    if -1 in parts:
        at = parts.index(-1)
        wanted = mine[at].numbers(wished[:, at], np.zeros(len(wished))) > 0.5
    columns = [n for n, part in enumerate(parts) if part >= 0]
    loads = there.loads[member.name, key]
    fitting = float(wanted.sum()) / max(1.0, float(loads.sum()))
    cells = there.cells[:, [parts[n] for n in columns]]
    deck = Deck(tuple(mine[n] for n in columns), cells, loads * (1.0 if link.once else fitting), None, link.once)
    found = np.full(len(drawn), -1)
    found[wanted] = deck.find(wished[wanted][:, columns], None, np.zeros((int(wanted.sum()), 0), np.int64), rng)
    return found


def _looked_fields(member: Member) -> list[Field]:
    """The fields that are about rows which keys name, in the order of ``Member.looked``."""
    if member.rows is not None:
        return [member.rows.layout.fields[i] for i, j in enumerate(member.row_columns) if j == -2]
    assert member.own is not None
    return list(member.own.fields[len(member.fields) :])
