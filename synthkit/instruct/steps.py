"""What moves through the pipeline of an instruction table: requests, groups of items, and what is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from synthkit.instruct.items.item import Item
from synthkit.instruct.rows import Row
from synthkit.instruct.topics import Topic
from synthkit.instruct.transcript import Heard
from synthkit.llm.requests import Prompt

if TYPE_CHECKING:
    from synthkit.llm.answers import Answer


class Asks(Protocol):
    """A teacher; see :class:`synthkit.llm.session.Teacher`."""

    @property
    def stopped(self) -> str | None:
        """Why no further prompt was asked."""

    def answers(self, prompts: Iterator[Prompt | None], ahead: int) -> Iterator[Answer]:
        """Answers in the order of ``prompts``; None asks for the next answer first, or ends where none is due."""


@dataclass(frozen=True)
class Dropped:
    """An item that did not get into the table, and why."""

    item: Item
    stage: str
    reason: str
    request: str


@dataclass
class Group:
    """Items of one answer that passed the filters and go on together."""

    topic: Topic
    rows: list[Row]
    chosen: list[int] = field(default_factory=list)  # those that are rewritten


@dataclass(frozen=True)
class Asked:
    """A request that is out, and what it is for."""

    heard: Heard
    group: Group | None = None
    expected: float = 0.0  # items that may come of it

    @property
    def topic(self) -> Topic:
        return self.heard.topic
