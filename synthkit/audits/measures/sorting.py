"""What is the same in long arrays of whole numbers, by sorting: NumPy's hash tables take many times as long there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def distinct(values: Array) -> Array:
    """The different values, ascending: what ``np.unique`` gives."""
    import numpy as np

    ordered = np.sort(values)
    if not len(ordered):
        return ordered
    new = np.empty(len(ordered), dtype=bool)
    new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return np.asarray(ordered[new])


def meet(a: Array, b: Array) -> bool:
    """Whether a value is in both arrays."""
    few, many = sorted((distinct(a), distinct(b)), key=len)
    if not len(few):
        return False
    return bool((many[places(many, few)] == few).any())


def places(ordered: Array, wanted: Array) -> Array:
    """For each wanted value the place in the ascending array where it is, or another one where it is not.

    They are looked up in their order: a search of a long array by values that jump about waits for memory.
    """
    import numpy as np

    order = np.argsort(wanted)
    found = np.empty(len(wanted), dtype=np.int64)
    found[order] = np.searchsorted(ordered, wanted[order])
    return np.minimum(found, len(ordered) - 1)
