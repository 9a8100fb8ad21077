"""Differences, sums and ratios that a classifier is shown: chosen on training rows, and enough to find broken rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits.context import AuditContext
from synthkit.audits.rows.combined import MOST, MOST_EACH, between
from tests.audits.sides import context, run

ROWS = 1_500


def orders(seed: int, rows: int = ROWS) -> pa.Table:
    """Orders delivered some days later, of so many pieces at a price, and how old the customer is."""
    rng = np.random.default_rng(seed)
    ordered = rng.integers(18_000, 19_500, rows)
    pieces, price = rng.integers(1, 20, rows), np.round(rng.gamma(3, 8, rows) + 1, 2)
    return pa.table(
        {
            "ordered": pa.array(ordered, pa.int32()).cast(pa.date32()),
            "delivered": pa.array(ordered + rng.integers(0, 12, rows), pa.int32()).cast(pa.date32()),
            "pieces": pieces,
            "price": price,
            "amount": np.round(pieces * price, 2),
            "age": rng.integers(18, 90, rows),
            "noon": pa.array(rng.integers(0, 86_399, rows), pa.int32()).cast(pa.time32("s")),
        }
    )


def days(rows: pa.Table, column: str) -> np.ndarray:
    return rows[column].cast(pa.int32()).to_numpy()


def early(rows: pa.Table, seed: int) -> pa.Table:
    """Each day moves a little, as a generator moves it that learns every column in bins: some come before the order."""
    moved = days(rows, "delivered") + np.random.default_rng(seed).integers(-25, 26, rows.num_rows)
    return rows.set_column(1, "delivered", pa.array(moved.astype(np.int32)).cast(pa.date32()))


def wrong_amounts(rows: pa.Table, seed: int) -> pa.Table:
    noise = np.random.default_rng(seed).normal(1, 0.08, rows.num_rows)
    return rows.set_column(4, "amount", pa.array(np.round(rows["amount"].to_numpy() * noise, 2)))


def against(folder: Path, synthetic: pa.Table) -> AuditContext:
    return context(folder, synthetic, orders(2), orders(3))


def test_what_goes_together_is_shown_and_nothing_else(tmp_path: Path) -> None:
    ctx = against(tmp_path, orders(1))
    columns = ("ordered", "delivered", "pieces", "price", "amount", "age", "noon")
    assert {str(b) for b in between(ctx, columns)} == {"delivered − ordered", "amount / pieces", "amount / price"}
    assert between(ctx, ("age", "noon", "pieces")) == ()


@pytest.mark.parametrize(
    ("broken", "named"), [(early, "delivered − ordered"), (wrong_amounts, "amount / p")], ids=["days", "products"]
)
def test_rows_that_do_not_hold_together_are_told(tmp_path: Path, broken: object, named: str) -> None:
    assert callable(broken)
    found = run("detection", against(tmp_path, broken(orders(1), 5)))
    assert found.status == "fail"
    assert found.columns[0].column.startswith(named)
    assert named in found.message


def test_right_rows_pass(tmp_path: Path) -> None:
    found = run("detection", against(tmp_path, orders(1)))
    assert found.status == "pass"
    assert found.details["between"]


def test_the_compared_rows_have_no_say(tmp_path: Path) -> None:
    columns = ("ordered", "delivered", "pieces", "price", "amount", "age")
    one = context(tmp_path / "a", orders(1), orders(2), orders(3))
    other = context(tmp_path / "b", early(wrong_amounts(orders(8), 1), 2), orders(2), early(orders(9), 4))
    assert between(one, columns) == between(other, columns)
    assert between(context(tmp_path / "c", orders(1), None, orders(3)), columns) == ()


def test_there_are_never_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=(400, 1))
    sides = [{f"x{i}": v for i, v in enumerate((common + rng.normal(0, 0.1, (400, 80))).T)} for _ in range(3)]
    ctx = context(tmp_path, *sides)
    found = between(ctx, tuple(f"x{i}" for i in range(80)))
    assert len(found) == MOST
    names = [n for b in found for n in (b.first, b.second)]
    assert max(map(names.count, names)) <= MOST_EACH


def test_missing_infinite_and_far_numbers(tmp_path: Path) -> None:
    def side(seed: int) -> pa.Table:
        own = np.random.default_rng(seed)
        x = own.normal(0, 1, 300)
        return pa.table(
            {
                "x": np.where(own.random(300) < 0.3, None, x * 1e300),
                "y": np.where(own.random(300) < 0.3, np.nan, -x * 1e300),
                "big": pa.array([2**63 + int(i) for i in own.integers(0, 9, 300)], pa.uint64()),
                "empty": pa.nulls(300, pa.float64()),
                "zero": np.zeros(300),
            }
        )

    assert run("detection", context(tmp_path, side(1), side(2), side(3))).value is not None
