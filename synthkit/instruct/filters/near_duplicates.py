"""Items that say nearly what a seed or an accepted item says."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from synthkit.instruct.filters.base import PASSED, Finding, OfTasks, StageParams, cut
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.near import SCHEME, NearIndex
from synthkit.instruct.items.tokens import tokens


class NearDuplicateParams(StageParams):
    """When two items are too alike.

    Args:
        threshold: the ROUGE-L F of their tasks (instruction and input) from which on they are. 0.7 is Self-Instruct's
            (arXiv 2212.10560, section 2.2). Below 0.4 it gets slow, as most texts share that much.
    """

    threshold: float = Field(default=0.7, ge=0.2, le=1)


class NearDuplicates(OfTasks):
    """Every near-duplicate is found: the index leaves out only what cannot reach the threshold."""

    def __init__(self, params: NearDuplicateParams, seeds: Sequence[Item]) -> None:
        self._index = NearIndex(params.threshold)
        self._texts: list[str] = []
        for seed in seeds:
            self.accept(seed)

    def look(self, item: Item) -> Finding:
        found = self._index.nearest(tokens(item.task))
        if found is None:
            return PASSED
        at, score = found
        return Finding(f"ROUGE-L {score:.2f} with an earlier item", round(score, 4), self._texts[at])

    def accept(self, item: Item) -> None:
        self._index.add(tokens(item.task))
        self._texts.append(cut(item.task))

    def fingerprint(self) -> dict[str, str]:
        import unicodedata

        return {"scheme": SCHEME, "unicode": unicodedata.unidata_version}
