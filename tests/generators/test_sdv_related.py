"""SDV's synthesizers of several tables and of sequences: what they draw joins, follows from the seed, and is kept."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from synthkit.generators.base import silent
from synthkit.generators.sdv.related import HMA, refuses
from synthkit.generators.sdv.sequences import PAR
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table
from tests.conftest import Project

GIVEN: dict[str, Any] = {"budget": None, "seed": 1, "device": "cpu", "progress": silent}
DRAWN: dict[str, Any] = {"conditions": (), "seed": 3, "progress": silent}
OWNED = Key("orders", ("customer",), "customers", owner=True)


def table(folder: Path, name: str, columns: dict[str, Any], schema: Schema) -> Table:
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return Table(schema, (folder / f"{name}.parquet",), len(next(iter(columns.values()))))


def two_tables(folder: Path) -> Tables:
    """Sixty customers whose keys are text, 240 orders of theirs; a twentieth of them names nobody."""
    dice = random.Random(1)
    customers = Schema((Column("id", "id", "VARCHAR"), Column("age", "integer", "BIGINT")), primary_key=("id",))
    orders = Schema(
        (Column("no", "id", "BIGINT"), Column("customer", "id", "VARCHAR"), Column("paid", "float", "DOUBLE")),
        primary_key=("no",),
    )
    whose = [None if i % 20 == 0 else f"c{dice.randrange(60)}" for i in range(240)]
    return Tables(
        {
            "customers": table(
                folder,
                "customers",
                {"id": [f"c{i}" for i in range(60)], "age": [dice.randint(18, 90) for _ in range(60)]},
                customers,
            ),
            "orders": table(
                folder,
                "orders",
                {"no": list(range(100, 340)), "customer": whose, "paid": [dice.random() for _ in whose]},
                orders,
            ),
        },
        (OWNED,),
    )


def test_tables_join_and_follow_from_the_seed_also_after_they_were_saved(tmp_path: Path) -> None:
    assert HMA.related is not None
    model = HMA.related.fit(two_tables(tmp_path), HMA.params(), **GIVEN)
    drawn = dict(HMA.related.sample(model, 50, **DRAWN))
    assert drawn["customers"].column("id").to_pylist() == [str(i) for i in range(1, 51)]
    named = drawn["orders"].column("customer").to_pylist()
    assert {n for n in named if n is not None} <= {str(i) for i in range(1, 51)}
    assert 0 < named.count(None) < len(named) / 5
    assert drawn["orders"].column("no").to_pylist() == list(range(1, len(named) + 1))
    assert 100 < len(named) < 300  # of 60 customers 240 orders, so of 50 about 200
    (tmp_path / "model").mkdir()
    HMA.save(model, tmp_path / "model")
    assert dict(HMA.related.sample(HMA.load(tmp_path / "model"), 50, **DRAWN)) == drawn


@pytest.mark.parametrize(
    ("tables", "keys", "kept", "message"),
    [
        (("a", "b"), (Key("b", ("x",), "a"),), (), None),
        (("a", "b", "c", "d", "e", "f"), (), (), "takes 5 tables at most, not 6"),
        (("a", "b", "c"), (Key("b", ("x",), "a"), Key("c", ("y",), "b")), (), "2 levels of tables at most, not 3"),
        (("a", "b"), (Key("b", ("x", "y"), "a"),), (), "no keys of several columns (b.x, y)"),
        (("a",), (Key("a", ("up",), "a"),), (), "no keys within a table (a.up)"),
        (("a", "b"), (Key("b", ("x",), "a", orphans=True),), (), "orphans: keep"),
        (("a", "b"), (Key("b", ("x",), "a"),), ("a",), "kept as it is (a)"),
    ],
)
def test_what_sdv_does_not_take(
    tables: tuple[str, ...], keys: tuple[Key, ...], kept: tuple[str, ...], message: str | None
) -> None:
    said = refuses(tables, keys, kept)
    assert said is None if message is None else message in str(said)


def test_the_compiler_says_what_sdv_does_not_take(tmp_path: Path) -> None:
    rows = "".join(f"{i},{max(1, i // 2)}\n" for i in range(1, 41))
    project = Project(tmp_path).write(
        {
            "synth_project.yml": "name: p\n",
            "data/people.csv": f"id,boss\n{rows}",
            "data/bills.csv": f"nr,payer\n{rows}",
            "models/m.yml": """
                version: 1
                sources:
                  - name: g
                    tables:
                      - name: people
                        path: data/people.csv
                        primary_key: id
                        foreign_keys: [{column: boss, references: people}]
                      - name: bills
                        path: data/bills.csv
                        primary_key: nr
                        foreign_keys: [{column: payer, references: people, owner: true}]
                models:
                  - {name: family, source: "{{ source('g') }}", generator: sdv.hma, audits: []}
            """,
        }
    )
    text = project.fails("compile", code=2)
    assert "generator 'sdv.hma' takes no keys within a table (people.boss)" in text
    assert "choose conditional" in text


def visits(folder: Path) -> Table:
    """Thirty people, each seen three to seven times."""
    dice = random.Random(2)
    who = [i for i in range(30) for _ in range(3 + i % 5)]
    days, day = [], 0
    for i, one in enumerate(who):
        day = dice.randint(1, 30) + (day if i and who[i - 1] == one else 0)
        days.append(day)
    schema = Schema(
        (
            Column("id", "id", "BIGINT"),
            Column("day", "integer", "BIGINT"),
            Column("sex", "categorical", "VARCHAR"),
            Column("level", "float", "DOUBLE"),
        ),
        entity="id",
        order_by="day",
    )
    columns = {"id": who, "day": days, "sex": ["fm"[i % 2] for i in who], "level": [dice.random() for _ in who]}
    return table(folder, "visits", columns, schema)


def test_sequences_have_their_constants_and_follow_from_the_seed(tmp_path: Path) -> None:
    model = PAR.fit(visits(tmp_path), PAR.params(epochs=2), **GIVEN)
    drawn = pa.Table.from_batches(list(PAR.sample(model, 100, **DRAWN)))
    assert (drawn.num_rows, drawn.schema.names) == (100, ["id", "day", "sex", "level"])
    frame = drawn.to_pandas()
    assert frame.groupby("id").sex.nunique().max() == 1
    assert frame.id.nunique() > 5
    (tmp_path / "model").mkdir()
    PAR.save(model, tmp_path / "model")
    again = pa.Table.from_batches(list(PAR.sample(PAR.load(tmp_path / "model"), 100, **DRAWN)))
    assert again == drawn


def test_a_table_without_entities_is_no_sequence(tmp_path: Path) -> None:
    found = visits(tmp_path)
    plain = Table(Schema(found.schema.columns), found.paths, found.rows)
    with pytest.raises(BuildError, match="nothing says whose rows follow one another"):
        PAR.fit(plain, PAR.params(), **GIVEN)
