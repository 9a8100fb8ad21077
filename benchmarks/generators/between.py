"""What two columns say together: differences that a classifier is shown, and the tables of all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST = 20  # differences
ROWS = 2_000  # training rows that choose them
PAIRS = 2_000  # of columns that are looked at, in the columns' order
LEAST = 0.25  # nats of structure, as the audit ``detection`` asks for
CELLS = 10  # of a column in the tables of pairs


def chosen(train: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of columns of like kind whose difference says most in the training rows, and these alone decide.

    A difference counts by how much surer one is of it than of the same columns paired at random.
    """
    import numpy as np

    from benchmarks.generators.metrics import kind_of
    from synthkit.audits.rows.combined import combined, structure

    rows = train.sample(min(ROWS, len(train)), random_state=0)
    kinds = {name: kind_of(train[name]) for name in train.columns}
    values = {name: _numbers(rows[name], kind) for name, kind in kinds.items() if kind != "category"}
    other = np.random.default_rng(0).permutation(len(rows))
    found = []
    alike = [(a, b) for a, b in combinations(values, 2) if kinds[a] == kinds[b]]
    for a, b in alike[:PAIRS]:
        x, y = values[a], values[b]
        gained = structure(combined(x, y, "difference"), combined(x, y[other], "difference"))
        found.append((gained, (a, b)))
    found.sort(key=lambda pair: -pair[0])
    return [pair for gained, pair in found[:MOST] if gained >= LEAST]


def with_differences(values: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Features (:func:`~benchmarks.generators.metrics.features`) and the differences beside them."""
    return values.assign(**{f"{a} − {b}": values[a] - values[b] for a, b in pairs})


def all_pairs(synthetic: pd.DataFrame, test: pd.DataFrame, known: pd.DataFrame) -> float:
    """1 − total variation distance of the two-way tables, the mean over all pairs of columns, in [0, 1].

    Each column has ten cells: the commonest categories, and the others in one; tenths of the known rows' numbers and
    moments. Missing is a cell of its own. nan of a table with fewer than two columns.
    """
    import numpy as np

    drawn, real = _cells(synthetic, known), _cells(test, known)
    width = CELLS + 1
    found = []
    for i, j in combinations(range(drawn.shape[1]), 2):
        tables = [
            np.bincount(side[:, i] * width + side[:, j], minlength=width * width) / max(1, len(side))
            for side in (drawn, real)
        ]
        found.append(1 - float(np.abs(tables[0] - tables[1]).sum()) / 2)
    return float(np.mean(found)) if found else float("nan")


def _cells(frame: pd.DataFrame, known: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Each value's cell, shape (rows, columns)."""
    import numpy as np

    from benchmarks.generators.metrics import kind_of

    found = []
    for name in known.columns:
        column, kind = frame[name], kind_of(known[name])
        if kind == "category":
            common = known[name].astype(str)[known[name].notna()].value_counts().index[: CELLS - 1]
            codes = {value: i for i, value in enumerate(common)}
            cells = column.astype(str).map(codes).fillna(CELLS - 1).to_numpy().astype(np.int64)
        else:
            numbers = _numbers(known[name], kind)
            edges = np.unique(np.nanquantile(numbers, np.arange(1, CELLS) / CELLS)) if len(numbers) else []
            cells = np.searchsorted(edges, np.nan_to_num(_numbers(column, kind)), side="right")
        found.append(np.where(column.isna().to_numpy(), CELLS, cells))
    return np.stack(found, axis=1)


def _numbers(column: pd.Series[Any], kind: str) -> np.ndarray[Any, Any]:
    """Numbers, moments in seconds; NaN where there is none."""
    import numpy as np
    import pandas as pd

    if kind == "moment":
        moments = pd.to_datetime(column).astype("datetime64[s]")
        return moments.astype("int64").where(moments.notna(), np.nan).to_numpy("float64")
    return column.to_numpy("float64")
