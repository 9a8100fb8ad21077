"""One instruction-tuning example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Item:
    """An instruction and its response; ``input`` is what the instruction is about, often empty."""

    instruction: str
    response: str
    input: str = ""
    topic: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """From a row of a table; a missing value is an empty text, and no topic."""
        text = {name: str(row.get(name) or "").strip() for name in ("instruction", "response", "input")}
        topic = row.get("topic")
        return cls(**text, topic=None if topic is None else str(topic))

    @property
    def task(self) -> str:
        """What is compared for likeness: instruction and input, as two items with one instruction may differ in it."""
        return f"{self.instruction}\n{self.input}" if self.input else self.instruction
