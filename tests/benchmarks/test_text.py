"""The benchmark's methods agree where each compares everything, and its corpus is the same each time."""

from __future__ import annotations

from benchmarks.corpus import make
from benchmarks.text import by_all_pairs, by_index, by_minhash, by_table
from synthkit.instruct.items.tokens import tokens


def test_the_corpus_is_the_same_each_time_and_grows_at_its_end() -> None:
    seeds = make(12, [], seed=99)
    assert make(200, seeds) == make(400, seeds)[:200]
    assert make(200, seeds) != make(200, seeds, seed=1)


def test_all_ways_to_compare_everything_keep_the_same_items() -> None:
    texts = [tokens(i.task) for i in make(300, make(12, [], seed=99))]
    kept = by_index(texts)
    assert kept == by_all_pairs(texts) == by_table(texts)
    assert 100 < len(kept) < 290
    assert len(set(kept) ^ set(by_minhash(texts))) < 15
