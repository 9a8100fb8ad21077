"""A category that says again what the owner's says, of values too few to be learnt one by one, stays the owner's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthkit.generators.base import silent
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.family.model import Family
from synthkit.generators.related import fit_tables
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import Columns, table
from tests.generators.family.test_family import draw

PEOPLE, VISITS = 90, 4


def clinic(folder: Path, *, own: bool) -> Tables:
    """Patients of regions that hardly two share, and visits that say the region again; ``own``: each third is silent,
    and those of patients without a region say one of their own."""
    rng = np.random.default_rng(3)
    region = np.array([f"region {i}" for i in rng.integers(0, 60, PEOPLE)], dtype=object)
    region[:20] = None
    patients: Columns = {"id": ("id", pa.array(np.arange(PEOPLE))), "region": ("categorical", pa.array(region))}
    of = np.repeat(np.arange(PEOPLE), VISITS)
    said = region[of].copy()
    if own:
        said[::3] = None
        said[of < 5] = "elsewhere"
    visits: Columns = {
        "id": ("id", pa.array(np.arange(len(of)))),
        "patient": ("id", pa.array(of)),
        "region": ("categorical", pa.array(said)),
        "ward": ("categorical", pa.array(rng.choice(["a", "b"], len(of)))),
    }
    tables = {
        "patients": table(folder, "patients", patients, ("id",)),
        "visits": table(folder, "visits", visits, ("id",)),
    }
    return Tables(tables, (Key("visits", ("patient",), "patients", owner=True),))


def learnt(real: Tables) -> Family:
    params = ConditionalParams(trees=5, max_categories=20)  # others share a cell
    found: Family = fit_tables(CONDITIONAL, real, params, budget=None, seed=1, device="cpu", progress=silent)
    return found


@pytest.mark.parametrize("own", [False, True])
def test_it_is_the_owners_wherever_both_are_there(own: bool, tmp_path: Path) -> None:
    real = clinic(tmp_path, own=own)
    made = draw(real, learnt(real), 100)
    rows = made["visits"].merge(made["patients"], left_on="patient", right_on="id", suffixes=("", "_theirs"))
    assert len(rows) > 100
    both = rows["region"].notna() & rows["region_theirs"].notna()
    assert both.sum() > 50
    assert (rows["region"] == rows["region_theirs"])[both].all()
    silent = rows["region"].isna() & rows["region_theirs"].notna()
    if own:
        assert 0.2 < silent.mean() < 0.4  # a third of the real ones
    else:
        assert (rows["region"].isna() == rows["region_theirs"].isna()).all()


def test_values_that_differ_once_are_no_echo(tmp_path: Path) -> None:
    real = clinic(tmp_path, own=False)
    assert len(learnt(real).member("visits").echoes) == 1
    visits = real.members["visits"].to_arrow().to_pandas()
    visits.loc[visits["region"].last_valid_index(), "region"] = "elsewhere"
    visits.to_parquet(tmp_path / "visits.parquet")
    assert learnt(real).member("visits").echoes == ()


def test_a_number_is_no_echo_of_a_text_that_may_be_none(tmp_path: Path) -> None:
    """Visits say nothing where the patient's region is unknown, else its number: "unknown" is no number of any visit."""
    rng = np.random.default_rng(3)
    number = rng.integers(0, 30, PEOPLE)
    text = [str(n) if i >= 20 else "unknown" for i, n in enumerate(number)]
    of = np.repeat(np.arange(PEOPLE), VISITS)
    patients: Columns = {"id": ("id", pa.array(np.arange(PEOPLE))), "region": ("categorical", pa.array(text))}
    visits: Columns = {
        "id": ("id", pa.array(np.arange(len(of)))),
        "patient": ("id", pa.array(of)),
        "region": ("categorical", pa.array(number[of], mask=of < 20)),
    }
    tables = {
        "patients": table(tmp_path, "patients", patients, ("id",)),
        "visits": table(tmp_path, "visits", visits, ("id",)),
    }
    real = Tables(tables, (Key("visits", ("patient",), "patients", owner=True),))
    model = learnt(real)
    assert model.member("visits").echoes == ()
    assert len(draw(real, model, 50)["visits"]) > 50
