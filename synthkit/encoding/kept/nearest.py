"""Which of many known rows is meant by a drawn one: the nearest in one number among those that agree in the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthkit.rules.coding import joint_codes

if TYPE_CHECKING:
    from synthkit.rules.coding import Codes, Floats


def nearest_agreeing(known: Floats, drawn: Floats, known_codes: Sequence[Codes], drawn_codes: Sequence[Codes]) -> Codes:
    """The place of a known row for each drawn one, shape (drawn rows,).

    Args:
        known, drawn: the number of each row; of a known one finite. A drawn one that is missing stands at 0.
        known_codes, drawn_codes: the other columns, one value one code on both sides, the one first that must agree
            before all others. Where no known row agrees in all, the last columns are passed over, one after another.
    """
    import numpy as np

    drawn = np.nan_to_num(drawn)
    place = np.full(len(drawn), -1, dtype=np.int64)
    open_rows = np.arange(len(drawn))
    for used in range(len(known_codes), -1, -1):
        both = [np.concatenate([a, b[open_rows]]) for a, b in zip(known_codes[:used], drawn_codes[:used], strict=True)]
        groups = joint_codes(both) if both else np.zeros(len(known) + len(open_rows), dtype=np.int64)
        found = _within(known, drawn[open_rows], groups[: len(known)], groups[len(known) :])
        place[open_rows] = found
        open_rows = open_rows[found < 0]
        if not len(open_rows):
            break
    return place


def _within(known: Floats, drawn: Floats, known_groups: Codes, drawn_groups: Codes) -> Codes:
    """The nearest known row of the same group; -1 where the group has none."""
    import numpy as np

    ranks = np.unique(np.concatenate([known, drawn]), return_inverse=True)[1].reshape(-1).astype(np.int64)
    width = len(ranks) + 1
    keys = known_groups * width + ranks[: len(known)]
    order = np.argsort(keys, kind="stable")
    at = np.searchsorted(keys[order], drawn_groups * width + ranks[len(known) :])
    best = np.full(len(drawn), -1, dtype=np.int64)
    distance = np.full(len(drawn), np.inf)
    for side in (at - 1, at):
        there = np.clip(side, 0, len(known) - 1)
        candidate = order[there]
        same = (side >= 0) & (side < len(known)) & (known_groups[candidate] == drawn_groups)
        away = np.where(same, np.abs(known[candidate] - drawn), np.inf)
        closer = away < distance
        best, distance = np.where(closer, candidate, best), np.where(closer, away, distance)
    return best


def in_order_of_surprise(number: Floats, columns: Sequence[Codes], groups: int = 100) -> list[int]:
    """The columns, the one first of which a coarse look at the number tells least: conditional entropy in nats.

    Args:
        number: of each row; missing ones are one group more.
        columns: codes, each of shape (rows,).
        groups: of about equal mass, in the order of the number.
    """
    import numpy as np

    known = np.isfinite(number)
    ranks = np.zeros(len(number), dtype=np.int64)
    ranks[known] = 1 + np.argsort(np.argsort(number[known], kind="stable"), kind="stable") * groups // max(
        1, known.sum()
    )

    def entropy(codes: Codes) -> float:
        counts = np.bincount(joint_codes([ranks, codes])) / len(codes)
        counts = counts[counts > 0]
        return float(-(counts * np.log(counts)).sum())

    surprise = [entropy(codes) for codes in columns]
    return sorted(range(len(columns)), key=lambda i: (-surprise[i], i))
