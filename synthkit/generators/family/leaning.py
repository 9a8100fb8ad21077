"""Where factors of values (:mod:`.tilting`) come in: in an entity's plan, and row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.conditional.columns import Lean
from synthkit.generators.family.model import Member, Plan
from synthkit.generators.family.tilting import MOST, InRows, Tilt, tilt_of
from synthkit.generators.functions import Share

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

OF_MODE = 0.5  # of an entity's rows that have its most frequent value, when that is drawn


def tilting(member: Member, plan: Plan, shares: Sequence[Share]) -> Tilt:
    """The factors for shares of an owned table's rows, none yet.

    Raises:
        BuildError: a column's values are not drawn by themselves.
    """
    import numpy as np

    names = {f.name: j for j, f in enumerate(member.fields)}
    asked = [names.get(n, -1) for n in shares[0].values]
    apart = {
        **{c.column: "never falls within the rows of one owner" for c in member.climbers},
        **{j: "is drawn by its distance from the first row" for j, _ in plan.spans},
        **{a.column: "is drawn by its distance from another" for a in member.anchors},
        **{c.column: "is always its owner's" for c in member.copies},
        **{e.column: "is its owner's where both are there" for e in member.echoes},
    }
    for name, j in zip(shares[0].values, asked, strict=True):
        if j < 0 or j in apart:
            why = apart.get(j, "is not learnt")
            raise BuildError(
                f"conditions on {member.name!r}: {name!r} {why}, so no value of it can be asked for",
                hint="ask of the column that it follows, or leave the condition out",
            )
    constant = dict(plan.constants)
    order = sorted((j for j in asked if j in constant), key=lambda j: constant[j])
    order += sorted((j for j in asked if j not in constant), key=member.row_columns.index)
    assert member.encoder is not None
    ordered = [member.fields[j].name for j in order]
    cells = np.array([[member.encoder.cell_of(n, s.values[n]) for n in ordered] for s in shares], dtype=np.int64)
    return tilt_of(order, cells, shares)


def constants_in(plan: Plan, tilt: Tilt, cells: Array, upto: int | None = None) -> Array:
    """The number of the cells, among those asked for, that are the same in all rows of an entity.

    Args:
        cells: of the plans.
        upto: so many of the tilt's columns; None: all.
    """
    places, found = dict(plan.constants), tilt.begin(len(cells))
    for n, column in enumerate(tilt.columns[:upto]):
        if column not in places:
            break
        found = tilt.go(n, found, cells[:, places[column]])
    return found


def in_plan(plan: Plan, tilt: Tilt) -> Lean:
    """The factors of what is planned of an entity: of a value that all its rows have, or so many of them, as often."""
    import numpy as np

    fields, places = plan.chain.fields, dict(plan.constants)
    at = {f.name: k for k, f in enumerate(fields)}
    wanted: dict[int, tuple[str, int, int]] = {}
    for n, j in enumerate(tilt.columns):
        if j in places:
            wanted[places[j]] = ("column", n, -1)
        for name, k in at.items():
            kind, *rest = name.split(" ")
            if kind in ("share", "mode") and rest[0] == str(j):
                wanted[k] = (kind, n, int(rest[1]) if len(rest) > 1 else -1)

    def lean(k: int, cells: Array, rows: Array) -> Array | None:
        if k not in wanted:
            return None
        kind, n, cell = wanted[k]
        part = fields[k]
        if kind == "column":
            more = tilt.more(n, constants_in(plan, tilt, cells, n), part.cells)
            finite = np.clip(np.where(np.isfinite(more), more, 0.0) * rows[:, None], -MOST, MOST)
            return np.asarray(np.where(np.isfinite(more), finite, -np.inf))
        if kind == "mode":
            return np.asarray(np.clip(OF_MODE * rows[:, None] * _centred(tilt, n, part.cells)[None, :], -MOST, MOST))
        share = np.nan_to_num(part.numbers(np.arange(part.cells), np.full(part.cells, 0.5)))
        mode = cells[:, at[f"mode {tilt.columns[n]}"]] if cell < 0 else np.full(len(cells), cell)
        factor = _centred(tilt, n, int(mode.max(initial=0)) + 1)[mode]
        return np.asarray(np.clip(rows[:, None] * factor[:, None] * share[None, :], -MOST, MOST))

    return lean


def _centred(tilt: Tilt, n: int, cells: int) -> Array:
    """The mean factors, less that of all that is asked for: shares add up to one, and what raises all raises none."""
    import numpy as np

    of = tilt.labels[:, n]
    middle = float((tilt.parts * tilt.mean(n, int(of.max()) + 1)[of]).sum() / tilt.parts.sum())
    return np.asarray(tilt.mean(n, cells) - middle)


def in_rows(member: Member, tilt: Tilt, start: Array) -> InRows:
    """The factors of rows' cells.

    Args:
        start: of each entity, what is the same in all its rows (:func:`constants_in`).
    """
    at = {j: n for n, j in enumerate(tilt.columns)}
    return InRows(tilt, {i: at[j] for i, j in enumerate(member.row_columns) if j in at}, start)
