"""The way in for those who only read: two lines to a published table, its schema and what it is worth.

```python
import synthkit

synthkit.open().table("synthetic_customers").to_pandas()
```
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.digests import digest
from synthkit.errors import SynthError, did_you_mean
from synthkit.project.addresses import address_of, scheme_of, without_password
from synthkit.project.project import declared_target
from synthkit.project.targets import LOCAL, kind_at
from synthkit.records.joins import Join, of_receipts
from synthkit.records.receipt import Receipt
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote
from synthkit.sql.statements import NO_EXTENSIONS, shut
from synthkit.sql.types import misfit_in, readable
from synthkit.store.database import views_directory
from synthkit.store.meta import write_meta
from synthkit.store.others import HELD, META, META_TABLES
from synthkit.store.publishedtable import PublishedTable
from synthkit.store.target import Place, Tables, Target
from synthkit.store.targets import opened
from synthkit.store.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ANALYZE = re.compile(r"\s*EXPLAIN\s*\(?\s*ANALY[ZS]E", re.IGNORECASE)


def open(project_dir: str | Path = ".", target: str | None = None, *, version: str | None = None) -> Reader:
    """Open the published tables of a project for reading.

    Args:
        project_dir: the project's folder, or one inside it; or the address of tables (``s3://bucket/prefix``).
        target: whose warehouse; by default the project's default target.
        version: a commit, branch or tag: the tables as they were published then (``synth versions MODEL``).

    Raises:
        SynthError: there is no project, or nothing is published under that target, or was at that version.

    >>> tables = synthkit.open(shop)
    >>> tables.tables()
    ['by_tier', 'customers']
    >>> tables.query("select max(n) as most from by_tier").to_pylist()
    [{'most': 198}]
    """
    root, warehouse = warehouse_of(project_dir, target)
    if version is None:
        return Reader(warehouse)
    from synthkit.store.published import Versions

    return Reader(*Versions.of(warehouse).at(version, root / "target" / "cache" / "versions"))


def warehouse_of(project_dir: str | Path, target: str | None) -> tuple[Path, Target]:
    """The project's folder and its warehouse. Raises SynthError as :func:`open` does."""
    address = address_of(project_dir)
    if address is not None:
        if target is not None:
            raise SynthError(f"{without_password(address)} is one target's tables", hint="leave --target out")
        return _scratch(address), tables_at(address)
    project_dir = Path(project_dir)
    root, spec = _project(project_dir)
    name = target or str(spec.get("target", "dev"))
    targets = spec.get("targets")
    settings = targets.get(name) if isinstance(targets, Mapping) else None
    settings = settings if isinstance(settings, Mapping) else {}
    if "connection" in settings or "{{" in str(settings.get("warehouse")):  # to be rendered, as a secret is
        declared = declared_target(root, name)
        settings = settings if declared is None else declared.model_dump(by_alias=True)
    place = str(settings.get("warehouse") or f"warehouse/{name}")
    address = None if scheme_of(place) is None else place
    directory = root / (place if address is None else f"warehouse/{name}")
    written = settings.get("database")
    database = root / str(written) if written else directory.with_name(f"{directory.name}.duckdb")
    kind = str(settings.get("type") or kind_at(scheme_of(place)))
    if address is None and not (directory.is_dir() if kind == LOCAL else directory.exists()):
        raise SynthError(f"nothing is published in {directory}", hint="run synth build, or name another target")
    scratch = root / "target" / "cache" / "published"
    schema, catalog = (None if v is None else str(v) for v in (settings.get("schema"), settings.get("catalog")))
    return root, opened(kind, Place(directory, database, scratch, address, schema, catalog))


def project_name(project_dir: str | Path, target: str | None) -> tuple[str, str]:
    """What a project is called, and which target is meant."""
    root, spec = _project(Path(project_dir))
    return str(spec.get("name") or root.name), target or str(spec.get("target", "dev"))


def tables_at(address: str) -> Target:
    """The tables at an address, without a project. They are kept in the cache of whoever reads them."""
    scratch = _scratch(address)
    place = Place(scratch / "receipts", scratch / "none.duckdb", scratch, address)
    return opened(kind_at(scheme_of(address)), place)


def _scratch(address: str) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "synthkit" / "published" / digest(address.rstrip("/"))[:32]


def _project(start: Path) -> tuple[Path, Mapping[str, Any]]:
    """The project's root and its file, read leniently: readers need no valid models."""
    from synthkit.project.yamlfile import parse_file

    start = start.resolve()
    for folder in (start, *start.parents):
        file = folder / "synth_project.yml"
        if file.is_file():
            value = parse_file(file).value
            return folder, value if isinstance(value, Mapping) else {}
        if (folder / "warehouse").is_dir():
            return folder, {}
    raise SynthError(f"there is no synth_project.yml in {start} or above it", hint="pass project_dir")


