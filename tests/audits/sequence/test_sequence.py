"""``sequence``: rows that follow one another, with an owner and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.audits.families import family_context
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.sequence.spectra import spectrum
from tests.audits.families import faulty, healthy, put
from tests.audits.sides import context, part, run

Family = dict[str, pa.Table]
GAPS, LAGS, STEPS = "times between rows", "correlation with the row before", "steps between categories"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    return run("sequence", family_context(healthy(), "orders", tmp_path_factory.mktemp("good")))


def test_another_draw_of_the_process_passes(good: AuditResult) -> None:
    assert good.status == "pass", good.message
    assert {c.column for c in good.columns} == {
        GAPS,
        LAGS,
        STEPS,
        "first times",
        "rows of a sequence",
        "card",
        "points",
    }
    for measure in (GAPS, LAGS, STEPS):
        found = part(good, measure)
        assert found.floor is not None
        assert found.ci_low is not None
        assert found.ci_high is not None
        assert found.ci_low <= found.value <= found.ci_high  # type: ignore[operator]


def changed(rows: Family, **columns: Any) -> Family:
    orders = rows["orders"]
    for name, values in columns.items():
        orders = put(orders, name, values)
    return {**rows, "orders": orders}


def test_rows_in_another_order_lose_what_follows_what(tmp_path: Path) -> None:
    """Times are dealt out anew within each customer: gaps and lengths stay, and nothing else."""

    def shuffled(rows: Family) -> Family:
        owner, day = (np.asarray(rows["orders"][c]) for c in ("customer_id", "ordered_at"))
        mixed = np.lexsort((np.random.default_rng(2).random(len(owner)), owner))
        found = day.copy()
        found[np.argsort(owner, kind="stable")] = day[mixed]
        return changed(rows, ordered_at=found)

    result = run("sequence", faulty(tmp_path, "orders", shuffled))
    assert result.status == "fail"
    failed = {c.column for c in result.columns if c.status == "fail"}
    assert {LAGS, "points", STEPS} <= failed
    assert part(result, GAPS).status == "pass"
    assert part(result, "card").status == "pass"


def test_gaps_of_another_length_fail(tmp_path: Path) -> None:
    def slower(rows: Family) -> Family:
        day = np.asarray(rows["orders"]["ordered_at"]).astype("datetime64[D]")
        return changed(rows, ordered_at=day[0] + (day - day[0]) * 2)

    result = run("sequence", faulty(tmp_path, "orders", slower))
    assert part(result, GAPS).status == "fail"
    assert part(result, LAGS).status == "pass"
    assert run("sequence", faulty(tmp_path / "b", "orders", slower), max_gap=0.9, max_start=0.9).status == "pass"


def test_a_constant_that_changes_is_counted(tmp_path: Path) -> None:
    def changing(rows: Family) -> Family:
        card = np.asarray(rows["orders"]["card"].to_pylist())
        owner = np.asarray(rows["orders"]["customer_id"])
        second = int(np.flatnonzero(owner[1:] == owner[:-1])[0]) + 1
        last = int(np.flatnonzero(owner == owner[second])[-1])
        card[last] = "gold" if card[last] == "blue" else "blue"
        return changed(rows, card=card)

    result = run("sequence", faulty(tmp_path, "orders", changing))
    assert result.status == "fail"
    assert "'card' changes within a sequence; it never does in the real ones: 1 of" in result.message
    assert (result.columns[0].column, result.limit) == ("card", 0.0)


def test_a_counter_that_falls_is_counted(tmp_path: Path) -> None:
    def falling(rows: Family) -> Family:
        return changed(rows, points=np.random.default_rng(1).permutation(np.asarray(rows["orders"]["points"])))

    result = run("sequence", faulty(tmp_path, "orders", falling))
    found = part(result, "points")
    assert found.status == "fail"
    assert found.message.startswith("falls within a sequence")


def test_a_step_that_no_real_sequence_takes_is_named(tmp_path: Path) -> None:
    """Nobody phones after the web, but here."""

    def without(rows: Family) -> Family:
        channel = np.asarray(rows["orders"]["channel"].to_pylist())
        owner = np.asarray(rows["orders"]["customer_id"])
        for i in range(1, len(channel)):
            if owner[i] == owner[i - 1] and channel[i - 1] == "web" and channel[i] == "phone":
                channel[i] = "web"
        return changed(rows, channel=channel)

    synthetic, train, holdout = (dict(side) for side in healthy())
    sides = (synthetic, without(train), without(holdout))
    result = run("sequence", family_context(sides, "orders", tmp_path))
    assert any(c.message.startswith("goes from 'web' to 'phone'") for c in result.columns if c.status == "fail")
    passing = run("sequence", family_context((without(synthetic), *sides[1:]), "orders", tmp_path / "b"))
    assert not [c for c in passing.columns if c.column == "channel"]


def test_two_rows_at_one_instant_where_real_ones_never_are(tmp_path: Path) -> None:
    def doubled(rows: Family) -> Family:
        owner, day = (np.asarray(rows["orders"][c]) for c in ("customer_id", "ordered_at"))
        found = day.copy()
        same = np.flatnonzero(owner[1:] == owner[:-1]) + 1
        found[same[::2]] = day[same[::2] - 1]
        return changed(rows, ordered_at=found)

    result = run("sequence", faulty(tmp_path, "orders", doubled))
    assert part(result, "order").status == "fail"


def monthly(series: int, rng: np.random.Generator, season: float, first: int = 0) -> pa.Table:
    """Regular series without a parent table: one row per id and month, with a season of twelve."""
    months = np.tile(np.arange(48), series)
    level = np.repeat(rng.normal(100, 20, series), 48)
    return pa.table(
        {
            "id": np.repeat(np.arange(series) + first, 48),
            "month": (np.datetime64("2018-01") + months).astype("datetime64[D]"),
            "sales": level + season * np.sin(2 * np.pi * months / 12) + rng.normal(0, 5, len(months)),
            "shop": np.repeat(rng.choice(np.array(["a", "b", "c"]), series), 48),
        }
    )


def series(directory: Path, season: float, count: int = 60) -> AuditContext:
    rng = np.random.default_rng(4)
    sides = [monthly(n, rng, s, first) for n, s, first in ((count, season, 0), (60, 10, 1_000), (60, 10, 2_000))]
    ctx = context(directory, *sides, types={"id": "id"})
    return replace(ctx, schema=replace(ctx.schema, order_by="month", entity="id"))


def test_regular_series_without_a_parent_have_a_spectrum(tmp_path: Path) -> None:
    good, flat = run("sequence", series(tmp_path / "a", 10)), run("sequence", series(tmp_path / "b", 0))
    assert good.status == "pass", good.message
    assert part(good, "spectra").floor is not None
    assert part(good, GAPS).value == 0
    assert part(good, "shop").status == "pass"
    assert part(flat, "spectra").status == "fail"
    assert part(flat, GAPS).value == 0


def hours(weeks: int, rng: np.random.Generator, wave: float, first: int) -> pa.Table:
    """Readings of each hour of a week: what changes from day to day, more than what comes back each day."""
    hour = np.tile(np.arange(168), weeks)
    drift = np.cumsum(rng.normal(0, 1, (weeks, 168)), axis=1).ravel()
    return pa.table(
        {
            "id": np.repeat(np.arange(weeks) + first, 168),
            "at": np.datetime64("2021-01-04T00", "us") + hour.astype("timedelta64[h]"),
            "heat": np.round(drift + wave * np.sin(2 * np.pi * hour / 24), 2),
        }
    )


def test_a_days_wave_is_told_from_what_changes_from_day_to_day(tmp_path: Path) -> None:
    """Of long series, too: bins of equal width would have both in the lowest one."""
    for wave, status in ((5.0, "pass"), (0.0, "fail")):
        rng = np.random.default_rng(5)
        sides = [hours(60, rng, w, first) for w, first in ((wave, 0), (5.0, 1_000), (5.0, 2_000))]
        ctx = context(tmp_path / str(wave), *sides, types={"id": "id"})
        found = run("sequence", replace(ctx, schema=replace(ctx.schema, order_by="at", entity="id")))
        assert part(found, "spectra").status == status


def test_few_entities_cannot_tell(tmp_path: Path) -> None:
    result = run("sequence", series(tmp_path, 10, count=20))
    assert (result.status, result.value) == ("inconclusive", None)
    assert "20 synthetic entities (at least 30 are needed)" in result.message


def test_a_table_without_an_order_is_skipped(tmp_path: Path) -> None:
    ctx = series(tmp_path, 10, count=40)
    assert "no order_by" in run("sequence", replace(ctx, schema=replace(ctx.schema, order_by=None))).message
    nobody = replace(ctx, schema=replace(ctx.schema, entity=None), _cache={})
    assert "nothing says whose rows" in run("sequence", nobody).message


def test_the_spectrum_of_a_wave_lies_at_its_frequency() -> None:
    wave = np.sin(
        2 * np.pi * np.arange(48) / 12
    )  # 1/12 per step: between 1/16 and 1/8, the third octave below one half
    assert spectrum(wave)[2] == pytest.approx(1.0, abs=1e-9)
    assert spectrum(wave).sum() == pytest.approx(1.0)
    assert np.isnan(spectrum(np.ones(48))).all()
    assert np.isnan(spectrum(wave[:8])).all()
