"""Whether an instruction table has the topics and the lengths that it should have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from synthkit.audits.change.volume import PositiveShare
from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnName, ColumnResult, Decide, audit
from synthkit.audits.gate import Estimate, GateParams, gated, judge, limit_of, untold
from synthkit.audits.measures import distances
from synthkit.audits.rows.sampling_error import deal, gaps
from synthkit.audits.text.rows import TextParams, items, require
from synthkit.audits.verdict import ALPHA, MIN_ROWS, CombinedParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.instruct.items.tokens import tokens


class TopicBalanceParams(GateParams):
    """Parameters of ``topic_balance``, beside the gate's.

    Args:
        topic: the column of the topics.
        shares: topic → share, as in the model's ``topics:``; they add up to 1, and a topic that is not listed should
            not occur. Default: the shares of the training rows.
        max: the largest distance that passes. Default: 0.1.
        decide: the distance itself, as noise only ever enlarges it.
    """

    topic: ColumnName = "topic"
    shares: Mapping[str, PositiveShare] | None = None
    decide: Decide = "point"

    @field_validator("shares")
    @classmethod
    def _whole(cls, value: Mapping[str, float] | None) -> Mapping[str, float] | None:
        if value is not None and not math.isclose(total := math.fsum(value.values()), 1, abs_tol=0.005):
            raise ValueError(f"the shares add up to {total:.3g}, not to 1")
        return value


class TextLengthsParams(CombinedParams, TextParams):
    """Parameters of ``text_lengths``, beside those of the texts and the gate's.

    Args:
        max: the largest distance that passes, for each text. Default: 0.3.
    """

    decide: Decide = "point"


@audit("topic_balance", TopicBalanceParams, family="text", needs=("train",), between=SHARE)
def topic_balance(context: AuditContext, params: TopicBalanceParams) -> AuditResult:
    """How far are the topics' shares from those declared, or from the seeds'? Share of rows of the wrong topic

    Total variation distance, half the sum of absolute differences of the shares. Interval: bootstrap over groups of
    rows (:mod:`.rows.sampling_error`). Floor: that of the held-out rows from the same shares, where there are
    30. A missing topic is a topic. Each topic has a status of its own: how far its share is off, against the limit.
    """
    import numpy as np

    threshold = limit_of(params, None, {"max": 0.1}).text
    fake = _topics(context, "synthetic", params.topic)
    declared = params.shares
    real = _topics(context, "train", params.topic) if declared is None else []
    if len(fake) < MIN_ROWS or (declared is None and len(real) < MIN_ROWS):
        counts = f"{len(fake)} rows" + ("" if declared is not None else f" and {len(real)} training rows")
        return untold(f"{counts} (at least {MIN_ROWS} are needed, or declare shares:)", threshold)
    held_out = _topics(context, "holdout", params.topic) if context.holdout is not None and declared is None else []
    names = sorted({*fake, *real, *held_out, *(declared or {})})

    def shares(topics: list[str], purpose: str) -> tuple[Any, Any]:
        """Shares and draws of their error: shapes (topics,) and (draws, topics)."""
        dealt = deal(len(topics), context.rng("topics", purpose))
        table = dealt.table(np.array([names.index(t) for t in topics], dtype=np.int32), len(names))
        return table.sum(axis=0) / len(topics), dealt.error(table)

    got, error = shares(fake, "synthetic")
    if declared is None:
        wanted, apart = shares(real, "train")
        error = error - apart
    else:
        wanted = np.array([declared.get(n, 0.0) for n in names])
    floor = None
    if len(held_out) >= MIN_ROWS:
        floor = float(np.abs(shares(held_out, "holdout")[0] - wanted).sum() / 2)
    found = Estimate.of(gaps(got - wanted, error, 0.5).distance(), floor)
    # One topic that is off by so much makes the table's distance as large: it is held against the same limit.
    limit, alpha = limit_of(params, floor, {"max": 0.1}), ALPHA / len(names)
    columns = []
    for i in np.argsort(-np.abs(got - wanted), kind="stable"):
        own = Estimate.of(gaps(got[i : i + 1] - wanted[i], error[:, i : i + 1]).distance(alpha))
        said = f"{got[i]:.1%}, not {wanted[i]:.1%}"
        columns.append(
            ColumnResult(names[i] or "(none)", own.value, judge(own, limit), own.low, own.high, message=said)
        )
    worst = columns[0]
    message = f"{found.value:.1%} of the rows would have to change their topic; {worst.column!r} has {worst.message}"
    advice = "topics: of the generator, and enough requests to fill each"
    return gated(params, found, {"max": 0.1}, message, columns=columns, advice=advice)


@audit("text_lengths", TextLengthsParams, family="text", needs=("train",), between=SHARE)
def text_lengths(context: AuditContext, params: TextLengthsParams) -> AuditResult:
    """How far are the lengths of instructions and responses from the seeds'? KS distance, in tokens

    The largest gap of the two distributions of lengths, with its interval
    (:func:`.distances.ks_distance`). Floor: held-out rows against training rows, where there are 30. The
    details have Wasserstein's distance in tokens: how much longer or shorter a text is, on average over the ranks.
    """
    import numpy as np

    sides: dict[Side, Any] = {s: items(context, s, params) for s in ("synthetic", "train", "holdout")}
    alpha = share_of_alpha(params, 2)
    parts = []
    for name in ("instruction", "response"):
        column = getattr(params, name)
        fake, real, held_out = (
            np.sort([len(tokens(getattr(item, name))) for item in rows]).astype(float) for rows in sides.values()
        )
        if min(len(fake), len(real)) < MIN_ROWS:
            message = f"{len(fake)} rows and {len(real)} training rows (at least {MIN_ROWS} are needed)"
            parts.append(unmeasured(column, message))
            continue
        found = distances.ks_distance(fake, real, context.rng("lengths", name), alpha)
        floor = distances.ks_statistic(held_out, real)[0] if len(held_out) >= MIN_ROWS else None
        ranks = np.linspace(0.005, 0.995, 100)
        moved = float(np.abs(np.quantile(fake, ranks) - np.quantile(real, ranks)).mean())
        median = {"median": float(np.median(fake)), "real_median": float(np.median(real))}
        parts.append(Part(column, Estimate.of(found, floor), details={"wasserstein": round(moved, 3), **median}))
    advice = "say in the prompt how long a response should be, or max_tokens"
    return verdict(parts, params, {"max": 0.3}, symbol="D", advice=advice)


def _topics(context: AuditContext, side: Side, column: str) -> list[str]:
    if context.side(side) is None:
        return []
    require(context, side, column)
    return ["" if v is None else str(v) for v in context.arrow(side, (column,)).column(0).to_pylist()]
