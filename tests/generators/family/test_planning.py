"""What rows are learnt from: plans as they are drawn, and time in cells fine enough for what a year alone has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from synthkit.generators.conditional.columns import field_of, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.family.planning import Found, as_drawn, planned
from synthkit.generators.functions import silent
from synthkit.generators.related import fit_tables, sample_tables
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table

PEOPLE, EACH = 400, 5


def test_rows_are_learnt_from_means_as_exact_as_they_are_drawn() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=PEOPLE * EACH)
    codecs, codes = numbers_encoded({"level": numbers}, ConditionalParams(), 0, units=None)
    field = field_of(codecs[0], codes[:, 0])
    starts, rows = np.arange(PEOPLE) * EACH, np.full(PEOPLE, EACH)
    values = field.positions(numbers)[:, None]
    plan = planned([field], codes, values, starts, rows, Found((), (), -1), ConditionalParams(), 0)
    blurred = as_drawn(plan, rng)
    (_, at), others = plan.means[0], [k for k in range(len(plan.fields)) if k != plan.means[0][1]]
    assert (plan.fields[at].place_numbers(blurred[:, at]) == plan.cells[:, at]).mean() > 0.99
    assert (blurred[:, at] != plan.numbers[:, at]).mean() > 0.9
    assert np.array_equal(blurred[:, others], plan.numbers[:, others], equal_nan=True)


def test_a_category_of_a_few_years_alone_stays_in_them(tmp_path: Path) -> None:
    """190 years in 64 cells are three each, and a league of one year was drawn in its neighbours."""
    rng = np.random.default_rng(0)
    first = rng.integers(1800, 1990, 3_000)
    who = np.repeat(np.arange(3_000), 3)
    year = first[who] + np.tile(np.arange(3), 3_000)
    league = np.where(year % 25 == 0, "jubilee", "usual")
    tables = Tables(
        {
            "players": table(tmp_path, "players", {"id": ("id", pa.array(np.arange(3_000)))}, ("id",)),
            "seasons": table(
                tmp_path,
                "seasons",
                {
                    "player": ("id", pa.array(who)),
                    "year": ("integer", pa.array(year)),
                    "league": ("categorical", pa.array(league)),
                },
                (),
                "year",
            ),
        },
        (Key("seasons", ("player",), "players", owner=True),),
    )
    params = CONDITIONAL.params()
    model = fit_tables(CONDITIONAL, tables, params, budget=None, seed=0, device="cpu", progress=silent)
    made = sample_tables(CONDITIONAL, tables, model, 3_000, conditions=(), seed=0, progress=silent)
    batches = [batch for name, batch in made if name == "seasons"]
    drawn: pd.DataFrame = pa.Table.from_batches(batches).to_pandas()
    held = drawn[drawn.league == "jubilee"]
    assert 0.6 < len(held) / (league == "jubilee").sum() < 1.4
    assert (held.year % 25 == 0).mean() > 0.8
