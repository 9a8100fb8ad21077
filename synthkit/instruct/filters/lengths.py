"""Items that are too short to say anything, or longer than anything should be."""

from __future__ import annotations

from pydantic import Field, model_validator

from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item


class LengthParams(StageParams):
    """Least and most words and characters; words are what white space parts.

    Self-Instruct keeps instructions of 3 to 150 words. A language written without spaces has few "words": set
    ``instruction_words_min`` to 1 and use the characters.

    Args:
        instruction_words_min, instruction_words_max: of an instruction.
        instruction_characters_max: of an instruction.
        response_words_min, response_words_max: of a response.
        response_characters_min, response_characters_max: of a response.
    """

    instruction_words_min: int = Field(default=3, ge=0)
    instruction_words_max: int = Field(default=150, ge=1)
    instruction_characters_max: int = Field(default=4_000, ge=1)
    response_words_min: int = Field(default=1, ge=0)
    response_words_max: int = Field(default=2_000, ge=1)
    response_characters_min: int = Field(default=1, ge=0)
    response_characters_max: int = Field(default=20_000, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> LengthParams:
        for what in ("instruction_words", "response_words", "response_characters"):
            low, high = getattr(self, f"{what}_min"), getattr(self, f"{what}_max")
            if low > high:
                raise ValueError(f"{what}_min is {low}, above {what}_max, which is {high}")
        return self


class Lengths(Plain):
    def __init__(self, params: LengthParams) -> None:
        self.params = params

    def look(self, item: Item) -> Finding:
        found = self.look_task(item)
        return found if found.reason is not None else self.look_response(item)

    def look_task(self, item: Item) -> Finding:
        p, text = self.params, item.instruction
        return _measured(
            "instruction", text, (p.instruction_words_min, p.instruction_words_max), (0, p.instruction_characters_max)
        )

    def look_response(self, item: Item) -> Finding:
        p = self.params
        characters = p.response_characters_min, p.response_characters_max
        return _measured("response", item.response, (p.response_words_min, p.response_words_max), characters)


def _measured(part: str, text: str, words: tuple[int, int], characters: tuple[int, int]) -> Finding:
    """``words`` and ``characters``: the least and the most that may be."""
    for unit, count, (low, high) in (("words", len(text.split()), words), ("characters", len(text), characters)):
        if count < low:
            return Finding(f"the {part} has {count:,} {unit}, and {low:,} are the least", count)
        if count > high:
            return Finding(f"the {part} has {count:,} {unit}, and {high:,} are the most", count)
    return PASSED
