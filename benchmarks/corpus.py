"""Instruction pairs to time filters with: a seeded grammar whose sentences overlap, and variations of given seeds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from synthkit.instruct.items.item import Item

VARIED = 0.3  # share of items that vary a seed, the rest are from the grammar
NEAR = 0.2  # share that changes a word or two of an earlier item
OPENINGS = (
    "Explain how {thing} affects {thing2} when {state}.",
    "Write a {form} about {thing} for {reader}.",
    "Give me {count} reasons why {reader} should care about {thing}.",
    "Compare {thing} with {thing2} and say which one suits {reader} better.",
    "What would you tell {reader} who has to {act} {thing} while {state}?",
    "Summarise the following text about {thing} in {count} sentences.",
    "Suggest a plan to {act} {thing} before {state}, step by step.",
    "I need to {act} {thing}, but {state}. How do I start?",
    "Draft a {form} in which {reader} asks somebody to {act} {thing2}.",
    "List the risks of {thing}, and how {reader} can avoid each of them if {state}.",
    "Is it wise to {act} {thing} if {state}? Justify your answer in {count} points.",
    "Rewrite this {form} so that {reader} understands what {thing} has to do with {thing2}.",
)
ENDS = ("", "", "", " Keep it short.", " Use plain words.", " Name your sources.", " Answer as a {form}.")
FIXED = {
    "form": [
        "letter",
        "poem",
        "checklist",
        "speech",
        "memo",
        "story",
        "recipe",
        "review",
        "dialogue",
        "headline",
        "tweet",
        "lecture",
        "proposal",
    ],
    "count": ["two", "three", "four", "five", "six", "seven", "ten", "twelve"],
    "act": [
        "buy",
        "sell",
        "repair",
        "inspect",
        "insure",
        "translate",
        "measure",
        "postpone",
        "publish",
        "store",
        "test",
        "design",
        "teach",
        "move",
        "clean",
    ],
}
SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "tu",
    "va",
    "we",
    "xi",
    "yo",
    "zu",
    "bra",
    "cle",
    "dri",
    "flo",
    "gru",
    "sta",
    "tre",
]


def read_seeds(path: Path) -> list[Item]:
    """Seeds of the Self-Instruct format, or one (instruction, response) object a line."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        first = row["instances"][0] if row.get("instances") else row
        found.append(
            Item(row["instruction"], str(first.get("output", first.get("response", ""))), str(first.get("input", "")))
        )
    return found


def make(count: int, seeds: Sequence[Item], seed: int = 0) -> list[Item]:
    """``count`` items; the first thousand of a larger corpus are those of a smaller one."""
    rng = random.Random(seed)
    grammar = _Grammar(rng)
    words = sorted({w for s in seeds for w in s.task.split()}) or ["word"]
    items: list[Item] = []
    for _ in range(count):
        draw = rng.random()
        if items and draw < NEAR:
            item = _varied(rng.choice(items), rng, words, rng.randint(1, 3))
        elif seeds and draw < NEAR + VARIED:
            base = rng.choice(seeds)
            item = _varied(base, rng, words, rng.randint(1, max(2, len(base.task.split()))))
        else:
            item = grammar.item()
        items.append(item)
    return items


def _varied(item: Item, rng: random.Random, words: Sequence[str], changes: int) -> Item:
    """With words replaced, dropped and added."""
    text = item.instruction.split()
    for _ in range(changes):
        at = rng.randrange(len(text)) if text else 0
        kind = rng.random()
        text[at : at + (kind < 0.8)] = [] if kind < 0.2 else [rng.choice(words)]
    return Item(" ".join(text), item.response, item.input, item.topic)


class _Grammar:
    """Sentences over words whose frequencies fall off as those of a language do."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        made = random.Random(7)
        self.nouns = sorted({"".join(made.choices(SYLLABLES, k=made.randint(2, 4))) for _ in range(8000)})
        made.shuffle(self.nouns)
        self.weights = list(self._summed(1 / (rank + 20) for rank in range(len(self.nouns))))

    @staticmethod
    def _summed(values: Iterator[float]) -> Iterator[float]:
        total = 0.0
        for v in values:
            total += v
            yield total

    def noun(self) -> str:
        return self.rng.choices(self.nouns, cum_weights=self.weights)[0]

    def phrase(self) -> str:
        """Words that mostly say something new: a thing of one to three nouns."""
        return "the " + " ".join(self.noun() for _ in range(self.rng.randint(1, 3)))

    def item(self) -> Item:
        rng = self.rng
        slots = {k: rng.choice(v) for k, v in FIXED.items()}
        slots |= {
            "thing": self.phrase(),
            "thing2": self.phrase(),
            "reader": f"a {self.noun()} {rng.choice(('owner', 'teacher', 'child', 'clerk', 'guest'))}",
            "state": f"{self.phrase()} {rng.choice(('is', 'was', 'may be', 'cannot be'))} {self.noun()}",
        }
        text = (rng.choice(OPENINGS) + rng.choice(ENDS)).format(**slots)
        answer = " ".join(f"{self.phrase()} {slots['act']}s {self.phrase()} because {self.noun()}." for _ in range(4))
        return Item(text, answer, topic=slots["form"])
