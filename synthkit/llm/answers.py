"""An answer, read: what it says, or why it says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from synthkit.llm.forms import read
from synthkit.llm.messages import Message, Part
from synthkit.llm.requests import Prompt
from synthkit.llm.usage import Usage

Status = Literal["ok", "refusal", "cut", "invalid"]
STATUSES: tuple[Status, ...] = ("ok", "refusal", "cut", "invalid")


@dataclass(frozen=True)
class Answer:
    """What came back for a prompt.

    Attributes:
        key: the prompt's.
        status: "ok"; "refusal": the model declined; "cut": it ran into ``max_tokens`` or its context window;
            "invalid": the text is not of the prompt's form.
        data: the answer, validated; only when ok.
        detail: why there is no data.
        model: the model that answered, as the provider names it.
        cost: USD.
        batch: whether it was asked in a Message Batch.
    """

    key: str
    status: Status
    data: Part | None
    usage: Usage
    request_id: str
    detail: str
    model: str
    cost: Decimal
    batch: bool = False


@dataclass(frozen=True)
class Kept:
    """A complete answer of the API as it is stored: ``message`` is the body as received, parsed."""

    key: str
    message: Message
    request_id: str
    cost: Decimal
    batch: bool = False


def read_answer(prompt: Prompt, kept: Kept) -> Answer:
    """Look at why the model stopped, and only then at its words."""
    status, data, detail = _read(prompt, kept.message)
    return Answer(
        key=prompt.key,
        status=status,
        data=data,
        usage=prompt.billed(kept.message),
        request_id=kept.request_id,
        detail=detail,
        model=str(kept.message.get("model") or prompt.model),
        cost=kept.cost,
        batch=kept.batch,
    )


def text_of(message: Message) -> str:
    """The text blocks of a message; thinking and other blocks may stand before or between them."""
    blocks = message.get("content") or []
    return "".join(str(b.get("text") or "") for b in blocks if isinstance(b, Mapping) and b.get("type") == "text")


def _read(prompt: Prompt, message: Message) -> tuple[Status, Part | None, str]:
    reason = message.get("stop_reason")
    if reason == "refusal":
        details = message.get("stop_details")
        said = details.get("explanation") if isinstance(details, Mapping) else None
        return "refusal", None, str(said or "the model declined to answer")
    if reason == "max_tokens":
        return "cut", None, f"cut at max_tokens ({prompt.max_tokens}): raise it, or ask for fewer items in a request"
    if reason == "model_context_window_exceeded":
        return "cut", None, "cut at the end of the model's context window: shorten the prompt"
    if reason not in ("end_turn", "stop_sequence"):
        return "invalid", None, f"the model stopped for an unexpected reason: {reason!r}"
    try:
        # transform_schema moves lengths and counts into descriptions, which bind nobody: they are checked here.
        return "ok", prompt.form.model_validate_json(text_of(message)).model_dump(mode="json"), ""
    except ValidationError as error:
        found = None if prompt.provider == "anthropic" else read(prompt.form, text_of(message))
        if found is not None:
            return "ok", found.model_dump(mode="json"), ""
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return "invalid", None, f"{where}: {first['msg']}" if where else str(first["msg"])


def numbered(parts: Sequence[Part], name: str, count: int) -> dict[int, Part]:
    """The parts of an answer by the number that each says it is of, 1 to ``count``.

    A model may answer in another order, leave some out, or begin to count at 0. So the numbers decide and not the
    order; what is left out is missing; and where a number is repeated, or is none of those asked for, nobody can tell
    what the others are of either, and all are missing.

    Args:
        name: of the number in each part.
    """
    found = {int(part[name]): part for part in parts}
    return found if len(found) == len(parts) and all(1 <= n <= count for n in found) else {}
