"""``value_reuse``: values of single people that are published again; the planted fault, and what must pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthkit.audits.context import AuditContext
from synthkit.errors import SynthError
from synthkit.generators import registry as generators
from synthkit.generators.base import silent
from synthkit.schema import Column, Schema, Table
from tests.audits.sides import context, part, run

TYPES = {"tier": "categorical"}


def people(rows: int, seed: int) -> pd.DataFrame:
    """Moments to the second in two days, sums in cents, ages, the same few prices, a category."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "at": pd.to_datetime(1_700_000_000 + rng.integers(0, 2 * 86_400, rows), unit="s").astype("datetime64[us]"),
            "sum": np.round(rng.gamma(2.0, 400.0, rows), 2),
            "age": rng.integers(18, 70, rows),
            "price": rng.choice([9.99, 14.99, 29.99], rows),
            "tier": rng.choice(["basic", "plus"], rows),
        }
    )


TRAIN, HOLDOUT, FRESH = people(1_500, 1), people(400, 2), people(1_500, 3)


def audited(folder: Path, synthetic: pd.DataFrame) -> AuditContext:
    sides = [{c: frame[c].to_numpy() for c in frame} for frame in (synthetic, TRAIN, HOLDOUT)]
    return context(folder, *sides, types=TYPES)


def apart(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same values, each column in an order of its own: no row is a copy, every value is one."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({c: rng.permutation(frame[c].to_numpy()) for c in frame})


def test_a_generator_that_draws_from_the_rows_own_values_fails_and_its_columns_are_named(tmp_path: Path) -> None:
    found = run("value_reuse", audited(tmp_path, apart(TRAIN, 4)))
    assert found.status == "fail"
    assert {c.column for c in found.columns} == {"at", "sum"}  # ages and prices point to nobody
    for name in ("at", "sum"):
        value = part(found, name).value
        assert value is not None
        assert value == pytest.approx(1.0, abs=0.1)
    assert "training people" in found.message
    assert run("exact_match", audited(tmp_path, apart(TRAIN, 4))).status == "pass"  # which sees whole rows alone


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_part_of_copied_values_is_measured(tmp_path: Path, share: float) -> None:
    mixed = FRESH.copy()
    count = round(share * len(mixed))
    mixed.loc[: count - 1, "at"] = TRAIN["at"].sample(count, random_state=5).to_numpy()
    found = run("value_reuse", audited(tmp_path, mixed))
    at = part(found, "at")
    assert found.status == at.status == "fail"
    assert at.ci_low is not None
    assert at.ci_high is not None
    assert at.ci_low <= share <= at.ci_high
    assert part(found, "sum").status == "pass"


def test_other_people_pass_in_nineteen_of_twenty_tables(tmp_path: Path) -> None:
    inside, passed = 0, 0
    for seed in range(20):
        found = run("value_reuse", audited(tmp_path / str(seed), people(1_500, 100 + seed)))
        assert found.value is not None
        assert found.ci_low is not None
        assert found.ci_high is not None
        inside += found.ci_low <= 0 <= found.ci_high
        passed += found.status == "pass"
    assert inside >= 16  # the worst of two columns: 0.95² of the tables, less four standard errors
    assert passed == 20


def test_the_default_generator_passes_and_failed_before(tmp_path: Path) -> None:
    source = context(tmp_path / "source", {c: TRAIN[c].to_numpy() for c in TRAIN}, types=TYPES).synthetic
    circuit = generators.get("circuit")
    assert circuit.fit is not None
    assert circuit.sample is not None
    for given, status in (({"min_count": 1}, "fail"), ({}, "pass")):
        params = circuit.params.model_validate({**given, "states": 4, "epochs": 1, "refinements": 0, "min_steps": 50})
        model = circuit.fit(_modelled(source), params, budget=None, seed=0, device="cpu", progress=silent)
        (batch,) = circuit.sample(model, 1_500, conditions=(), seed=1, progress=silent)
        folder = tmp_path / status
        assert run("value_reuse", audited(folder, batch.to_pandas())).status == status


def _modelled(table: Table) -> Table:
    columns = tuple(Column(c.name, c.type, c.sql_type) for c in table.schema.columns)
    return Table(Schema(columns), table.paths, table.rows)


def test_it_does_not_apply_where_no_value_is_single_peoples(tmp_path: Path) -> None:
    sides = [frame[["age", "price", "tier"]] for frame in (TRAIN, TRAIN, HOLDOUT)]
    over = context(tmp_path, *({c: f[c].to_numpy() for c in f} for f in sides), types=TYPES)
    found = run("value_reuse", over)
    assert found.status == "skipped"
    assert "fewer than 5" in found.message
    with pytest.raises(SynthError, match="'tier' is none"):
        run("value_reuse", over, columns=["tier"])


def test_too_few_people_are_too_few_to_tell(tmp_path: Path) -> None:
    sides = [{c: f[c].to_numpy()[:40] for c in f} for f in (FRESH, TRAIN, HOLDOUT)]
    assert run("value_reuse", context(tmp_path, *sides, types=TYPES)).status == "inconclusive"


def test_days_that_were_given_out_one_by_one_are_hit_by_chance_too(tmp_path: Path) -> None:
    """No two people joined on one day, so no held-out person is met; yet one day in eight is somebody's."""
    rng = np.random.default_rng(11)
    days = pd.date_range("2015-01-01", periods=3_000, freq="D").to_numpy()
    real = pd.DataFrame({"joined": rng.choice(days, 480, replace=False).astype("datetime64[us]")})
    train, holdout = real.iloc[:400], real.iloc[400:]
    fresh = pd.DataFrame({"joined": rng.choice(days, 800).astype("datetime64[us]")})
    sides = [{"joined": frame["joined"].to_numpy()} for frame in (fresh, train, holdout)]
    found = run("value_reuse", context(tmp_path / "fresh", *sides))
    assert found.status != "fail"
    assert part(found, "joined").value == pytest.approx(0.0, abs=0.06)  # four standard errors of 800 values
    copied = pd.DataFrame({"joined": rng.choice(train["joined"], 800)})
    sides[0] = {"joined": copied["joined"].to_numpy()}
    assert run("value_reuse", context(tmp_path / "copied", *sides)).status == "fail"


@pytest.mark.parametrize(("rows", "days"), [(1_000, 1_000), (1_600, 400)])
def test_new_days_of_several_people_each_are_chance(tmp_path: Path, rows: int, days: int) -> None:
    """As many people as days, or more: what stands around a published day is met as often as so many people hold it."""
    rng = np.random.default_rng(3)
    values = []
    for seed in range(10):
        drawn = rng.integers(0, days, 2 * rows + rows // 4).astype("datetime64[D]").astype("datetime64[us]")
        fresh, train, holdout = np.split(drawn, [rows, 2 * rows])
        sides = [{"joined": side} for side in (fresh, train, holdout)]
        found = run("value_reuse", context(tmp_path / str(seed), *sides))
        assert found.status != "fail"
        assert found.value is not None
        values.append(found.value)
    assert np.mean(values) == pytest.approx(-0.05, abs=0.15)  # the greater of two controls is a little above chance
