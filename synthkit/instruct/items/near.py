"""Near-duplicates by ROUGE-L, found exactly and without comparing all pairs.

ROUGE-L's F of texts of m and n tokens is 2·LCS / (m + n), LCS being the length of their longest common subsequence
(Lin 2004, https://aclanthology.org/W04-1013). Self-Instruct drops an instruction at 0.7 (arXiv 2212.10560).

Two texts with F ≥ t share at least t·(m + n)/2 tokens, counted with their repeats. Sorted by one order of tokens, the
rarest first, they must so share one near the front of both: a prefix filter with the bound of its positions (Chaudhuri
et al., ICDE 2006; Xiao et al., WWW 2008, https://doi.org/10.1145/1367497.1367516). The index lists texts by the tokens
of their prefix, and what it offers is compared exactly. Nothing is left to chance: no pair is missed, unlike with
MinHash and locality-sensitive hashing, which ``python -m benchmarks text`` sets beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SCHEME = "prefix-1"  # enters fingerprints: another one may break ties otherwise
_CODES = 0x110000  # what a character of a str can be
_SLACK = 1e-9  # of a threshold, for rounding


def rouge_l(left: Sequence[str], right: Sequence[str]) -> float:
    """ROUGE-L's F of two lists of tokens, 0 to 1; 0 where either is empty."""
    from rapidfuzz.distance import LCSseq

    if not left or not right:
        return 0.0
    return 2 * int(LCSseq.similarity(left, right)) / (len(left) + len(right))


def pairwise(texts: Sequence[Sequence[str]]) -> Array:
    """ROUGE-L's F of each text with each, shape (texts, texts); for some thousands of them at most."""
    import numpy as np
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cdist

    known: dict[str, int] = {}
    plain = ["".join(chr(known.setdefault(w, len(known)) % _CODES) for w in text) for text in texts]
    lengths = np.array([len(t) for t in plain])
    common = cdist(plain, plain, scorer=LCSseq.similarity, dtype=np.int32)
    found: Array = 2.0 * common / np.maximum(1, lengths[:, None] + lengths)
    return found


class NearIndex:
    """Texts, and the nearest of them to another one by ROUGE-L's F.

    Args:
        threshold: the least F that counts, above 0 and at most 1.
    """

    def __init__(self, threshold: float) -> None:
        import numpy as np

        self.threshold = threshold
        self._words: dict[str, int] = {}
        self._elements: dict[tuple[str, int], int] = {}  # a word and its which-th occurrence in a text
        self._texts: list[str] = []  # a word is a character here, which rapidfuzz compares fastest
        self._tokens: list[tuple[str, ...]] = []
        self._bags: list[list[int]] = []
        self._lengths = np.zeros(1024, np.int32)
        self._rank: list[int] = []
        self._postings: dict[int, _Posting] = {}
        self._resort_at = 512

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: Sequence[str]) -> None:
        """Add a text; its position is the number of those before it."""
        import numpy as np

        at = len(self._texts)
        if at == len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        self._lengths[at] = len(text)
        self._texts.append("".join(chr(self._words.setdefault(w, len(self._words)) % _CODES) for w in text))
        self._tokens.append(tuple(text))
        self._bags.append([self._elements.setdefault(e, len(self._elements)) for e in _occurrences(text)])
        self._list(at)
        if at + 1 == self._resort_at:
            self._resort()

    def nearest(self, text: Sequence[str]) -> tuple[int, float] | None:
        """Position and F of the nearest text with F ≥ threshold, of equals the first; None where there is none."""
        import numpy as np
        from rapidfuzz.distance import LCSseq
        from rapidfuzz.process import cdist

        found = self.candidates(text)
        if not len(found):
            return None
        unseen = len(self._words)
        query = "".join(chr(self._words.get(w, unseen) % _CODES) for w in text)
        lengths = self._lengths[found]
        least = math.ceil(self.threshold * (len(text) + int(lengths.min())) / 2 - _SLACK)
        texts = [self._texts[i] for i in found.tolist()]
        common = cdist([query], texts, scorer=LCSseq.similarity, score_cutoff=least, dtype=np.int32)[0]
        scores = 2.0 * common / (len(text) + lengths)
        for i in np.argsort(-scores, kind="stable"):
            if scores[i] < self.threshold - _SLACK:
                return None
            # Beyond 1.1 million words two may have one character, and beyond what was seen all have.
            exact = rouge_l(text, self._tokens[found[i]])
            if exact >= self.threshold - _SLACK:
                return int(found[i]), exact
        return None

    def candidates(self, text: Sequence[str]) -> Array:
        """Positions of the texts that may reach the threshold, ascending: all that do, and others."""
        import numpy as np

        known = [self._elements.get(e, -1) for e in _occurrences(text)]
        bag = sorted((e for e in known if e >= 0), key=self._key)
        size, unseen = len(text), len(known) - len(bag)
        parts, places = [], []
        # What was never seen is rarest, and takes the front of the prefix.
        for place, element in enumerate(bag[: max(0, self._prefix(size) - unseen)], unseen):
            posting = self._postings.get(element)
            if posting is not None:
                parts.append(posting.filled())
                places.append(place)
        if not parts:
            return np.zeros(0, np.int64)
        entries = np.concatenate(parts)
        here = np.repeat(places, [len(p) for p in parts])
        there, at = entries & 0xFFFF, entries >> 16
        lengths = self._lengths[at]
        # At the first token that both have, no more than the rest of either can follow.
        most = np.minimum(size - here, lengths - there)
        short = np.minimum(size, lengths)
        enough = np.minimum(most, short) >= self.threshold * (size + lengths) / 2 - _SLACK
        return np.unique(at[enough])

    def _prefix(self, size: int) -> int:
        """How many of a text's tokens, the rarest, must hold one of any text with F ≥ threshold."""
        fewest = math.ceil(size * self.threshold / (2 - self.threshold) - _SLACK)
        return size - fewest + 1 if size else 0

    def _key(self, element: int) -> int:
        """Rarest first; what came after the last sorting is rarer than all, the latest first."""
        return self._rank[element] if element < len(self._rank) else -element

    def _list(self, at: int) -> None:
        bag = sorted(self._bags[at], key=self._key)
        for place, element in enumerate(bag[: self._prefix(len(bag))]):
            self._postings.setdefault(element, _Posting()).append(at << 16 | min(place, 0xFFFF))

    def _resort(self) -> None:
        """Rank the elements by how often they occur by now; each time the index doubles, so the cost stays linear."""
        self._resort_at *= 2
        counts = Counter(e for bag in self._bags for e in bag)
        self._rank = [0] * len(self._elements)
        for rank, element in enumerate(sorted(counts, key=lambda e: (counts[e], e))):
            self._rank[element] = rank
        self._postings = {}
        for at in range(len(self._bags)):
            self._list(at)


class _Posting:
    """A growing list of whole numbers that numpy reads without a copy."""

    __slots__ = ("size", "values")

    def __init__(self) -> None:
        import numpy as np

        self.values = np.empty(2, np.int64)
        self.size = 0

    def append(self, value: int) -> None:
        import numpy as np

        if self.size == len(self.values):
            self.values = np.concatenate([self.values, np.empty_like(self.values)])
        self.values[self.size] = value
        self.size += 1

    def filled(self) -> Array:
        return self.values[: self.size]


def _occurrences(text: Sequence[str]) -> Iterable[tuple[str, int]]:
    seen: Counter[str] = Counter()
    for word in text:
        yield word, seen[word]
        seen[word] += 1
