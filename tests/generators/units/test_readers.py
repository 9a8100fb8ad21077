"""A private family through every reader: a unit more, however odd, moves no row of another, and all read alike."""

from __future__ import annotations

import csv
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.generators.tables import Tables
from synthkit.generators.units.bounding import bounded
from synthkit.generators.units.levels import root_level
from synthkit.project.types import ConnectionSpec, ForeignKeySpec, SourceTableSpec
from synthkit.schema import Schema
from synthkit.sources.bounding import Declared
from synthkit.sources.family import ownership_of
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from tests.generators.units.made import ITEMS, KEYS, LINES, ORDERS, PEOPLE, Rows, together, unit
from tests.generators.units.test_bounding import ABOVE, ODD
from tests.postgres_server import Server, postgres

__all__ = ["postgres"]

SCHEMAS: Mapping[str, Schema] = {"people": PEOPLE, "items": ITEMS, "orders": ORDERS, "lines": LINES}
OTHERS = {"items": [{"item": f"i{n}", "price": n} for n in range(5)]}
Write = Callable[[Path, Rows], Mapping[str, Any]]  # writes the tables; gives what their specs say of where they are


def _csv(folder: Path, rows: Rows) -> Mapping[str, Any]:
    for name, schema in SCHEMAS.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, schema.names)
            writer.writeheader()
            writer.writerows(rows[name])
    return {"path": "{}.csv"}


def _arrow(name: str, rows: Rows) -> pa.Table:
    kinds = {"VARCHAR": pa.string(), "BIGINT": pa.int64()}
    schema = pa.schema([(c.name, kinds[c.sql_type]) for c in SCHEMAS[name].columns])
    return pa.Table.from_pylist([dict(r) for r in rows[name]], schema=schema)


def _parquet(folder: Path, rows: Rows) -> Mapping[str, Any]:
    for name in SCHEMAS:
        pq.write_table(_arrow(name, rows), folder / f"{name}.parquet")
    return {"path": "{}.parquet"}


def _statements(rows: Rows) -> list[tuple[str, str, list[tuple[Any, ...]]]]:
    """Of each table: its name, how it is created, its rows."""
    found = []
    for name, schema in SCHEMAS.items():
        columns = ", ".join(f'"{c.name}" {c.sql_type}' for c in schema.columns)
        values = [tuple(row.get(n) for n in schema.names) for row in rows[name]]
        found.append((name, f'CREATE TABLE "{name}" ({columns})', values))
    return found


def _sqlite(folder: Path, rows: Rows) -> Mapping[str, Any]:
    with closing(sqlite3.connect(folder / "shop.sqlite")) as file:
        for name, create, values in _statements(rows):
            file.execute(create)
            file.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(SCHEMAS[name].names))})', values)
        file.commit()
    return {"connection": "shop", "table": "{}"}


def _duckdb(folder: Path, rows: Rows) -> Mapping[str, Any]:
    with duckdb.connect(str(folder / "shop.duckdb")) as file:
        for name in SCHEMAS:
            there = _arrow(name, rows)  # noqa: F841 - DuckDB finds it by its name
            file.execute(f'CREATE TABLE "{name}" AS SELECT * FROM there')
    return {"connection": "shop", "table": "{}"}


CONNECTIONS = {
    "sqlite": ConnectionSpec(type="sqlite", path="shop.sqlite"),
    "duckdb": ConnectionSpec(type="duckdb", path="shop.duckdb"),
}
WRITE: Mapping[str, Write] = {"csv": _csv, "parquet": _parquet, "sqlite": _sqlite, "duckdb": _duckdb}


