"""Trainings that an audit repeats, each of which somebody may have carried out before it, in another process.

An audit asks for each by its key and says how it is computed. What is there is read; what is not, or is damaged, it
computes itself. So what it finds does not depend on who did which of them, and an audit that is run alone needs nobody.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.files import replacing

if TYPE_CHECKING:
    import numpy.typing as npt

    from synthkit.audits.context import AuditContext

    Arrays = Mapping[str, npt.NDArray[Any]]

Key = tuple[object, ...]  # of an audit's training: what tells it from the audit's others
Repeat = tuple[Key, "Callable[[], Arrays]"]


class Repeats(Protocol):
    """The trainings that an audit repeats; none where it will not come to train, as rows are too few, say."""

    def __call__(self, context: AuditContext, params: Any) -> Iterable[Repeat]: ...


def carried_out(context: AuditContext, key: Key, compute: Callable[[], Arrays]) -> Arrays:
    """What a training came to: as it was kept for this audit, or else computed now."""
    found = None if context.repeats is None else _read(_file(context.repeats, key))
    return compute() if found is None else found


def carry_out(folder: Path, repeats: Iterable[Repeat], part: int, of: int) -> int:
    """Carry out every ``of``-th of an audit's trainings from number ``part`` on, and keep what they came to.

    Of one that cannot be carried out, or that comes to other things than plain arrays, nothing is kept: the audit does
    it itself. Returns how many are there then.
    """
    import numpy as np

    there = 0
    for key, compute in [one for number, one in enumerate(repeats) if number % of == part]:
        path = _file(folder, key)
        if _read(path) is None:  # else the job is run again, as its worker was lost
            try:
                found = {name: np.asarray(values) for name, values in compute().items()}
            except Exception:
                continue
            if any(values.dtype.hasobject for values in found.values()):
                continue  # could only be kept as what runs code when it is read
            with replacing(path) as temporary, temporary.open("wb") as out:
                np.savez(out, allow_pickle=False, **found)
        there += 1
    return there


def _file(folder: Path, key: Key) -> Path:
    return folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.npz"


def _read(path: Path) -> Arrays | None:
    """None for a file that is not there, or is not whole: each array in it has a checksum."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
