"""Items that have nothing to do with what the seeds are about."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.tokens import tokens


class DomainParams(StageParams):
    """How near an item must be to the seeds.

    Args:
        neighbours: an item is as near to the domain as it is to so many of its nearest seeds, on average.
        quantile: the threshold is this quantile of what the seeds themselves have, each against the others: about this
            share of good items is lost.
        seeds_min: with fewer seeds the stage is off, as they say too little of what the domain is.
    """

    neighbours: int = Field(default=3, ge=1, le=9)
    quantile: float = Field(default=0.02, ge=0, le=0.5)
    seeds_min: int = Field(default=30, ge=10)


class Domain(Plain):
    """Cosine of TF-IDF vectors of words, whole items; the threshold is the seeds' own, leave-one-out.

    Words, not meaning: an item of the domain in words that no seed has is taken for a stranger. Seeds of many subjects
    make the threshold low, and the stage then rejects almost nothing, as it should.

    A word weighs (1 + ln tf) · (1 + ln((1 + n) / (1 + df))), as in scikit-learn with ``sublinear_tf``. A word that no
    seed has weighs as much as one that a single seed has: so a new item and a seed left out are measured alike.
    """

    def __init__(self, params: DomainParams, seeds: Sequence[Item]) -> None:
        self.params = params
        self.threshold: float | None = None
        self._seeds = len(seeds)
        self._owners: dict[str, list[tuple[int, float]]] = {}  # word → seeds that have it, and its weight in each
        if len(seeds) >= params.seeds_min:
            self._fit(seeds)

    def _fit(self, seeds: Sequence[Item]) -> None:
        import numpy as np

        counts = [Counter(_words(s)) for s in seeds]
        self._holders = Counter(word for count in counts for word in count)
        vectors = [self._vector(count) for count in counts]
        for at, vector in enumerate(vectors):
            for word, weight in vector.items():
                self._owners.setdefault(word, []).append((at, weight))
        self.threshold = float(
            np.quantile([self._nearness(v, left_out=at) for at, v in enumerate(vectors)], self.params.quantile)
        )

    def look(self, item: Item) -> Finding:
        if self.threshold is None:
            return PASSED
        score = self._nearness(self._vector(Counter(_words(item))))
        if score >= self.threshold:
            return Finding(score=round(score, 4))
        return Finding(f"it is far from every seed: likeness {score:.3f}, below {self.threshold:.3f}", round(score, 4))

    def fingerprint(self) -> dict[str, str]:
        return {"scheme": "tf-idf-1"}

    def _vector(self, count: Counter[str]) -> dict[str, float]:
        """Word → weight, of length 1."""
        total = 1 + self._seeds
        weights = {
            word: (1 + math.log(times)) * (1 + math.log(total / (1 + max(1, self._holders[word]))))
            for word, times in count.items()
        }
        length = math.sqrt(math.fsum(w * w for w in weights.values()))
        return {word: w / length for word, w in weights.items()}

    def _nearness(self, vector: dict[str, float], left_out: int | None = None) -> float:
        """Mean cosine with the nearest ``neighbours`` seeds."""
        alike = [0.0] * self._seeds
        for word, weight in vector.items():
            for at, other in self._owners.get(word, ()):
                alike[at] += weight * other
        if left_out is not None:
            alike[left_out] = -1.0
        return math.fsum(heapq.nlargest(self.params.neighbours, alike)) / self.params.neighbours


def _words(item: Item) -> list[str]:
    return tokens(f"{item.task}\n{item.response}")
