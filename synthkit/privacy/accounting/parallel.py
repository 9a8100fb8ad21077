"""Parallel composition: releases about people who are declared to be other people do not add up.

Tables of one population may each name a ``part``: nobody of one part is in a table of another. To add or remove one
unit then changes the tables of its part, and those that name none, and no others; so the releases that could give it
away are the ones about these (McSherry 2009, "Privacy integrated queries", theorem 4, https://doi.org/10.1145/1559845.1559850).
What was spent of a population is what was spent of the part of which most was spent.

That the parts are disjoint is the declaration's word, as bounds and row counts are. Nothing checks it: to look would be
to read private rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Release = TypeVar("Release")


def by_part(
    releases: Sequence[Release], parts_of: Callable[[Release], Iterable[str | None]]
) -> tuple[tuple[Release, ...], ...]:
    """For each part the releases about it, in their order; all of them as one group where no part is named.

    Args:
        parts_of: the parts whose people a release is about; None among them: it is about all.
    """
    found = [(release, set(parts_of(release))) for release in releases]
    named = dict.fromkeys(part for _, parts in found if None not in parts for part in sorted(map(str, parts)))
    if not named:
        return (tuple(releases),)
    return tuple(tuple(r for r, parts in found if None in parts or part in parts) for part in named)
