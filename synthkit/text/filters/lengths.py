"""Items that are too short to say anything, or longer than anything should be."""

from __future__ import annotations

from pydantic import Field, model_validator

from synthkit.text.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.text.items import Item


class LengthParams(StageParams):
    """Least and most words and characters; words are what white space parts.

    Self-Instruct keeps instructions of 3 to 150 words. A language written without spaces has few "words": set
    ``instruction_words_min`` to 1 and use the characters.
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
        p = self.params
        instruction, response = item.instruction, item.response
        for part, unit, count, low, high in (
            ("instruction", "words", len(instruction.split()), p.instruction_words_min, p.instruction_words_max),
            ("instruction", "characters", len(instruction), 0, p.instruction_characters_max),
            ("response", "words", len(response.split()), p.response_words_min, p.response_words_max),
            ("response", "characters", len(response), p.response_characters_min, p.response_characters_max),
        ):
            if count < low:
                return Finding(f"the {part} has {count:,} {unit}, and {low:,} are the least", count)
            if count > high:
                return Finding(f"the {part} has {count:,} {unit}, and {high:,} are the most", count)
        return PASSED