@dataclass(frozen=True)
class Reader:
    """Published tables, and only those. ``lacking`` says of a version's tables which cannot be had, and why."""

    warehouse: Tables
    lacking: Mapping[str, SynthError] = field(default_factory=dict)

    def tables(self) -> list[str]:
        return list(self.warehouse.all_published())

    def _where(self) -> str:
        return f"in {self.warehouse.directory}" if isinstance(self.warehouse, Warehouse) else "there"

    def table(self, name: str) -> PublishedTable:
        """Raises SynthError, with the nearest name, where nothing is published as ``name``."""
        if name in self.lacking:
            raise self.lacking[name]
        receipt = self.warehouse.published(name)
        if receipt is None and self.warehouse.receipt(name) is not None:
            raise SynthError(
                f"the rows of {name!r} are missing, or not what its receipt {self._where()} says",
                hint=f"run synth build --select {name}",
            )
        if receipt is None:
            hint = did_you_mean(name, self.tables(), "a published table")
            raise SynthError(f"no table {name!r} is published {self._where()}", hint=hint)
        return PublishedTable(name, self.warehouse.file(receipt), receipt)

    def all(self) -> dict[str, PublishedTable]:
        """All published tables, by name, as they stood at one instant: a family's are all of one publication.

        >>> {name: table.rows for name, table in synthkit.open(shop).all().items()}
        {'by_tier': 3, 'customers': 315}
        """
        found = self.warehouse.all_published()
        return {name: PublishedTable(name, self.warehouse.file(receipt), receipt) for name, receipt in found.items()}

    def joins(self) -> dict[str, tuple[Join, ...]]:
        """Table → its keys that lead to published tables, also to those that it will not join; others are left out.

        >>> synthkit.open(shop).joins()
        {}
        """
        return of_receipts(self.warehouse.all_published())

    def query(self, sql: str) -> pa.Table:
        """The rows of a query over the published tables and ``synth_meta``; several statements give the last one's.

        Tables come from the DuckDB file, opened read-only. What is not in it (materialized: parquet), or was
        published since it was written, is read from Parquet. Types that Arrow lacks come as text (docs/types.md).

        Raises:
            SynthError: the SQL does not work, with DuckDB's reason, or does more than read.
        """
        import duckdb

        receipts = self.warehouse.all_published()
        while True:
            try:
                self._check(sql)
                with self._connect(receipts) as connection:
                    return readable(connection.sql(sql)).to_arrow_table()
            except duckdb.Error as error:
                misfit = misfit_in(str(error))
                if misfit is not None:
                    raise SynthError(misfit) from None
                # A table that is published anew takes its old file away, maybe from under this query.
                before, receipts = receipts, self.warehouse.all_published()
                if receipts == before:
                    self._lacks(str(error))
                    raise SynthError(f"the query does not work: {error}", hint=self._query_hint(str(error))) from None

    def _lacks(self, message: str) -> None:
        """Raise why a table is not in this version, where DuckDB's message says that there is none of that name."""
        for name, reason in self.lacking.items():
            if f"table with name {name} does not exist".casefold() in message.casefold():
                raise reason from None

    def _check(self, sql: str) -> None:
        """Only what reads: a COPY could write where the query may read, into the published files."""
        import duckdb

        statements = duckdb.extract_statements(sql)
        if not statements:
            raise SynthError("the query is empty", hint="for example: select * from synth_meta.tables")
        for statement in statements:
            kind = statement.type.name  # MULTI is a PIVOT
            analyses = kind == "EXPLAIN" and _ANALYZE.match(statement.query)
            if kind not in ("SELECT", "EXPLAIN", "MULTI") or analyses:
                what = "EXPLAIN ANALYZE" if analyses else kind
                raise SynthError(f"a query only reads: {what} is refused", hint="write SELECT, DESCRIBE or EXPLAIN")

    def _connect(self, receipts: Mapping[str, Receipt]) -> duckdb.DuckDBPyConnection:
        """In memory, with the DuckDB file attached where it can be, and cut off from every other file."""
        import duckdb

        connection = duckdb.connect(":memory:", config=NO_EXTENSIONS)
        connection.execute("SET TimeZone = 'UTC'")  # how a point in time is written does not depend on the machine
        current, database = self._attach(connection, receipts), self.warehouse.shown_in()
        files = {name: self.warehouse.file(receipt) for name, receipt in receipts.items()}
        for name, file in files.items():
            if name not in current:
                # Temporary, so that it hides what the DuckDB file has under the name.
                scan = parquet_scan(file.resolve())
                connection.execute(f"CREATE TEMP VIEW {quote(name)} AS SELECT * FROM {scan}")
        readable = [] if database is None else [views_directory(database)]
        if isinstance(self.warehouse, Warehouse):
            readable.append(self.warehouse.directory)
        # Where DVC made links to its cache, the files themselves lie there.
        shut(connection, [file.resolve() for file in files.values()], [d.resolve() for d in readable])
        return connection

    def _attach(self, connection: duckdb.DuckDBPyConnection, receipts: Mapping[str, Receipt]) -> frozenset[str]:
        """Attach the DuckDB file; returns the tables that it shows as they were last published.

        Where there is none, or someone has it open for writing, ``synth_meta`` is made from the receipts.
        """
        import duckdb

        database = self.warehouse.shown_in()
        try:
            if database is None or not database.exists():
                raise duckdb.IOException("no such file")
            connection.execute(f"ATTACH {literal(str(database.resolve()))} AS published (READ_ONLY)")
            held = connection.execute(
                "SELECT t.table_name, m.parquet FROM information_schema.tables AS t"
                f" JOIN published.{META}.tables AS m ON m.name = t.table_name"
                f"  AND m.materialized IN ({', '.join(map(literal, HELD))})"  # of another one it is somebody else's
                " WHERE t.table_catalog = 'published' AND t.table_schema = 'main'"
            ).fetchall()
        except duckdb.Error:
            write_meta(connection, self.warehouse, receipts, {}, [])
            return frozenset()
        if any(name not in receipts for name, _ in held):
            # A table withdrawn since is in that file still, and is not to be read.
            write_meta(connection, self.warehouse, receipts, {}, [])
            connection.execute("DETACH published")
            return frozenset()
        connection.execute("USE published")
        files = {name: Path(receipt.file).name for name, receipt in receipts.items()}
        return frozenset(name for name, parquet in held if Path(parquet).name == files[name])

    def _query_hint(self, message: str) -> str | None:
        if "does not exist" in message:
            return f"published: {', '.join(self.tables()) or 'nothing'}; and synth_meta.{', '.join(META_TABLES)}"
        return None
