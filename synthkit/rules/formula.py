"""A computed column: ``total = price * quantity``, ``month = month(day)``, ``end = start + length``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.rules.coding import missing, text_of, whole
from synthkit.rules.evaluate import DAY, evaluate, kind_of_type, numbers_of, of_single_precision, rounded, times_of
from synthkit.rules.expression import Call, Expression, Kind, Number, expression_text, kind_in, names_in
from synthkit.rules.tokens import written

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Floats, Mask

NEAR = 1e-9  # relative to the numbers that are added: what floating point loses
NEAR_SINGLE = 1e-6  # the same of single precision


@dataclass(frozen=True)
class Formula:
    """``target = expression``, in every row in which none of the columns is missing.

    A sum or product of floats is compared up to what floating point loses; ``round(…, 2)`` also up to which side a half
    goes to.
    """

    target: str
    expression: Expression

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.target, *self.inputs)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it is computed from."""
        return names_in(self.expression)

    def __str__(self) -> str:
        return f"{written(self.target)} = {expression_text(self.expression)}"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """Which rows break it. Raises ValueError where the columns' values are not what the expression takes."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        target = whole(table.column(self.target))
        inner, tolerance = self._unrounded()
        value = evaluate(inner, table)
        if isinstance(value, pa.Array):
            differs = pc.fill_null(pc.not_equal(text_of(target), value.cast(pa.string())), False)
            return np.asarray(differs.to_numpy(zero_copy_only=False), dtype=bool)
        given = _given(target, self._gives(table))
        with np.errstate(all="ignore"):
            size = np.abs(value) + np.abs(given) + self._sizes(table)
            near = NEAR_SINGLE if self._single(table) else NEAR
            return np.asarray(np.abs(given - value) > tolerance * (1 + 1e-6) + near * size, dtype=bool)

    def computed(self, table: pa.Table | pa.RecordBatch, kind: pa.DataType) -> pa.Array:
        """The target's values in its Arrow type, null where an input is missing. Raises ValueError."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.types as t

        value = evaluate(self.expression, table)
        if isinstance(value, pa.Array):
            return value.cast(kind)
        absent = ~np.isfinite(value)
        value = np.where(absent, 0.0, value)
        if t.is_timestamp(kind):
            return times_of(value * DAY if self._gives(table) == "date" else value, absent, kind)
        if t.is_date(kind):
            return times_of(value if self._gives(table) == "date" else np.floor(value / DAY), absent, kind)
        if t.is_boolean(kind):
            return pa.array(value > 0.5, mask=absent)
        if t.is_integer(kind):
            return pa.array(np.rint(value), pa.float64(), mask=absent).cast(kind, safe=False)
        if t.is_decimal(kind):
            return pa.array(rounded(value, kind.scale), pa.float64(), mask=absent).cast(kind, safe=False)
        if t.is_string(kind) or t.is_large_string(kind):
            texts = [None if a else format(v, "g") for v, a in zip(value, absent, strict=True)]
            return pa.array(texts, kind)
        return pa.array(value, pa.float64(), mask=absent).cast(kind, safe=False)

    def _unrounded(self) -> tuple[Expression, float]:
        """The expression without a rounding around it, and how far from it a rounded value may lie."""
        found = self.expression
        if isinstance(found, Call) and found.function == "round" and isinstance(found.arguments[1], Number):
            return found.arguments[0], 0.5 * 10.0 ** -float(found.arguments[1].value)
        return found, 0.0

    def _sizes(self, table: pa.Table | pa.RecordBatch) -> Any:
        """How large the numbers are that are added up."""
        import numpy as np

        total: Any = 0.0
        for name in self.inputs:
            column = table.column(name)
            if kind_of_type(column.type) == "number":
                total = total + np.abs(np.nan_to_num(numbers_of(column)))
        return total

    def _single(self, table: pa.Table | pa.RecordBatch) -> bool:
        """Whether some of the numbers were of single precision, the target's or those that it is computed from."""
        import pyarrow.types as t

        columns = [table.column(name) for name in self.columns]
        return any(t.is_floating(c.type) and of_single_precision(numbers_of(c)) for c in columns)

    def _gives(self, table: pa.Table | pa.RecordBatch) -> Kind:
        """What kind of value the expression gives. Raises ValueError."""
        kinds: dict[str, Kind] = {}
        for name in self.inputs:
            kind = kind_of_type(table.column(name).type)
            if kind is None:
                raise ValueError(f"{name!r} holds {table.column(name).type}")
            kinds[name] = kind
        return kind_in(self.expression, kinds)

    def defined(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """In which rows a value can be computed."""
        import numpy as np
        import pyarrow as pa

        value = evaluate(self.expression, table)
        return ~missing(value) if isinstance(value, pa.Array) else np.isfinite(value)


def _given(target: pa.Array, gives: Kind) -> Floats:
    """The target's numbers; those of a moment in days, where what is computed is a date."""
    import pyarrow as pa
    import pyarrow.types as t

    if kind_of_type(target.type) == "text":
        try:
            target = target.cast(pa.float64())
        except pa.ArrowInvalid:
            raise ValueError("its values are text, and what is computed is a number") from None
    found = numbers_of(target)
    return found / DAY if t.is_timestamp(target.type) and gives == "date" else found
