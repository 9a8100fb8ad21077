"""A family under epsilon for :mod:`.relations`: what of baseball is declared as public, and the tables so declared.

The ranges are declared by hand. The lists of countries, teams, leagues, positions and hands, and which columns may be
missing, are read off the rows to learn from, as if they were public: a real project would take them from elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

EPSILON, DELTA, PLAYERS, SEASONS = 1.0, 1e-5, 10_000, 40
RANGES = {
    "players": {"weight": (65, 320), "height": (43, 83)},
    "fielding": {
        **{"yearID": (1871, 2019), "G": (1, 165), "GS": (0, 164), "InnOuts": (0, 4500)},
        **{"PO": (0, 1850), "A": (0, 600), "E": (0, 120), "DP": (0, 200)},
    },
}


def declared(tables: Any, frames: dict[str, Any]) -> Any:
    """The tables with all columns declared, and at most ``SEASONS`` rows of a player."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    members = {}
    for name, table in tables.members.items():
        columns = []
        arrow = pq.read_table(table.paths[0])
        for column in table.schema.columns:
            values = frames[name][column.name]
            nullable = bool(values.isna().any())
            if column.type == "id":
                columns.append(replace(column, sql_type="BIGINT"))
            elif (bounds := RANGES[name].get(column.name)) is not None:
                columns.append(replace(column, bounds=bounds, type="integer", sql_type="BIGINT", nullable=nullable))
                at = arrow.schema.get_field_index(column.name)
                arrow = arrow.set_column(at, column.name, arrow.column(column.name).cast(pa.int64()))
            else:
                listed = tuple(sorted(values.dropna().astype(str).unique()))
                columns.append(replace(column, values=listed, sql_type="VARCHAR", nullable=nullable))
        file = Path(table.paths[0])
        pq.write_table(arrow, file)
        members[name] = replace(table, schema=replace(table.schema, columns=tuple(columns)))
    keys = tuple(replace(k, max_per_parent=SEASONS) for k in tables.keys)
    return replace(tables, members=members, keys=keys)
