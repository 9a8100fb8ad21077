"""One table whose rows are sequences of entities: it has as many rows as are asked for, and they follow one another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.errors import BuildError
from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.functions import Quota, silent
from synthkit.schema import Table
from tests.generators.family.shop import table

PARAMS = CONDITIONAL.params.model_validate({"trees": 15})


def readings(folder: Path) -> Table:
    """A reading a month of each sensor, whose level is its own and drifts; the sensor's make never changes."""
    rng = np.random.default_rng(0)
    count = rng.integers(4, 20, 150)
    who = np.repeat(np.arange(150), count)
    step = np.concatenate([np.arange(n) for n in count])
    level = rng.normal(0, 3, 150)[who] + 0.2 * step + rng.normal(0, 0.5, len(who))
    rows = table(
        folder,
        "readings",
        {
            "sensor": ("id", pa.array([f"S{i:03d}" for i in who])),
            "month": ("integer", pa.array(1 + step)),
            "make": ("categorical", pa.array(np.where(who % 3 == 0, "old", "new"))),
            "level": ("float", pa.array(np.round(level, 3))),
        },
        (),
        "month",
    )
    return replace(rows, schema=replace(rows.schema, entity="sensor"))


def lag(frame: pd.DataFrame) -> float:
    before = frame.groupby("sensor")["level"].shift()
    return float(frame["level"].corr(before))


def test_sequences_of_a_single_table(tmp_path: Path) -> None:
    real = readings(tmp_path)
    model = CONDITIONAL.fit(real, PARAMS, budget=None, seed=0, device="cpu", progress=silent)
    batches = list(CONDITIONAL.sample(model, 1_000, conditions=(), seed=0, progress=silent))
    drawn, source = pa.Table.from_batches(batches).to_pandas(), real.to_pandas()
    assert len(drawn) == 1_000
    assert list(drawn) == list(source)
    whole = drawn[drawn.sensor != drawn.sensor.iloc[-1]]
    months = whole.groupby("sensor").month.apply(list)
    assert (months.map(lambda m: m == list(range(1, len(m) + 1)))).all()
    assert (whole.groupby("sensor").make.nunique() == 1).all()
    assert whole.groupby("sensor").size().mean() == pytest.approx(source.groupby("sensor").size().mean(), abs=1.5)
    assert lag(drawn) > 0.85 * lag(source) > 0.8
    with pytest.raises(BuildError, match="conditions on a table of sequences"):
        list(CONDITIONAL.sample(model, 5, conditions=(Quota({"make": "old"}, 5),), seed=0, progress=silent))
