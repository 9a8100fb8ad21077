"""What a table will cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from synthkit.llm.prices import Prices
from synthkit.llm.requests import OVERHEAD_TOKENS, Prompt
from synthkit.llm.usage import Usage

# English text has about four bytes in a token by the provider's own rule of thumb.
BYTES_PER_TOKEN = 4
# Without tokenising, both the length of answers and the share of the cache are guesses: half to twice is honest.
SPREAD = (Decimal("0.5"), Decimal(2))


@dataclass(frozen=True)
class Estimate:
    """Tokens and USD of ``requests`` requests; ``usd`` is low, likely, high, and ``most`` cannot be exceeded by single
    attempts. ``assumptions`` are sentences for people."""

    requests: int
    input_tokens: int
    output_tokens: int
    usd: tuple[Decimal, Decimal, Decimal]
    most: Decimal
    assumptions: tuple[str, ...]

    def as_dict(self) -> Mapping[str, object]:
        """For JSON; money as text, exact."""
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd": [str(amount) for amount in self.usd],
            "most_usd": str(self.most),
            "assumptions": list(self.assumptions),
        }


def estimate(requests: int, sample: Prompt, output_tokens: int, prices: Prices, batch: bool = False) -> Estimate:
    """Estimate ``requests`` prompts like ``sample``, each answered with about ``output_tokens`` tokens.

    Raises:
        SynthError: the model has no price.
    """
    most = sample.most_tokens
    sent = -(-(most.write_5m - OVERHEAD_TOKENS) // BYTES_PER_TOKEN)
    output = min(output_tokens, sample.max_tokens)
    likely = prices.cost(sample.model, Usage(input=sent, output=output), batch) * requests
    ceiling = sample.worst_case(prices, batch) * requests
    low, high = likely * SPREAD[0], min(likely * SPREAD[1], ceiling)
    assumptions = (
        f"about {BYTES_PER_TOKEN} bytes of text in a token, so {sent:,} input tokens in a request",
        f"about {output:,} output tokens in an answer (at most {sample.max_tokens:,})",
        "nothing read from the provider's cache, no answer kept from before, no attempt lost",
        *(
            ()
            if sample.model in prices.unknown
            else (f"list prices of {prices.as_of}" + (f", and those of {prices.override}" if prices.override else ""),)
        ),
        *((f"the batch price, {prices.batch_factor} of the list price",) if batch else ()),
        "from half to twice that, as lengths are guessed",
    )
    return Estimate(requests, sent * requests, output * requests, (low, likely, high), ceiling, assumptions)
