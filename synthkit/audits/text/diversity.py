"""Whether an instruction table says many things, or one thing in many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.text.rows import TextParams, items, sampled
from synthkit.audits.verdict import CombinedShareParams, Part, unmeasured, verdict
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.near import pairwise
from synthkit.instruct.items.ngrams import grams
from synthkit.instruct.items.tokens import tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SIZES = (1, 2, 3)
DRAWS = 50  # sets of rows whose n-grams are counted
FEWEST = 10  # rows on either side
Of = Literal["instruction", "response"]


class DistinctParams(CombinedShareParams, TextParams):
    """Parameters of ``distinct_n``, beside those of the texts and the gate's.

    Args:
        of: the texts to count in.
        sizes: the n of the n-grams.
        tokens_max: at most so many tokens of either side are counted, the same number for both.
    """

    of: Of = "instruction"
    sizes: tuple[int, ...] = Field(default=SIZES, min_length=1)
    tokens_max: int = Field(default=20_000, ge=100)


class SelfSimilarityParams(GateParams, TextParams):
    """Parameters of ``self_similarity``, beside those of the texts and the gate's.

    Args:
        of: the texts to compare.
        sample: how many of a side, each with each.
        max_excess: so much above the floor, instead. Default: 0.1.
    """

    of: Of = "instruction"
    sample: int = Field(default=300, ge=FEWEST, le=3000)


@audit("distinct_n", DistinctParams, family="text", needs=("train",), between=SHARE)
def distinct_n(context: AuditContext, params: DistinctParams) -> AuditResult:
    """How many of the n-grams are different ones (distinct-1, -2, -3)? Their share, at the seeds' number of tokens

    Li et al. 2016 (arXiv 1510.03055). The share falls with every token added, so tables of different sizes cannot be
    compared: rows are drawn until there are as many tokens as the seeds have, 50 times. Value: the mean; interval: what
    95 % of the draws lie within. Floor: the seeds' own share. Default: at least half of the floor, for each n. Without
    training rows there is no floor, and ``min`` at ``tokens_max`` tokens is needed.
    """
    fake, real = (_texts(items(context, side, params), params.of) for side in ("synthetic", "train"))
    default: Default = {"within": "0.5x floor"}
    if len(fake) < FEWEST:
        return untold(
            f"{len(fake)} rows with text (at least {FEWEST} are needed)", limit_of(params, None, default).text
        )
    budget = min(params.tokens_max, *(sum(map(len, side)) for side in (fake, real) if len(side) >= FEWEST))
    parts = []
    for size in params.sizes:
        shares = _shares(fake, size, budget, context.rng("distinct", size))
        own = _shares(real, size, budget, context.rng("distinct", "real", size)) if len(real) >= FEWEST else []
        name = f"distinct-{size}"
        if not shares:
            parts.append(unmeasured(name, f"no text has {size} tokens"))
            continue
        low, high = _middle(shares)
        value = math.fsum(shares) / len(shares)
        floor = math.fsum(own) / len(own) if own else None
        parts.append(Part(name, Estimate(value, low, high, floor), details={"tokens": budget}))
    advice = "more seeds, topics and personas, or a lower threshold of near_duplicates"
    return verdict(parts, params, default, symbol="share", advice=advice, noun="size")


@audit("self_similarity", SelfSimilarityParams, family="text", needs=("train",), between=SHARE)
def self_similarity(context: AuditContext, params: SelfSimilarityParams) -> AuditResult:
    """How alike are two rows of the table on average? Mean ROUGE-L of pairs, beside the seeds' own

    Over all pairs of a seeded sample of rows. Interval: of a U-statistic (Hoeffding 1948), from the variance of each
    row's mean likeness with the others. Floor: the same of the training rows. Templates that only fill in other names
    show here when no two rows are near enough for ``text_duplicates``; other words for one thing do not.
    """
    default: Default = {"max_excess": 0.1}
    sides = [
        sampled(items(context, s, params), params.sample, context.rng("likeness", s)) for s in ("synthetic", "train")
    ]
    fake, real = (_texts(side, params.of) for side in sides)
    if len(fake) < FEWEST:
        return untold(
            f"{len(fake)} rows with text (at least {FEWEST} are needed)", limit_of(params, None, default).text
        )
    value, half = _likeness(fake)
    floor = _likeness(real)[0] if len(real) >= FEWEST else None
    found = Estimate(value, max(0.0, value - half), min(1.0, value + half), floor)
    message = f"two {params.of}s share ROUGE-L {value:.3f} on average, over the pairs of {len(fake):,}"
    advice = "more seeds, topics and personas, or a lower threshold of near_duplicates"
    return gated(params, found, default, message, details={"rows": len(fake)}, advice=advice)


def _texts(rows: Sequence[Item], of: Of) -> list[list[str]]:
    return [words for item in rows if (words := tokens(item.task if of == "instruction" else item.response))]


def _shares(texts: Sequence[Sequence[str]], size: int, budget: int, rng: Any) -> list[float]:
    """The share of different n-grams of each draw of rows with ``budget`` tokens; none where no row is that long."""
    found = []
    for _ in range(DRAWS):
        seen: set[tuple[str, ...]] = set()
        total, left = 0, budget
        for at in rng.permutation(len(texts)):
            words = texts[at][:left]
            left -= len(words)
            runs = list(grams(words, size))
            seen.update(runs)
            total += len(runs)
            if left <= 0:
                break
        if total:
            found.append(len(seen) / total)
    return found


def _middle(values: Sequence[float]) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _likeness(texts: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Mean ROUGE-L over all pairs, and half the width of its 95 % interval."""
    import numpy as np

    alike = pairwise(texts)
    count = len(texts)
    each = (alike.sum(axis=1) - np.diag(alike)) / (count - 1)
    return float(each.mean()), Z * 2 * math.sqrt(float(each.var(ddof=1)) / count)
