"""What a text shares with texts that it should not know, sought as runs of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synthkit.instruct.items.tokens import tokens


def grams(words: Sequence[str], size: int) -> Iterable[tuple[str, ...]]:
    """The runs of ``size`` tokens; none where there are fewer tokens."""
    return (tuple(words[i : i + size]) for i in range(len(words) - size + 1))


class Leaks:
    """Held-out texts, and what of them another text repeats.

    A text leaks a held-out one where both share a run of ``size`` tokens; GPT-3 took 13 (Brown et al. 2020,
    arXiv 2005.14165, appendix C). A held-out text of fewer tokens leaks where it stands as a whole in the other, unless
    it has fewer than ``least``: such words are anyone's.
    """

    def __init__(self, size: int = 13, least: int = 4) -> None:
        self.size = size
        self.least = least
        self._runs: dict[tuple[str, ...], int] = {}
        self._whole: set[int] = set()  # sizes of held-out texts below a run's

    def add(self, text: str, owner: int) -> None:
        """Add a held-out text; ``owner`` is what :meth:`found` names it by."""
        words = tokens(text)
        if len(words) < self.least:
            return
        size = min(self.size, len(words))
        if size < self.size:
            self._whole.add(size)
        for run in grams(words, size):
            self._runs.setdefault(run, owner)

    def found(self, text: str) -> tuple[int, str] | None:
        """The owner of a leaked held-out text and the shared words; None where there is none."""
        if not self._runs:
            return None
        words = tokens(text)
        for size in (self.size, *sorted(self._whole, reverse=True)):
            for run in grams(words, size):
                owner = self._runs.get(run)
                if owner is not None:
                    return owner, " ".join(run)
        return None
