"""Rows of an instruction table that should not be there: repeats, refusals, leaked test items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, Decide, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of
from synthkit.audits.rows.proportions import wilson
from synthkit.audits.text.rows import TextParams, items
from synthkit.instruct.filters.base import cut
from synthkit.instruct.filters.contamination import Contamination, ContaminationParams
from synthkit.instruct.filters.refusals import RefusalParams, Refusals

EXAMPLES = 5


class TextRateParams(GateParams, TextParams):
    """A gate on a share of rows, with the columns of the texts.

    Args:
        decide: the share itself by default. Every row of the table was looked at; the interval says what another table
            of the same generator might have.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    decide: Decide = "point"


class TextDuplicatesParams(TextRateParams):
    """Parameters of ``text_duplicates``, beside those of the texts and the gate's.

    Args:
        threshold: from which ROUGE-L F on two tasks are near-duplicates.
        max: the largest share that passes. Default: 0.05.
    """

    threshold: float = Field(default=0.7, ge=0.2, le=1)


class RefusalRateParams(TextRateParams):
    """Parameters of ``refusal_rate``, beside those of the texts and the gate's.

    Args:
        refusals: categories and own patterns, as for the filter of that name.
        max: the largest share that passes. Default: 0.01.
    """

    refusals: RefusalParams = RefusalParams()


class TextContaminationParams(TextRateParams):
    """Parameters of ``contamination``, beside those of the texts and the gate's.

    Args:
        runs: what is a leak, as for the filter of that name.
        max: the largest share that passes. Default: 0.
    """

    runs: ContaminationParams = ContaminationParams()


@audit("text_duplicates", TextDuplicatesParams, family="text", between=SHARE)
def text_duplicates(context: AuditContext, params: TextDuplicatesParams) -> AuditResult:
    """The share of rows whose task repeats an earlier row's, word by word or nearly (ROUGE-L ≥ 0.7)

    The task is instruction and input. Rows are taken in their order, and each is compared with those that were kept
    (none is missed: :class:`.near.NearIndex`), so the value is the share of rows that a de-duplication as
    in Self-Instruct (arXiv 2212.10560) would take out. It grows with the number of rows. Interval: Wilson's. There is
    no floor: fewer seeds repeat themselves less.
    """
    from synthkit.instruct.items.near import NearIndex
    from synthkit.instruct.items.tokens import normalised, tokens

    index, kept, seen = NearIndex(params.threshold), [], set()
    exact = near = 0
    shown: list[dict[str, object]] = []
    rows = items(context, "synthetic", params)
    for item in rows:
        plain = normalised(item.task)
        if plain in seen:
            exact += 1
            continue
        seen.add(plain)
        found = index.nearest(words := tokens(item.task))
        if found is None:
            index.add(words)
            kept.append(item)
            continue
        near += 1
        if len(shown) < EXAMPLES:
            shown.append({"row": cut(item.task), "earlier": cut(kept[found[0]].task), "rouge_l": round(found[1], 4)})
    message = f"{exact:,} of {len(rows):,} rows repeat an earlier task, and {near:,} more nearly do"
    details = {"rows": len(rows), "exact": exact, "near": near, "examples": shown}
    advice = "filters: near_duplicates, more seeds and topics, or fewer rows from each request"
    return _rate(params, exact + near, len(rows), {"max": 0.05}, message, details, advice)


@audit("refusal_rate", RefusalRateParams, family="text", between=SHARE)
def refusal_rate(context: AuditContext, params: RefusalRateParams) -> AuditResult:
    """The share of responses that refuse, talk about the model or are a form to fill in

    By the patterns of the filter ``refusals``, English ones: a table that was filtered with them has none left, so this
    is for tables from elsewhere, and for filters that are off. Interval: Wilson's. It reads no real rows, so there is
    no floor.
    """
    stage = Refusals(params.refusals)
    rows = items(context, "synthetic", params)
    hits = [(item, hit) for item in rows if (hit := stage.found(item.response)) is not None]
    kinds = Counter(hit[0] for _, hit in hits)
    listed = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in kinds.most_common())
    message = f"{len(hits):,} of {len(rows):,} responses are no answers" + (f" ({listed})" if listed else "")
    examples = [{"instruction": cut(i.instruction), "words": hit[1]} for i, hit in hits[:EXAMPLES]]
    details = {"rows": len(rows), "kinds": dict(kinds), "examples": examples}
    return _rate(params, len(hits), len(rows), {"max": 0.01}, message, details, "filters: refusals")


@audit("contamination", TextContaminationParams, family="text", needs=("train", "holdout"), between=SHARE)
def contamination(context: AuditContext, params: TextContaminationParams) -> AuditResult:
    """The share of rows that repeat runs of words of held-out rows: a model's test would be in its training

    A leak is a run of 13 tokens in common, or a shorter held-out text as a whole (Brown et al. 2020, arXiv 2005.14165,
    appendix C; :class:`.ngrams.Leaks`). Interval: Wilson's. Floor: the share of training rows that leak
    held-out ones, as boilerplate that all texts of a domain share does. A paraphrase is not found.
    """
    held_out = items(context, "holdout", params)
    rows = items(context, "synthetic", params)
    if not held_out:
        return AuditResult(None, "skipped", message="there are no held-out rows to leak")
    stage = Contamination(params.runs, held_out)
    hits = [item for item in rows if stage.look(item).reason is not None]
    real = items(context, "train", params)
    floor = sum(stage.look(i).reason is not None for i in real) / len(real) if real else None
    # Of the synthetic side alone: a receipt must not print held-out rows.
    examples = [cut(item.task) for item in hits[:EXAMPLES]]
    message = f"{len(hits):,} of {len(rows):,} rows repeat words of one of {len(held_out):,} held-out rows"
    details = {"rows": len(rows), "held_out": len(held_out), "examples": examples}
    advice = "filters: contamination, with the held-out rows"
    return _rate(params, len(hits), len(rows), {"max": 0.0}, message, details, advice, floor)


def _rate(
    params: TextRateParams,
    hits: int,
    rows: int,
    default: Default,
    message: str,
    details: Mapping[str, object],
    advice: str,
    floor: float | None = None,
) -> AuditResult:
    if rows == 0:
        text = limit_of(params, floor, default).text
        return AuditResult(None, "skipped", text, message="there are no rows to look at")
    share = wilson(hits, rows)
    return gated(
        params,
        Estimate(share.value, share.low, share.high, floor),
        default,
        message,
        details=details,
        advice=advice,
    )
