"""What is declared of a column, and the text of rules: what tables, models and members of families have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from synthkit.formats.language import parse_form
from synthkit.project.decides import DECLARED, LEARNT, NOTHING
from synthkit.project.spec import Spec
from synthkit.schema import LogicalType
from synthkit.sql.quoting import quote

Constraints = tuple[str, ...]


def _rule_text(item: Any) -> Any:
    """``{combination: [a, b]}`` as the text that it is short for."""
    if isinstance(item, Mapping) and len(item) == 1:
        ((word, names),) = item.items()
        if isinstance(names, list | tuple):
            return f"{word}: [{', '.join(quote(str(name)) for name in names)}]"
    return item


RuleText = Annotated[
    str,
    BeforeValidator(_rule_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "maxProperties": 1}]}),
]
Rules = tuple[RuleText, ...]


class ColumnSpec(Spec):
    """A column of a source (public knowledge about it) or of a model (its description).

    Args:
        name: as the rows have it.
        type: what its values are; default: what the rows say.
        description: for people.
        nullable: whether a value may be missing.
        format: how it is written what the values mean, as in the rows so in the table: ``%-m/%-d/%Y``, ``1,234.56 €``,
            ``yes/no``, ``{user}@{domain}``. Default: what the rows say.
        rare: of a category of many values, similar: the frequent ones are learnt each, the rare ones in groups of
            similar rows, and none is published that fewer than five people have. Default: what the rows say.
        pii: makes the column up instead of learning it: a kind that Faker knows, such as email or name;
            ``phone in de_DE`` is of a locale, ``phone by country`` of the country that another column of the row says.
        bounds: the least and the greatest value that anyone may know of.
        values: all that may occur, as anyone may know.
        decimals: places after the point.
        meta: anything else, for people.
    """

    name: Annotated[str, LEARNT]
    type: Annotated[LogicalType | None, LEARNT] = None
    description: Annotated[str | None, NOTHING] = None
    nullable: Annotated[bool | None, DECLARED] = None
    format: Annotated[str | None, LEARNT] = None
    rare: Annotated[Literal["similar"] | None, LEARNT] = None
    pii: Annotated[str | None, LEARNT] = None
    bounds: Annotated[tuple[Any, Any] | None, DECLARED] = None
    values: Annotated[tuple[Any, ...] | None, DECLARED] = None
    decimals: Annotated[int | None, DECLARED] = Field(default=None, ge=0, le=18)
    meta: Annotated[Mapping[str, Any], NOTHING] = {}

    @field_validator("format")
    @classmethod
    def _known(cls, text: str | None) -> str | None:
        if text is not None:
            parse_form(text)
        return text

    @model_validator(mode="after")
    def _meant(self) -> ColumnSpec:
        if self.rare is not None and self.type != "categorical":
            raise ValueError("rare is said of categories: add type: categorical, or drop it")
        if self.format is None or self.type is None:
            return self
        form = parse_form(self.format)
        if self.type != form.type:
            raise ValueError(f"format {self.format!r} is one of {form.type} values, not of {self.type}: drop type")
        return self
