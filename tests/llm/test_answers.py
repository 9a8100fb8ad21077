from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from synthkit.llm.answers import Kept, numbered, read_answer
from synthkit.llm.requests import Prompt
from tests.llm.asking import Note

ASKED = Prompt("claude-sonnet-5-5", "s", "u", Note, 100)


def read(stop: str | None, *blocks: dict[str, Any], **more: Any) -> Any:
    message = {"content": list(blocks), "stop_reason": stop, "usage": {"input_tokens": 3, "output_tokens": 4}, **more}
    return read_answer(ASKED, Kept(ASKED.key, message, "req", Decimal(1)))


def text(value: Any) -> dict[str, Any]:
    return {"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}


THOUGHT = {"type": "thinking", "thinking": '{"note": "not this"}', "signature": "x"}


def test_ok_picks_text_blocks_by_type() -> None:
    answer = read("end_turn", THOUGHT, text('{"note": '), text('"yes!"}'))
    assert (answer.status, answer.data, answer.detail) == ("ok", {"note": "yes!"}, "")
    assert answer.usage.output == 4


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        ("refusal", "refusal"),
        ("max_tokens", "cut"),
        ("model_context_window_exceeded", "cut"),
        ("tool_use", "invalid"),
        (None, "invalid"),
    ],
)
def test_other_ends_are_never_parsed(stop: str | None, status: str) -> None:
    answer = read(stop, text({"note": "complete"}))
    assert (answer.status, answer.data) == (status, None)
    assert answer.detail


def test_a_refusal_without_content_and_with_details() -> None:
    assert read("refusal").status == "refusal"
    assert read("refusal", stop_details={"explanation": "against policy"}).detail == "against policy"


@pytest.mark.parametrize("value", [{"note": "ab"}, {"other": 1}, "{", "", "null", {"note": 5}])
def test_the_form_is_checked_here(value: Any) -> None:
    answer = read("end_turn", text(value))
    assert (answer.status, answer.data) == ("invalid", None)
    assert answer.detail


@pytest.mark.parametrize(
    ("numbers", "taken"),
    [
        ([1, 2, 3], {1, 2, 3}),
        ([3, 1, 2], {1, 2, 3}),
        ([3, 1], {1, 3}),
        ([0, 1, 2], set()),
        ([1, 2, 2], set()),
        ([1, 2, 3, 4], set()),
        ([], set()),
    ],
)
def test_parts_are_told_apart_by_their_numbers(numbers: list[int], taken: set[int]) -> None:
    parts = [{"item": n, "said": f"of {n}"} for n in numbers]
    found = numbered(parts, "item", 3)
    assert set(found) == taken
    assert all(part["said"] == f"of {n}" for n, part in found.items())
