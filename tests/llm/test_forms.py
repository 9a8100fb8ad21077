from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field

from synthkit.llm.forms import MOST_TRIES, in_words, read, strict_schema


class Text(BaseModel):
    row: int
    title: str = Field(min_length=3)
    note: str = "none"


class Filled(BaseModel):
    items: list[Text]


GOOD = {"items": [{"row": 1, "title": "A title", "note": "n"}]}


def test_a_strict_schema_has_every_key_and_none_besides() -> None:
    schema = json.loads(strict_schema(Filled))
    text = schema["$defs"]["Text"]
    assert text["required"] == ["row", "title", "note"]
    assert text["additionalProperties"] is schema["additionalProperties"] is False
    assert text["properties"]["title"] == {"type": "string"}  # a field of that name stays, its least length does not
    assert "minLength" in in_words(Filled)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        f"Sure!\n```json\n{json.dumps(GOOD)}\n```",
        f"<think>{{not json}} and [1, 2]</think>{json.dumps(GOOD)}",
        json.dumps(GOOD["items"]),
        json.dumps({"answer": GOOD}),
        f'{{"items": [{{"row": 1, "title": "x"}}]}} sorry: {json.dumps(GOOD)}',
    ],
)
def test_found_wherever_it_stands(text: str) -> None:
    found = read(Filled, text)
    assert found is not None
    assert found.model_dump() == GOOD


@pytest.mark.parametrize(
    "text", ["", "no", "{", "[" * 5000, '{"items": 3}', '{"items": [{"row": 1}]}', "{" * (MOST_TRIES + 1)]
)
def test_what_is_no_answer(text: str) -> None:
    assert read(Filled, text) is None
