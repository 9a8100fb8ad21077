"""Items that have nothing to do with what the seeds are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from synthkit.text.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.text.items import Item
from synthkit.text.tokens import tokens


class DomainParams(StageParams):
    """``neighbours``: an item is as near to the domain as it is to so many of its nearest seeds, on average.

    Args:
        quantile: the threshold is this quantile of what the seeds themselves have, each against the others: about this
            share of good items is lost.
        seeds_min: with fewer seeds the stage is off, as they say too little of what the domain is.
    """

    neighbours: int = Field(default=3, ge=1)
    quantile: float = Field(default=0.02, ge=0, le=0.5)
    seeds_min: int = Field(default=30, ge=4)


class Domain(Plain):
    """Cosine of TF-IDF vectors of words, whole items; the threshold is the seeds' own, leave-one-out.

    Words, not meaning: an item of the domain in words that no seed has is taken for a stranger. Seeds of many subjects
    make the threshold low, and the stage then rejects almost nothing, as it should.
    """

    def __init__(self, params: DomainParams, seeds: Sequence[Item]) -> None:
        self.params = params
        self.threshold: float | None = None
        if len(seeds) >= params.seeds_min:
            self._fit(seeds)

    def _fit(self, seeds: Sequence[Item]) -> None:
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(analyzer=_words, sublinear_tf=True)
        self._seeds = self._vectorizer.fit_transform(list(seeds))
        alike = (self._seeds @ self._seeds.T).toarray()
        np.fill_diagonal(alike, -1.0)
        self.threshold = float(np.quantile(self._nearness(alike), self.params.quantile))

    def look(self, item: Item) -> Finding:
        if self.threshold is None:
            return PASSED
        vector = self._vectorizer.transform([item])
        score = float(self._nearness((vector @ self._seeds.T).toarray())[0])
        if score >= self.threshold:
            return Finding(score=round(score, 4))
        return Finding(f"it is far from every seed: likeness {score:.3f}, below {self.threshold:.3f}", round(score, 4))

    def fingerprint(self) -> dict[str, str]:
        from importlib.metadata import version

        return {"scikit-learn": version("scikit-learn")}

    def _nearness(self, alike: Any) -> Any:
        """Mean of the largest ``neighbours`` of each row."""
        import numpy as np

        return np.sort(alike, axis=1)[:, -self.params.neighbours :].mean(axis=1)


def _words(item: Item) -> list[str]:
    return tokens(f"{item.task}\n{item.response}")
