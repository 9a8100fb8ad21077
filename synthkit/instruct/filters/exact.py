"""Items that were there before, letter by letter or but for case, punctuation and white space."""

from __future__ import annotations

from collections.abc import Sequence

from synthkit.instruct.filters.base import PASSED, Finding, StageParams, cut
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.tokens import normalised


class ExactParams(StageParams):
    """When two items are the same.

    Args:
        normalise: take texts for the same that differ in case, punctuation, white space or Unicode form alone.
        responses: also reject an item whose response was there before.
        response_words_min: shorter responses may repeat.
    """

    normalise: bool = True
    responses: bool = False
    response_words_min: int = 20


class Exact:
    def __init__(self, params: ExactParams, seeds: Sequence[Item]) -> None:
        self.params = params
        self._seen_tasks: set[str] = set()
        self._seen_responses: set[str] = set()
        for seed in seeds:
            self.accept(seed)

    def look(self, item: Item) -> Finding:
        found = self.look_task(item)
        return found if found.reason is not None else self.look_response(item)

    def look_task(self, item: Item) -> Finding:
        if self._plain(item.task) in self._seen_tasks:
            return Finding("the instruction was there before", 1.0, cut(item.task))
        return PASSED

    def look_response(self, item: Item) -> Finding:
        response = self._response(item)
        if response is not None and response in self._seen_responses:
            return Finding("the response was there before", 1.0, cut(item.response))
        return PASSED

    def accept(self, item: Item) -> None:
        self._seen_tasks.add(self._plain(item.task))
        self.accept_response(item)

    def accept_response(self, item: Item) -> None:
        response = self._response(item)
        if response is not None:
            self._seen_responses.add(response)

    def fingerprint(self) -> dict[str, str]:
        import unicodedata

        return {"unicode": unicodedata.unidata_version} if self.params.normalise else {}

    def _plain(self, text: str) -> str:
        return normalised(text) if self.params.normalise else text

    def _response(self, item: Item) -> str | None:
        long_enough = len(item.response.split()) >= self.params.response_words_min
        return self._plain(item.response) if item.response and self.params.responses and long_enough else None
