"""Dates of a table that belongs to none: what is always so many days after another date of the row stays so."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.family.model import Family
from synthkit.generators.functions import Quota, silent
from synthkit.generators.related import fit_tables, sample_tables
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table

ORDERS = 500
DUE, SLOW = (14, 28, 42), 10  # days until an order is due; at most so many until it is shipped


def _table(folder: Path, name: str, columns: dict[str, tuple[str, object]], key: str) -> Table:
    described = Schema(tuple(Column(n, kind, "") for n, (kind, _) in columns.items()), (key,))  # type: ignore[arg-type]
    pq.write_table(pa.table({n: pa.array(values) for n, (_, values) in columns.items()}), folder / name)
    return Table(described, (folder / name,), len(columns[key][1]))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Family]:
    """Orders with three dates, of which the last is missing where an order is open, and their lines."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("orders")
    ordered = np.datetime64("2024-01-01") + rng.integers(0, 700, ORDERS)
    shipped = ordered + rng.integers(1, SLOW + 1, ORDERS)
    sent = [None if rng.random() < 0.1 else day for day in shipped.tolist()]
    number = np.arange(ORDERS)
    head = {
        "order": ("id", number),
        "ordered": ("date", ordered.tolist()),
        "due": ("date", (ordered + rng.choice(DUE, ORDERS)).tolist()),
        "shipped": ("date", sent),
    }
    of = np.repeat(number, rng.integers(1, 4, ORDERS))
    lines = {"line": ("id", np.arange(len(of))), "order": ("id", of), "amount": ("float", rng.gamma(2, 10, len(of)))}
    members = {"orders": _table(folder, "orders", head, "order"), "lines": _table(folder, "lines", lines, "line")}
    tables = Tables(members, (Key("lines", ("order",), "orders", owner=True),), first="orders")
    params = CONDITIONAL.params.model_validate({"trees": 5})
    return tables, fit_tables(CONDITIONAL, tables, params, budget=None, seed=1, device="cpu", progress=silent)


def _drawn(orders: tuple[Tables, Family], rows: int, conditions: tuple[Quota, ...] = ()) -> pd.DataFrame:
    found = sample_tables(CONDITIONAL, *orders, rows, conditions=conditions, seed=1, progress=silent)
    frame = pa.Table.from_batches([batch for name, batch in found if name == "orders"]).to_pandas()
    return frame.assign(**{n: pd.to_datetime(frame[n]) for n in ("ordered", "due", "shipped")})


def test_what_is_so_many_days_later_stays_so(orders: tuple[Tables, Family]) -> None:
    drawn = _drawn(orders, 2_000)
    due = (drawn.due - drawn.ordered).dt.days
    assert due.isin(DUE).mean() > 0.97  # but at the end of the record
    assert due.value_counts(normalize=True)[list(DUE)].min() > 0.25
    late = (drawn.shipped - drawn.ordered).dt.days.dropna()
    assert late.between(0, SLOW).all()
    assert drawn.shipped.isna().mean() == pytest.approx(0.1, abs=0.05)


def test_a_date_that_is_asked_for_is_there_and_the_others_are_near_to_it(orders: tuple[Tables, Family]) -> None:
    day = orders[0].members["orders"].to_pandas()["shipped"].dropna().iloc[0]
    assert isinstance(day, datetime.date)
    drawn = _drawn(orders, 200, (Quota({"shipped": day}, 100), Quota({"shipped": None}, 100)))
    asked = drawn.shipped == pd.Timestamp(day)
    assert (asked.sum(), drawn.shipped.isna().sum()) == (100, 100)
    apart = (pd.Timestamp(day) - drawn.ordered[asked]).dt.days
    assert apart.abs().median() < 3 * SLOW  # of seven hundred
