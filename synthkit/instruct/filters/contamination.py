"""Items that repeat what a model trained on them is to be tested with."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams, cut
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.ngrams import Leaks


class ContaminationParams(StageParams):
    """What is a leak of held-out text.

    See :class:`synthkit.instruct.items.ngrams.Leaks`. A paraphrase of a held-out item is not found.

    Args:
        size: a run of so many tokens in common is a leak.
        least: a shorter held-out text, in tokens, is anyone's words.
    """

    size: int = Field(default=13, ge=3)
    least: int = Field(default=5, ge=1)


class Contamination(Plain):
    def __init__(self, params: ContaminationParams, held_out: Sequence[Item]) -> None:
        self._leaks = Leaks(params.size, params.least)
        self._held_out = held_out
        for at, item in enumerate(held_out):
            for text in (item.instruction, item.input, item.response):
                self._leaks.add(text, at)

    def look(self, item: Item) -> Finding:
        for text in (item.task, item.response):
            hit = self._leaks.found(text)
            if hit is not None:
                return Finding(
                    f"it shares {cut(hit[1])!r} with a held-out item", None, cut(self._held_out[hit[0]].task)
                )
        return PASSED

    # Without a response, it judges what is there.
    look_task = look
