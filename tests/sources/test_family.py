"""No row of a held-out unit is in any training file, however deep it lies and however its keys are stored."""

from __future__ import annotations

import csv
import random
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.compiler import compile_project
from synthkit.errors import BuildError
from synthkit.planning.plan import make_plan
from synthkit.project.ownership import with_units
from synthkit.project.project import load_project
from synthkit.project.types import ConnectionSpec, ForeignKeySpec, SourceTableSpec
from synthkit.sources.family import key_text, ownership_of
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest, split_key
from synthkit.sources.split import Split
from tests.synth import Project

Rows = list[dict[str, Any]]
SHARE = 0.25
KEYS: Mapping[str, Callable[[int], Any]] = {
    "int": lambda n: n,
    "text": lambda n: f"K{n:05d}",
    "uuid": lambda n: str(uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
}


def chain(key: Callable[[int], Any], seed: int = 3) -> dict[str, Rows]:
    """Customers, orders, lines, parcels: each belongs to one above; some keys are missing, some name nobody. ``whose``
    is the number of the customer, None where there is none."""
    rng = random.Random(seed)
    tables: dict[str, Rows] = {"customers": [], "orders": [], "lines": [], "parcels": []}
    tables["customers"] = [{"customers_id": key(n), "x": rng.random(), "whose": n} for n in range(1, 81)]
    above, first = "customers", 1000
    for name in ("orders", "lines", "parcels"):
        for parent in tables[above]:
            for _ in range(rng.randint(0, 3)):
                kind = rng.random()
                missing, orphan = kind < 0.05, 0.05 <= kind < 0.1
                up = None if missing else key(900_000 + rng.randint(1, 9)) if orphan else parent[f"{above}_id"]
                whose = None if missing or orphan else parent["whose"]
                row = {f"{name}_id": key(first), f"{above}_id": up, "x": rng.random(), "whose": whose}
                tables[name].append(row)
                first += 1
        above, first = name, first + 1000
    return tables


def specs(root: Path, kinds: Mapping[str, str], **said: Any) -> dict[str, SourceTableSpec]:
    """The chain's source tables, each in a file of its kind."""
    found, above = [], None
    for name, kind in kinds.items():
        at: dict[str, Any] = {"path": f"{name}.{kind}"}
        if kind == "duckdb":
            at = {"connection": "lake", "table": name}
        keys = None
        if above is not None:
            keys = (ForeignKeySpec(column=f"{above}_id", references=above, owner=True),)
        found.append(
            SourceTableSpec(name=name, primary_key=(f"{name}_id",), foreign_keys=keys, **at, **said.get(name, {}))
        )
        above = name
    return {t.name: t for t in with_units(found)}


LAKE = {"lake": ConnectionSpec(type="duckdb", path="lake.duckdb")}


def write(root: Path, kinds: Mapping[str, str], tables: Mapping[str, Rows]) -> None:
    for name, kind in kinds.items():
        rows = tables[name]
        if kind == "csv":
            with (root / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif kind == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), root / f"{name}.parquet")
        else:
            rows_of = pa.Table.from_pylist(rows)  # noqa: F841 - DuckDB finds it by its name
            with duckdb.connect(str(root / "lake.duckdb")) as lake:
                lake.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM rows_of")


def divided(root: Path, tables: Mapping[str, SourceTableSpec], name: str, holdout: float = SHARE) -> Split:
    def content(table: str) -> str:
        return content_hash(tables[table], root=root, connections=LAKE, cache=None)

    return ingest(
        tables[name],
        root=root,
        connections=LAKE,
        holdout=holdout,
        directory=root / "splits" / name,
        source_hash=content(name),
        ownership=ownership_of(tables, name, content),
    )


def whose(split: Split, column: str = "whose") -> tuple[list[Any], list[Any]]:
    assert split.holdout is not None
    sides = (split.train, split.holdout)
    train, holdout = (side.to_arrow([column])[column].to_pylist() for side in sides)
    return train, holdout


