"""Where a long training keeps its state, so that a killed build goes on from there and ends with the same bytes.

A generator knows nothing of files: it is handed a :class:`Checkpoint`, asks it now and then whether a save is due, and
starts from what was saved last, if anything was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from synthkit.environment import variable
from synthkit.errors import BuildError
from synthkit.files import Json, clean_temporaries, replacing

if TYPE_CHECKING:
    import torch

SECONDS = 30.0  # between two saves
SECONDS_VARIABLE = "SYNTH_CHECKPOINT_SECONDS"


@dataclass(frozen=True)
class Saved:
    """The state of a training: tensors by name, and what is no tensor, JSON-able."""

    tensors: Mapping[str, torch.Tensor]
    record: Json


class Checkpoint(Protocol):
    """Keeps the last state of one training."""

    def load(self) -> Saved | None:
        """What was saved last; None before the first save."""

    def due(self) -> bool:
        """Whether it is time to save again: cheap enough to be asked at every step."""

    def save(self, state: Saved) -> None:
        """Keep ``state`` in the place of the one before, whole or not at all."""


class _Nowhere:
    """Keeps nothing: for a training that nobody wants to resume."""

    def load(self) -> Saved | None:
        return None

    def due(self) -> bool:
        return False

    def save(self, state: Saved) -> None:
        """Nothing is kept."""


NOWHERE: Checkpoint = _Nowhere()


@dataclass
class FileCheckpoint:
    """A checkpoint in one safetensors file, replaced at once.

    Args:
        path: of the file; its name must say which training it belongs to, data, parameters and seed included.
        every: seconds between two saves.
    """

    path: Path
    every: float = field(default_factory=lambda: interval())
    last: float = field(default_factory=time.monotonic)

    def load(self) -> Saved | None:
        """None also where the file cannot be read: then the training starts anew, which is only slower."""
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return None
        try:
            with safe_open(str(self.path), "pt") as file:
                record = json.loads(file.metadata()["record"])
                return Saved({name: file.get_tensor(name) for name in file.keys()}, record)  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            return None

    def due(self) -> bool:
        return time.monotonic() - self.last >= self.every

    def save(self, state: Saved) -> None:
        from safetensors.torch import save

        tensors = {k: t.detach().cpu().contiguous() for k, t in state.tensors.items()}
        with replacing(self.path) as temporary:
            # Not save_file: it writes a file under a name of its own first, which a kill would leave for ever.
            temporary.write_bytes(save(tensors, {"record": json.dumps(state.record)}))
        self.last = time.monotonic()

    def discard(self) -> None:
        """Forget the training, and what processes that were killed amid a save have left of it."""
        self.path.unlink(missing_ok=True)
        clean_temporaries(self.path.parent, self.path.name)


def interval() -> float:
    """Seconds between two saves: :data:`SECONDS`, or what the environment says.

    Raises:
        BuildError: the environment says something that is no number of seconds.
    """
    given = variable(SECONDS_VARIABLE)
    if not given:
        return SECONDS
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise BuildError(f"{SECONDS_VARIABLE} is {given!r}, not a number of seconds", hint="set it to 30, say")
    return seconds
