"""A question to a teacher: what is sent, under what name it is kept, and what it can cost at most."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel

from synthkit.teacher.prices import MILLION, Prices

OVERHEAD = 1000  # input tokens that a provider may add for its own framing of structured output


@dataclass(frozen=True)
class Prompt:
    """One request.

    Args:
        system: the constant part, which is cached by the provider.
        form: what the answer must be.
        label: what it is for, in messages.
        nonce: asks the same text anew where it differs.
    """

    model: str
    system: str
    user: str
    form: type[BaseModel]
    max_tokens: int
    label: str
    nonce: int = 0

    def payload(self) -> dict[str, Any]:
        """The arguments of ``messages.create``."""
        return {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "system": [{"type": "text", "text": self.system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": self.user}],
            "output_config": {"format": {"type": "json_schema", "schema": wire_schema(self.form)}},
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 of what is asked: not of the form in which an SDK sends it, which changes with its version."""
        asked = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "system": self.system,
            "user": self.user,
            "form": _form_schema(self.form),
            "nonce": self.nonce,
        }
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def worst_case(self, prices: Prices, *, batch: bool = False) -> Decimal:
        """USD that the answer costs at most.

        A token stands for at least one byte of text, so the bytes of what is sent bound the input, with
        :data:`OVERHEAD` for the provider's own words; each is counted at the dearest price of an input token, and the
        answer as long as it may be.
        """
        price = prices.of(self.model)
        texts = (self.system, self.user, _wire_text(self.form))
        sent = sum(len(text.encode("utf-8")) for text in texts) + OVERHEAD
        most = (sent * price.dearest_input + self.max_tokens * price.output) / MILLION
        return most * prices.batch if batch else most


@cache
def wire_schema(form: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema in the shape that the provider's structured output takes."""
    from anthropic import transform_schema

    return transform_schema(form)


@cache
def _wire_text(form: type[BaseModel]) -> str:
    return json.dumps(wire_schema(form), ensure_ascii=False)


@cache
def _form_schema(form: type[BaseModel]) -> dict[str, Any]:
    return form.model_json_schema()
