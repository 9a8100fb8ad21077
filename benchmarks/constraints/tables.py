"""Tables of which rules are known: real ones where they lie beside the project, and made ones with planted rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.generators.datasets import SHARED
from benchmarks.rules.listed import LISTED
from benchmarks.rules.made import PLANTED
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.sets import Unique
from synthkit.sql.quoting import literal, quote

FEWEST = 300  # rows; of fewer no classifier tells anything
MOST = 10_000  # rows that are taken of a table


@dataclass(frozen=True)
class Known:
    """A table as text or typed rows, and the rules that its rows keep without an exception, keys aside."""

    name: str
    rows: pa.Table
    rules: tuple[Rule, ...]

    def parts(self, seed: int) -> tuple[pa.Table, pa.Table]:
        """Training rows and held-out rows, 4 : 1."""
        order = np.random.default_rng(seed).permutation(self.rows.num_rows)[:MOST]
        cut = len(order) * 4 // 5
        first, second = (self.rows.take(pa.array(part)) for part in (order[:cut], order[cut:]))
        return first, second


def known(wanted: list[str]) -> Iterator[Known]:
    """The tables by name; all of them where none is named."""
    for name, texts in LISTED.items():
        path = Path(SHARED) / name
        if (not wanted or name in wanted) and path.is_file():
            found = _kept(name, _read(path), texts)
            if found.rows.num_rows >= FEWEST:
                yield found
    for name, (make, texts) in PLANTED.items():
        if (not wanted or name in wanted) and texts:
            yield _kept(f"made: {name}", make(np.random.default_rng(0)), texts)


def _kept(name: str, rows: pa.Table, texts: tuple[str, ...]) -> Known:
    rules = [parse_rule(text.removeprefix("?")) for text in texts]
    kept = [r for r in rules if not isinstance(r, Unique) and not violations(r, rows, rows).any()]
    return Known(name, rows, tuple(kept))


def _read(path: Path) -> pa.Table:
    """A file as DuckDB types it, and columns of numbers that blanks make text of as numbers."""
    import duckdb

    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    with duckdb.connect(":memory:") as connection:
        connection.sql(f"CREATE TABLE t AS SELECT * FROM {reader}({literal(str(path))})")
        for name, kind, *_ in connection.sql("DESCRIBE t").fetchall():
            column = quote(name)
            told = f"SELECT count(*) FROM t WHERE trim({column}) != '' AND try_cast({column} AS DOUBLE) IS NULL"
            if kind == "VARCHAR" and connection.sql(told).fetchall() == [(0,)]:
                connection.sql(f"ALTER TABLE t ALTER {column} TYPE DOUBLE USING try_cast({column} AS DOUBLE)")
        return connection.sql("FROM t").to_arrow_table()
