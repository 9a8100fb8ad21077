"""Rows as numbers for scikit-learn: one encoding per model, learnt from the real training rows.

Numbers and points in time become floats (NaN where missing), booleans 0 and 1, categories codes by falling frequency
among the real training rows, with one more code for all that is rare or unknown there. Keys, free text and made-up
personal data carry nothing to learn and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.measures.exact import floats, origin_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

FAR = 1e30  # farther from 0, a number is cut: a float32 reaches to 3e38
MOST_CODES = 200  # categories with a code of their own: HistGradientBoosting takes at most 255


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers.

    Args:
        codes: each categorical column's values (as text) → codes.
        origins: what numbers of columns with large ones are counted from (:mod:`synthkit.audits.measures.exact`).
        sizes: what extremely large or small numbers are divided by.
    """

    columns: tuple[str, ...]
    codes: Mapping[str, Mapping[str, int]]
    origins: Mapping[str, int | Decimal] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)

    @property
    def categorical(self) -> list[bool]:
        return [c in self.codes for c in self.columns]

    def matrix(self, table: pa.Table) -> Array:
        """The rows as an array (rows, columns) of floats, NaN where a value is missing."""
        import numpy as np

        if not self.columns:
            return np.empty((table.num_rows, 0))
        found = np.empty((table.num_rows, len(self.columns)))
        for place, name in enumerate(self.columns):
            found[:, place] = self._column(name, table.column(name))
        return found

    def _column(self, name: str, values: pa.ChunkedArray) -> Array:
        import numpy as np

        if name not in self.codes:
            return np.clip(numbers(values, self.origins.get(name, 0)) / self.sizes.get(name, 1.0), -FAR, FAR)
        import pyarrow as pa
        import pyarrow.compute as pc

        codes = self.codes[name]  # in the order of their numbers
        words = in_words(values)
        places = pc.index_in(words, pa.array(list(codes), words.type))
        found = pc.fill_null(places, len(codes)).to_numpy().astype(float)
        missing = words.is_null().to_numpy()
        return np.where(missing, np.nan, found)


def numbers(values: pa.ChunkedArray, origin: int | Decimal = 0) -> Array:
    """Numbers (less ``origin``), booleans and points in time as floats (seconds for times), NaN where missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    kind = values.type
    if t.is_temporal(kind):
        if t.is_date(kind):
            whole = values.cast(pa.date32()).cast(pa.int32())
        elif t.is_time(kind):
            whole = values.cast(pa.time64("us"), safe=False).cast(pa.int64())
        else:
            whole = values.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
        array = floats(whole)
        return array if t.is_date(kind) else array / 1e6
    array = floats(values.cast(pa.int8()) if t.is_boolean(kind) else values, origin)
    return np.where(np.isfinite(array), array, np.nan)


def _is_text(values: pa.ChunkedArray) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(values.type) or t.is_large_string(values.type))


def in_words(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as text, so that categories of any type compare alike on both sides."""
    import pyarrow as pa

    if _is_text(values):
        return values
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())])


def as_text(values: pa.ChunkedArray) -> list[str | None]:
    """:func:`in_words` as a list."""
    found: list[str | None] = in_words(values).to_pylist()
    return found


def usable(context: AuditContext, leave_out: Sequence[str] = ()) -> tuple[str, ...]:
    """Columns that carry something to learn and that every side has."""
    there = usable_names(context)
    return tuple(c.name for c in context.schema.columns if c.modelled and c.name not in leave_out and c.name in there)


def usable_names(context: AuditContext) -> set[str]:
    """The columns that every side has."""
    sides: list[Side] = ["synthetic", "train", "holdout"]
    known = [set(_names(context, side)) for side in sides if context.side(side) is not None]
    return set.intersection(*known)


def _names(context: AuditContext, side: Side) -> list[str]:
    rows = context.query(f"DESCRIBE {side}")
    return [str(r[0]) for r in rows]


def encoding(context: AuditContext, columns: tuple[str, ...]) -> Encoding:
    """The encoding of these columns, learnt once from the real training rows (from the synthetic without any)."""
    return context.shared(("encoding", columns), lambda: _learn(context, columns))


def _learn(context: AuditContext, columns: tuple[str, ...]) -> Encoding:
    side: Side = "train" if context.train is not None else "synthetic"
    table = context.passing().arrow(side, columns) if columns else None
    codes: dict[str, Mapping[str, int]] = {}
    for name in columns:
        assert table is not None
        if is_categorical(context, name, table.column(name).type):
            codes[name] = codes_of(table.column(name), MOST_CODES)
    numeric = {} if table is None else {c: table.column(c) for c in columns if c not in codes}
    origins = {c: origin for c, v in numeric.items() if (origin := origin_of(v))}
    sizes = {c: size for c, v in numeric.items() if (size := _size(numbers(v, origins.get(c, 0)))) != 1}
    return Encoding(columns, codes, origins, sizes)


def _size(values: Array) -> float:
    """1, or the largest of numbers that are so large or so small that float32s and their squares do not hold them."""
    import numpy as np

    most = float(np.nanmax(np.abs(values), initial=0.0))
    return 1.0 if most == 0 or 1 / FAR < most < FAR else most


def is_categorical(context: AuditContext, name: str, kind: pa.DataType) -> bool:
    import pyarrow.types as t

    number = (
        t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_temporal(kind) or t.is_boolean(kind)
    )
    return not number or context.schema.by_name[name].type == "categorical"


def codes_of(values: pa.ChunkedArray, most: int) -> dict[str, int]:
    """Codes by falling frequency, ties by the text."""
    found = in_words(values).drop_null().value_counts()
    counts = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))[:most]
    return {value: code for code, (value, _) in enumerate(ordered)}


def sample_rows(context: AuditContext, side: Side, most: int, *purpose: object) -> Array:
    """Row numbers of a side: all, or ``most`` drawn without replacement, in rising order."""
    import numpy as np

    total = context.rows(side)
    if total <= most:
        return np.arange(total)
    return np.sort(context.rng("rows", side, most, *purpose).choice(total, most, replace=False))
