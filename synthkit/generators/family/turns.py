"""The next cell of a field, given the rows before: whether it stays, and what may follow what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.dichotomies import leaning
from synthkit.generators.family.succession import used_in

if TYPE_CHECKING:
    import numpy as np

    from synthkit.generators.family.rowmodel import Rows
    from synthkit.generators.family.tilting import InRows

    Array = np.ndarray[Any, Any]

TRIES = 6  # draws of a cell that may not follow the one before


class Turn:
    """What the rows before allow the next ones.

    ``same`` says which of these are of the instant of the row before, ``last`` which are the last of their entity.
    """

    def __init__(self, model: Rows, size: int) -> None:
        import numpy as np

        self.model, d = model, len(model.layout.fields)
        self.was, self.was_place = np.zeros((size, d), dtype=np.int64), np.zeros((size, d))
        self.used = used_in(model.successions, size)
        self.same, self.last = np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)

    def stuck(self, m: int) -> Array:
        """Entities whose next row cannot be of the instant of the row before."""
        import numpy as np

        found = np.zeros(m, dtype=bool)
        for j, one in enumerate(self.model.successions):
            if one is not None:
                found |= ~one.stays(self.was[:m, j], self._used(j, m))
        return found

    def _used(self, j: int, m: int) -> Array | None:
        """The cells of a field that the instants of the first so many entities have had; None: they may come again."""
        used = self.used.get(j)
        return None if used is None else used[:m]

    def draw(self, j: int, x: Array, cell: Array, place: Array, step: int, rng: Any, near: Array | None = None) -> None:
        """Draw the cells of a field into ``cell``, and with them ``place``.

        Args:
            near: the cell that each row is to have, -1: any.
        """
        import numpy as np

        part, stay, one = self.model.parts[j], self.model.stays[j], self.model.successions[j]
        m, moving = len(x), np.arange(len(x))
        if stay is not None and step > 0:
            stays = stay.draw(x, rng) == 1
            if near is not None:
                stays &= (near < 0) | (near == self.was[:m, j])
            cell[stays, j], place[stays, j] = self.was[:m][stays, j], self.was_place[:m][stays, j]
            moving = np.flatnonzero(~stays)
        cell[moving, j] = part.draw(x if len(moving) == m else x[moving], rng, None if near is None else near[moving])
        if one is None and (stay is None or step == 0 or self.model.layout.fields[j].numeric):
            return
        before, allowed = self.was[:m, j] if step else None, None
        if one is not None:
            allowed = one.allowed(before, self.same, self.last, self._used(j, m))
            moving = np.arange(m) if stay is None else moving
        for _ in range(TRIES):
            wrong = np.zeros(len(moving), dtype=bool)
            if stay is not None and before is not None:
                wrong |= cell[moving, j] == before[moving]
            if allowed is not None:
                wrong |= ~allowed[moving, cell[moving, j]]
            moving = moving[wrong]
            if not len(moving):
                break
            cell[moving, j] = part.draw(x[moving], rng)
        if allowed is not None and one is not None:
            wrong = np.flatnonzero(~allowed[np.arange(m), cell[:, j]])
            cell[wrong, j] = one.pick(allowed[wrong], rng)

    def push(self, cell: Array, place: Array) -> None:
        """Take in the rows that were drawn."""
        import numpy as np

        m = len(cell)
        self.was[:m], self.was_place[:m] = cell, place
        for j, used in self.used.items():
            used[:m][~self.same] = False
            used[np.arange(m), cell[:, j]] = True

    def lean(self, j: int, x: Array, cell: Array, place: Array, step: int, rng: Any, more: InRows) -> None:
        """As :meth:`draw`, where some cells are made likelier."""
        import numpy as np

        field, stay, one = self.model.layout.fields[j], self.model.stays[j], self.model.successions[j]
        m = len(x)
        was = self.was[:m, j]
        found = self.model.parts[j].log_probs(x, field.cells)
        if step > 0 and stay is not None:
            found = _staying(found, stay.log_probs(x, 2), was)
        if one is not None:
            allowed = one.allowed(was if step else None, self.same, self.last, self._used(j, m))
            some = np.asarray((allowed & np.isfinite(found)).any(axis=1))
            found = np.where(allowed, np.where(some[:, None], found, np.log(one.counts + 1e-9)), -np.inf)
        cell[:, j] = leaning(found, more.more(j, field.cells), rng)
        if step > 0 and stay is not None:
            place[:, j] = np.where(cell[:, j] == was, self.was_place[:m, j], place[:, j])
        more.drew(j, cell[:, j])


def _staying(log_probs: Array, stays: Array, was: Array) -> Array:
    """log p(cell) where a row repeats the cell before with a chance of its own, and else has another one.

    Args:
        stays: log p of moving and of staying, shape (rows, 2).
    """
    import numpy as np

    rows = np.arange(len(was))
    others = log_probs.copy()
    others[rows, was] = -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.logaddexp.reduce(others, axis=1)
        found = others + np.where(np.isfinite(total), stays[:, 0] - total, -np.inf)[:, None]
    found[rows, was] = np.where(np.isfinite(total), stays[:, 1], 0.0)
    return found
