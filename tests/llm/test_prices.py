from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from synthkit.errors import SynthError
from synthkit.llm.prices import Prices
from synthkit.llm.usage import Usage


def test_each_kind_of_token_has_its_price() -> None:
    usage = Usage(input=1_000_000, output=100_000, write_5m=10_000, write_1h=1_000, read=7)
    cost = Prices.load().cost("claude-sonnet-5-5", usage)
    assert cost == Decimal("2") + 1 + Decimal("0.025") + Decimal("0.004") + Decimal("0.0000007")
    assert Prices.load().cost("claude-sonnet-5-5", usage, batch=True) == cost / 2


def test_sums_are_exact() -> None:
    prices = Prices.load()
    one = prices.cost("claude-haiku-5-5", Usage(input=1))
    assert sum((one for _ in range(1_000_000)), Decimal(0)) == Decimal("0.1")


def test_long_prompts_cost_more() -> None:
    prices = Prices.load()
    short = prices.cost("claude-haiku-5-5", Usage(input=60_000, read=40_000, output=10))
    long = prices.cost("claude-haiku-5-5", Usage(input=60_001, read=40_000, output=10))
    assert long == 5 * (short + Decimal("0.0000001"))


def test_a_project_overrides(tmp_path: Path) -> None:
    own = tmp_path / "prices.yml"
    own.write_text(
        "models: {claude-sonnet-5-5: {input: 1, output: 3, cache_read: 0}, house-model: {input: 0.3, output: 1}}"
    )
    prices = Prices.load(own)
    assert prices.cost("claude-sonnet-5-5", Usage(input=10**6, output=10**6, read=10**6)) == 4
    assert prices.cost("house-model", Usage(write_5m=10**6)) == Decimal("0.375")
    assert prices.of("claude-opus-5-5") == Prices.load().of("claude-opus-5-5")


def test_no_price_no_limit() -> None:
    with pytest.raises(SynthError, match=r"no price for the model 'claude-sonnet-9'[\s\S]*models: \{claude-sonnet-9"):
        Prices.load().cost("claude-sonnet-9", Usage())


@pytest.mark.parametrize(
    "text",
    [
        "models: {a: {input: -1, output: 2}}",
        "models: {a: {inptu: 1, output: 1}}",
        "a: ]",
        "models: {a: {input: .nan, output: 1}}",
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prices.yml"
    own.write_text(text)
    with pytest.raises(SynthError, match=r"prices\.yml cannot be used"):
        Prices.load(own)
    with pytest.raises(SynthError, match=r"missing\.yml"):
        Prices.load(tmp_path / "missing.yml")


def test_usage_of_a_message() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 30, "cache_read_input_tokens": None}
    assert Usage.of({"usage": usage}) == Usage(1, 2, 30)
    split = usage | {"cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}
    assert Usage.of({"usage": split}) == Usage(1, 2, 10, 20)
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)
