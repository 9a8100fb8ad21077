"""What a filter's stage is: it looks at an item, says what is wrong with it, and learns of what was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from synthkit.errors import shortened
from synthkit.instruct.items.item import Item


class StageParams(BaseModel):
    """Base of every stage's parameters: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


@dataclass(frozen=True)
class Finding:
    """What a stage makes of an item.

    Args:
        reason: why it is to be rejected, in words; None where it may pass.
        score: what the stage measured, where it measures anything.
        other: the text that it collided with.
    """

    reason: str | None = None
    score: float | None = None
    other: str | None = None


PASSED = Finding()


@dataclass(frozen=True)
class Rejection:
    """The first stage that an item does not pass, and why (see :class:`Finding`)."""

    stage: str
    reason: str
    score: float | None = None
    other: str | None = None


class Stage(Protocol):
    """A whole item is judged by ``look`` and kept by ``accept``. One whose response is written later is judged twice:
    its task by ``look_task``, with ``accept`` while the response is empty, and then by ``look_response`` as a whole,
    with ``accept_response``."""

    def look(self, item: Item) -> Finding:
        """The same answer for the same item, until another one is accepted."""
        ...

    def look_task(self, item: Item) -> Finding:
        """What it makes of an instruction and input without a response."""
        ...

    def look_response(self, item: Item) -> Finding:
        """What it makes of an item whose task was accepted before."""
        ...

    def accept(self, item: Item) -> None:
        """Learn of an item that was kept; most stages have nothing to learn."""
        ...

    def accept_response(self, item: Item) -> None:
        """Learn of the response of an item whose task was accepted before."""
        ...

    def fingerprint(self) -> dict[str, str]:
        """Versions of what decides beside the parameters: packages, data files."""
        ...


class Plain:
    """A stage that judges each item by itself, and only when it is whole."""

    def look(self, item: Item) -> Finding:
        raise NotImplementedError

    def look_task(self, item: Item) -> Finding:  # noqa: ARG002
        return PASSED

    def look_response(self, item: Item) -> Finding:
        return self.look(item)

    def accept(self, item: Item) -> None:
        """Nothing to learn."""

    def accept_response(self, item: Item) -> None:
        """Nothing to learn."""

    def fingerprint(self) -> dict[str, str]:
        return {}


class OfTasks:
    """A stage that compares tasks with those before them; a response says nothing to it."""

    def look(self, item: Item) -> Finding:
        raise NotImplementedError

    def look_task(self, item: Item) -> Finding:
        return self.look(item)

    def look_response(self, item: Item) -> Finding:  # noqa: ARG002
        """Nothing: its own task is among those that were accepted."""
        return PASSED

    def accept_response(self, item: Item) -> None:
        """Nothing to learn."""


def cut(text: str, length: int = 120) -> str:
    """A text on one line, for a message."""
    return shortened(" ".join(text.split()), length)
