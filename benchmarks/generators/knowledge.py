"""What a private fit may know of a table beside its budget: the values and ranges of its columns.

A benchmark compares mechanisms, not guesses, so that everybody is handed the same declaration: every category that the
whole table holds (the held-out rows, too), the least and the greatest number, and which columns have missing values. In
a project such a declaration is public knowledge that somebody writes down.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from synthkit.schema import Table


def declared_file(train: Path) -> Path:
    """Where the declaration of a file of training rows lies."""
    return train.with_suffix(".declared.json")


def write_declared(frame: pd.DataFrame, train: Path) -> None:
    """Write down what ``frame``, the whole table, shows of its columns: ``values`` or ``bounds``, and ``nullable``."""
    import pandas as pd

    found: dict[str, dict[str, Any]] = {}
    for name in frame.columns:
        column = frame[name]
        present = column.dropna()
        known: dict[str, Any] = {"nullable": bool(column.isna().any())}
        if pd.api.types.is_bool_dtype(present.dtype):
            known["values"] = [False, True]
        elif pd.api.types.is_numeric_dtype(present.dtype):
            known["bounds"] = [present.min().item(), present.max().item()]
        else:
            known["values"] = sorted(present.unique().tolist())
        found[str(name)] = known
    declared_file(train).write_text(json.dumps(found, default=str, ensure_ascii=False), "utf-8")


def as_declared(table: Table, declared: Path) -> Table:
    """The table with that declaration in the place of whatever its schema says."""
    known: dict[str, dict[str, Any]] = json.loads(declared.read_text("utf-8"))
    columns = []
    for column in table.schema.columns:
        said = known[column.name]
        values, bounds = said.get("values"), said.get("bounds")
        if column.type == "boolean":
            values = None
        columns.append(
            replace(
                column,
                nullable=said["nullable"],
                values=None if values is None else tuple(values),
                bounds=None if bounds is None else (bounds[0], bounds[1]),
                decimals=None,
            )
        )
    return replace(table, schema=replace(table.schema, columns=tuple(columns)))