MIXED = {"customers": "parquet", "orders": "csv", "lines": "duckdb", "parcels": "csv"}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("kind", ["csv", "parquet", "duckdb", "mixed"])
def test_no_held_out_unit_has_a_row_in_any_training_file(key: str, kind: str, tmp_path: Path) -> None:
    kinds = MIXED if kind == "mixed" else dict.fromkeys(MIXED, kind)
    rows = chain(KEYS[key])
    write(tmp_path, kinds, rows)
    tables = specs(tmp_path, kinds)
    learnt, held_out = set[int](), set[int]()
    for name in kinds:
        train, holdout = whose(divided(tmp_path, tables, name))
        assert len(train) + len(holdout) == len(rows[name])
        learnt |= {w for w in train if w is not None}
        held_out |= {w for w in holdout if w is not None}
    assert not learnt & held_out
    assert 8 <= len(held_out) <= 34  # of 80, at a quarter: within 3.6 standard deviations


def test_the_same_key_is_on_the_same_side_however_it_is_stored(tmp_path: Path) -> None:
    rows = chain(KEYS["int"])
    sides = []
    for kind, form in (("csv", str), ("csv", lambda v: f" 00{v}"), ("parquet", float), ("parquet", int)):
        root = tmp_path / str(len(sides))
        root.mkdir()
        kinds = {"customers": "parquet", "orders": kind}
        stored = [
            r | {"customers_id": None if r["customers_id"] is None else form(r["customers_id"])} for r in rows["orders"]
        ]
        write(root, kinds, {"customers": rows["customers"], "orders": stored})
        sides.append(sorted(whose(divided(root, specs(root, kinds), "orders"), "orders_id")[1]))
    assert all(s == sides[0] for s in sides)
    assert sides[0]


def test_capitals_of_a_uuid_and_zeros_before_a_number_are_no_other_key() -> None:
    said = {"7": "7", "+7": "7", " 007 ": "7", "7.0": "7", "-0": "0", "7.5": "7.5", "C7": "C7", "": None, "1e3": "1e3"}
    said["550E8400-E29B-41D4-A716-446655440000"] = "550e8400-e29b-41d4-a716-446655440000"
    said["9" * 60] = "9" * 60
    for text, expected in said.items():
        with duckdb.connect() as connection:
            found = connection.execute(f"SELECT {key_text('v')} FROM (SELECT ?::VARCHAR AS v)", [text]).fetchall()
        assert found == [(expected,)], text


def test_composite_keys_and_a_unit_that_is_not_the_primary_key(tmp_path: Path) -> None:
    rng = random.Random(5)
    homes = [{"street": f"S{n % 7}", "number": n, "household": n % 40, "x": rng.random()} for n in range(160)]
    meters = [{"meter": n, "street": (h := rng.choice(homes))["street"], "number": h["number"], "household": h["household"]} for n in range(300)]  # fmt: skip
    readings = [{"meter": (m := rng.choice(meters))["meter"], "kwh": rng.random(), "household": m["household"]} for _ in range(900)]  # fmt: skip
    kinds = dict.fromkeys(("homes", "meters", "readings"), "parquet")
    write(tmp_path, kinds, {"homes": homes, "meters": meters, "readings": readings})
    tables = {
        t.name: t
        for t in with_units(
            [
                SourceTableSpec(name="homes", path="homes.parquet", primary_key=("street", "number"), privacy_unit="household"),
                SourceTableSpec(name="meters", path="meters.parquet", primary_key=("meter",), foreign_keys=(ForeignKeySpec(columns=("street", "number"), references="homes", owner=True),)),
                SourceTableSpec(name="readings", path="readings.parquet", foreign_keys=(ForeignKeySpec(column="meter", references="meters", owner=True),)),
            ]
        )
    }  # fmt: skip
    learnt, held_out = set[int](), set[int]()
    for name in kinds:
        train, holdout = whose(divided(tmp_path, tables, name), "household")
        learnt, held_out = learnt | {*train}, held_out | {*holdout}
    assert not learnt & held_out
    assert held_out


