from __future__ import annotations

import json
from decimal import Decimal

from synthkit.llm.estimate import estimate
from synthkit.llm.prices import Prices
from synthkit.llm.requests import OVERHEAD_TOKENS
from tests.llm.asking import prompt


def test_estimate_adds_up() -> None:
    sample, prices = prompt(1), Prices.load()
    made = estimate(100, sample, 1500, prices)
    sent = -(-(sample.most_tokens.write_5m - OVERHEAD_TOKENS) // 4)
    assert (made.input_tokens, made.output_tokens) == (100 * sent, 150_000)
    assert made.usd[1] == Decimal(100 * sent * 2 + 150_000 * 10) / 1_000_000
    assert made.usd[0] < made.usd[1] < made.usd[2] <= made.most == 100 * sample.worst_case(prices)
    assert any("1,500 output tokens" in line for line in made.assumptions)
    assert any(prices.as_of in line for line in made.assumptions)
    assert json.loads(json.dumps(made.as_dict()))["requests"] == 100
    assert estimate(100, sample, 1500, prices, batch=True).usd[1] * 2 == made.usd[1]


def test_no_answer_is_longer_than_max_tokens() -> None:
    assert estimate(1, prompt(1), 9999, Prices.load()).output_tokens == 2000
