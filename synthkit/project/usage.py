"""What a table may be used for, by whom it is kept, and for how long: its data sheet, which decides no row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from synthkit.project.decides import NOTHING
from synthkit.project.described import keys_of
from synthkit.project.spec import Spec

KEPT = re.compile(r"^([1-9]\d*) (day|week|month|year)s?$|^(\d{4})-(\d{2})-(\d{2})$")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _named(value: Any) -> Any:
    """``owner: data@example.org`` and ``owner: Data platform`` say the one that they look like."""
    if not isinstance(value, str):
        return value
    return {"email" if re.fullmatch(r"\S+@\S+", value) else "name": value}


def _kept(value: str) -> str:
    from datetime import date

    found = KEPT.match(value)
    if found is None:
        raise PydanticCustomError("retention", "it should be a time or the last day: 90 days, 2 years, 2027-06-30")
    if found[3]:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("retention", "there is no such day") from None
    return value


def _day(value: Any) -> Any:
    """YAML reads 2027-06-30 as a date."""
    from datetime import date

    return value.isoformat() if isinstance(value, date) else value


class UsageOwner(Spec):
    """Who answers for a table.

    Args:
        name: of a person or team.
        email: of the same.
    """

    name: Annotated[str | None, NOTHING] = Field(default=None, min_length=1)
    email: Annotated[str | None, NOTHING] = Field(default=None, min_length=1)


Sentences = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}),
]
_BOTH = {
    key: {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}], "description": text}
    for key, text in keys_of(UsageOwner).items()
}
Owner = Annotated[
    UsageOwner,
    BeforeValidator(_named),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "properties": _BOTH, "additionalProperties": False},
                {"type": "string", "minLength": 1},
            ]
        }
    ),
]


class UsageSpec(Spec):
    """A table's data sheet. It decides no row, and goes where the table goes: receipt, ``synth_meta``, site, exports.

    Args:
        intended: what the table is made for, a sentence for each use.
        not_for: what it must not be used for, a sentence for each.
        owner: who answers for it: ``{name: …, email: …}``, or one of the two alone.
        licence: under which it may be used: an SPDX name (CC-BY-4.0), an address, or words of your own.
        retention: how long it may be kept after it was published, or its last day: 90 days, 2 years, 2027-06-30.
        contact: where questions go: an e-mail address, or a page.
    """

    intended: Annotated[Sentences, NOTHING] = ()
    not_for: Annotated[Sentences, NOTHING] = ()
    owner: Annotated[Owner | None, NOTHING] = None
    licence: Annotated[str | None, NOTHING] = Field(default=None, min_length=1)
    retention: Annotated[
        Annotated[
            str | None,
            BeforeValidator(_day),
            AfterValidator(lambda v: None if v is None else _kept(v)),
            WithJsonSchema({"anyOf": [{"type": "string", "pattern": KEPT.pattern}, {"type": "null"}]}),
        ],
        NOTHING,
    ] = None
    contact: Annotated[str | None, NOTHING] = Field(default=None, min_length=1)

    def recorded(self) -> dict[str, Any]:
        """What is said, as JSON; what is not said is left out."""
        found = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in found.items() if value}

    def said(self) -> dict[str, Any]:
        """As the key ``usage`` of a record; nothing where nothing is said."""
        found = self.recorded()
        return {"usage": found} if found else {}


UNSAID = UsageSpec()


def over(below: UsageSpec, above: UsageSpec) -> UsageSpec:
    """Key by key, what ``above`` says, else what ``below`` says.

    >>> both = over(UsageSpec(licence="MIT", intended="tests"), UsageSpec(intended=["load tests", "demos"]))
    >>> both.recorded()
    {'intended': ['load tests', 'demos'], 'licence': 'MIT'}
    """
    given: Mapping[str, Any] = {name: getattr(above, name) for name in above.model_fields_set}
    return below.model_copy(update=dict(given))
