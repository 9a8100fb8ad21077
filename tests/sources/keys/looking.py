"""Tables at hand, looked at for keys."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.project.types import SourceTableSpec
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.infer import profile
from synthkit.sources.ingest import ingest
from synthkit.sources.keys.find import find_keys
from synthkit.sources.keys.seen import NOTHING_DECLARED, Declared, Keys, Seen

Columns = Mapping[str, Sequence[Any]]


def found(folder: Path, tables: Mapping[str, Columns], declared: Declared = NOTHING_DECLARED) -> Keys:
    """The keys of tables that are given by their columns, read as a build reads files."""
    with duckdb.connect(config={"threads": 1}) as connection:
        return find_keys(connection, seen(connection, folder, tables), declared)


def seen(connection: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, Columns]) -> dict[str, Seen]:
    looked = {}
    for name, columns in tables.items():
        pq.write_table(pa.table(dict(columns)), folder / f"{name}.parquet")
        spec = SourceTableSpec(name=name, path=str(folder / f"{name}.parquet"))
        hashed = content_hash(spec, root=folder, connections={}, cache=None)
        split = ingest(spec, root=folder, connections={}, holdout=0.0, directory=folder / "rest", source_hash=hashed)
        looked[name] = Seen.of(split.train, profile(connection, split.schema, split.train.paths[0]))
    return looked


def told(keys: Keys) -> set[str]:
    """The foreign keys as ``child.column -> parent``."""
    return {f"{r.table}.{','.join(r.columns)} -> {r.references}" for r in keys.foreign}


def doubted(keys: Keys) -> set[str]:
    return {f"{r.table}.{','.join(r.columns)} -> {r.references}" for r in keys.doubtful}


def shop(rows: int = 300) -> dict[str, Columns]:
    """Customers, orders in their order, lines, products."""
    dice = random.Random(3)
    whose = sorted(dice.choices(range(1, 81), k=rows))
    lines = [(o, n) for o in range(1, rows + 1) for n in range(1, dice.randint(1, 4) + 1)]
    return {
        "customers": {"customer_id": range(1, 81), "age": [dice.randint(18, 90) for _ in range(80)]},
        "orders": {
            "order_id": range(1, rows + 1),
            "customer_id": whose,
            "ordered_at": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(rows)],
            "rating": [dice.randint(1, 5) for _ in range(rows)],
        },
        "products": {"product_id": range(1, 31), "price": [dice.random() for _ in range(30)]},
        "lines": {
            "order_id": [o for o, _ in lines],
            "line_no": [n for _, n in lines],
            "product_id": [dice.randint(1, 30) for _ in lines],
            "quantity": [dice.randint(1, 20) for _ in lines],
        },
    }
