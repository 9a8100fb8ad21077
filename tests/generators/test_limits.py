"""Every generator takes every value that a type can hold, and gives back values of the source's range.

The columns are those of tests/limits.py: extremes of each type, values that a third of the rows share, columns alike in
all rows but one. The trainings are as small as they can be: nothing is asked of what was learnt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from synthkit.encoding.declared_fill import plan_declared
from synthkit.encoding.fill import ColumnPlan, fill, plan_columns
from synthkit.encoding.fitting import fit_encoder
from synthkit.encoding.numbers import raw_numbers
from synthkit.generators import registry
from synthkit.generators.base import Budget, silent
from synthkit.generators.sdv.frame import encode
from synthkit.schema import Column, Schema, Table
from tests import limits

TINY: Mapping[str, Mapping[str, Any]] = {
    "circuit": {"states": 2, "epochs": 1, "min_steps": 2, "refinements": 1, "refinement_trees": 2},
    "cart": {"trees": 2},
    "ctgan": {
        "epochs": 1,
        "min_steps": 2,
        "generator_dim": [8],
        "discriminator_dim": [8],
        "embedding_dim": 4,
        "modes": 3,
    },
    "tvae": {"epochs": 1, "min_steps": 2, "compress_dims": [8], "decompress_dims": [8], "embedding_dim": 4, "modes": 3},
}
# aim reads and writes as mst does, and takes a minute to choose among the pairs of so many columns.
PRIVATE: Mapping[str, Mapping[str, Any]] = {
    "independent": {},
    "mst": {"final_sweeps": 1},
    "ctgan": {"epochs": 1, "min_steps": 2, "generator_dim": [8], "discriminator_dim": [8], "embedding_dim": 4},
    "tvae": {"epochs": 1, "min_steps": 2, "compress_dims": [8], "decompress_dims": [8], "embedding_dim": 4},
}
HUGE = Budget(500.0, 1e-4, rows=120, insecure_seed=1)
SETS = {
    "limits": limits.at_limits(),
    "sentinels": limits.with_sentinels(),
    "one other": limits.constants(others=1, nulls=1),
    "alike": limits.constants(),
}


def table_of(folder: Path, columns: Mapping[str, limits.Values], declared: bool = False) -> Table:
    path = folder / "rows.parquet"
    pq.write_table(limits.arrow_table(columns), path)
    made = []
    for name, (sql, values) in columns.items():
        column = Column(name, limits.logical(name), sql)
        if declared and name == "timestamp_ns":  # a bound has no nanoseconds
            column = Column(name, column.type, sql, bounds=(dt.datetime(1677, 9, 22), dt.datetime(2262, 4, 11)))
        elif declared and column.continuous:
            low, high = (v.as_py() for v in ends(values))
            column = Column(name, column.type, sql, bounds=(low, high))
        elif declared:
            column = Column(name, column.type, sql, values=tuple(values.unique().drop_null().to_pylist()))
        made.append(column)
    return Table(Schema(tuple(made)), (path,), len(values))


def ends(values: pa.Array) -> tuple[pa.Scalar, pa.Scalar]:
    found = pc.min_max(values)
    return found["min"], found["max"]


def drawn(name: str, table: Table, plan: ColumnPlan, params: Mapping[str, Any], budget: Budget | None) -> pa.Table:
    """120 rows by the way that a build takes."""
    generator = registry.trained(name)
    modelled = Table(plan.modelled, table.paths, table.rows)
    chosen = generator.params.model_validate(dict(params))
    model = generator.fit(modelled, chosen, budget=budget, seed=0, device="cpu", progress=silent)
    batches = generator.sample(model, 120, conditions=(), seed=1, progress=silent)
    return pa.Table.from_batches(list(fill(iter(batches), plan, rows=120, seed=2)))


def check(found: pa.Table, columns: Mapping[str, limits.Values]) -> None:
    assert found.num_rows == 120
    for name, (_, values) in columns.items():
        got = found[name].combine_chunks()
        assert got.type == values.type, name
        got = got.drop_null()
        if not len(got):
            continue
        if limits.logical(name) in ("categorical", "boolean"):
            assert pc.all(pc.is_in(got, values)).as_py(), name
            continue
        (low, high), (least, most) = ends(values), ends(got)
        assert pc.less_equal(low, least).as_py(), (name, low, least)
        assert pc.less_equal(most, high).as_py(), (name, most, high)


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", TINY)
def test_without_a_budget(name: str, which: str, tmp_path: Path) -> None:
    table = table_of(tmp_path, SETS[which])
    plan = plan_columns(table)
    if plan.modelled.columns:
        check(drawn(name, table, plan, TINY[name], None), SETS[which])
    else:
        check(pa.Table.from_batches(list(fill(iter(()), plan, rows=120, seed=2))), SETS[which])


@pytest.mark.parametrize("which", ["limits", "sentinels"])
@pytest.mark.parametrize("name", PRIVATE)
def test_with_a_budget(name: str, which: str, tmp_path: Path) -> None:
    table = table_of(tmp_path, SETS[which], declared=True)
    plan = plan_declared(table.schema, table.paths[0])
    check(drawn(name, table, plan, PRIVATE[name], HUGE), SETS[which])


def test_bounds_that_are_paid_for_lie_within_the_type(tmp_path: Path) -> None:
    columns = SETS["limits"]
    table = table_of(tmp_path, columns)
    plan = plan_declared(table.schema, table.paths[0])
    found = drawn("independent", table, plan, {"preprocessing_share": 0.3}, HUGE)
    assert {f.name: f.type for f in found.schema} == {name: values.type for name, (_, values) in columns.items()}


@pytest.mark.parametrize("which", ["limits", "sentinels"])
def test_what_comes_to_sdv_comes_back(which: str, tmp_path: Path) -> None:
    """SDV's own float64 decides how exact a number is; the frame made of the rows is read back without a model."""
    frame, kinds = encode(table_of(tmp_path, SETS[which]))
    check(pa.Table.from_batches([kinds.decode(frame)]), SETS[which])


@pytest.mark.parametrize("which", ["limits", "sentinels"])
@pytest.mark.parametrize("most", [2, 100])
def test_common_values_come_back_as_they_are(which: str, most: int, tmp_path: Path) -> None:
    """To the last digit, where float64 has too few of them too; but for those that it takes for one and the same."""
    table = table_of(tmp_path, SETS[which])
    encoder = fit_encoder(table, cells="bins", most=most)
    back = encoder.decode(encoder.encode_table(table))
    for codec, (name, (_, values)) in zip(encoder.columns, SETS[which].items(), strict=True):
        found = back.column(name)
        if codec.grid is None:
            assert found.equals(values), name
            continue
        place, again = (codec.grid.positions(raw_numbers(v, name)[0]) for v in (values, found))
        _, index, counts = np.unique(place, return_inverse=True, return_counts=True)
        common = (counts[index] >= 5) & values.is_valid().to_numpy(zero_copy_only=False)
        assert np.array_equal(place[common], again[common]), name
        alone = [v["values"] for v in pc.value_counts(values.drop_null()).to_pylist() if v["counts"] >= 5]
        apart = np.unique(codec.grid.positions(raw_numbers(pa.array(alone, values.type), name)[0]))
        if len(apart) == len(alone):
            assert set(alone) <= set(found.to_pylist()), name
