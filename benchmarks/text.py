"""Filters and de-duplication of instruction tables as they grow, beside the comparison of all pairs.

``python -m benchmarks text --data SEEDS.jsonl`` takes seeds in the format of Self-Instruct; without it, a dozen from
the grammar. What is compared: this package's index; MinHash with locality-sensitive hashing (datasketch), whose
candidates are verified in the same way; ROUGE-L with every kept item by rapidfuzz; and by the dynamic programme in
Python that the package rouge-score, and so the original Self-Instruct code, runs for every pair.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.corpus import make, read_seeds
from synthkit.instruct.filters import FilterParams, Filters
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.near import NearIndex, rouge_l
from synthkit.instruct.items.tokens import tokens

THRESHOLD = 0.7
SIZES = (1_000, 10_000, 100_000)
RECALL_AT = 5_000
BANDS, ROWS = 50, 5  # of 250 permutations
RAPIDFUZZ_MOST = 10_000  # items up to which all pairs are compared
TABLE_MOST = 1_000
RECALL = 0.98
EXPONENT = 1.7

Text = Sequence[str]
Kept = list[int]


def by_index(texts: Sequence[Text]) -> Kept:
    """Greedy de-duplication: positions of the texts that are no near-duplicates of kept ones."""
    index, kept = NearIndex(THRESHOLD), []
    for at, text in enumerate(texts):
        if index.nearest(text) is None:
            index.add(text)
            kept.append(at)
    return kept


def by_minhash(texts: Sequence[Text]) -> Kept:
    from datasketch import MinHashLSH

    index, kept = MinHashLSH(params=(BANDS, ROWS), num_perm=BANDS * ROWS), []
    for at, text in enumerate(texts):
        sketch = _sketch(text)
        if all(rouge_l(text, texts[i]) < THRESHOLD for i in index.query(sketch)):
            index.insert(at, sketch)
            kept.append(at)
    return kept


def by_all_pairs(texts: Sequence[Text]) -> Kept:
    """Every text with every kept one, in C++ over several words of a machine at once."""
    import numpy as np
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cdist

    words: dict[str, int] = {}
    plain = ["".join(chr(words.setdefault(w, len(words))) for w in text) for text in texts]
    kept: Kept = []
    for at, text in enumerate(plain):
        common = cdist([text], [plain[i] for i in kept], scorer=LCSseq.similarity, dtype=np.int32)[0] if kept else []
        sizes = np.array([len(text) + len(plain[i]) for i in kept])
        if not (2 * np.asarray(common) >= THRESHOLD * sizes - 1e-9).any():
            kept.append(at)
    return kept


def by_table(texts: Sequence[Text]) -> Kept:
    """Every text with every kept one, by the table of a longest common subsequence in Python."""
    kept: Kept = []
    for at, text in enumerate(texts):
        if all(2 * _table(text, texts[i]) < THRESHOLD * (len(text) + len(texts[i])) - 1e-9 for i in kept):
            kept.append(at)
    return kept


def main() -> bool:
    """Print the tables; True where a bar is missed."""
    parser = argparse.ArgumentParser("benchmarks text")
    parser.add_argument("--data", type=Path, help="seeds, one JSON object a line")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options, _ = parser.parse_known_args()
    seeds = read_seeds(options.data) if options.data else make(12, [], seed=99)
    items = make(max(*options.sizes, RECALL_AT), seeds)
    texts = [tokens(i.task) for i in items]
    print(f"{len(seeds)} seeds; {len(items):,} items, {sum(map(len, texts)) / len(texts):.1f} tokens each on average\n")
    late = _growth(items, texts, seeds, options.sizes)
    low = _recall(texts[:RECALL_AT])
    return late or low


def _growth(items: Sequence[Item], texts: Sequence[Text], seeds: Sequence[Item], sizes: Sequence[int]) -> bool:
    methods: list[tuple[str, int, Callable[[int], int]]] = [
        ("all filters", 10**9, lambda n: _filtered(items[:n], seeds)),
        ("near-duplicates: index", 10**9, lambda n: len(by_index(texts[:n]))),
        ("near-duplicates: MinHash-LSH", 10**9, lambda n: len(by_minhash(texts[:n]))),
        ("near-duplicates: all pairs, rapidfuzz", RAPIDFUZZ_MOST, lambda n: len(by_all_pairs(texts[:n]))),
        ("near-duplicates: all pairs, Python's table", TABLE_MOST, lambda n: len(by_table(texts[:n]))),
    ]
    print(f"| seconds (items kept) | {' | '.join(f'{n:,}' for n in sizes)} | exponent of the last step |")
    print(f"| --- |{' ---: |' * (len(sizes) + 1)}", flush=True)
    late = False
    for name, most, method in methods:
        cells, taken = [], []
        for n in sizes:
            if n > most:
                cells.append("–")
                continue
            started = time.perf_counter()
            kept = method(n)
            taken.append((n, time.perf_counter() - started))
            cells.append(f"{taken[-1][1]:.2f} ({kept:,})")
        power = _exponent(taken)
        if most == 10**9 and "MinHash" not in name and power is not None:
            late |= power > EXPONENT
        print(f"| {name} | {' | '.join(cells)} | {'–' if power is None else f'{power:.2f}'} |", flush=True)
    print(f"\nbar: exponent of the filters and of the index at most {EXPONENT}: {'OVER' if late else 'kept'}")
    return late


def _recall(texts: Sequence[Text]) -> bool:
    """The share of the pairs with F ≥ 0.7 that each method offers, and whether it keeps the same items."""
    from datasketch import MinHashLSH

    exact = _pairs(texts)
    index, found = NearIndex(THRESHOLD), set()
    sketches, hashed = MinHashLSH(params=(BANDS, ROWS), num_perm=BANDS * ROWS), set()
    for at, text in enumerate(texts):
        found |= {(int(i), at) for i in index.candidates(text)}
        index.add(text)
        sketch = _sketch(text)
        hashed |= {(int(i), at) for i in sketches.query(sketch)}
        sketches.insert(at, sketch)
    share = len(exact & found) / len(exact)
    print(f"\n{len(texts):,} items: {len(exact):,} pairs with ROUGE-L F ≥ {THRESHOLD}\n")
    print("| method | recall of pairs | candidates | same items kept as by all pairs |")
    print("| --- | ---: | ---: | --- |")
    reference = by_all_pairs(texts)
    for name, offered, kept in (("index", found, by_index(texts)), ("MinHash-LSH", hashed, by_minhash(texts))):
        same = "yes" if kept == reference else f"no: {len(set(kept) ^ set(reference)):,} differ"
        print(f"| {name} | {len(exact & offered) / len(exact):.4f} | {len(offered):,} | {same} |")
    print(f"\nbar: recall of the index at least {RECALL}: {'kept' if share >= RECALL else 'MISSED'}")
    return share < RECALL


def _pairs(texts: Sequence[Text]) -> set[tuple[int, int]]:
    """All pairs (earlier, later) that reach the threshold."""
    import numpy as np

    from synthkit.instruct.items.near import pairwise

    alike = pairwise(texts)
    left, right = np.nonzero(np.triu(alike >= THRESHOLD - 1e-9, 1))
    return set(zip(left.tolist(), right.tolist(), strict=True))


def _filtered(items: Sequence[Item], seeds: Sequence[Item]) -> int:
    filters = Filters(FilterParams(), seeds)
    for item in items:
        if filters.reject(item) is None:
            filters.accept(item)
    return filters.counts["accepted"]


def _sketch(text: Text) -> object:
    """Of the tokens with their which-th occurrence, so that the sets stand for multisets."""
    from datasketch import MinHash

    seen: Counter[str] = Counter()
    elements = []
    for word in text:
        elements.append(f"{word} {seen[word]}".encode())
        seen[word] += 1
    found = MinHash(num_perm=BANDS * ROWS, seed=1)
    found.update_batch(elements)
    return found


def _table(left: Text, right: Text) -> int:
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for j, other in enumerate(right, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]


def _exponent(taken: Sequence[tuple[int, float]]) -> float | None:
    if len(taken) < 2:
        return None
    (n, s), (m, t) = taken[-2:]
    return math.log(t / s) / math.log(m / n)


if __name__ == "__main__":
    raise SystemExit(main())
