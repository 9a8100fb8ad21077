"""ROUGE-L beside rouge-score, Google's package, which Self-Instruct's own code uses (without a stemmer)."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer, tokenize

from synthkit.instruct.items.near import pairwise, rouge_l
from synthkit.instruct.items.tokens import tokens

THEIRS = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
# Words that occur again and again, and anything that ASCII has, for the tokenisers.
WORDY = st.lists(st.sampled_from(["the", "a", "Lease", "of", "e-mail", "3.5", "don't", "?", "\n"]), max_size=25).map(
    " ".join
)
ASCII = st.text(st.characters(max_codepoint=127), max_size=60)
TEXT = st.one_of(WORDY, ASCII, st.tuples(WORDY, ASCII).map(" ".join))


def theirs(left: str, right: str) -> float:
    return float(THEIRS.score(left, right)["rougeL"].fmeasure)


@settings(max_examples=400, deadline=None)
@given(TEXT, TEXT)
def test_equal_on_ascii_text(left: str, right: str) -> None:
    assert tokens(left) == tokenize.tokenize(left, None)
    assert rouge_l(tokens(left), tokens(right)) == pytest.approx(theirs(left, right), abs=1e-12)


def test_equal_on_real_seeds_and_in_matrices() -> None:
    lines = (Path(__file__).parents[2] / "data" / "support_seeds.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["instruction"].encode("ascii", "ignore").decode() for line in lines]
    chosen = random.Random(1).sample(texts, 20)
    matrix = pairwise([tokens(t) for t in chosen])
    for i, left in enumerate(chosen):
        for j, right in enumerate(chosen):
            assert matrix[i, j] == pytest.approx(theirs(left, right), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "ours", "other"),
    [
        ("Café au lait", ["café", "au", "lait"], ["caf", "au", "lait"]),
        ("Straße", ["strasse"], ["stra", "e"]),
        ("Übung", ["übung"], ["bung"]),
        ("договор аренды", ["договор", "аренды"], []),
        ("契約書", ["契", "約", "書"], []),
        ("ｌｅａｓｅ", ["lease"], []),
        ("the – lease", ["the", "lease"], ["the", "lease"]),
    ],
)
def test_other_scripts_are_where_they_differ(text: str, ours: list[str], other: list[str]) -> None:
    """rouge-score keeps a–z and 0–9 and throws away the rest: two texts in Cyrillic have no token to share."""
    assert tokens(text) == ours
    assert tokenize.tokenize(text, None) == other


def test_texts_of_another_script_are_near_duplicates_only_here() -> None:
    left, right = "Что такое договор аренды жилья?", "Что такое договор аренды дома?"
    assert rouge_l(tokens(left), tokens(right)) == 0.8
    assert theirs(left, right) == 0.0
