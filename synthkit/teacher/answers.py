"""What came back. The reason why the teacher stopped is looked at first: a refusal or a cut text is no data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from synthkit.teacher.prices import Usage
from synthkit.teacher.requests import Prompt

Status = Literal["ok", "refusal", "cut", "invalid"]
_CUT = ("max_tokens", "model_context_window_exceeded", "pause_turn")


@dataclass(frozen=True)
class Answer:
    """One answer that was paid for.

    Args:
        key: of the request.
        status: ok; refusal (``stop_reason`` says so); cut (too long); invalid (not of the form that was asked for).
        data: of an ok answer, what it says.
        usage: tokens that were paid for, whatever the status.
        request_id: the provider's.
        detail: of any other, what is wrong with it.
    """

    key: str
    status: Status
    data: Mapping[str, Any] | None
    usage: Usage
    model: str
    request_id: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answer:
        return cls(**{**data, "usage": Usage(**data["usage"])})


def read(prompt: Prompt, message: Any, request_id: str) -> Answer:
    """Judge a message of the SDK (``anthropic.types.Message``)."""
    usage = _usage(message.usage)
    text = "".join(block.text for block in message.content or () if block.type == "text")
    status, data, detail = _judged(message.stop_reason, text, prompt.form)
    return Answer(prompt.key, status, data, usage, prompt.model, request_id, detail)


def _judged(stop_reason: str | None, text: str, form: type[BaseModel]) -> tuple[Status, Mapping[str, Any] | None, str]:
    if stop_reason == "refusal":
        return "refusal", None, "the teacher refused"
    if stop_reason in _CUT:
        return "cut", None, f"the answer was cut: {stop_reason}"
    try:
        # JSON first, with its own names and types; then the form, lengths included, which the wire schema cannot hold
        return "ok", form.model_validate(json.loads(text), strict=True).model_dump(mode="json"), ""
    except ValueError as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            return "invalid", None, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        return "invalid", None, f"no JSON: {error}"


def _usage(found: Any) -> Usage:
    kept = found.cache_creation
    long = kept.ephemeral_1h_input_tokens if kept is not None else 0
    written = found.cache_creation_input_tokens or 0
    short = kept.ephemeral_5m_input_tokens if kept is not None else written
    return Usage(found.input_tokens, found.output_tokens, short, long, found.cache_read_input_tokens or 0)
