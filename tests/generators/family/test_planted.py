"""What holds in every planted sequence holds in every drawn one; shares of the calendar are near the real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.family.storing import load, save
from synthkit.generators.functions import silent
from synthkit.schema import LogicalType, Table
from tests.generators.family.planted import PLANTED, Planted
from tests.generators.family.shop import table

PARAMS = CONDITIONAL.params.model_validate({"trees": 5})


def table_of(one: Planted, folder: Path) -> Table:
    frame, columns = one.frame(), {}
    kinds: dict[str, LogicalType] = {"who": "id", **one.kinds}
    for name, kind in kinds.items():
        values = frame[name].astype(str) if name == "who" else frame[name]
        array = pa.array(values.dt.date) if kind == "date" else pa.Array.from_pandas(values)
        columns[name] = (kind, array.cast(pa.timestamp("us")) if kind == "datetime" else array)
    found = table(folder, one.name, columns, (), one.order)
    return replace(found, schema=replace(found.schema, entity="who"))


def drawn_of(one: Planted, folder: Path) -> pd.DataFrame:
    """As many rows as there are, of a model that was saved and loaded."""
    real = table_of(one, folder)
    model = CONDITIONAL.fit(real, PARAMS, budget=None, seed=0, device="cpu", progress=silent)
    (folder / one.name).mkdir()
    save(model, folder / one.name)
    kept = load(folder / one.name)
    batches = list(CONDITIONAL.sample(kept, real.rows, conditions=(), seed=1, progress=silent))
    frame = pa.Table.from_batches(batches).to_pandas()
    times = [n for n, kind in one.kinds.items() if kind in ("date", "datetime")]
    return frame.assign(**{n: pd.to_datetime(frame[n]) for n in times})


@pytest.mark.parametrize("one", PLANTED, ids=lambda p: p.name)
def test_what_holds_in_all_real_rows_holds_in_all_drawn_ones(one: Planted, tmp_path: Path) -> None:
    real, drawn = one.frame(), drawn_of(one, tmp_path)
    assert len(drawn) == len(real)
    assert (drawn.who != drawn.who.shift()).sum() == drawn.who.nunique()
    for name, check in one.holds.items():
        assert check(real), f"{name} does not hold in the real rows"
        assert check(drawn), name
    for name, measure, tolerance in one.near:
        assert measure(drawn) == pytest.approx(measure(real), abs=tolerance), name
