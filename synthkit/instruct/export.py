"""Instruction tables as the JSON lines that fine-tuning tools read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.errors import SynthError
from synthkit.instruct.items.item import Item

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["alpaca", "messages", "sharegpt", "prompt-completion"]


@dataclass(frozen=True)
class TextColumns:
    """Which columns hold the texts; a table may do without ``input``."""

    instruction: str = "instruction"
    response: str = "response"
    input: str = "input"

    def found_in(self, names: Iterable[str]) -> dict[str, str]:
        """Role → column. Raises SynthError that names every column that is missing."""
        there = list(names)
        missing = [c for c in (self.instruction, self.response) if c not in there]
        if self.input != "input" and self.input not in there:
            missing.append(self.input)
        if missing:
            which = " and ".join(map(repr, missing))
            raise SynthError(
                f"the table has no column {which}: it has {', '.join(there)}",
                hint="name the columns: --instruction, --response, --input",
            )
        roles = {"instruction": self.instruction, "response": self.response, "input": self.input}
        return {role: column for role, column in roles.items() if column in there}


def lines(
    batches: Iterable[pa.RecordBatch], roles: Mapping[str, str], style: Format, system: str = ""
) -> Iterator[str]:
    """One JSON object a row, with its line feed; memory for one batch at a time.

    Args:
        roles: role of a text → its column (see :meth:`TextColumns.found_in`).
        system: a system prompt for every row; none where empty.

    Raises:
        SynthError: a row has no instruction or no response, which would teach to say nothing.
    """
    form = FORMATS[style]
    at = 0
    for batch in batches:
        columns = {role: batch.column(column).to_pylist() for role, column in roles.items()}
        for values in zip(*columns.values(), strict=True):
            at += 1
            item = Item.of(dict(zip(columns, values, strict=True)))
            for role in ("instruction", "response"):
                if not getattr(item, role):
                    raise SynthError(
                        f"row {at:,} has no text in {roles[role]!r}", hint="leave such rows out in an SQL model"
                    )
            yield json.dumps(form(item, system), ensure_ascii=False) + "\n"


def _asked(item: Item) -> str:
    return f"{item.instruction}\n\n{item.input}" if item.input else item.instruction


def _alpaca(item: Item, system: str) -> dict[str, Any]:
    """As in Stanford Alpaca's alpaca_data.json; ``system`` is a key of its own, as LLaMA-Factory reads it."""
    row = {"instruction": item.instruction, "input": item.input, "output": item.response}
    return {"system": system, **row} if system else row


def _messages(item: Item, system: str) -> dict[str, Any]:
    """As the chat interfaces of OpenAI and Hugging Face TRL name them."""
    first = [{"role": "system", "content": system}] if system else []
    return {
        "messages": [
            *first,
            {"role": "user", "content": _asked(item)},
            {"role": "assistant", "content": item.response},
        ]
    }


def _sharegpt(item: Item, system: str) -> dict[str, Any]:
    first = [{"from": "system", "value": system}] if system else []
    return {
        "conversations": [
            *first,
            {"from": "human", "value": _asked(item)},
            {"from": "gpt", "value": item.response},
        ]
    }


def _prompt_completion(item: Item, system: str) -> dict[str, Any]:
    asked = _asked(item)
    return {"prompt": f"{system}\n\n{asked}" if system else asked, "completion": item.response}


FORMATS: Mapping[Format, Callable[[Item, str], dict[str, Any]]] = {
    "alpaca": _alpaca,
    "messages": _messages,
    "sharegpt": _sharegpt,
    "prompt-completion": _prompt_completion,
}
