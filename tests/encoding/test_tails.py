"""Categories of many values: rare ones come back in rows like theirs, and none that few people have."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from synthkit.encoding.fill import ColumnPlan, plan_columns
from synthkit.encoding.grouping import OWN_PEOPLE, with_tails
from synthkit.schema import Column, Schema, Table
from tests.tables import make_table

RNG = random.Random(11)
PLACES = [f"place {i}" for i in range(400)]
LEVEL = {place: i % 20 for i, place in enumerate(PLACES)}


def places(folder: Path, rows: int = 6_000, unit: bool = False) -> Table:
    drawn = RNG.choices(PLACES, [1 / (i + 2) for i in range(400)], k=rows)
    columns = {
        "place": ("VARCHAR", pa.array(drawn)),
        "price": ("DOUBLE", pa.array([LEVEL[p] + RNG.random() for p in drawn])),
        "who": ("BIGINT", pa.array([i // 50 for i in range(rows)], pa.int64())),
    }
    table = make_table(folder / "t.parquet", columns)
    known = [replace(c, rare="similar") if c.name == "place" else c for c in table.schema.columns]
    return replace(table, schema=Schema(tuple(known), privacy_unit="who" if unit else None))


def restored(plan: ColumnPlan, table: Table, folder: Path) -> list[str]:
    plan = ColumnPlan.from_json(json.loads(json.dumps(plan.to_json())))
    learnt = with_tails(plan_columns(table), table).learnt.learn(table, folder / "learnt.parquet")
    return [v for b in plan.learnt.restore(learnt.batches(), 1) for v in b.column("place").to_pylist()]


def test_frequent_values_stay_and_rare_ones_come_back_among_rows_like_theirs(tmp_path: Path) -> None:
    table = places(tmp_path)
    plan = with_tails(plan_columns(table), table)
    assert plan.inner.names == ("place (grouped)", "price", "who")
    assert plan.modelled.names == table.schema.names
    real = table.to_arrow()["place"].to_pylist()
    back, counts = restored(plan, table, tmp_path), Counter(real)
    own = {p for p, n in counts.items() if n >= OWN_PEOPLE}
    assert all(b == r for b, r in zip(back, real, strict=True) if r in own)
    rare = [(LEVEL[b], LEVEL[r]) for b, r in zip(back, real, strict=True) if r not in own]
    assert len(rare) > 1_000
    assert np.mean([abs(a - b) <= 1 for a, b in rare]) > 0.6  # of any two places 0.15 are so near


def test_what_few_people_have_never_comes_back(tmp_path: Path) -> None:
    for unit, count in ((False, lambda rows: len(rows)), (True, lambda rows: len(set(rows)))):
        table = places(tmp_path, unit=unit)
        arrow = table.to_arrow()
        held: dict[str, list[int]] = {}
        for place, who in zip(arrow["place"].to_pylist(), arrow["who"].to_pylist(), strict=True):
            held.setdefault(place, []).append(who)
        plan = with_tails(plan_columns(table), table)
        few = {place for place, rows in held.items() if count(rows) < 5}
        assert len(few) > 20
        assert not few & set(restored(plan, table, tmp_path))
        assert not any(f'"{place}"' in json.dumps(plan.to_json()) for place in few)


def test_a_category_without_rare_values_is_left_alone(tmp_path: Path) -> None:
    table = make_table(tmp_path / "t.parquet", {"place": ("VARCHAR", pa.array(["a", "b"] * 100))})
    table = replace(table, schema=Schema((Column("place", "categorical", "VARCHAR", rare="similar"),)))
    assert with_tails(plan_columns(table), table).learnt.steps == ()
