"""What an audit may look at: real training rows, real held-out rows, synthetic rows, their schema, a seed.

Shared work (encodings, neighbours, classifiers) is computed once per model through :meth:`shared`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

T = TypeVar("T")
Side = Literal["synthetic", "train", "holdout"]


@dataclass(frozen=True)
class AuditContext:
    """The tables that an audit compares, and what it shares with the other audits of the model.

    Args:
        schema: of the synthetic table.
        synthetic: the staged rows.
        train, holdout: the real rows trained on, and those never trained on; None where there are none.
        seed: every random choice follows from it.
        relations: other tables by the name SQL uses (``"crm"."customers"``, ``"model"``) → Parquet files;
            a source here is its training split.
        where: a SQL condition that narrows all three sides.
    """

    schema: Schema
    synthetic: Table
    train: Table | None
    holdout: Table | None
    seed: int
    relations: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    where: str | None = None
    _cache: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def narrowed(self, where: str) -> AuditContext:
        """The same context over the rows that satisfy ``where``; the cache is shared, keys differ."""
        both = where if self.where is None else f"({self.where}) AND ({where})"
        return replace(self, where=both)

    def shared(self, key: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """``compute()``, once per model and condition."""
        full = (self.where, *key)
        if full not in self._cache:
            self._cache[full] = compute()
        return cast(T, self._cache[full])

    def rng(self, *purpose: object) -> np.random.Generator:
        """A generator of random numbers that depends on the seed and the purpose alone."""
        import hashlib

        import numpy as np

        digest = hashlib.sha256(repr((self.seed, *purpose)).encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16], "big"))

    def side(self, name: Side) -> Table | None:
        return {"synthetic": self.synthetic, "train": self.train, "holdout": self.holdout}[name]

    def arrow(self, side: Side, columns: tuple[str, ...] | None = None) -> pa.Table:
        """The rows of one side as Arrow, narrowed by ``where``, in the order in which they are stored."""
        from synthkit.audits.sqltext import quote

        wanted = "*" if columns is None else ", ".join(quote(c) for c in columns)
        key = ("arrow", side, columns)
        query = f"SELECT {wanted} FROM {side}"
        return self.shared(key, lambda: self.connection.sql(query).to_arrow_table())

    def rows(self, side: Side) -> int:
        """How many rows a side has, after ``where``; 0 where there is no such side."""
        if self.side(side) is None:
            return 0
        return self.shared(("rows", side), lambda: int(self.scalar(f"SELECT count(*) FROM {side}")))

    def scalar(self, query: str) -> Any:
        """The first value of the first row of ``query``."""
        rows = self.query(query)
        return rows[0][0] if rows else None

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of ``query``. A result that is not read to its end would block the connection."""
        return list(self.connection.execute(query).fetchall())

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB with views ``synthetic``, ``train``, ``holdout`` (narrowed) and every relation."""
        return self.shared(("connection",), self._connect)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        from synthkit.audits.sqltext import open_views

        sides = {s: t.paths for s in ("synthetic", "train", "holdout") if (t := self.side(s)) is not None}
        return open_views(sides, self.relations, self.where)

    @cached_property
    def real(self) -> bool:
        return self.train is not None
