"""Which earlier runs are of the same thing: made by the same declarations, whatever rows the source had."""

from __future__ import annotations

from synthkit.digests import digest
from synthkit.planning.action import Action

_DECIDING = ("generator", "device", "threads", "epsilon", "rules", "family")  # of a training, besides its rows


def recipe_of(action: Action) -> str:
    """A digest of what is declared of a table's training and drawing, but for its size, its seed and the source."""
    train = action.fingerprint.inputs.train
    return digest({key: train[key] for key in _DECIDING if train.get(key) is not None})[:16]
