"""What a table is: its columns, their logical and physical types, and a handle to its rows.

The logical type says what a column means (and so how it is modelled and audited), ``sql_type`` is the
DuckDB type in which the source holds it and in which the synthetic table gives it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LogicalType = Literal["integer", "float", "decimal", "boolean", "categorical", "datetime", "date", "time", "id", "text"]
LOGICAL_TYPES: tuple[str, ...] = get_args(LogicalType)
NUMERIC: frozenset[str] = frozenset({"integer", "float", "decimal"})
TEMPORAL: frozenset[str] = frozenset({"datetime", "date", "time"})
MIN_COUNT = 5  # people who have a value that is given out as it is
MADE_UP = frozenset({"id", "text"})  # no generator learns a column of these types

Cell = None | bool | int | float | str | bytes | date | time | timedelta | Decimal  # a value; a datetime is a date


@dataclass(frozen=True)
class Column:
    """One column. ``bounds``, ``values`` and ``decimals`` hold only what the YAML *declares*.

    ``format`` says how what it means (``type``) is written in what it is held in (``sql_type``): see
    :mod:`synthkit.formats`. ``rare`` says what becomes of the rare values of a category of many
    (:mod:`synthkit.encoding.tails`).

    >>> age, email = Column("age", "integer", "BIGINT"), Column("email", "text", "VARCHAR", pii="email")
    >>> age.continuous, age.modelled, email.modelled
    (True, True, False)
    """

    name: str
    type: LogicalType
    sql_type: str
    nullable: bool = True
    pii: str | None = None
    bounds: tuple[Any, Any] | None = None
    values: tuple[Any, ...] | None = None
    decimals: int | None = None
    description: str | None = None
    format: str | None = None
    rare: str | None = None

    @property
    def numeric(self) -> bool:
        return self.type in NUMERIC

    @property
    def continuous(self) -> bool:
        """Whether distances along the column mean something (numbers and points in time)."""
        return self.type in NUMERIC or self.type in TEMPORAL

    @property
    def modelled(self) -> bool:
        """Whether a generator learns the column; keys, free text and Faker-filled ones are made up."""
        return self.type not in MADE_UP and self.pii is None


@dataclass(frozen=True)
class Schema:
    """The columns of a table in their order, and its keys.

    ``order_by`` is the column by which rows of one owner, or of one ``entity`` (a column, too), follow one another.

    >>> people = Schema((Column("id", "id", "VARCHAR"), Column("age", "integer", "BIGINT")), primary_key=("id",))
    >>> people.names, people.select(["age"]).primary_key
    (('id', 'age'), ())
    """

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    privacy_unit: str | None = None
    order_by: str | None = None
    entity: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {c.name: c for c in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def select(self, names: Sequence[str]) -> Schema:
        """The same schema with only ``names``, in the schema's own order."""
        keep = set(names)
        return Schema(
            columns=tuple(c for c in self.columns if c.name in keep),
            primary_key=tuple(k for k in self.primary_key if k in keep),
            privacy_unit=self.privacy_unit if self.privacy_unit in keep else None,
            order_by=self.order_by if self.order_by in keep else None,
            entity=self.entity if self.entity in keep else None,
        )

    def undescribed(self) -> Schema:
        """The same schema without descriptions, which decide nothing and may change at any time."""
        return replace(self, columns=tuple(replace(c, description=None) for c in self.columns))

    def to_json(self) -> dict[str, Any]:
        """JSON-able, and read back by :meth:`from_json`."""
        # vars, not asdict: a manifest of a thousand models holds tens of thousands of columns.
        sequence = {k: v for k, v in (("order_by", self.order_by), ("entity", self.entity)) if v is not None}
        return {
            "columns": [{k: v for k, v in vars(c).items() if k != "rare" or v} for c in self.columns],
            "primary_key": self.primary_key,
            "privacy_unit": self.privacy_unit,
            **sequence,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Schema:
        def column(c: Mapping[str, Any]) -> Column:
            pairs: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in c.items()}
            return Column(**pairs)

        return Schema(
            columns=tuple(column(c) for c in data["columns"]),
            primary_key=tuple(data.get("primary_key", ())),
            privacy_unit=data.get("privacy_unit"),
            order_by=data.get("order_by"),
            entity=data.get("entity"),
        )


@dataclass(frozen=True)
class Table:
    """Rows at rest: Parquet files plus the schema that says what they mean.

    ``paths`` are read in order. Nothing is loaded until asked for; ``batches`` streams.
    """

    schema: Schema
    paths: tuple[Path, ...]
    rows: int
    metadata: Mapping[str, str] = field(default_factory=dict)

    def batches(self, columns: Sequence[str] | None = None, batch_size: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Stream the rows as Arrow record batches of at most ``batch_size`` rows."""
        import pyarrow.parquet as pq

        wanted = None if columns is None else list(columns)
        for path in self.paths:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=batch_size, columns=wanted)

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        # Not read_table, which imports datasets, and with these pandas, and takes part of a path for columns.
        parts = []
        for path in self.paths:
            with pq.ParquetFile(path) as file:
                part = file.read() if columns is None else file.read(columns=list(columns))
            parts.append(part if columns is None else part.select(list(columns)))
        return pa.concat_tables(parts)

    def first(self, rows: int) -> pa.Table:
        """The first ``rows`` rows; no more of them are ever held."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.rows <= rows:
            return self.to_arrow().slice(0, rows)
        parts, left = [], rows
        for batch in self.batches():
            parts.append(batch.slice(0, left))
            left -= parts[-1].num_rows
            if not left:
                break
        found = pa.Table.from_batches(parts, parts[0].schema if parts else pq.read_schema(self.paths[0]))
        parts.clear()
        return found.combine_chunks()  # once, here: who needs a column in one piece would else hold it twice

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self.to_arrow(columns).to_pandas()
        return frame
