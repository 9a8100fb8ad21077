"""A frozen value that is kept as JSON: typed attributes to read, and the JSON as it was written to give back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    Strict,
    ValidationError,
    model_validator,
)

_T = TypeVar("_T")
Several = Annotated[tuple[_T, ...], Strict(False)]  # a JSON array
Pair = Annotated[tuple[_T, _T], Strict(False)]
Number = int | float  # as it is written: a count stays whole
NamedTexts = Mapping[str, str]

# What the JSON Schema says more closely than the type: `synth verify` holds receipts against it, reading does not.
Sha256 = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{64}$"})]
Md5 = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{32}$"})]
When = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]
Size = Annotated[Number, Field(json_schema_extra={"minimum": 0})]
Seconds = Mapping[str, Size]  # phase → how long it took


class Record(BaseModel):
    """Base of what is kept as JSON. What another version wrote besides is no attribute, and is given back all the same.

    A field that is not required may be missing, as an older version did not write it.

    >>> from synthkit.records.receipt import Fingerprints
    >>> found = Fingerprints.from_json({"sample": "b", "train": "a", "audit": "c", "later": 1})
    >>> found.train, found.to_json()
    ('a', {'sample': 'b', 'train': 'a', 'audit': 'c', 'later': 1})
    >>> found.having(audit="d").to_json()
    {'sample': 'b', 'train': 'a', 'audit': 'd', 'later': 1}
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)

    if TYPE_CHECKING:
        _said: Mapping[str, Any]

    @model_validator(mode="wrap")
    @classmethod
    def _as_said(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        found = handler(data)
        if isinstance(data, dict):  # not of a record that is given as it is, which knows it
            found.__dict__["_said"] = data  # an attribute that pydantic knows takes as long as all else together
        return found

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_json() == other.to_json()

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Raises ValueError, with the first place that does not fit and why."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "it"
            raise ValueError(f"{place}: {first['msg']}") from None

    def to_json(self) -> dict[str, Any]:
        """As it was read, unknown fields included; of one made here, what was given, in that order."""
        return {key: as_json(value) for key, value in self._said.items()}

    if not TYPE_CHECKING:  # programs may read audit["status"], as docs/python.md once said; here attributes are read

        def __getitem__(self, key: str) -> Any:
            return as_json(self._said[key])

    def says(self, key: str) -> bool:
        """Whether it was written at all; an older version may not have known of it."""
        return key in self._said

    def having(self, **changed: Any) -> Self:
        """The same with other fields, by their names in JSON; a new one comes last.

        Raises ValidationError where a value is not of its field's type.
        """
        return type(self).model_validate({**self._said, **changed})


_PLAIN = frozenset({str, int, float, bool, type(None)})


def as_json(value: Any) -> Any:
    """A value as JSON has it: records as objects, tuples as arrays."""
    if type(value) in _PLAIN:  # nearly all: a receipt has some hundred values
        return value
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    return [as_json(part) for part in value] if isinstance(value, list | tuple) else value


def shallow(value: Any) -> Any:
    """A record as JSON has it, for ``json.dumps(…, default=shallow)``: of a thousand receipts no copy is made."""
    if isinstance(value, Record):
        return value._said
    return dict(value) if isinstance(value, Mapping) else str(value)


def absent() -> Any:
    """The default of a field that is there or not there, but never null: None in Python."""
    return Field(default=None, json_schema_extra=_not_null)


def _not_null(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [form for form in schema["anyOf"] if form != {"type": "null"}]
