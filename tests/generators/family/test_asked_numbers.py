"""A number that is asked for is the one that others follow: a line's price, a date so many days after it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generate import fit_tables, sample_tables
from synthkit.generators.functions import Asked, Quota, Share, silent
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table


def drawn(
    tables: Tables, rows: int, conditions: Sequence[Quota] = (), asked: Mapping[str, Asked] | None = None
) -> dict[str, pd.DataFrame]:
    model = fit_tables(tables, ConditionalParams(trees=5), budget=None, seed=1, device="cpu", progress=silent)
    found: dict[str, list[pa.RecordBatch]] = {}
    batches = sample_tables(model, rows, conditions=conditions, seed=1, progress=silent, asked=asked or {})
    for name, batch in batches:
        found.setdefault(name, []).append(batch)
    return {n: pa.Table.from_batches(b).to_pandas() for n, b in found.items()}


def test_lines_have_the_prices_that_are_asked_of_products_and_numbers_follow_their_own(tmp_path: Path) -> None:
    """A line's price is its product's, and its end is 28 days after its begin; both are asked for."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(150), 5)
    price, item = np.repeat([9, 35, 60], 10), rng.integers(0, 30, len(who))
    begin = np.datetime64("2020-01-01") + rng.integers(0, 2_000, len(who))
    people = {"id": ("id", pa.array(np.arange(150)))}
    products = {"id": ("id", pa.array(np.arange(30))), "price": ("integer", pa.array(price))}
    lines = {
        "person": ("id", pa.array(who)),
        "item": ("id", pa.array(item)),
        "price": ("integer", pa.array(price[item])),
        "begin": ("date", pa.array(begin.tolist())),
        "end": ("date", pa.array((begin + 28).tolist())),
    }
    tables = Tables(
        {
            "people": table(tmp_path, "people", people, ("id",)),  # type: ignore[arg-type]
            "products": table(tmp_path, "products", products, ("id",)),  # type: ignore[arg-type]
            "lines": table(tmp_path, "lines", lines, ()),  # type: ignore[arg-type]
        },
        (Key("lines", ("person",), "people", owner=True), Key("lines", ("item",), "products")),
        "people",
        whole={"products": 30},
    )
    first, second = begin.min().item(), begin.max().item()
    asked = {
        "products": Asked(shares=(Share({"price": 9}, 0.9), Share({"price": 35}, 0.1))),
        "lines": Asked(shares=(Share({"begin": first}, 0.5), Share({"begin": second}, 0.5))),
    }
    found = drawn(tables, 150, asked=asked)
    assert found["products"].price.value_counts().to_dict() == {9: 27, 35: 3}
    rows = found["lines"].merge(found["products"], left_on="item", right_on="id", suffixes=("", "_there"))
    assert len(rows) > 500
    assert (rows.price == rows.price_there).all()
    assert set(rows.begin) == {first, second}
    assert {gap.days for gap in rows.end - rows.begin} == {28}


def test_a_date_follows_one_that_is_asked_for_and_one_that_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ordered = np.datetime64("2024-01-01") + rng.integers(0, 700, 300)
    orders = {
        "id": ("id", pa.array(np.arange(300))),
        "ordered": ("date", pa.array(ordered.tolist())),
        "due": ("date", pa.array((ordered + 28).tolist())),
    }
    tables = Tables(
        {
            "orders": table(tmp_path, "orders", orders, ("id",)),  # type: ignore[arg-type]
            "lines": table(tmp_path, "lines", {"order": ("id", pa.array(np.arange(300)))}, ()),
        },
        (Key("lines", ("order",), "orders", owner=True),),
        "orders",
    )
    day: datetime.date = ordered[0].item()
    found = drawn(tables, 100, (Quota({"ordered": day}, 50), Quota({}, 50)))["orders"]
    assert (found.ordered == day).sum() >= 50
    assert found.ordered.nunique() > 20
    assert {gap.days for gap in found.due - found.ordered} == {28}
