from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
from pydantic import BaseModel, Field

from synthkit.llm import client
from synthkit.llm.prices import Prices
from synthkit.llm.requests import OVERHEAD_TOKENS, Prompt
from tests.llm import messages
from tests.llm.asking import Items, Note, prompt


def test_payload_is_what_the_api_takes() -> None:
    payload = prompt(1).payload()
    assert messages.refused(payload) is None
    assert payload["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert payload["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert "system" not in dataclasses.replace(prompt(1), system="").payload()


def test_the_key_is_the_question() -> None:
    one = prompt(1)
    assert one.key == dataclasses.replace(one, label="else").key
    others: list[dict[str, object]] = [
        {"nonce": 1}, {"user": "x"}, {"system": "x"}, {"model": "m"}, {"max_tokens": 5}, {"form": Note},
    ]  # fmt: skip
    keys = {dataclasses.replace(one, **change).key for change in others}  # type: ignore[arg-type]
    assert len(keys | {one.key}) == len(others) + 1


def test_the_key_does_not_hang_on_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    key = prompt(1).key
    monkeypatch.setattr(client, "transformed_schema", lambda form: "{}")
    assert prompt(1).key == key
    code = "from tests.llm.asking import prompt; print(prompt(1).key)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == key


def test_a_field_named_title_is_part_of_the_form() -> None:
    class A(BaseModel):
        title: str

    class B(BaseModel):
        title: int

    assert Prompt("m", "", "u", A, 5).key != Prompt("m", "", "u", B, 5).key


class Limits(BaseModel):
    note: str = Field(min_length=3, max_length=9)


def test_limits_are_part_of_the_form() -> None:
    assert Prompt("m", "", "u", Note, 5).key != Prompt("m", "", "u", Limits, 5).key


@pytest.mark.parametrize("user", ["short", "ünïcödé " * 500, "漢字" * 3000, ""])
def test_the_worst_case_bounds_the_bill(user: str) -> None:
    asked = Prompt("claude-sonnet-5-5", "S" * 5000, user, Items, 700)
    most = asked.most_tokens
    assert messages.prompt_tokens(asked.payload()) <= most.write_5m
    schema = json.dumps(asked.payload()["output_config"]["format"]["schema"], ensure_ascii=False)
    assert most.write_5m == 5000 + len(user.encode()) + len(schema.encode()) + OVERHEAD_TOKENS
    prices = Prices.load()
    assert asked.worst_case(prices) == prices.cost(asked.model, most)
    assert asked.worst_case(prices, batch=True) * 2 == asked.worst_case(prices)
