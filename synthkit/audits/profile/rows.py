"""A sample of each side's rows as one matrix of numbers, for what looks at several columns at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows.features import MOST_CODES, Encoding, as_text, codes_of, is_categorical, sample_rows, usable

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

MOST_COLUMNS = 40  # in a matrix that a person can read
REAL: tuple[Side, ...] = ("train", "holdout")
MOST_ROWS = 20_000  # of each side: a correlation's standard error is then at most 0.007


@dataclass(frozen=True)
class Drawn:
    """Rows of both sides under one encoding, shape (rows, columns), NaN where a value is missing.

    ``real`` is None where there are no real rows, or none may be looked at; ``left_out`` counts columns over the limit.
    """

    encoder: Encoding
    synthetic: Array
    real: Array | None
    left_out: int

    @property
    def sides(self) -> dict[str, Array]:
        return {"synthetic": self.synthetic} | ({} if self.real is None else {"real": self.real})


def compared_columns(context: AuditContext) -> tuple[str, ...]:
    """The columns that carry something to learn on every side, keys left out."""
    keys = set(context.schema.primary_key)
    for side in REAL:
        table = context.side(side)
        if table is not None:
            keys |= {*table.schema.primary_key, *(c.name for c in table.schema.columns if not c.modelled)}
    return tuple(c for c in usable(context) if c not in keys)


def drawn(context: AuditContext, columns: tuple[str, ...]) -> Drawn:
    """At most ``MOST_ROWS`` rows of each side, drawn once per model."""
    return context.shared(("profile rows", columns), lambda: _draw(context, columns))


def _draw(context: AuditContext, columns: tuple[str, ...]) -> Drawn:
    import numpy as np

    taken = columns[:MOST_COLUMNS]
    if not taken:
        return Drawn(Encoding((), {}), np.empty((0, 0)), None, 0)
    sizes = {side: context.rows(side) for side in REAL if context.rows(side)}
    # in proportion, so that the sample is one of all real rows
    parts = [_rows(context, side, taken, round(MOST_ROWS * n / sum(sizes.values()))) for side, n in sizes.items()]
    synthetic = _rows(context, "synthetic", taken, MOST_ROWS)
    encoder = _encoder(context, parts or [synthetic])
    real = np.concatenate([encoder.matrix(p) for p in parts]) if parts else None
    return Drawn(encoder, encoder.matrix(synthetic), real, len(columns) - len(taken))


def _rows(context: AuditContext, side: Side, columns: tuple[str, ...], most: int) -> pa.Table:
    return context.arrow(side, columns).take(sample_rows(context, side, most, "profile"))


def _encoder(context: AuditContext, reference: list[pa.Table]) -> Encoding:
    """Codes by falling frequency among the drawn rows of the reference side."""
    import pyarrow as pa

    columns = tuple(reference[0].column_names)
    codes = {}
    for name in columns:
        if is_categorical(context, name, reference[0].column(name).type):
            values = pa.chunked_array([pa.array(as_text(t.column(name)), pa.string()) for t in reference])
            codes[name] = codes_of(values, MOST_CODES)
    return Encoding(columns, codes)
