"""Numbers that nearly follow from two others are learnt as what is left of them, and come back beside drawn inputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthkit
from synthkit.encoding.kept.choosing import keep_rules
from synthkit.encoding.kept.near import Near
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.kept.surface import spread
from tests.encoding.test_kept import batch, shuffled

ROWS = 3_000


def bills(rows: int = ROWS, seed: int = 1) -> pa.Table:
    """``charged`` is about months times price, ``damp`` a curve of heat and dew to its last place but in one row of
    fifty; ``noise`` has to do with nothing."""
    rng = np.random.default_rng(seed)
    months, price = rng.integers(1, 72, rows), rng.uniform(18, 120, rows).round(2)
    charged = (months * price + rng.normal(0, 40, rows) * (months > 1)).round(2)
    heat, apart = rng.uniform(-10, 35, rows).round(1), rng.exponential(6, rows).round(1)
    damp = (100 * np.exp(-apart / (15 + heat / 10))).round(2) + 7 * (rng.random(rows) < 0.02)
    lost = rng.random(rows) < 0.03
    return pa.table(
        {
            "months": months,
            "price": price,
            "charged": pa.array(charged, mask=lost),
            "heat": heat,
            "dew": (heat - apart).round(1),
            "damp": damp,
            "noise": rng.normal(0, 1, rows),
        }
    )


TABLE = bills()


@pytest.fixture(scope="module")
def step() -> KeptRules:
    found = keep_rules(TABLE, (), unit=None, min_count=5, near=True)
    return KeptRules.from_json(json.loads(json.dumps(found.to_json())))  # as a cached model has it


def left(rows: Any) -> dict[str, float]:
    """The spread of what is left beside the formulas."""
    n = {c: rows.column(c).to_numpy(zero_copy_only=False) for c in rows.schema.names}
    damp = 100 * np.exp(-(n["heat"] - n["dew"]) / (15 + n["heat"] / 10))
    seen = (n["dew"] <= n["heat"]) & (n["dew"] > n["heat"] - 20)  # where real rows are
    return {"charged": spread(n["charged"] - n["months"] * n["price"]), "damp": spread((n["damp"] - damp)[seen])}


def test_what_nearly_follows_is_found_and_nothing_else(step: KeptRules) -> None:
    parts = {part.target: part for part in step.parts if isinstance(part, Near)}
    assert set(parts) == {"charged", "damp"}
    assert parts["charged"].surface.form == "a * b"
    assert set(parts["charged"].inputs) == {"months", "price"}
    assert parts["damp"].surface.form == "surface"
    assert step.kept == step.found == ()  # no rule, and none is told
    assert keep_rules(TABLE, (), unit=None, min_count=5).parts == ()


def test_real_rows_come_back_as_they_were(step: KeptRules) -> None:
    """But for the few lowest and highest values, which are those of single rows."""
    rows = batch(TABLE)
    learnt = step.learn(rows)
    assert "charged" not in learnt.schema.names
    assert learnt.column("charged beside months and price").null_count == rows.column("charged").null_count
    back = step.restore(learnt, np.random.default_rng(0))
    assert back.schema == rows.schema
    for name in rows.schema.names:
        ours, theirs = (r.column(name).to_numpy(zero_copy_only=False) for r in (back, rows))
        assert (~np.isclose(ours, theirs, atol=1e-9, equal_nan=True)).sum() <= 8, name


def test_what_is_left_is_small(step: KeptRules) -> None:
    """A surface meets a formula to about its last place where 98 % of the rows follow it."""
    learnt = step.learn(batch(TABLE))
    apart = learnt.column("damp beside heat and dew").to_numpy()
    assert np.quantile(np.abs(apart), 0.9) < 0.3
    assert np.quantile(apart, 0.995) == pytest.approx(7, abs=0.5)


def test_drawn_rows_hold_together_whatever_is_drawn(step: KeptRules) -> None:
    """Each learnt column dealt out anew: what is computed from the others still fits them."""
    rows = step.restore(shuffled(step.learn(batch(TABLE))), np.random.default_rng(0))
    real = left(TABLE)
    apart = left(rows)
    assert apart["charged"] < 1.2 * real["charged"]
    assert apart["damp"] < 1 < 50 < spread(TABLE.column("damp").to_numpy())
    assert rows.column("charged").null_count == TABLE.column("charged").null_count
    least, most = (np.sort(TABLE.column("charged").drop_null().to_numpy())[i] for i in (4, -5))
    drawn = rows.column("charged").drop_null().to_numpy()
    assert least <= drawn.min()
    assert drawn.max() <= most


def test_a_missing_input_is_no_missing_value() -> None:
    holes = np.random.default_rng(2).random(ROWS) < 0.1
    table = TABLE.set_column(1, "price", pa.array(TABLE.column("price").to_numpy(), mask=holes))
    step = keep_rules(table, (), unit=None, min_count=5, near=True)
    assert any(isinstance(part, Near) and part.target == "charged" for part in step.parts)
    back = step.restore(step.learn(batch(table)), np.random.default_rng(0))
    there = TABLE.column("charged").is_valid().to_numpy(zero_copy_only=False)
    assert back.column("charged").is_valid().to_numpy(zero_copy_only=False).tolist() == there.tolist()


def test_integers_stay_whole_and_decimals_keep_their_places() -> None:
    from decimal import Decimal

    n = TABLE.to_pydict()
    whole = [None if v is None else round(v) for v in n["charged"]]
    exact = pa.array([None if v is None else Decimal(str(v)) for v in n["charged"]], pa.decimal128(10, 2))
    for values in (pa.array(whole, pa.int64()), exact):
        table = TABLE.select(["months", "price", "noise"]).append_column("charged", values)
        step = keep_rules(table, (), unit=None, min_count=5, near=True)
        assert [part.outputs for part in step.parts] == [("charged",)]
        back = step.restore(step.learn(batch(table)), np.random.default_rng(0))
        assert back.column("charged").type == values.type
        same = sum(a == b for a, b in zip(back.column("charged").to_pylist(), values.to_pylist(), strict=True))
        assert same >= ROWS - 10


def test_a_model_draws_rows_that_hold_together() -> None:
    """Without, a drawn bill is further from months times price than the whole price is wide."""
    small = {"name": "circuit", "states": 8, "min_steps": 60, "max_steps": 60, "refinements": 0}
    real = left(TABLE)["charged"]
    apart = {
        rules: left(synthkit.fit(TABLE, generator=small, rules=rules, seed=3).draw(2_000).to_batches()[0])["charged"]
        for rules in ("found", "none")
    }
    assert apart["found"] < 1.5 * real < 4 * real < apart["none"]
