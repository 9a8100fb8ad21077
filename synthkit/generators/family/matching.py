"""Rows of other tables that a table's rows name: looked up while these are drawn, or when all are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.identity import about, seen, weights_of
from synthkit.generators.family.looking import Deck
from synthkit.generators.family.model import Family, Member

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Matcher:
    """Looks up rows of other tables while a table's rows are drawn.

    Args:
        later: fields that stand before those of rows looked up.
        who: the owner's row of each entity.
        taken: of a key whose rows are named once: those that are named already.
    """

    def __init__(
        self,
        member: Member,
        later: int,
        known: Mapping[str, Drawn],
        who: Array,
        count: Array,
        rng: np.random.Generator,
        taken: Mapping[int, Array],
        family: Family,
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
            assert member.rows is not None
            parts = [(member.rows.layout.fields[i], part) for i, part in self.at[key] if about(part)]
            self.decks[key] = Deck(
                tuple(f for f, _ in parts),
                seen(member, key, parts, family, known),
                loads * (1.0 if link.once else fitting),
                there.owner if link.within else None,
                link.once,
                weights_of([part for _, part in parts]),
            )
            if link.once and key in taken:
                named = taken[key]
                self.decks[key].used[named[named >= 0]] = 1
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
        columns = [i for i, part in at if about(part)]
        before = self.parts[key]
        size = len(entities)
        step = len(before)
        taken = [b[:size] for b in before] if link.apart else []
        taken += [self.parts[other][step][:size] for other in link.unlike]
        who = self.who[entities]
        rows = np.full(size, -1)
        rows[wanted] = deck.find(
            cells[wanted][:, columns],
            who[wanted] if link.within else None,
            np.stack([t[wanted] for t in taken], axis=1) if taken else np.zeros((int(wanted.sum()), 0), np.int64),
            self.rng,
        )
        there = deck.cells[np.maximum(rows, 0)] if len(deck.cells) else np.zeros((size, len(columns)), np.int64)
        for n, i in enumerate(columns):
            found = there[:, n]
            cells[:, i] = np.where(rows >= 0, np.where(found >= 0, found, cells[:, i]), 0)
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


def find_cut(
    member: Member,
    key: int,
    drawn: Drawn,
    family: Family,
    known: Mapping[str, Drawn],
    rng: np.random.Generator,
    taken: Array | None = None,
) -> Array:
    """The row that each row names, found when all rows are there, by what it was to be like.

    Args:
        taken: of a key whose rows are named once: those that are named already.
    """
    import numpy as np

    link = member.links[key]
    there = known[link.references]
    parts = [part for k, part in member.looked if k == key]
    fields = _looked_fields(member)
    mine = [fields[n] for n, (k, _) in enumerate(member.looked) if k == key]
    wished, wanted = drawn.wished[key], np.ones(len(drawn), dtype=bool)
    if -1 in parts:
        at = parts.index(-1)
        wanted = mine[at].numbers(wished[:, at], np.zeros(len(wished))) > 0.5
    columns = [n for n, part in enumerate(parts) if about(part)]
    loads = there.loads[member.name, key]
    fitting = float(wanted.sum()) / max(1.0, float(loads.sum()))
    cells = seen(member, key, [(mine[n], parts[n]) for n in columns], family, known)
    weights = weights_of([parts[n] for n in columns])
    loads = loads * (1.0 if link.once else fitting)
    deck = Deck(tuple(mine[n] for n in columns), cells, loads, None, link.once, weights)
    if link.once and taken is not None:
        deck.used[taken[taken >= 0]] = 1
    found = np.full(len(drawn), -1)
    found[wanted] = deck.find(wished[wanted][:, columns], None, np.zeros((int(wanted.sum()), 0), np.int64), rng)
    return found


def _looked_fields(member: Member) -> list[Field]:
    """The fields that are about rows which keys name, in the order of ``Member.looked``."""
    if member.rows is not None:
        return [member.rows.layout.fields[i] for i, j in enumerate(member.row_columns) if j == -2]
    assert member.own is not None
    return list(member.own.fields[len(member.fields) :])
