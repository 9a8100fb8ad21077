"""The way in for those who only read: two lines to a published table, its schema and what it is worth.

```python
import synthkit

synthkit.open().table("synthetic_customers").to_pandas()
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.schema import Schema
from synthkit.store.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


def open(project_dir: str | Path = ".", target: str | None = None) -> Reader:
    """Open the published tables of a project for reading.

    Args:
        project_dir: the project's folder, or one inside it.
        target: whose warehouse; by default the project's default target.

    Raises:
        SynthError: there is no project, or nothing is published under that target.
    """
    root, spec = _project(Path(project_dir))
    name = target or str(spec.get("target", "dev"))
    settings = (spec.get("targets") or {}).get(name) or {}
    directory = root / str(settings.get("warehouse") or f"warehouse/{name}")
    database = root / str(settings.get("database") or f"{directory.relative_to(root)}.duckdb")
    if not directory.is_dir():
        raise SynthError(f"nothing is published in {directory}", hint="run synth build, or name another target")
    return Reader(Warehouse(directory, database))


def _project(start: Path) -> tuple[Path, Mapping[str, Any]]:
    """The project's root and its file, read leniently: readers need no valid models."""
    import yaml

    start = start.resolve()
    for folder in (start, *start.parents):
        file = folder / "synth_project.yml"
        if file.is_file():
            try:
                value = yaml.safe_load(file.read_text("utf-8"))
            except (yaml.YAMLError, UnicodeDecodeError):
                value = None
            return folder, value if isinstance(value, Mapping) else {}
        if (folder / "warehouse").is_dir():
            return folder, {}
    raise SynthError(f"there is no synth_project.yml in {start} or above it", hint="pass project_dir")


@dataclass(frozen=True)
class PublishedTable:
    """One published table. Nothing is read until asked for."""

    name: str
    path: Path
    receipt: Mapping[str, Any]

    @property
    def schema(self) -> Schema:
        return Schema.from_json(self.receipt["schema"])

    @property
    def rows(self) -> int:
        return int(self.receipt["rows"])

    @property
    def epsilon(self) -> float | None:
        """The privacy budget, or None where the table carries no formal guarantee."""
        value = self.receipt["epsilon"]
        return None if value is None else float(value)

    def audits(self) -> list[Mapping[str, Any]]:
        return list(self.receipt["audits"])

    def to_arrow(self) -> pa.Table:
        import pyarrow.parquet as pq

        table = pq.read_table(self.path, partitioning=None)
        return table.replace_schema_metadata(None)

    def to_pandas(self) -> pd.DataFrame:
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """A lazy relation on an in-memory connection of its own."""
        import duckdb

        return duckdb.connect(":memory:").read_parquet(str(self.path))


@dataclass(frozen=True)
class Reader:
    """Published tables, and only those."""

    warehouse: Warehouse

    def tables(self) -> list[str]:
        return list(self.warehouse.all_published())

    def table(self, name: str) -> PublishedTable:
        """Raises SynthError, with the nearest name, where nothing is published as ``name``."""
        receipt = self.warehouse.published(name)
        if receipt is None:
            hint = did_you_mean(name, self.tables(), "a published table")
            raise SynthError(f"no table {name!r} is published in {self.warehouse.directory}", hint=hint)
        return PublishedTable(name, self.warehouse.file(receipt), receipt)

    def query(self, sql: str) -> pa.Table:
        """The rows of a query over the published tables and ``synth_meta``.

        It reads the DuckDB file, read-only. Tables that are not in it (materialized: parquet) can be queried too.

        Raises:
            SynthError: the SQL does not work, with DuckDB's reason.
        """
        import duckdb

        connection = self._connect()
        try:
            return _rows(connection, sql)
        except duckdb.Error as error:
            raise SynthError(f"the query does not work: {error}", hint=self._query_hint(str(error))) from None
        finally:
            connection.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """In memory, with the file attached read-only: a query cannot write to what is published."""
        import duckdb

        connection = duckdb.connect(":memory:")
        published = self.warehouse.all_published()
        directories = [str(self.warehouse.directory.resolve())]
        if self.warehouse.database.exists():
            path = str(self.warehouse.database.resolve()).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS published (READ_ONLY)")
            found = connection.execute(
                "SELECT table_schema, table_name, table_type FROM information_schema.tables"
                " WHERE table_catalog = 'published'"
            ).fetchall()
        else:
            found = []
        present = {name for schema, name, _ in found if schema == "main"}
        if found:
            connection.execute("USE published")
        for name, receipt in published.items():
            if name not in present:
                file = str(self.warehouse.file(receipt)).replace("'", "''")
                quoted = '"' + name.replace('"', '""') + '"'
                connection.execute(f"CREATE TEMP VIEW {quoted} AS SELECT * FROM read_parquet('{file}')")
        literal = ", ".join("'" + d.replace("'", "''") + "'" for d in directories)
        connection.execute(f"SET allowed_directories = [{literal}]")
        connection.execute("SET enable_external_access = false")
        return connection

    def _query_hint(self, message: str) -> str | None:
        if "does not exist" in message:
            return f"published: {', '.join(self.tables()) or 'nothing'}; and synth_meta.tables, audits, privacy, runs"
        return None


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of a SELECT; for statements that give none (SET, USE) an empty table."""
    import pyarrow as pa

    relation = connection.sql(sql)
    return pa.table({}) if relation is None else relation.to_arrow_table()
