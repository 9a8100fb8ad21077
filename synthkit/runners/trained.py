"""A trained model on disk, whole when its marker is there, and what it is to release: that which was charged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.privacy.accounting.mechanisms import Mechanism, same_releases
from synthkit.privacy.ledger.entries import Charged
from synthkit.store.staging import TRAINED


def is_trained(model_dir: Path) -> bool:
    """Whether the model is there, whole."""
    return (model_dir / TRAINED).exists()


def mark(folder: Path, generator: str, charge: Charged | None) -> None:
    """Write the marker, when all else of the model is written."""
    said = {"generator": generator, "charge": None if charge is None else charge.to_json()}
    (folder / TRAINED).write_text(json.dumps(said), "utf-8")


def check_charge(name: str, charge: Charged | None, spends: Callable[[], Iterable[Mechanism]], *, sources: str) -> None:
    """What the training will release must be what the ledger was charged for, and that was declared without these rows.

    Args:
        name: whose model it is.
        spends: what the generator will release.
        sources: the word for what is learnt: "source".

    Raises BuildError where it is not, or where nothing was charged (the cached model went away meanwhile).
    """
    if charge is None:
        raise BuildError(
            f"the trained model of {name!r} is gone, and training it anew was not charged", hint="build again"
        )
    if not same_releases([m.to_json() for m in spends()], [m.to_json() for m in charge.mechanisms]):
        raise BuildError(
            f"training {name!r} would not release what was charged for it, so nothing was trained",
            hint=f"declare the type of every column of its {sources}; if they are, it is an error of the generator",
        )
