"""``tstr`` on what hangs together: a parent's column from its children, a child's from its history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import family_context
from synthkit.audits.relations.views import joined_view
from synthkit.audits.utility.errors import bootstrap
from synthkit.audits.utility.tasks import entities
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import run

Family = dict[str, pa.Table]


def test_a_joined_view_has_its_own_columns_and_what_they_hang_on(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "orders", tmp_path)
    view = joined_view(ctx)
    names = view.schema.names
    assert names[: len(ctx.schema.names)] == ctx.schema.names
    assert {"customers.age", "mean of lines.price", "before: orders.total"} <= set(names)
    assert view.rows("synthetic") == ctx.rows("synthetic")
    row = {
        n: view.arrow("holdout")[n].to_pylist()
        for n in ("order_id", "customer_id", "customers.age", "before: orders.total", "total", "ordered_at")
    }
    ages = dict(zip(*(healthy()[2]["customers"][c].to_pylist() for c in ("customer_id", "age")), strict=True))
    assert row["customers.age"] == [ages[c] for c in row["customer_id"]]
    earlier: dict[int, tuple[object, float]] = {}
    for i in sorted(range(len(row["total"])), key=lambda i: (row["ordered_at"][i], i)):
        who = row["customer_id"][i]
        assert row["before: orders.total"][i] == (earlier[who][1] if who in earlier else None)
        earlier[who] = (row["ordered_at"][i], row["total"][i])


def test_a_parent_is_predicted_from_its_children(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "customers", tmp_path)
    alone, joined = (run("tstr", ctx, target="age", view=v) for v in ("table", "joined"))
    assert joined.status in ("pass", "inconclusive"), joined.message
    assert joined.details["scores"]["real"] > alone.details["scores"]["real"] + 0.1


def test_children_dealt_at_random_predict_nothing(tmp_path: Path) -> None:
    def dealt(rows: Family) -> Family:
        ids = np.asarray(rows["customers"]["customer_id"])
        other = np.random.default_rng(1).choice(ids, rows["orders"].num_rows)
        customers = put(
            rows["customers"], "orders", np.random.default_rng(2).permutation(np.asarray(rows["customers"]["orders"]))
        )
        return {**rows, "customers": customers, "orders": put(rows["orders"], "customer_id", other)}

    result = run("tstr", faulty(tmp_path, "customers", dealt), target="age", view="joined")
    assert result.status == "fail"
    assert result.details["scores"]["real"] > 0.3
    assert result.details["scores"]["synthetic"] < 0.1


def test_a_table_that_hangs_together_with_nothing_is_skipped(tmp_path: Path) -> None:
    ctx = replace(family_context(healthy(sizes=(60, 60, 60)), "customers", tmp_path), family=None)
    assert run("tstr", ctx, target="age", view="joined").status == "skipped"
    assert entities(ctx, "holdout") is None


def test_entities_are_drawn_whole() -> None:
    """Twenty entities of fifty equal rows: the error of a mean is that of twenty values, not of a thousand."""
    values = np.repeat(np.random.default_rng(0).normal(size=20), 50)
    whose = np.repeat(np.arange(20), 50)
    low, high = bootstrap(lambda rows: float(values[rows].mean()), 1_000, np.random.default_rng(1), whose)
    narrow = bootstrap(lambda rows: float(values[rows].mean()), 1_000, np.random.default_rng(1))
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(20), rel=0.2)
    assert (high - low) / (narrow[1] - narrow[0]) == pytest.approx(np.sqrt(50), rel=0.25)
