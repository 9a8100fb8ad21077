"""What each family of written forms has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

SQL_TYPES: dict[LogicalType, str] = {
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
}


class Read(NamedTuple):
    """What was read of an array: the typed values, null where nothing was, and which the form writes back alike.

    Attributes:
        values: of the form's Arrow type.
        fits: booleans without nulls; false for missing values too.
    """

    values: pa.Array
    fits: pa.Array


class Form(Protocol):
    """A written form. Frozen, and equal where its text is."""

    @property
    def text(self) -> str:
        """As ``format:`` has it."""

    @property
    def type(self) -> LogicalType:
        """What the values mean."""

    @property
    def digits(self) -> bool:
        """Whether whole numbers can be written so (``%Y%m%d``): the column may be one of integers."""

    def read(self, texts: pa.Array) -> Read:
        """Texts as what they mean; ``write`` gives every text that fits back, character by character."""

    def write(self, values: pa.Array) -> pa.Array:
        """Typed values as text, null where they are."""


def sql_type(form: Form) -> str:
    """The DuckDB type of what a form means."""
    return SQL_TYPES[form.type]


def as_text(values: pa.Array) -> pa.Array:
    """Values at rest (text, or whole numbers) as the text that a form reads."""
    import pyarrow as pa

    return values if values.type == pa.string() else values.cast(pa.string())
