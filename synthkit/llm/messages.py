"""The bodies of the Messages API, as far as anything here reads them. The provider may leave out or add any key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Required, TypedDict


class Block(TypedDict, total=False):
    """A part of an answer: text, or thinking and others."""

    type: str
    text: str | None


class Written(TypedDict, total=False):
    """Prompt tokens that were written to the cache, by lifetime."""

    ephemeral_1h_input_tokens: int | None
    ephemeral_5m_input_tokens: int | None


class Billed(TypedDict, total=False):
    """What an answer is billed for."""

    input_tokens: int | None
    output_tokens: int | None
    cache_creation: Written | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None


class Stopped(TypedDict, total=False):
    """More on why the model stopped."""

    explanation: str | None


class Message(TypedDict, total=False):
    """A complete answer."""

    id: str
    type: str
    model: str | None
    content: list[Block] | None
    stop_reason: str | None
    stop_details: Stopped | None
    usage: Billed | None


class Payload(TypedDict, total=False):
    """The arguments of ``messages.create``; ``messages``, ``system`` and ``output_config`` are the SDK's own. Of other
    providers' models the temperature may be said; a model on this machine is told the seed of its draws, and rows and
    columns one by one, with what an item calls the number of its row."""

    model: Required[str]
    max_tokens: Required[int]
    system: list[Any]
    messages: Required[list[Any]]
    output_config: Any
    temperature: float
    seed: int
    number: str
    columns: list[list[str]]
    rows: list[str]


Part = Mapping[str, Any]  # of an answer, as the prompt's form says: column → text, say
