"""The index against the comparison of all pairs."""

from __future__ import annotations

import random

import pytest

from synthkit.instruct.items.near import NearIndex, rouge_l


def lcs(a: list[str], b: list[str]) -> int:
    """The textbook's table."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b, 1):
            row[j] = before[j - 1] + 1 if x == y else max(before[j], row[j - 1])
    return row[-1]


def corpus(count: int, seed: int) -> list[list[str]]:
    """Texts over few words, of which many repeat an earlier one with changes; words occur again within a text."""
    rng = random.Random(seed)
    words = [f"w{i}" for i in range(120)]
    weights = [1 / (i + 1) for i in range(120)]
    found: list[list[str]] = []
    for _ in range(count):
        if found and rng.random() < 0.5:
            text = list(rng.choice(found))
            for _ in range(rng.randint(0, 5)):
                at = rng.randrange(len(text) + 1)
                text[at : at + rng.randint(0, 1)] = rng.choices(words, weights, k=rng.randint(0, 2))
        else:
            text = rng.choices(words, weights, k=rng.randint(0, 25))
        found.append(text)
    return found


def test_rouge_l_is_f_of_the_longest_common_subsequence() -> None:
    rng = random.Random(3)
    for _ in range(100):
        a, b = (rng.choices("abcde", k=rng.randint(1, 12)) for _ in range(2))
        assert rouge_l(a, b) == pytest.approx(2 * lcs(a, b) / (len(a) + len(b)))
    assert rouge_l([], []) == 0.0


@pytest.mark.parametrize("threshold", [0.5, 0.7, 1.0])
def test_nothing_is_missed_and_nothing_made_up(threshold: float) -> None:
    """1,200 texts, so that the index sorts anew twice; every text is put in, duplicates as well."""
    texts = corpus(1200, seed=1)
    index = NearIndex(threshold)
    hits = 0
    for at, text in enumerate(texts):
        scores = [rouge_l(text, other) for other in texts[:at]]
        best = max(scores, default=0.0)
        found = index.nearest(text)
        if best >= threshold - 1e-9:
            hits += 1
            assert found == (scores.index(best), best)
        else:
            assert found is None
        index.add(text)
    assert hits > 100


def test_a_pair_at_the_threshold_is_found() -> None:
    index = NearIndex(0.7)
    index.add(["a", "b", "c", "d", "e", "f", "g", "x", "y", "z"])
    assert index.nearest(["a", "b", "c", "d", "e", "f", "g", "u", "v", "w"]) == (0, 0.7)
    assert index.nearest(["a", "b", "c", "d", "e", "f", "q", "u", "v", "w"]) is None


def test_the_order_of_words_counts() -> None:
    index = NearIndex(0.7)
    index.add(["one", "two", "three", "four", "five", "six"])
    assert index.nearest(["six", "five", "four", "three", "two", "one"]) is None
