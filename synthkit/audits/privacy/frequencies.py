"""Rows that have the columns' values as often as a table has them, and nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.privacy.population import matches, population, record_key, record_keys
from synthkit.schema import MIN_COUNT
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ROWS = 200_000  # that are put together: what they meet is then known to a few thousandths


def independent_keys(context: AuditContext, columns: tuple[str, ...]) -> tuple[Array, Array]:
    """Rows whose values are drawn from the synthetic table's columns, each column by itself.

    Returns the hash of each of :data:`ROWS` such rows, as :func:`.population.record_keys` has it, and whether five
    people have each single value of it, trained on or held out: such values a generator gives out by right.
    """
    import numpy as np
    import pyarrow as pa

    rows, rng = context.rows("synthetic"), np.random.default_rng(0)
    drawn, known = {}, np.ones(ROWS, dtype=bool)
    for number, column in enumerate(columns):
        values = context.column("synthetic", record_key(context, column))
        taken = rng.integers(rows, size=ROWS)
        drawn[f"c{number}"] = values.take(pa.array(taken))
        known &= _shared(context, column)[taken]
    table = pa.table(drawn)
    names = ", ".join(quote(n) for n in table.column_names)
    context.connection.register("_independent", table)
    try:
        hashed = context.connection.sql(f"SELECT hash({names}) AS v FROM _independent").to_arrow_table()["v"]
    finally:
        context.connection.unregister("_independent")
    return np.asarray(hashed.to_numpy(), dtype=np.uint64), known


def _shared(context: AuditContext, column: str) -> Array:
    """For each synthetic row whether five people have its value in the column."""
    train, holdout, _ = matches(population(context, (column,)), record_keys(context, "synthetic", (column,)))
    return train + holdout >= MIN_COUNT
