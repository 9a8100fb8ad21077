"""`synthkit.fit` of several tables: keys that are given or found, tables that join, models that are saved."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import synthkit
from synthkit.errors import SynthError
from tests.sources.keys.looking import shop

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"orders.customer_id": "customers", "lines.order_id": "orders", "lines.product_id": "products"}


def frames() -> dict[str, Any]:
    """The shop as data frames; some orders name no customer, so that the column holds doubles."""
    found = {name: pd.DataFrame({c: list(v) for c, v in columns.items()}) for name, columns in shop().items()}
    found["orders"].loc[:14, "customer_id"] = None
    found["customers"]["tier"] = [("basic", "pro")[i % 3 == 0] for i in range(80)]
    return found


@pytest.fixture(scope="module")
def model() -> synthkit.TrainedTables:
    return synthkit.fit(frames())


def test_found_keys_are_told_with_what_they_rest_on(model: synthkit.TrainedTables) -> None:
    assert {f"{k.table}.{k.columns[0]}": k.references for k in model.keys} == KEYS
    assert {k.table: k.references for k in model.keys if k.owner} == {"orders": "customers", "lines": "orders"}
    assert model.root == "customers"
    assert model.schemas["orders"].order_by == "ordered_at"
    (said,) = [line for line in model.evidence if line.startswith("orders.customer_id → customers: ")]
    assert "285 of 285 rows" in said
    assert "15 nulls" in said
    assert "orders.customer_id → customers" in repr(model)


def test_drawn_tables_join(model: synthkit.TrainedTables) -> None:
    drawn = model.draw(120)
    assert drawn["customers"].num_rows == 120
    tables = {name: table.to_pandas() for name, table in drawn.items()}
    assert set(tables["orders"].customer_id.dropna()) <= set(tables["customers"].customer_id)
    assert set(tables["lines"].order_id) <= set(tables["orders"].order_id)
    assert set(tables["lines"].product_id) <= set(tables["products"].product_id)
    assert not tables["lines"].duplicated(["order_id", "line_no"]).any()
    # Of 300 real orders a twentieth names no customer; of each 120 customers come 450 of them, give or take a quarter.
    assert 0 < tables["orders"].customer_id.isna().mean() < 0.15
    assert 330 < len(tables["orders"]) < 570
    for name, frame in frames().items():
        assert drawn[name].schema.names == list(frame.columns)


def test_conditions_on_the_root_hold_and_the_seed_decides(model: synthkit.TrainedTables) -> None:
    drawn = model.draw(50, {"tier": {"pro": "20%", "basic": "80%"}}, seed=3)
    assert sorted(drawn["customers"]["tier"].to_pylist()) == ["basic"] * 40 + ["pro"] * 10
    assert model.draw(50, {"tier": {"pro": "20%", "basic": "80%"}}, seed=3) == drawn
    assert model.draw(50, seed=4) != model.draw(50, seed=5)


def test_a_saved_model_draws_the_same(model: synthkit.TrainedTables, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "shop.model")
    loaded = synthkit.load_tables(folder)
    assert loaded.draw(30) == model.draw(30)
    assert (loaded.keys, loaded.root, loaded.rows, loaded.evidence) == (
        model.keys, model.root, model.rows, model.evidence,
    )  # fmt: skip
    with pytest.raises(SynthError, match="several tables"):
        synthkit.load_model(folder)
    with pytest.raises(SynthError, match="holds no saved model of several tables"):
        synthkit.load_tables(tmp_path)


def test_given_keys_are_the_only_ones() -> None:
    two = {name: frames()[name] for name in ("orders", "lines")}
    model = synthkit.fit(two, keys={"lines.order_id": "orders"})
    assert [(k.table, k.columns, k.references, k.owner) for k in model.keys] == [
        ("lines", ("order_id",), "orders", True)
    ]
    drawn = model.draw()
    assert drawn["orders"].num_rows == 300


def test_a_key_that_no_name_tells_is_given(tmp_path: Path) -> None:
    """Of several columns, between a file and an Arrow table."""
    dice = random.Random(1)
    orders, lines = frames()["orders"], frames()["lines"]
    lines.to_csv(tmp_path / "lines.csv", index=False)
    at = lines.iloc[[dice.randrange(len(lines)) for _ in range(90)]]
    notes = pa.table({"x": at.order_id.to_list(), "y": at.line_no.to_list(), "z": [i % 5 for i in range(90)]})
    tables: dict[str, Any] = {"orders": orders, "lines": tmp_path / "lines.csv", "notes": notes}
    model = synthkit.fit(tables, keys={"lines.order_id": "orders", "notes.x, y": "lines"})
    drawn = {name: table.to_pandas() for name, table in model.draw(seed=2).items()}
    there = set(zip(drawn["lines"].order_id, drawn["lines"].line_no, strict=True))
    assert len(there) == len(drawn["lines"])
    named = set(zip(drawn["notes"].x, drawn["notes"].y, strict=True))
    assert named
    assert named <= there


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"keys": {"order.customer_id": "customers"}}, "there is no table 'order'"),
        ({"keys": {"orders.customer_id": "customer"}}, "did you mean 'customers'"),
        ({"keys": {"orders": "customers"}}, "'orders' names no column"),
        ({"keys": {"orders.customer": "customers"}}, "'orders' has no column 'customer'"),
        ({"keys": {"orders.customer_id": "lines"}}, "a row of lines is named by order_id, line_no"),
        ({"keys": {"orders.ordered_at": "customers"}}, "no value of orders.ordered_at names a row of customers"),
        ({"primary_key": {"order": "order_id"}}, "primary_key: there is no table 'order'"),
        ({"primary_key": "order_id"}, "primary_key of several tables is by table"),
        ({"generator": "circuit"}, "'circuit' learns one table alone"),
        ({"epsilon": 1.0}, "epsilon needs a project"),
        ({"constraints": ["age >= 18"]}, "written among their rules"),
    ],
)
def test_what_cannot_be_learnt_is_said(said: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthError) as raised:
        synthkit.fit(frames(), **said)
    assert message in f"{raised.value.message}; {raised.value.hint}"


def test_keys_of_one_table_join_nothing() -> None:
    with pytest.raises(SynthError, match="keys join several tables"):
        synthkit.fit(frames()["orders"], keys=KEYS)
