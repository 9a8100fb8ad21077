"""Trained models that other targets of the project have under the same hash: found, and taken as whole copies.

The hash is of all that decides a model, so one that another target trained is the one that this target would train.
Each target keeps a copy of its own: what one of them removes or trains again, no other misses.
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from synthkit.files import own_folder, put_first, temporary_folder
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.project import Project
from synthkit.store.lock import ProjectLock
from synthkit.store.staging import SHORT, TRAINED, Staging


@dataclass(frozen=True)
class Lent:
    """A trained model of another target.

    Args:
        target: its name.
        folder: of the model, whole when it was found.
        charge: what the ledger was charged for it; None where it was trained without ε.
    """

    target: str
    folder: Path
    charge: Charged | None


def lent(project: Project, train: str) -> Iterator[Lent]:
    """The trained models of this hash that other targets have."""
    for name, scratch in project.other_scratch().items():
        staging = Staging(scratch)
        if staging.has_model(train):
            yield Lent(name, staging.model_dir(train), staging.charge(train))


def take(model: Lent, into: Path) -> bool:
    """Copy a trained model to ``into``, unless one is there; whether one is there now.

    It is not where the other target removed its own meanwhile, or trained another in its place.
    """
    own_folder(into.parent)
    before = _stands(model.folder)
    if before is None:
        return False
    with temporary_folder(into) as copy:
        try:
            shutil.copytree(model.folder, copy, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            if _stands(model.folder) == before:
                raise  # the other target's is as it was: it is this one's disk
            return False
        if _stands(model.folder) != before:
            return False  # parts of two trainings are no model
        put_first(copy, into)
    return (into / TRAINED).exists()


@contextmanager
def training(project: Project, train: str, say: Callable[[str], None], stopped: threading.Event) -> Iterator[None]:
    """Let one build of the project at a time train a model of this hash: who waited finds it trained.

    Args:
        say: is told what is waited for.
        stopped: is set when the build is to stop, and so to wait no longer.

    Raises:
        BuildError: it was.
    """
    path = project.root / "target" / "cache" / "training" / f"{train[:SHORT]}.lock"
    with ProjectLock(path, wait=math.inf).held(say, stopped):
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()  # whoever waits for it sees that it is gone


def _stands(folder: Path) -> tuple[int, ...] | None:
    """What tells a trained model from another in the same place; None where none is."""
    try:
        own, marker = folder.stat(), (folder / TRAINED).stat()
    except OSError:
        return None
    return own.st_dev, own.st_ino, marker.st_ino, marker.st_mtime_ns
