"""What the columns that a table makes up are worth to a model of the real rows.

A generator makes free text up: it looks like the source's and tells nothing. Left out on both sides, nobody would see
what is lost. So the model of real rows may use all columns, the one of synthetic rows those that say something, and the
difference that the made-up ones make is told. Keys and personal data count on neither side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthkit.audits.context import AuditContext
from synthkit.audits.measures.scorers import Scorer
from synthkit.audits.rows.texts import readable
from synthkit.audits.utility.tasks import Problem, ScoredParams, prepare, tested

MOST_NAMED = 5


@dataclass(frozen=True)
class Columns:
    """The task with all columns, and with those alone that say something in the synthetic table.

    Args:
        all: what models of real rows learn from.
        kept: what models of synthetic rows learn from; the same where nothing is made up.
        made_up: the columns that the table makes up.
    """

    all: Problem
    kept: Problem
    made_up: tuple[str, ...]

    def worth(self, context: AuditContext, params: ScoredParams, scorer: Scorer) -> Mapping[str, float]:
        """``real`` and ``without_made_up``: scores on held-out rows of models of real rows; the same where nothing is
        made up."""
        truth = self.all.test[1]
        real = scorer.score(truth, tested(context, params, self.all, "train"))
        if not self.made_up:
            return {"real": real}
        return {
            "real": real,
            "without_made_up": scorer.score(truth, tested(context, params, self.kept, "train")),
        }

    @property
    def details(self) -> Mapping[str, object]:
        """For an audit's details; empty where nothing is made up."""
        return {"made_up": list(self.made_up)} if self.made_up else {}

    def advice(self, scores: Mapping[str, float], otherwise: str) -> str:
        """What to try: where most of the gap is what the made-up columns are worth, to have them learnt."""
        lost = scores["real"] - scores.get("without_made_up", scores["real"])
        if 2 * lost <= scores["real"] - scores["synthetic"] or lost <= 0:
            return otherwise
        return f"format: or type: categorical of {self.named}, so that it is learnt, or features: without what is not"

    @property
    def named(self) -> str:
        """``area, note``, the first few of them."""
        more = len(self.made_up) - MOST_NAMED
        return ", ".join(self.made_up[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

    def in_words(self, scores: Mapping[str, float]) -> str:
        """``, 0.348 without the made-up columns (area)``; "" where nothing is made up."""
        if not self.made_up:
            return ""
        column = "column" if len(self.made_up) == 1 else "columns"
        return f", {scores['without_made_up']:.3f} without the made-up {column} ({self.named})"


def columns_of(context: AuditContext, params: ScoredParams) -> Columns | str:
    """The task, or the reason why it cannot be judged."""
    text = tuple(c for c in readable(context, params.features) if c != params.target)
    kept = tuple(c for c in text if c not in context.made_up)
    both = prepare(context, params, text), prepare(context, params, kept)
    for one in both:
        if isinstance(one, str):
            return one
    whole, part = both
    assert isinstance(whole, Problem)
    assert isinstance(part, Problem)
    return Columns(whole, part, tuple(c for c in text if c not in kept))
