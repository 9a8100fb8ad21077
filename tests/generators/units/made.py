"""Small families at rest, made of rows that a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table

PEOPLE = Schema(
    (
        Column("id", "id", "VARCHAR"),
        Column("tier", "categorical", "VARCHAR", values=("basic", "plus", "pro")),
        Column("age", "integer", "BIGINT", bounds=(0, 99)),
    ),
    primary_key=("id",),
)
ORDERS = Schema(
    (
        Column("order", "id", "VARCHAR"),
        Column("of", "id", "VARCHAR"),
        Column("day", "integer", "BIGINT", bounds=(0, 365)),
        Column("kind", "categorical", "VARCHAR", nullable=False, values=("a", "b", "c", "d")),
    ),
    primary_key=("order",),
    order_by="day",
)
LINES = Schema(
    (
        Column("in", "id", "VARCHAR"),
        Column("item", "id", "VARCHAR"),
        Column("many", "integer", "BIGINT", bounds=(0, 20)),
    )
)
ITEMS = Schema((Column("item", "id", "VARCHAR"), Column("price", "integer", "BIGINT")), primary_key=("item",))
KEYS = (
    Key("orders", ("of",), "people", owner=True, max_per_parent=4),
    Key("lines", ("in",), "orders", owner=True, max_per_parent=3),
    Key("lines", ("item",), "items"),
)
TYPES = {"VARCHAR": "string", "BIGINT": "int64"}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def family(rows: Rows, folder: Path, keys: tuple[Key, ...] = KEYS) -> Tables:
    """The tables with these rows; five items that anyone may know."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    items = [{"item": f"i{n}", "price": n} for n in range(5)]
    members = {}
    schemas = {"people": PEOPLE, "items": ITEMS, "orders": ORDERS, "lines": LINES}
    for name, schema in schemas.items():
        said = items if name == "items" else list(rows.get(name, ()))
        types = pa.schema([pa.field(c.name, pa.type_for_alias(TYPES[c.sql_type])) for c in schema.columns])
        pq.write_table(pa.Table.from_pylist(said, schema=types), folder / f"{name}.parquet")
        members[name] = Table(schema, (folder / f"{name}.parquet",), len(said))
    return Tables(members, keys, "people", frozenset({"items"}))


def unit(number: int, random: Any) -> dict[str, list[dict[str, Any]]]:
    """One person with all rows that are hers; some are more than may be read, some name no item or have no value."""
    name = str(number)
    found: dict[str, list[dict[str, Any]]] = {
        "people": [
            {"id": name, "tier": random.choice(["basic", "plus", "pro", None]), "age": random.randrange(-5, 110)}
        ],
        "orders": [],
        "lines": [],
    }
    for index in range(random.choice([0, 0, 1, 2, 3, 7, 12])):
        order = f"{name}-{index}"
        day = random.choice([None, random.randrange(366)])
        found["orders"].append({"order": order, "of": name, "day": day, "kind": random.choice("abcd")})
        for _ in range(random.choice([0, 1, 2, 6])):
            item = random.choice(["i0", "i1", "i4", "i9", None])
            found["lines"].append({"in": order, "item": item, "many": random.randrange(25)})
    return found


def together(units: Sequence[Rows]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of all units."""
    return {name: [row for one in units for row in one.get(name, ())] for name in ("people", "orders", "lines")}