def read(folder: Path, said: Mapping[str, Any], connection: ConnectionSpec | None, holdout: float) -> Mapping[str, Any]:
    """Of each unit, by the hash of its key, what is learnt from of each table."""
    connections = {} if connection is None else {"shop": connection}
    specs = {}
    for name, schema in SCHEMAS.items():
        keys = tuple(
            ForeignKeySpec(columns=k.columns, references=k.references, owner=k.owner, max_per_parent=k.max_per_parent)
            for k in KEYS
            if k.table == name
        )
        where = {key: value.format(name) for key, value in said.items()}
        specs[name] = SourceTableSpec(
            name=name, primary_key=schema.primary_key, foreign_keys=keys, public=name == "items", **where
        )

    def content(table: str) -> str:
        return content_hash(specs[table], root=folder, connections=connections, cache=None)

    members = {}
    for name, schema in SCHEMAS.items():
        named = tuple(dict.fromkeys((*schema.primary_key, *(c for k in KEYS if k.table == name for c in k.columns))))
        split = ingest(
            specs[name],
            root=folder,
            connections=connections,
            holdout=0.0 if name == "items" else holdout,
            directory=folder / "splits" / name,
            source_hash=content(name),
            declared=Declared(schema, None, named),
            ownership=ownership_of(specs, name, content),
        )
        assert split.bounded is not None
        members[name] = split.bounded
    tables = Tables(members, KEYS, "people", frozenset({"items"}))
    found = bounded(tables, root_level(tables.shape))
    seen: dict[str, dict[str, list[Any]]] = {}
    for name, held in found.items():
        chosen = set(held.chosen.tolist())
        for i in range(len(held)):
            unit_ = str(found["people"].hashes[held.unit[i]])
            values = [int(p[i]) for p in held.positions] + [int(k[i]) for k in held.looked_up]
            above = str(found[ABOVE[name]].hashes[held.owner[i]]) if name in ABOVE else ""
            seen.setdefault(unit_, {}).setdefault(name, []).append((values, int(held.place[i]), i in chosen, above))
    return seen


def units() -> list[Rows]:
    chance = random.Random(3)
    return [unit(n, chance) for n in range(25)]


def neighbours(
    folder: Path, write: Write, connection: ConnectionSpec | None, holdout: float = 0.2
) -> list[Mapping[str, Any]]:
    """What is read without, and with one odd unit more; the others' first, the one more in their midst."""
    found, some = [], units()
    for number, more in enumerate([None, *ODD.values()]):
        here = folder / str(number)
        here.mkdir(parents=True)
        rows = together(some if more is None else [*some[:11], more, *some[11:]]) | OTHERS
        found.append(read(here, write(here, rows), connection, holdout))
    return found


def _holds(found: list[Mapping[str, Any]]) -> None:
    before, *after = found
    assert len(before) > 10
    for odd, said in zip(ODD, after, strict=True):
        assert {k: v for k, v in said.items() if k in before} == before, odd
        more = said.keys() - before.keys()
        assert len(more) <= (3 if odd == "written otherwise" else 1), odd  # three keys are three units


@pytest.mark.parametrize("kind", WRITE)
def test_a_unit_more_moves_no_row_of_another(kind: str, tmp_path: Path) -> None:
    _holds(neighbours(tmp_path, WRITE[kind], CONNECTIONS.get(kind)))


def test_every_reader_reads_the_same(tmp_path: Path) -> None:
    rows, found = together(units()) | OTHERS, []
    for kind, write in WRITE.items():
        (tmp_path / kind).mkdir()
        found.append(read(tmp_path / kind, write(tmp_path / kind, rows), CONNECTIONS.get(kind), 0.2))
    assert all(one == found[0] for one in found)


@pytest.mark.postgres
def test_a_server_is_read_so_too(tmp_path: Path, postgres: Server) -> None:
    def write(folder: Path, rows: Rows) -> Mapping[str, Any]:
        import psycopg

        with psycopg.connect(postgres.url, autocommit=True) as server:
            for name, create, values in _statements(rows):
                server.execute(f'DROP TABLE IF EXISTS "{name}"')
                server.execute(create)
                places = ", ".join(["%s"] * len(SCHEMAS[name].names))
                with server.cursor() as cursor:
                    cursor.executemany(f'INSERT INTO "{name}" VALUES ({places})', values)
        return {"connection": "shop", "table": "{}"}

    found = neighbours(tmp_path, write, ConnectionSpec(type="postgres", url=postgres.url))
    _holds(found)
    (tmp_path / "files").mkdir()
    rows = together(units()) | OTHERS
    assert found[0] == read(tmp_path / "files", _parquet(tmp_path / "files", rows), None, 0.2)
