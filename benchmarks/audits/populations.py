"""Populations to draw real and synthetic rows from: made-up ones, of which the truth is known, and UCI Adult.

The made-up table has numbers with a heavy tail and with many zeros, categories, a date, a boolean, dependence between
all of these, and missing values that depend on a number. ``shift`` bends it (means, shares, dependence, missing values)
into another population: the "synthetic" one of which every audit has a true value that is not the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ADULT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "adult.csv"


@dataclass(frozen=True)
class Population:
    """Where rows come from.

    Args:
        sizes: of the synthetic, training and held-out rows of a repetition.
        draw: (rows of each of three disjoint samples, random numbers, shift) → the three samples.
        target: the column that audits of utility predict.
        known: whether rows may be drawn without end, so that the truth can be had.
    """

    name: str
    sizes: tuple[int, int, int]
    draw: Callable[[tuple[int, int, int], np.random.Generator, float], tuple[pa.Table, pa.Table, pa.Table]]
    target: str
    known: bool


def made_up(rows: int, rng: np.random.Generator, shift: float = 0.0) -> pa.Table:
    """Rows of the made-up table."""
    import numpy as np
    import pyarrow as pa

    age = rng.normal(45 + 4 * shift, 12, rows).round().clip(18, 90)
    region = rng.choice(np.array(["north", "south", "east", "west", "isle"]), rows, p=_bent(shift))
    tied = (age - 45) / 12 * (1 - 0.5 * shift)
    income = np.exp(10 + 0.4 * tied + 0.6 * rng.standard_normal(rows)).round(2)
    gain = np.where(rng.random(rows) < 0.85, 0.0, rng.exponential(3000, rows).round())
    level = (tied + rng.normal(0, 0.8, rows) > 0).astype(int) + (region == "isle")
    grade = np.array(["basic", "plus", "pro"])[np.clip(level, 0, 2)]
    day = np.datetime64("2020-01-01") + (rng.beta(2, 3 - shift, rows) * 1500).astype(int)
    churned = rng.random(rows) < 1 / (1 + np.exp(1.5 - 0.9 * tied - (grade == "pro")))
    lost = rng.random(rows) < np.where(age > 55, 0.3, 0.05) * (1 - shift) + 0.125 * shift
    columns: dict[str, Any] = {
        "age": age.astype(int),
        "region": region,
        "income": pa.array(income, mask=lost),
        "gain": gain,
        "grade": grade,
        "day": day,
        "active": rng.random(rows) < 0.7 - 0.2 * (region == "north"),
        "churned": np.where(churned, "yes", "no"),
    }
    return pa.table(columns)


def _bent(shift: float) -> list[float]:
    shares = [0.4 - 0.1 * shift, 0.25, 0.2, 0.12 + 0.1 * shift, 0.03]
    return [s / sum(shares) for s in shares]


def _fresh(sizes: tuple[int, int, int], rng: np.random.Generator, shift: float) -> tuple[pa.Table, pa.Table, pa.Table]:
    return made_up(sizes[0], rng, shift), made_up(sizes[1], rng), made_up(sizes[2], rng)


def _adult(sizes: tuple[int, int, int], rng: np.random.Generator, _: float) -> tuple[pa.Table, pa.Table, pa.Table]:
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT * FROM read_csv('{ADULT}', nullstr='?')").to_arrow_table()
    order, first, second = rng.permutation(rows.num_rows), sizes[0], sizes[0] + sizes[1]
    return rows.take(order[:first]), rows.take(order[first:second]), rows.take(order[second : second + sizes[2]])


def populations() -> dict[str, Population]:
    """Those that can be drawn from on this machine, by name."""
    found = [
        Population("made-up", (2_000, 2_000, 1_000), _fresh, "churned", known=True),
        Population("small", (300, 300, 150), _fresh, "churned", known=True),
    ]
    if ADULT.exists():
        found.append(Population("adult", (4_000, 4_000, 2_000), _adult, "income", known=False))
    return {p.name: p for p in found}
