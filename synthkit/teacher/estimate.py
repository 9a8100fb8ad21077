"""What asking may cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from synthkit.teacher.prices import MILLION, Prices
from synthkit.teacher.spec import SpendingParams

BYTES_PER_TOKEN = 3.5  # of English prose and JSON, on the low side so that the estimate is on the high one


@dataclass(frozen=True)
class Expected:
    """``requests`` of one kind: a typical text that is sent, and the tokens of a typical answer."""

    model: str
    requests: int
    text: str
    output: int


def priced(parts: Sequence[Expected], params: SpendingParams, root: Path, assumed: str) -> list[str]:
    """Two lines: requests, tokens and USD; and what that rests on.

    Raises:
        BuildError: nothing says what a model costs.
    """
    prices = Prices.load(root)
    requests = sum(part.requests for part in parts)
    sent = got = 0
    usd = Decimal(0)
    for part in parts:
        price = prices.of(part.model)
        tokens = round(len(part.text.encode("utf-8")) / BYTES_PER_TOKEN) * part.requests
        answered = part.output * part.requests
        sent, got = sent + tokens, got + answered
        usd += (tokens * price.input + answered * price.output) / MILLION
    if params.batch_api:
        usd *= prices.batch
    over = (
        f"; max_usd {params.max_usd} stops it before" if usd > params.max_usd else f"; never more than {params.max_usd}"
    )
    return [
        f"about {requests:,} requests, {sent:,} tokens in and {got:,} out, ${usd:.2f}{over}",
        f"assumed: {assumed}",
    ]
