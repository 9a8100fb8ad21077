"""What speaks for a rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from synthkit.rules.language import KINDS, Rule

MOST_CHANCE = 1e-6  # how likely a rule may be by chance, once for each candidate that was looked at
LEAST_LOG = -700.0  # e to this is the least number that a float tells from 0


@dataclass(frozen=True)
class Evidence:
    """Args:
    rows: in which the rule says something, and which keep it.
    exceptions: rows that break it.
    unseen: rows among ``rows`` that the search did not look at.
    chance: an upper bound of how likely so many rows keep it where the columns have nothing to do with each other,
        times the number of candidates of its kind.
    """

    rows: int
    exceptions: int
    unseen: int
    chance: float

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "exceptions": self.exceptions, "unseen": self.unseen, "chance": self.chance}


@dataclass(frozen=True)
class Found:
    """A rule and what speaks for it."""

    rule: Rule
    evidence: Evidence

    @property
    def kind(self) -> str:
        return KINDS[type(self.rule)]

    @property
    def exact(self) -> bool:
        """Whether no row breaks it."""
        return self.evidence.exceptions == 0

    def to_json(self) -> dict[str, Any]:
        return {"rule": str(self.rule), "kind": self.kind, **self.evidence.to_json()}


def chance_of(log_one: float, candidates: int) -> float:
    """The bound of a chance whose logarithm is ``log_one``, of so many candidates: 0 to 1."""
    return min(1.0, math.exp(max(LEAST_LOG, log_one + math.log(max(1, candidates)))))


def log_of_exceptions(p: float, rows: int, exceptions: int) -> float:
    """The logarithm of an upper bound of the chance that at least ``rows`` of ``rows + exceptions`` keep what each
    keeps with probability ``p`` (Chernoff's bound: n times the divergence of the two rates)."""
    n = rows + exceptions
    if n == 0 or p >= 1:
        return 0.0
    p = max(p, 1e-12)
    rate = rows / n
    if rate <= p:
        return 0.0
    wrong = 0.0 if exceptions == 0 else (1 - rate) * math.log((1 - rate) / (1 - p))
    return -n * (rate * math.log(rate / p) + wrong)
