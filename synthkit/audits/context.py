"""What an audit may look at: real training rows, real held-out rows, synthetic rows, their schema, a seed.

Shared work (encodings, neighbours, classifiers) is computed once per model through :meth:`shared`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from synthkit.audits.family import Family
from synthkit.generators.base import Budget
from synthkit.generators.tables import Shape
from synthkit.privacy.accounting.mechanisms import Mechanism
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

    from synthkit.privacy.accounting.bounds import Attacker

T = TypeVar("T")
Side = Literal["synthetic", "train", "holdout"]
WIDE = 100  # columns from which opening the file, and binding them, is most of a query for one of them
READ = frozenset({"arrow", "codes", "coarse codes", "keys", "numbers", "values"})  # what holds a value for each row
HELD_CELLS = 20_000_000  # of such a table that a connection holds, some 300 MB
FEW_CELLS = 1_000_000  # of any table: 15 MB
HELD_TEXT, FEW_TEXT = 100_000_000, 15_000_000  # bytes of text that these may have: each row holds its own


@dataclass(frozen=True)
class PrivateTraining:
    """How a table's model was trained under its budget, as far as it is public.

    Args:
        generator: its name.
        params: of the generator, as JSON.
        schema: the learnt columns, as they are declared.
        mechanisms: what the training releases, and what was charged for it.
        shape: of tables that were learnt together: all of them, as they are declared.
    """

    generator: str
    params: Mapping[str, Any]
    budget: Budget
    schema: Schema
    mechanisms: tuple[Mechanism, ...]
    device: str = "cpu"
    shape: Shape | None = None

    @cached_property
    def attacker(self) -> Attacker:
        """The best that any attacker on all that was released can do."""
        from synthkit.privacy.accounting import bounds

        return bounds.of_training(self.mechanisms, self.budget.epsilon, self.budget.delta)


@dataclass(frozen=True)
class Recipe:
    """How a table's model was trained without a budget, so that an audit can train such a model again.

    Args:
        generator: its name.
        params: of the generator, as JSON.
        schema: the columns that it learns.
        conditions: the shares of values that its rows were drawn with.
    """

    generator: str
    params: Mapping[str, Any]
    schema: Schema
    conditions: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"


@dataclass(frozen=True)
class Version:
    """A published version of the audited table.

    Args:
        bytes: of its Parquet file.
        seconds: that training and drawing took, where that is known.
        published_at: when, ISO 8601.
    """

    table: Table
    bytes: int
    seconds: Mapping[str, float]
    published_at: str


@dataclass(frozen=True)
class Took:
    """What making the audited rows took in this run, until their audits.

    Args:
        phases: phase → seconds.
        usd: machines at the declared prices, and what teachers were paid; None where neither is known.
        told: whether the figures may be published; else they would tell of protected rows, and verdicts alone are.
    """

    phases: Mapping[str, float]
    usd: float | None
    told: bool

    @property
    def seconds(self) -> float:
        return sum(self.phases.values())


def _held_text(table: Table) -> int | None:
    """Bytes of text that a table may have, to be held in memory; None where it has too many cells for that."""
    columns = len(table.schema.columns)
    cells, text = (HELD_CELLS, HELD_TEXT) if columns >= WIDE else (FEW_CELLS, FEW_TEXT)
    return text if columns * table.rows <= cells else None


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
        training: how the rows' model was trained, where that was under a budget.
        recipe: how it was trained, where that was without one.
        previous: the version of the table that was published before this one; synthetic rows, as these are.
        seconds: that making these rows took, by phase; empty where they were not made in this run.
        published: the files of the sides as they are published, row by row, where these are read otherwise
            (:mod:`.rows.asread`): ``where`` is about those.
        kept: rules that the rows were drawn to keep although nobody declared them, as text.
        family: the tables that this one was made together with, where it is a member of a family.
        made_up: columns of free text that only look like the real ones, personal data aside.
        took: what making these rows took; None where they were not made in this run.
        repeats: the folder of trainings that were carried out for the running audit (:mod:`.repeats`).
    """

    schema: Schema
    synthetic: Table
    train: Table | None
    holdout: Table | None
    seed: int
    relations: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    where: str | None = None
    training: PrivateTraining | None = None
    recipe: Recipe | None = None
    previous: Version | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    published: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    family: Family | None = None
    made_up: tuple[str, ...] = ()
    took: Took | None = None
    repeats: Path | None = None
    _cache: MutableMapping[tuple[Any, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def narrowed(self, where: str) -> AuditContext:
        """The same context over the rows that satisfy ``where``; the cache is shared, keys differ."""
        both = where if self.where is None else f"({self.where}) AND ({where})"
        return replace(self, where=both)

    def against(self, other: Table) -> AuditContext:
        """A context that compares the same rows with another table, which is its ``holdout``; it has no ``train``."""
        published = {side: paths for side, paths in self.published.items() if side == "synthetic"}
        made = replace(self, train=None, holdout=other, published=published, repeats=None)
        return self.shared(("against", other.paths), lambda: replace(made, _cache={}))

    def shared(self, key: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """``compute()``, once per model and condition."""
        full = (self.where, *key)
        if full not in self._cache:
            self._cache[full] = compute()
        return cast(T, self._cache[full])

    def passing(self) -> AuditContext:
        """The same context, whose further shared work is let go with it: for what is large and asked for once."""
        self.connection  # noqa: B018 - it outlives this one
        return replace(self, _cache=ChainMap({}, self._cache))

    def let_go(self) -> None:
        """Forget the columns that were read, which whoever asks for them reads again."""
        for key in [key for key in self._cache if key[1] in READ]:
            del self._cache[key]

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
        from synthkit.sql.quoting import quote

        wanted = "*" if columns is None else ", ".join(quote(c) for c in columns)
        key = ("arrow", side, columns)
        query = f"SELECT {wanted} FROM {self.scan(side)}"
        return self.shared(key, lambda: self.connection.sql(query).to_arrow_table())

    def scan(self, side: Side) -> str:
        """What SQL reads a side FROM: the files themselves, unless ``where`` narrows them or it is held.

        A view has DuckDB bind all of its columns in each query, so a query for every column of a wide table took a time
        that grew with the square of the columns.
        """
        from synthkit.sql.filescan import parquet_scan

        table = self.side(side)
        named = table is None or self.where is not None or side in self._held
        return side if table is None or named else f"{parquet_scan(*table.paths)} AS {side}"

    @property
    def _held(self) -> frozenset[str]:
        """The sides that the connection holds in memory: of a query that reads a file of many columns, or of few rows,
        opening it is the most."""
        from synthkit.audits.sqltext import held

        return frozenset() if self.where is not None else self.shared(("held",), lambda: held(self.connection))

    def column(self, side: Side, key: str) -> pa.ChunkedArray:
        """An SQL expression in each row of a side, in the order in which they are stored."""
        return self.connection.sql(f"SELECT {key} AS v FROM {self.scan(side)}").to_arrow_table()["v"]

    def rows(self, side: Side) -> int:
        """How many rows a side has, after ``where``; 0 where there is no such side."""
        if self.side(side) is None:
            return 0
        return self.shared(("rows", side), lambda: int(self.scalar(f"SELECT count(*) FROM {self.scan(side)}")))

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

        tables = {s: t for s in ("synthetic", "train", "holdout") if (t := self.side(s)) is not None}
        hold = {s: text for s, t in tables.items() if self.where is None and (text := _held_text(t)) is not None}
        sides = {s: t.paths for s, t in tables.items()}
        return open_views(sides, self.relations, self.where, self.published, hold)

    @cached_property
    def real(self) -> bool:
        return self.train is not None
