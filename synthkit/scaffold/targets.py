"""Which columns somebody may want to predict, and why: one whose name says so is taken, others are named.

What others explain best is judged by ranks: of a number by the correlation ratio with a category or Spearman's
correlation with a number. A column that another one nearly settles is computed, not predicted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.similar import ranks
from synthkit.schema import Column, Schema, Table
from synthkit.sources.infer import Profile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

NAMES = ("churn", "churned", "target", "label", "default", "outcome", "class", "y", "income", "status")
NUMERIC_NAMES = ("price", "saleprice", "sellingprice", "target", "y", "outcome", "revenue", "cost", "charges")
FEW_CLASSES = 10  # a number of no more values is a code, nothing to be estimated
MOST_CANDIDATES = 3
ROWS = 5_000  # that are looked at
EXPLAINED = 0.09  # of a number's variance by one other column: a correlation of 0.3
SETTLED = 0.98
MOST_COLUMNS = 40
_LIKE = re.compile(
    r"(^|_)(is|has|was|will)_|(^|_)(flag|churn|fraud|default|outcome|label|target|response|survived|approved|class)($|_)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(^|_)(price|cost|charges?|amount|revenue|salary|wage|income|sales|score|rating|value|premium|claims?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A column and what speaks for it."""

    column: str
    why: str


def named_target(schema: Schema, profiles: Mapping[str, Profile]) -> str | None:
    """The column that a classifier or a regression would predict, by its name."""
    for name in NAMES:
        for column in schema.columns:
            if column.name.lower() == name and _classes(column, profiles):
                return column.name
    for column in schema.columns:
        plain = re.sub(r"[^a-z]", "", column.name.lower())
        if plain in NUMERIC_NAMES and _amount(column, profiles):
            return column.name
    return None


def candidates(table: Table, profiles: Mapping[str, Profile], left_out: set[str]) -> tuple[Candidate, ...]:
    """Columns that may be meant, the likeliest first.

    Args:
        left_out: keys and personal data.
    """
    columns = [c for c in table.schema.columns if c.modelled and c.name not in left_out]
    like = "its name is like that of an outcome"
    found = [Candidate(c.name, like) for c in columns if _LIKE.search(_snake(c.name)) and _classes(c, profiles)]
    if columns and columns[-1] is table.schema.columns[-1] and _classes(columns[-1], profiles):
        values = profiles[columns[-1].name].distinct
        found.append(Candidate(columns[-1].name, f"the last column, of {values} values"))
    found += [Candidate(c.name, like) for c in columns if _AMOUNT.search(_snake(c.name)) and _amount(c, profiles)]
    if not found:
        best = _explained(columns, table, profiles)
        found += [best] if best is not None else []
    first = {c.column: c for c in reversed(found)}
    return tuple(first[name] for name in dict.fromkeys(c.column for c in found))[:MOST_CANDIDATES]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


def _classes(column: Column, profiles: Mapping[str, Profile]) -> bool:
    few = profiles[column.name].distinct in range(2, FEW_CLASSES + 1)
    return few and column.type in ("categorical", "boolean", "integer")


def _amount(column: Column, profiles: Mapping[str, Profile]) -> bool:
    return column.numeric and profiles[column.name].distinct > FEW_CLASSES


def _explained(columns: list[Column], table: Table, profiles: Mapping[str, Profile]) -> Candidate | None:
    """The number that one other column explains best, and does not settle."""
    rows = table.to_arrow([c.name for c in columns[:MOST_COLUMNS]]).slice(0, ROWS)
    best, found = EXPLAINED, None
    for column in columns[:MOST_COLUMNS]:
        if column.format is not None or not _amount(column, profiles) or profiles[column.name].nulls:
            continue
        y = ranks(rows.column(column.name))
        for other in columns[:MOST_COLUMNS]:
            if y is None or other is column or other.format is not None:
                continue
            share = _share(y, rows.column(other.name), other)
            if best < share < SETTLED:
                best = share
                found = Candidate(column.name, f"a number of which {other.name} explains {share:.0%}")
    return found


def _share(y: np.ndarray[Any, Any], values: pa.ChunkedArray, column: Column) -> float:
    """Of the variance of ranks, what another column explains."""
    import numpy as np

    if column.continuous:
        x = ranks(values)
        if x is None:
            return 0.0
        return float(np.corrcoef(x, y)[0, 1] ** 2)
    encoded = values.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    sizes = np.bincount(codes)
    if (sizes > 0).sum() > FEW_CLASSES * 5:
        return 0.0
    means = np.bincount(codes, y - y.mean()) / np.maximum(sizes, 1)
    return float((sizes * means**2).sum() / max(((y - y.mean()) ** 2).sum(), 1e-12))
