"""A request to the teacher: what is sent, what names it, and the most that it can cost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel

from synthkit.llm.client import transformed_schema
from synthkit.llm.forms import in_words, strict_schema
from synthkit.llm.messages import Message, Payload
from synthkit.llm.prices import Prices
from synthkit.llm.usage import Usage

# What the provider adds to a request out of sight: the marks between the parts (some ten tokens) and the instruction
# that explains the JSON form, which is a few hundred tokens beside the schema itself.
OVERHEAD_TOKENS = 2_000


@dataclass(frozen=True)
class Prompt:
    """One question to the teacher.

    Attributes:
        system: the part that does not change from request to request, cached by the provider.
        form: the shape of the answer.
        label: what it is, for people; not part of the key.
        nonce: tells apart requests that are otherwise equal.
        provider: whose model it is, or what kind of server has it.
        temperature: how freely the model chooses its words; None: as its server does by itself.
        seed: of the draws of a model on this machine.
        columns: for a model on this machine: those that are to be written, and what they hold; ``user`` has the rows,
            one a line.
        number: what an item of the answer calls the number of its row.
    """

    model: str
    system: str
    user: str
    form: type[BaseModel]
    max_tokens: int
    label: str = ""
    nonce: int = 0
    provider: str = "anthropic"
    temperature: float | None = None
    seed: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    number: str = ""

    def payload(self) -> Payload:
        """The arguments of ``messages.create``."""
        said: Payload = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "system": [{"type": "text", "text": self.system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": self.user}],
            "output_config": {"format": {"type": "json_schema", "schema": json.loads(self._schema)}},
        }
        if self.provider == "local":
            said |= {"number": self.number, "columns": [list(c) for c in self.columns], "rows": self.user.split("\n")}
            if self.temperature is not None:
                # Of each request's own: those that are alike but for their number would give the same texts.
                said |= {"temperature": self.temperature, "seed": int(self.key[:8], 16)}
        elif self.provider == "openai":
            # Not every server holds its model to a schema, or says that it does not.
            said["system"] = [{"type": "text", "text": text} for text in (self.system, in_words(self.form)) if text]
            if self.temperature is not None:
                said["temperature"] = self.temperature
        elif not self.system:
            del said["system"]  # an empty block is refused by the API
        return said

    @property
    def _schema(self) -> str:
        return transformed_schema(self.form) if self.provider == "anthropic" else strict_schema(self.form)

    @cached_property
    def key(self) -> str:
        """SHA-256 of what is asked, in a form of our own: the SDK's way of writing a schema is no part of it."""
        asked = {
            "model": self.model,
            "system": self.system,
            "user": self.user,
            "form": _canonical_form(self.form),
            "max_tokens": self.max_tokens,
            "nonce": self.nonce,
            **self.asked_of,
        }
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate is legal in a Python string, and must name a request all the same.
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def asked_of(self) -> dict[str, Any]:
        """Whom else than Anthropic it is asked, and how words are chosen: what is said of it."""
        said: dict[str, Any] = {"provider": self.provider, "temperature": self.temperature, "seed": self.seed}
        said |= {"columns": [list(c) for c in self.columns] or None, "number": self.number or None}
        return {k: v for k, v in said.items() if v not in (None, "anthropic")}

    def billed(self, message: Message) -> Usage:
        """The tokens that an answer took: the most that it can be where its server does not say."""
        if message.get("usage") is None:
            return Usage(input=self.most_tokens.write_5m, output=self.most_tokens.output)
        return Usage.of(message)

    @cached_property
    def most_tokens(self) -> Usage:
        """An upper bound of the tokens that it can be billed for.

        The tokeniser works on bytes and each token stands for at least one, so the UTF-8 length of all text that is
        sent, with ``OVERHEAD_TOKENS`` for what the provider adds, is a bound of the input. All of it counts as
        written to the cache, the dearest kind. ``max_tokens`` bounds the output.
        """
        words = (in_words(self.form),) if self.provider == "openai" else ()
        texts = (self.system, self.user, self._schema, *words)
        sent = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        return Usage(write_5m=sent + OVERHEAD_TOKENS, output=self.max_tokens)

    def worst_case(self, prices: Prices, batch: bool = False) -> Decimal:
        """USD that one attempt can cost at most."""
        most = self.most_tokens
        uncached = Usage(input=most.write_5m, output=most.output)
        return max(prices.cost(self.model, usage, batch) for usage in (most, uncached))


@lru_cache(maxsize=64)
def _canonical_form(form: type[BaseModel]) -> str:
    return json.dumps(_without_titles(form.model_json_schema()), sort_keys=True)


def _without_titles(node: Any, names: bool = False) -> Any:
    """A schema without the titles that pydantic makes from names. ``names``: the keys of ``node`` are fields."""
    if isinstance(node, dict):
        return {
            k: _without_titles(v, names=k in ("properties", "$defs") and not names)
            for k, v in node.items()
            if names or k != "title"
        }
    return [_without_titles(v) for v in node] if isinstance(node, list) else node
