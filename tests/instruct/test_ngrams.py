from __future__ import annotations

from synthkit.instruct.items.ngrams import Leaks

LONG = "the quick brown fox jumps over the lazy dog and then it runs away into the deep dark wood"


def test_a_long_run_leaks_and_a_shorter_one_does_not() -> None:
    leaks = Leaks(size=13)
    leaks.add(LONG, 4)
    words = LONG.split()
    assert leaks.found("Once, " + " ".join(words[2:15]) + " it was.") == (4, " ".join(words[2:15]))
    assert leaks.found(" ".join(words[2:14])) is None


def test_a_short_text_leaks_as_a_whole() -> None:
    leaks = Leaks(size=13, least=4)
    leaks.add("What is the capital of Peru?", 0)
    leaks.add("Yes, it is", 1)
    assert leaks.found("Tell me: what is the capital of Peru") == (0, "what is the capital of peru")
    assert leaks.found("What is the capital of Chile?") is None
    assert leaks.found("Yes, it is") is None
