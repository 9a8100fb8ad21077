"""Tokens that an answer was billed for."""

from __future__ import annotations

from dataclasses import dataclass, fields

from synthkit.llm.messages import Billed, Message, Written


@dataclass(frozen=True)
class Usage:
    """Token counts of the Messages API. They add up: no token is in two of them.

    Attributes:
        input: prompt tokens that neither came from the cache nor went into it.
        output: tokens generated, thinking included.
        write_5m, write_1h: prompt tokens written to the cache, by its lifetime.
        read: prompt tokens read from the cache.
    """

    input: int = 0
    output: int = 0
    write_5m: int = 0
    write_1h: int = 0
    read: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @classmethod
    def of(cls, message: Message) -> Usage:
        """The usage of an API message; cache writes without a lifetime are five-minute ones, the API's default."""
        usage: Billed = message.get("usage") or {}
        written: Written = usage.get("cache_creation") or {}
        long = int(written.get("ephemeral_1h_input_tokens") or 0)
        short = written.get("ephemeral_5m_input_tokens")
        total = int(usage.get("cache_creation_input_tokens") or 0)
        return cls(
            input=int(usage.get("input_tokens") or 0),
            output=int(usage.get("output_tokens") or 0),
            write_5m=max(total - long, 0) if short is None else int(short),
            write_1h=long,
            read=int(usage.get("cache_read_input_tokens") or 0),
        )
