"""Answers that are taken a second time, under other filters: what they say of each item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from synthkit.instruct.items.item import Item
from synthkit.instruct.transcript import Heard
from synthkit.llm.answers import numbered

if TYPE_CHECKING:
    from synthkit.llm.answers import Answer


@dataclass
class Known:
    """By item, what later requests of an earlier build came to.

    Args:
        harder: its harder version, and the answer that has it.
        responses: of a task without one, its response, and the answer that has it.
        scores: what the judge said; None where it was asked and gave no score.
    """

    harder: dict[Item, tuple[Mapping[str, str], Answer]] = field(default_factory=dict)
    responses: dict[Item, tuple[str, Answer]] = field(default_factory=dict)
    scores: dict[Item, Mapping[str, Any] | None] = field(default_factory=dict)

    def goes_on(self, item: Item, apart: bool, judged: bool) -> bool:
        """Whether all that the item needs to get into the table was asked: a response of its own, and a score."""
        if apart:
            if item not in self.responses:
                return False
            item = replace(item, response=self.responses[item][0])
        return not judged or item in self.scores


def known(taken: Iterable[tuple[Heard, Answer]]) -> Known:
    """What the answers say of items that were there before them."""
    found = Known()
    for heard, answer in taken:
        if heard.kind == "evolve":
            for item, draft in zip(heard.shown, parts_of(answer, "items"), strict=False):
                found.harder[item] = (draft, answer)
        elif heard.kind == "respond":
            for item, said in zip(heard.shown, responses_of(answer, len(heard.shown)), strict=True):
                found.responses[replace(item, response="")] = (said, answer)
        elif heard.kind == "judge":
            found.scores.update(zip(heard.shown, scores_of(answer, len(heard.shown)), strict=True))
    return found


def responses_of(answer: Answer, count: int) -> list[str]:
    """The response to each of ``count`` tasks, in their order; empty where the answer has none."""
    said = numbered(parts_of(answer, "responses"), "item", count)
    return [said[number]["response"].strip() if number in said else "" for number in range(1, count + 1)]


def scores_of(answer: Answer, count: int) -> list[Mapping[str, Any] | None]:
    """What a judge says of each of ``count`` items, in their order; None where it says nothing."""
    said = numbered(parts_of(answer, "scores"), "item", count)
    return [said.get(number) for number in range(1, count + 1)]


def parts_of(answer: Answer, name: str) -> list[Any]:
    """The list ``name`` of an answer; empty where it has no data."""
    return [] if answer.status != "ok" or answer.data is None else list(answer.data[name])
