"""A lake of a test: its target as another process has it, and what others find there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from synthkit.errors import BuildError
from synthkit.sql.lakes import check_type
from synthkit.sql.types import NoPlaceError
from synthkit.store.lakes.delta import Delta
from synthkit.store.lakes.iceberg import Iceberg
from synthkit.store.lakes.laketarget import LakeTarget
from synthkit.store.objectstore import _opened
from synthkit.store.target import Place
from tests.store.servers.publishing import publication
from tests.typetable import SAMPLES, column, published

ALLOWED = {"aws_allow_http": "true"}


def somebodys(lake: Path | str, scratch: Path) -> Delta:
    """What another process has: nothing of it is shared."""
    _opened.cache_clear()
    if isinstance(lake, str):
        return Delta(Place(scratch / "receipts", scratch / "none.duckdb", scratch / "scratch", lake))
    return Delta(Place(lake, scratch / "none.duckdb", scratch / "scratch"))


def marks(lake: Path | str, *names: str) -> list[set[int]]:
    """Of each Delta table the marks of its rows: of a table that is whole it is one, or, if it is not there, none."""
    found = []
    for name in names:
        try:
            table = DeltaTable(f"{lake}/tables/{name}", storage_options=ALLOWED)
        except Exception:  # no table
            found.append(set())
            continue
        rows = table.to_pyarrow_table()
        (mark,) = {*rows["mark"].to_pylist()}
        assert rows.num_rows == mark
        found.append({mark})
    return found


def anothers(lake: Path, scratch: Path) -> Iceberg:
    """:func:`somebodys`, of Iceberg tables."""
    _opened.cache_clear()
    return Iceberg(Place(lake, scratch / "none.duckdb", scratch / "scratch", None, "shop"))


def iceberg(lake: Path, name: str) -> Any:
    """What anybody finds in the catalogue: a table."""
    from pyiceberg.catalog import load_catalog

    catalogue = load_catalog("synthkit", type="sql", uri=f"sqlite:///{lake}/catalogue.sqlite")
    return catalogue.load_table(("shop", name))


def iceberg_marks(lake: Path, *names: str) -> list[set[int]]:
    """:func:`marks`, of Iceberg tables."""
    from pyiceberg.exceptions import NoSuchTableError

    found = []
    for name in names:
        try:
            rows = iceberg(lake, name).scan().to_arrow()
        except NoSuchTableError:
            found.append(set())
            continue
        (mark,) = {*rows["mark"].to_pylist()}
        assert rows.num_rows == mark
        found.append({mark})
    return found


def drifted(target: LakeTarget, name: str) -> list[str]:
    """What of a published table is there otherwise."""
    receipt = target.published(name)
    assert receipt is not None
    return list(target.shown_otherwise(receipt, full=True))


def each_type(
    target: LakeTarget, lacking: Mapping[str, str], called: str, folder: Path, refused: list[str]
) -> Iterator[tuple[str, pa.Table]]:
    """A table of each type, by its name, as soon as it is published; ``refused`` gets the types of the others."""
    for number, sample in enumerate(SAMPLES):
        try:
            types, table = published(f"SELECT {column(sample)} AS c", folder)
        except BuildError:
            continue  # no published table has it
        try:
            check_type(types["c"], lacking, called)
        except NoPlaceError:
            refused.append(types["c"])
            continue
        name = f"t{number}"
        target.publish_all([publication(folder, name, table, types)])
        yield name, table
