"""The form of an answer for models of other providers: as a JSON schema that servers take, and in words."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

# What OpenAI's structured outputs take of a schema; the rest is said in words, and checked when the answer is read.
TAKEN = ("type", "properties", "required", "items", "enum", "const", "anyOf", "$ref", "$defs", "description")
MOST_TRIES = 100  # places in a text at which a JSON value may begin
WORDS = "Answer with one JSON object and nothing else, without a code fence. It has this JSON schema:\n"


@lru_cache(maxsize=64)
def strict_schema(form: type[BaseModel]) -> str:
    """The JSON schema of ``form`` with every key required and none besides, as JSON text."""
    return json.dumps(_strict(form.model_json_schema()), ensure_ascii=False)


@lru_cache(maxsize=64)
def in_words(form: type[BaseModel]) -> str:
    """What a model is told of the form, whether or not its server holds it to that."""
    return WORDS + json.dumps(form.model_json_schema(), ensure_ascii=False, separators=(",", ":"))


def _strict(node: Any, names: bool = False) -> Any:
    """``names``: the keys of ``node`` are fields."""
    if isinstance(node, list):
        return [_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: _strict(one) for name, one in node.items()}
    found = {k: _strict(v, names=k in ("properties", "$defs")) for k, v in node.items() if k in TAKEN}
    if "properties" in found:
        found |= {"additionalProperties": False, "required": list(found["properties"])}
    return found


def read(form: type[BaseModel], text: str) -> BaseModel | None:
    """The first JSON value in a text that has the form: models think aloud, put fences around what they say, and leave
    the outermost object out where it has one list."""
    decoder, tries, at = json.JSONDecoder(), 0, 0
    only = next(iter(form.model_fields)) if len(form.model_fields) == 1 else None
    said = text.rpartition("</think>")[2]
    while tries < MOST_TRIES and (at := _next(said, at)) >= 0:
        tries += 1
        try:
            value, end = decoder.raw_decode(said, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        value = {only: value} if only is not None and isinstance(value, list) else value
        try:
            return form.model_validate_json(json.dumps(value))
        except ValidationError:
            # What does not fit may hold what does: {"answer": {…}}.
            at = at + 1 if isinstance(value, dict) else end
    return None


def _next(text: str, at: int) -> int:
    """Where the next object or list may begin; -1: nowhere."""
    found = [i for i in (text.find("{", at), text.find("[", at)) if i >= 0]
    return min(found, default=-1)
