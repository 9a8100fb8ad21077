"""One published table from Python: its rows in whatever frame is wanted, its schema, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError
from synthkit.extras import refuse_absent
from synthkit.privacy.guarantee import promised
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.schema import Schema
from synthkit.sql.filescan import parquet_scan
from synthkit.store.htmlcard import card

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH = 65_536  # rows


@dataclass(frozen=True)
class PublishedTable:
    """One published table. Nothing is read until asked for.

    >>> table = synthkit.open(shop).table("by_tier")
    >>> table.rows, table.schema.names, table.epsilon
    (3, ('tier', 'n'), None)
    """

    name: str
    path: Path
    receipt: Receipt

    @property
    def schema(self) -> Schema:
        return self.receipt.table_schema.as_schema()

    @property
    def rows(self) -> int:
        return self.receipt.rows

    @property
    def epsilon(self) -> float | None:
        """What it promises to everybody whose rows it descends from; None where it carries no formal guarantee."""
        found = promised(self.receipt)
        return None if found is None else float(found[0])

    def audits(self) -> list[AuditRecord]:
        return list(self.receipt.audits)

    def _repr_html_(self) -> str:
        """A card, as notebooks show it: rows, made by, privacy, verdicts, the first ten rows."""
        with self._there():
            return card(self.receipt, self.path)

    def _there(self) -> pq.ParquetFile:
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.path)
        except FileNotFoundError:
            hint = "open the table again"
            raise SynthError(f"{self.name!r} was published anew or withdrawn since it was opened", hint=hint) from None

    def to_arrow(self) -> pa.Table:
        with self._there() as file:
            return file.read().replace_schema_metadata(None)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Its rows as Arrow's stream: what takes one reads the table as it is, a batch at a time.

        ``polars.DataFrame(table)``, ``pyarrow.table(table)``, ``connection.register("t", table)`` of DuckDB,
        ``pandas.DataFrame.from_arrow(table)`` of pandas 3: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
        """
        import pyarrow as pa

        with self._there() as file:
            schema = file.schema_arrow.remove_metadata()

        def batches() -> Iterator[pa.RecordBatch]:
            with self._there() as rows:
                for batch in rows.iter_batches(batch_size=BATCH):
                    yield batch.replace_schema_metadata(None)

        return pa.RecordBatchReader.from_batches(schema, batches()).__arrow_c_stream__(requested_schema)

    def to_polars(self) -> pl.DataFrame:
        """A data frame of polars. Raises SynthError where that is not installed."""
        refuse_absent("to_polars()", module="polars")
        import polars

        return polars.DataFrame(self)

    def to_pandas(self, *, nullable: bool = False) -> pd.DataFrame:
        """A data frame; integers with nulls as pandas' ``Int64`` and the like, since its floats would round them.

        Args:
            nullable: every column in pandas' nullable types (``Int64``, ``Float64``, ``boolean``, ``string``), whether
                or not it has a null: a column keeps its type from one version of the table to the next.
        """
        refuse_absent("to_pandas()", module="pandas")
        return nullable_frame(self.to_arrow()) if nullable else exact_frame(self.to_arrow())

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """A lazy relation on an in-memory connection of its own, which reckons time in UTC."""
        import duckdb

        connection = duckdb.connect(":memory:")
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(f"SELECT * FROM {parquet_scan(self.path.resolve())}")


def nullable_frame(table: pa.Table) -> pd.DataFrame:
    """A table in pandas' nullable types; what pandas has none for is as in :func:`exact_frame`."""
    import pandas as pd
    import pyarrow as pa

    whole = {getattr(pa, f"{u}int{b}")(): f"{u.upper()}Int{b}" for u in ("", "u") for b in (8, 16, 32, 64)}
    names = {**whole, pa.float32(): "Float32", pa.float64(): "Float64", pa.bool_(): "boolean"}
    names |= {pa.string(): "string", pa.large_string(): "string"}
    kinds = {type_: pd.api.types.pandas_dtype(name) for type_, name in names.items()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get, integer_object_nulls=True)
    return frame


def exact_frame(table: pa.Table) -> pd.DataFrame:
    """A table in pandas in which no integer becomes a float, which holds 53 bits of it: neither a null beside it nor
    one in the same list makes it one."""
    import pandas as pd
    import pyarrow.types as t

    counted = (f for f in table.schema if t.is_integer(f.type) and table.column(f.name).null_count)
    names = {f.name: f"{'UI' if t.is_unsigned_integer(f.type) else 'I'}nt{f.type.bit_width}" for f in counted}
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    return frame.astype({name: pd.api.types.pandas_dtype(kind) for name, kind in names.items()})
