"""Columns of several written forms: ``1234.5… | 1234.5… - 1234.5…`` are numbers, and ranges of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.formats.form import Form, Read
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Mixed:
    """The first form is the one in which values are written; the others are read as well."""

    text: str
    forms: tuple[Form, ...]

    @property
    def type(self) -> LogicalType:
        kinds = {form.type for form in self.forms}
        return "float" if kinds == {"integer", "float"} else self.forms[0].type

    @property
    def digits(self) -> bool:
        return False

    def read(self, texts: pa.Array) -> Read:
        """Values of the first form that fits; what another form than the first fits is not written back alike."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = pa.float64() if self.type == "float" else None
        found = [form.read(texts) for form in self.forms]
        values = pc.coalesce(*(r.values if kind is None else r.values.cast(kind) for r in found))
        fits = found[0].fits
        for other in found[1:]:
            fits = pc.or_(fits, other.fits)
        return Read(values, fits)

    def write(self, values: pa.Array) -> pa.Array:
        return self.forms[0].write(values)
