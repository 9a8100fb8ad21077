"""What stands between a table and what is learnt of it: read in its written forms, and restored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthkit.encoding.fill import ColumnPlan, plan_columns
from synthkit.encoding.steps import view_from_json
from synthkit.encoding.view import View
from synthkit.encoding.writtenform import read_view
from synthkit.generators.base import Progress, Quota, silent
from synthkit.generators.exact.drawing import draw
from synthkit.generators.registry import get
from synthkit.schema import Column, Schema, Table
from tests.tables import make_table


def written(folder: Path, values: list[str | None], form: str = "%-d.%-m.%Y", nullable: bool = True) -> Table:
    table = make_table(folder / "t.parquet", {"born": ("VARCHAR", pa.array(values, pa.string()))})
    column = Column("born", "date", "VARCHAR", nullable=nullable, format=form)
    return replace(table, schema=Schema((column,)))


def back(view: View, table: Table, folder: Path) -> list[str | None]:
    view = view_from_json(json.loads(json.dumps(view.to_json())))
    learnt = view.learn(table, folder / "read.parquet")
    return [v for b in view.restore(learnt.batches(), 1) for v in b.column("born").to_pylist()]


def test_every_value_of_the_form_comes_back(tmp_path: Path) -> None:
    values = [f"{d}.{m}.19{y}" for d in (1, 12, 28) for m in (2, 11) for y in (50, 99)]
    table = written(tmp_path, values)
    view = read_view(table)
    assert view.learn(table, tmp_path / "r.parquet").to_arrow().schema.field("born").type == pa.date32()
    assert view.schema(table.schema).columns == (Column("born", "date", "DATE"),)
    assert back(view, table, tmp_path) == values


def test_what_few_people_wrote_otherwise_never_comes_back_and_what_many_did_does_as_often(tmp_path: Path) -> None:
    values = ["1.2.1950"] * 300 + ["unknown"] * 60 + [None] * 30 + ["Ada's birthday"]
    table = written(tmp_path, values)
    found = back(read_view(table), table, tmp_path)
    assert len(found) == len(values)
    assert found.count("1.2.1950") == 300
    assert "Ada's birthday" not in found
    assert 45 <= found.count("unknown") <= 75  # 91 draws at 2 in 3: sd 4.5
    assert found.count("unknown") + found.count(None) == 91


def test_a_lonely_misfit_of_a_full_column_takes_a_value_that_others_have(tmp_path: Path) -> None:
    table = written(tmp_path, ["1.2.1950"] * 5 + ["?"] + ["3.4.1960"] * 5)
    assert set(back(read_view(table), table, tmp_path)) == {"1.2.1950", "3.4.1960"}


def test_under_a_budget_each_row_is_looked_at_alone(tmp_path: Path) -> None:
    values = ["1.2.1950", "?", None, "3.4.1960"]
    table = written(tmp_path, values, nullable=False)
    assert back(read_view(table, "declaration"), table, tmp_path) == ["1.2.1950", "3.4.1960"]
    table = written(tmp_path, values, nullable=True)
    assert back(read_view(table, "declaration"), table, tmp_path) == ["1.2.1950", None, None, "3.4.1960"]


def test_a_column_that_mostly_is_otherwise_stays_what_it_is(tmp_path: Path) -> None:
    assert read_view(written(tmp_path, ["1.2.1950", "a", "b", "c"])).steps == ()


@dataclass(frozen=True)
class Total:
    """A step of two columns for three: ``total`` is left out, and added up."""

    def schema(self, outer: Schema) -> Schema:
        return outer.select([n for n in outer.names if n != "total"])

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows.drop_columns(["total"])

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        return rows.append_column("total", pc.add(rows["a"], rows["b"]))

    def conditions(self, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        return wanted

    def to_json(self) -> dict[str, Any]:
        return {"kind": "total"}


def test_conditions_on_a_column_that_is_computed_are_met_by_drawing_on(tmp_path: Path) -> None:
    numbers = pa.array([1, 2, 3, 4] * 50, pa.int64())
    columns = {"a": ("BIGINT", numbers), "b": ("BIGINT", numbers), "total": ("BIGINT", pc.multiply(numbers, 2))}
    plan = replace(plan_columns(make_table(tmp_path / "t.parquet", columns)), learnt=View((Total(),)))
    assert plan.inner.names == ("a", "b")

    def sample(
        model: object, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        assert not conditions
        rng = np.random.default_rng(seed)
        yield pa.record_batch({n: pa.array(rng.integers(1, 5, rows), pa.int64()) for n in "ab"})

    generator = replace(get("circuit"), sample=sample)
    found = pa.Table.from_batches(drawn(generator, plan, {"total": {"5": "50%", "8": "50%"}}))
    assert sorted(found["total"].to_pylist()) == [5] * 20 + [8] * 20
    assert pc.all(pc.equal(pc.add(found["a"], found["b"]), found["total"])).as_py()


def drawn(generator: Any, plan: ColumnPlan, conditions: dict[str, Any]) -> list[pa.RecordBatch]:
    return list(draw(generator, None, plan, rows=40, conditions=conditions, rules=(), seed=1, progress=silent))
