"""Families to audit: one healthy draw of the made-up shop, and what a fault makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.audits.families import Rows, drawn, family_context
from synthkit.audits.context import AuditContext

SIZES = (600, 600, 300)  # synthetic, training and held-out customers


def healthy(seed: int = 3, sizes: tuple[int, int, int] = SIZES) -> tuple[Rows, Rows, Rows]:
    """Three disjoint draws of one process."""
    return drawn(sizes, np.random.default_rng(seed))


def faulty(
    directory: Path, table: str, fault: Callable[[dict[str, pa.Table]], Mapping[str, pa.Table]], seed: int = 3
) -> AuditContext:
    """The context of a table whose synthetic family a fault has changed."""
    synthetic, train, holdout = healthy(seed)
    return family_context((fault(dict(synthetic)), train, holdout), table, directory)


def put(rows: pa.Table, column: str, values: object) -> pa.Table:
    """The rows with another column in place of one."""
    return rows.set_column(rows.column_names.index(column), column, pa.array(values))