@pytest.mark.parametrize("several", [False, True])
def test_a_value_is_common_where_people_share_it_and_not_where_one_repeats_it(several: bool, tmp_path: Path) -> None:
    """Two levels below the customer, and below one whom two columns name: no column of a line says whose it is."""
    rng = random.Random(2)
    customers, orders, lines = [], [], []
    for n in range(200):
        who = {"shop": n % 4, "customer": n} if several else {"customer": n}
        customers.append({**who, "age": rng.randint(18, 80)})
        for o in (2 * n, 2 * n + 1):
            orders.append({"order": o, **who})
            for line in range(4):
                lines.append({"order": o, "line": line, "own": f"words of {n} {'abcdefgh'[n % 8]}", "shared": f"gift {rng.randrange(100)}"})  # fmt: skip
    kinds = dict.fromkeys(("customers", "orders", "lines"), "csv")
    write(tmp_path, kinds, {"customers": customers, "orders": orders, "lines": lines})
    named = tuple(k for k in ("shop", "customer") if several or k == "customer")
    tables = {
        t.name: t
        for t in with_units(
            [
                SourceTableSpec(name="customers", path="customers.csv", primary_key=named),
                SourceTableSpec(name="orders", path="orders.csv", primary_key=("order",), foreign_keys=(ForeignKeySpec(columns=named, references="customers", owner=True),)),
                SourceTableSpec(name="lines", path="lines.csv", foreign_keys=(ForeignKeySpec(column="order", references="orders", owner=True),)),
            ]
        )
    }  # fmt: skip
    assert tables["lines"].privacy_unit is None
    learnt = divided(tmp_path, tables, "lines").schema.by_name
    assert (learnt["own"].type, learnt["own"].rare) == ("text", None)  # each in eight rows, all of one customer
    assert (learnt["shared"].type, learnt["shared"].rare) != ("text", None)


def test_rows_keep_their_order_where_their_owner_is_looked_up(tmp_path: Path) -> None:
    kinds = dict.fromkeys(MIXED, "csv")
    rows = chain(KEYS["text"])
    write(tmp_path, kinds, rows)
    split = divided(tmp_path, specs(tmp_path, kinds), "parcels")
    train, holdout = whose(split, "parcels_id")
    order = [r["parcels_id"] for r in rows["parcels"]]
    assert train == sorted(train, key=order.index)
    assert holdout == sorted(holdout, key=order.index)
    assert sorted([*train, *holdout]) == sorted(order)


def test_orphans_follow_the_key_that_they_carry_and_rows_of_nobody_their_own(tmp_path: Path) -> None:
    kinds = {"customers": "csv", "orders": "csv", "lines": "csv"}
    rows = chain(KEYS["int"])
    rows["orders"] += [
        {"orders_id": 50_000 + n, "customers_id": 70_000 + n % 60, "x": 0.0, "whose": None} for n in range(240)
    ]
    rows["orders"] += [{"orders_id": 60_000 + n, "customers_id": None, "x": 0.0, "whose": None} for n in range(200)]
    rows["lines"] += [
        {"lines_id": 80_000 + n, "orders_id": 50_000 + n % 240, "x": 0.0, "whose": None} for n in range(480)
    ]
    rows["lines"] += [
        {"lines_id": 90_000 + n, "orders_id": 60_000 + n % 200, "x": 0.0, "whose": None} for n in range(400)
    ]
    rows["lines"] += [
        {"lines_id": 95_000 + n, "orders_id": 99_000 + n % 50, "x": 0.0, "whose": None} for n in range(200)
    ]
    write(tmp_path, kinds, rows)
    tables = specs(tmp_path, kinds)
    orders, lines = divided(tmp_path, tables, "orders"), divided(tmp_path, tables, "lines")
    side = {v: i for i, found in enumerate(whose(orders, "orders_id")) for v in found}
    by_customer = {
        (r["customers_id"], side[r["orders_id"]])
        for r in rows["orders"]
        if r["customers_id"] and 70_000 <= r["customers_id"] < 71_000
    }
    assert len({c for c, _ in by_customer}) == len(by_customer) == 60  # all that carry a key are on one side
    alone = [side[60_000 + n] for n in range(200)]
    assert 25 <= sum(alone) <= 75  # each by itself: 50 of 200, within 4 standard deviations
    where = {v: i for i, found in enumerate(whose(lines, "lines_id")) for v in found}
    for row in rows["lines"]:
        if row["orders_id"] in side:
            assert where[row["lines_id"]] == side[row["orders_id"]]
    lost = {
        (r["orders_id"], where[r["lines_id"]])
        for r in rows["lines"]
        if r["orders_id"] and 99_000 <= r["orders_id"] < 99_900
    }
    assert len(lost) == len({o for o, _ in lost}) == 50
    assert {s for _, s in lost} == {0, 1}


