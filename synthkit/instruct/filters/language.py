"""Items in a language that the seeds are not written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import Field

from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item


class LanguageParams(StageParams):
    """Which languages pass.

    Args:
        allowed: ISO 639-1 codes. Default: those of at least ``share`` of the seeds that are long enough to tell.
        share: see ``allowed``.
        characters_min: a shorter text passes, as nobody can tell.
        certainty: the least probability with which another language rejects.
    """

    allowed: tuple[str, ...] = ()
    share: float = Field(default=0.05, gt=0, le=1)
    characters_min: int = Field(default=40, ge=1)
    certainty: float = Field(default=0.9, gt=0, le=1)


class Language(Plain):
    """By py3langid, which ships its model: naive Bayes over bytes, 97 languages (Lui & Baldwin 2012, P12-3005).

    It is sure of itself: code, names and lists are easily "another language". So only a sure answer rejects, and the
    whole item is judged at once: a task to translate has both languages in it. Off where no language is known.
    """

    def __init__(self, params: LanguageParams, seeds: Sequence[Item]) -> None:
        self.params = params
        found = Counter(code for s in seeds if (code := self._sure(_text(s))[0]) is not None)
        total = sum(found.values())
        self.allowed = frozenset(params.allowed) or frozenset(c for c, n in found.items() if n >= params.share * total)

    def look(self, item: Item) -> Finding:
        if not self.allowed:
            return PASSED
        code, certainty = self._sure(_text(item))
        if code is None or code in self.allowed:
            return PASSED
        allowed = ", ".join(sorted(self.allowed))
        return Finding(f"it is written in {code!r} and not in {allowed}", round(certainty, 4))

    def fingerprint(self) -> dict[str, str]:
        from importlib.metadata import version

        return {"py3langid": version("py3langid")}

    def _sure(self, text: str) -> tuple[str | None, float]:
        """(code, probability); no code where the text is too short or the answer is unsure."""
        if len(text) < self.params.characters_min:
            return None, 0.0
        code, certainty = _identifier().classify(text)
        return (str(code), float(certainty)) if certainty >= self.params.certainty else (None, float(certainty))


def _text(item: Item) -> str:
    return f"{item.task}\n{item.response}"


@cache
def _identifier() -> Any:
    """Loaded once: it takes a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
