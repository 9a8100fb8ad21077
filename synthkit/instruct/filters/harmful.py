"""Requests and answers that teach harm, as far as lists of patterns can tell."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthkit.instruct.filters import patterns
from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item

DATA = "harmful.txt"
Category = Literal["weapons", "self_harm", "violence", "minors", "drugs", "cyber", "fraud", "hate"]
ALL: tuple[Category, ...] = ("weapons", "self_harm", "violence", "minors", "drugs", "cyber", "fraud", "hate")


class HarmfulParams(StageParams):
    """What counts as harmful.

    A match that lies within a match of ``allow`` is passed over: security training may want ``phishing e-mails?``.

    Args:
        categories: of the data file's patterns.
        patterns: more regular expressions of your own.
        allow: regular expressions of what is no harm here.
    """

    categories: tuple[Category, ...] = Field(default=ALL, min_length=1)
    patterns: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


class Harmful(Plain):
    """Finds plain English wording of plain harm, and nothing else.

    It knows no other language, no paraphrase, no euphemism, no misspelling, and nothing that is harmful by its meaning
    or in its context alone; and it rejects good texts that use the words (a novel, a warning, a lesson in history). It
    is a net with wide meshes under the teacher's own refusals. It does not make a table safe to train on: that takes a
    classifier made for it, and people.
    """

    def __init__(self, params: HarmfulParams) -> None:
        known = patterns.read(DATA)
        chosen: dict[str, tuple[str, ...]] = {c: known[c] for c in params.categories}
        if params.patterns:
            chosen["own"] = params.patterns
        self._patterns = {c: patterns.compiled(p) for c, p in chosen.items()}
        self._allowed = patterns.compiled(params.allow)

    def look(self, item: Item) -> Finding:
        for part in (item.task, item.response):
            text = self._allowed.sub(" ", part)
            for category, words in patterns.searched(text, self._patterns):
                return Finding(f"{category.replace('_', ' ')}: {words!r}")
        return PASSED

    # Without a response, it judges what is there.
    look_task = look

    def fingerprint(self) -> dict[str, str]:
        return {"patterns": patterns.digest(DATA)}
