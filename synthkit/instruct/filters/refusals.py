"""Responses that refuse, talk about the model, or are the frame of an answer without one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthkit.instruct.filters import patterns
from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item

DATA = "refusals.txt"
OPENING = 300  # characters in which a refusal comes, if it comes
Category = Literal["opening", "self_reference", "boilerplate", "placeholder", "broken_task"]


class RefusalParams(StageParams):
    """Which responses refuse, or are none.

    By default ``boilerplate`` ("I hope this helps") is left out: it spoils the style of an answer, not its truth, and
    one may want to cut it off instead.

    Args:
        categories: of the data file's patterns (English only).
        patterns: more regular expressions of your own.
    """

    categories: tuple[Category, ...] = Field(
        default=("opening", "self_reference", "placeholder", "broken_task"), min_length=1
    )
    patterns: tuple[str, ...] = ()


class Refusals(Plain):
    def __init__(self, params: RefusalParams) -> None:
        known = patterns.read(DATA)
        chosen: dict[str, tuple[str, ...]] = {c: known[c] for c in params.categories}
        if params.patterns:
            chosen["own"] = params.patterns
        self._patterns = {c: patterns.compiled(p) for c, p in chosen.items()}

    def found(self, response: str) -> tuple[str, str] | None:
        """Category and words of the first pattern that a response matches; None where it matches none."""
        opening = {c: p for c, p in self._patterns.items() if c == "opening"}
        rest = {c: p for c, p in self._patterns.items() if c != "opening"}
        for text, chosen in ((response[:OPENING], opening), (response, rest)):
            for hit in patterns.searched(text, chosen):
                return hit
        return None

    def look(self, item: Item) -> Finding:
        hit = self.found(item.response)
        if hit is None:
            return PASSED
        return Finding(f"the response reads like {_NAMES[hit[0]]}: {hit[1]!r}")

    def fingerprint(self) -> dict[str, str]:
        return {"patterns": patterns.digest(DATA)}


_NAMES = {
    "opening": "a refusal",
    "self_reference": "talk about the model",
    "boilerplate": "boilerplate",
    "placeholder": "a form to fill in",
    "broken_task": "an answer to a task that cannot be done in text",
    "own": "one of your patterns",
}