def test_other_rows_decide_nothing_of_a_rows_side(tmp_path: Path) -> None:
    """Rows of others come and go, and the types that the columns are read in change with them."""
    kinds = {"customers": "csv", "orders": "csv", "lines": "csv"}
    rows = chain(KEYS["int"])
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", kinds, rows)
    others = {name: [r for r in found if r["whose"] is not None and r["whose"] % 2] for name, found in rows.items()}
    others["customers"].append({"customers_id": "x", "x": "none", "whose": 999})
    others["orders"].append({"orders_id": "first", "customers_id": "x", "x": "1", "whose": 999})
    others["lines"].append({"lines_id": "1a", "orders_id": "first", "x": "1", "whose": 999})
    (tmp_path / "b").mkdir()
    write(tmp_path / "b", kinds, others)
    for name in kinds:
        before, after = (
            {
                str(v): i
                for i, found in enumerate(whose(divided(root, specs(root, kinds), name), f"{name}_id"))
                for v in found
            }
            for root in (tmp_path / "a", tmp_path / "b")
        )
        stayed = before.keys() & after.keys()
        assert len(stayed) > 20
        assert all(before[k] == after[k] for k in stayed)


def test_a_primary_key_of_two_people_is_refused(tmp_path: Path) -> None:
    kinds = {"customers": "csv", "orders": "csv", "lines": "csv"}
    rows = chain(KEYS["int"])
    twice = [r | {"orders_id": rows["orders"][0]["orders_id"]} for r in rows["orders"][1:40]]
    write(tmp_path, kinds, rows | {"orders": [*rows["orders"], *twice]})
    with pytest.raises(BuildError, match="1 primary keys of 'orders' stand in several rows that belong to different"):
        divided(tmp_path, specs(tmp_path, kinds), "lines")


def test_an_owner_that_changes_divides_again(tmp_path: Path) -> None:
    kinds = dict.fromkeys(MIXED, "csv")
    rows = chain(KEYS["int"])
    write(tmp_path, kinds, rows)
    tables = specs(tmp_path, kinds)

    def key(name: str) -> str:
        way = ownership_of(tables, name, lambda t: content_hash(tables[t], root=tmp_path, connections=LAKE, cache=None))
        return split_key(tables[name], SHARE, "same", ownership=way)

    before = {name: key(name) for name in kinds}
    moved = [r | {"customers_id": rows["orders"][-1]["customers_id"]} for r in rows["orders"]]
    write(tmp_path, {"orders": "csv"}, {"orders": moved})
    assert [n for n in kinds if key(n) != before[n]] == ["lines", "parcels"]


def test_one_table_of_a_family_learnt_alone_is_divided_like_the_family(shop_family: Project) -> None:
    shop_family.write(
        {
            "models/shop.yml": (shop_family.root / "models" / "shop.yml").read_text().partition("models:")[0],
            "models/alone.yml": """
                models:
                  - {name: people, source: "{{ source('shop', 'customers') }}", generator: circuit, audits: []}
                  - {name: bought, source: "{{ source('shop', 'lines') }}", generator: circuit, audits: []}
                  - name: seen
                    generator: {name: sql, query: "select order_id from {{ source('shop', 'orders') }}"}
                    audits: []
            """,
        }
    )
    shop_family.ok("build")
    sides = {n: {} for n in ("customers", "lines", "orders")}  # type: dict[str, dict[str, Any]]
    for name in sides:
        (folder,) = (shop_family.root / "target" / "cache" / "splits" / f"shop.{name}").iterdir()
        for side in ("train", "holdout"):
            sides[name][side] = pq.read_table(folder / f"{side}.parquet").to_pandas()
    owner = {
        o["order_id"]: o["customer_id"] for s in ("train", "holdout") for o in sides["orders"][s].to_dict("records")
    }
    held_out = set(sides["customers"]["holdout"]["customer_id"])
    assert len(held_out) > 15
    assert not held_out & set(sides["orders"]["train"]["customer_id"])
    assert not held_out & {owner[o] for o in sides["lines"]["train"]["order_id"]}
    assert set(sides["lines"]["holdout"]["order_id"]) <= set(sides["orders"]["holdout"]["order_id"])
    assert "reuse" in shop_family.ok("plan") or "nothing" in shop_family.ok("plan")

    # an order changes its owner: the lines are divided again, the customers are not
    path = shop_family.root / "data" / "orders.csv"
    path.write_text(path.read_text().replace("\n2,C0001,", "\n2,C0002,"))
    manifest = compile_project(load_project(shop_family.root))
    actions = {a.model: a for a in make_plan(manifest).actions}
    assert (actions["people"].kind, actions["bought"].kind) == ("reuse", "train")
    assert "rows or keys of source shop.orders, which say whose its own rows are" in actions["bought"].reason
