"""`synth stats` on records whose sums are known, and on builds that really ran."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.project.prices import PricesSpec
from synthkit.stats import kept
from synthkit.stats.money import cost_of_entry
from synthkit.stats.summary import summarise
from synthkit.stats.trend import trend
from tests.stats.planted import judged, model_of, phase, plant, reused, run, stats
from tests.synth import Project, copied, make_project


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Six runs of one model, its memory rising, its audit getting worse; one failed; a second model that was reused."""
    used = [
        run(
            n,
            "fake",
            [
                phase("train", 90, peak_memory=2**30 * (n + 1), waited=3),
                phase("sample", 5, rows=1000),
                phase("sample", 5, machine="m2", rows=1500),
            ],
            queued=2.0,
        )
        for n in range(6)
    ]
    used.append(run(6, "fake", [phase("train", 100)], status="error", rows=None, published=False, paid="0.25"))
    used.append(run(0, "by_tier", [phase("query", 1, rows=3)], action="query", generator="sql", rows=3))
    used += [reused(n, "by_tier") for n in range(1, 6)]
    used.append(run(2, "old_name", [phase("train", 10)]))
    used.append(run(3, "fake", [phase("train", 1000)], target="prod"))
    audits = [judged(n, "fake", 0.01 * (n + 1), "fail" if n == 5 else "pass") for n in range(6)]
    return plant(tmp_path_factory.mktemp("stats") / "shop", used, audits)


def test_time_money_waiting_and_cache_hits_add_up(planted: Project) -> None:
    found = stats(planted)
    assert found["runs"] == 7
    # 6 × (90 + 5 + 5) + 100 + 1 + 10 seconds on one core and with 2 GiB, at 0.36 a core hour and 0.036 a GiB hour
    seconds = 6 * 100 + 100 + 1 + 10
    assert found["seconds"] == seconds
    assert found["cost"]["machines"] == pytest.approx(seconds * (0.36 + 2 * 0.036) / 3600)
    assert found["cost"]["teachers"] == 0.25
    assert found["cost"]["total"] == pytest.approx(found["cost"]["machines"] + 0.25)
    assert found["queued"] == 6 * (2 + 3)
    assert found["failed"] == 1
    assert found["failed_cost"]["total"] == pytest.approx(100 * 0.432 / 3600 + 0.25)
    assert found["reused"] == pytest.approx(5 / (7 + 1 + 5 + 1))
    assert found["peak_memory"] == 6 * 2**30
    assert sum(m["cost"]["total"] for m in found["models"]) == pytest.approx(found["cost"]["total"])


def test_a_model_s_rates_peaks_and_machines(planted: Project) -> None:
    fake = model_of(stats(planted, "fake"), "fake")
    assert fake["rows_per_second"]["last"] == 250  # 2,500 rows in 10 seconds
    machines = {m["machine"]: m for m in fake["machines"]}
    assert machines["m1"]["rows_per_second"] == 200
    assert machines["m2"]["rows_per_second"] == 300
    phases = {p["phase"]: p for p in fake["phases"]}
    assert phases["train"]["peak_memory"]["last"] == 2 * 2**30  # of the run that failed
    assert fake["peak_memory"]["direction"] == "rising"
    assert fake["seconds"]["direction"] == "steady"
    assert fake["statuses"] == {"pass": 6, "error": 1}


def test_quality_drifts_where_the_interval_leaves_no_doubt(planted: Project) -> None:
    (audit,) = model_of(stats(planted, "fake"), "fake")["audits"]
    assert audit["statuses"] == {"pass": 5, "fail": 1}
    assert audit["drift"] == "worse"
    assert audit["value"]["slope"] == pytest.approx(0.01)
    text = planted.ok("stats", "fake")
    assert "worse: 0.01 a run" in text
    assert "▁" in text
    assert "5 ok, 1 FAIL" in text


def test_the_table_of_all_models(planted: Project) -> None:
    text = planted.ok("stats")
    assert "old_name (gone)" in text
    assert "83%" in text  # of by_tier's runs nothing was to be done
    assert "cost: $0.34 (machines $0.085, teachers $0.25)" in text


def test_since_is_a_length_a_day_or_a_moment(planted: Project) -> None:
    now = {"SYNTH_NOW": "2026-01-01T06:30:00Z"}
    assert stats(planted, "--since", "2h", env=now)["runs"] == 2
    assert stats(planted, "--since", "2026-01-01T05:00", env=now)["runs"] == 2
    assert stats(planted, "--since", "2026-01-01T05:00+02:00", env=now)["runs"] == 4  # 03:00 in UTC
    assert stats(planted, "--since", "2026-01-02")["models"] == []
    assert "--since 'lately' is no time" in planted.fails("stats", "--since", "lately", code=2)


def test_targets_are_apart_and_models_are_known_by_name(planted: Project) -> None:
    assert model_of(stats(planted, "old_name"), "old_name")["known"] is False
    assert "did you mean 'fake'?" in planted.fails("stats", "fak", code=2)


def test_without_prices_there_is_no_cost(planted: Project, tmp_path: Path) -> None:
    project = copied(planted, tmp_path / "shop")
    project.write({"synth_project.yml": "name: shop\n"})
    found = stats(project)
    assert found["cost"] == {"machines": None, "teachers": 0.25, "total": 0.25, "unpriced": []}
    assert "no prices are declared" in project.ok("stats")


def test_a_target_s_prices_win_key_by_key(planted: Project, tmp_path: Path) -> None:
    project = copied(planted, tmp_path / "shop")
    project.write(
        {
            "synth_project.yml": """
                name: shop
                prices: {cpu_hour: 0.36, gib_hour: 0.036}
                targets:
                  dev: {prices: {cpu_hour: 3.6}}
            """
        }
    )
    assert stats(project)["cost"]["machines"] == pytest.approx(711 * (3.6 + 2 * 0.036) / 3600)
    project.write({"synth_project.yml": "name: shop\nprices: {cpu_hour: -1}\n"})
    assert "cpu_hour" in project.fails("compile", code=2)


def test_nothing_built_yet_is_said(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    assert "nothing is recorded of dev yet" in project.ok("stats")
    assert stats(project)["models"] == []


def test_a_build_records_what_it_took_where_it_took_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    project.ok("build")
    project.ok("build")
    found = stats(project)
    customers, by_tier = (model_of(found, name) for name in ("customers", "by_tier"))
    assert found["runs"] == 2
    assert customers["reused"] == by_tier["reused"] == 1
    assert {p["phase"] for p in customers["phases"]} == {"load", "query", "audit", "publish"}
    assert {p["phase"] for p in by_tier["phases"]} == {"query", "publish"}
    assert customers["peak_memory"]["last"] > 10 * 2**20  # no Python process with DuckDB is smaller
    assert 0 < customers["cpu_seconds"]["last"] <= 60
    lines = [
        json.loads(line) for line in (project.root / "target" / "consumption.jsonl").read_text("utf-8").splitlines()
    ]
    assert lines[-1]["reused"] == ["customers", "by_tier"]
    results = project.results()
    assert results["customers"]["consumed"] == []  # of the last run, which did nothing


def test_a_failed_job_has_its_figures_too(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    project.write(
        {
            "models/customers.yml": """
                version: 1
                models:
                  - name: customers
                    generator: {name: sql, query: "select 1 / (tier = 'x')::int as n, error('no') as m from {{ source('crm', 'customers') }}"}
                    audits: []
            """
        }
    )
    project.fails("build")
    customers = model_of(stats(project), "customers")
    assert customers["statuses"] == {"error": 1}
    assert "query" in {p["phase"] for p in customers["phases"]}
    assert stats(project)["failed"] == 1


def test_a_killed_build_leaves_what_was_done_and_half_a_line_hurts_nobody(planted: Project, tmp_path: Path) -> None:
    project = copied(planted, tmp_path / "shop")
    before = stats(project)["runs"]
    path = project.root / "target" / "consumption.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"run_id": "run-0099", "at": "2026-01-')
    assert stats(project)["runs"] == before
    project.ok("build", "--select", "fake")
    found = stats(project)
    assert found["runs"] == before + 1
    assert "1000" in str(model_of(found, "fake")["rows"])


def test_a_build_that_is_killed_has_told_of_what_it_had_done(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    models = project.root / "models" / "customers.yml"
    endless = "query: \"select count(*) as n from range(1000000000) a, range(1000000) b, {{ ref('customers') }}\""
    text = models.read_text("utf-8")
    models.write_text(
        text[: text.index('query: "select tier')] + endless + text[text.index("}\n    audits: []") :], "utf-8"
    )
    build, record = project.start("build"), project.root / "target" / "consumption.jsonl"
    until = time.monotonic() + 120
    while not record.exists() and time.monotonic() < until:
        time.sleep(0.05)
    build.kill()
    build.wait()
    found = stats(project)
    assert [m["model"] for m in found["models"]] == ["customers"]
    assert model_of(found, "customers")["statuses"] == {"pass": 1}


def test_a_record_that_cannot_be_written_ends_no_build(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    (project.root / "target" / "consumption.jsonl").mkdir(parents=True)
    assert "what customers took is not recorded: cannot write" in project.ok("build")
    assert stats(project)["models"] == []
    assert "what was reused is not recorded: cannot write" in project.ok("build")


def test_the_site_shows_what_runs_took_but_not_of_protected_rows(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    project.ok("build")
    project.ok("build", "--full-refresh")
    project.ok("docs", "generate")
    page = (project.root / "target" / "docs" / "tables" / "customers.html").read_text("utf-8")
    assert "Seconds of its jobs" in page
    assert "Memory at most, MB" in page
    sources = project.root / "models" / "sources.yml"
    sources.write_text(sources.read_text("utf-8").rstrip() + "\n        sensitive: true\n", "utf-8")
    project.ok("docs", "generate")
    page = (project.root / "target" / "docs" / "tables" / "customers.html").read_text("utf-8")
    assert "Seconds of its jobs" not in page
    assert "Memory at most, MB" not in page


# -- invariants --------------------------------------------------------------------------------------

AMOUNT = st.floats(0, 1e6, allow_nan=False).map(lambda v: round(v, 3))
PRICE = st.one_of(st.none(), st.floats(0, 100))
MODELS = st.sampled_from(["a", "b", "c"])


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, object]]:
    found = []
    for number in range(draw(st.integers(0, 12))):
        consumed = [
            phase(
                name, draw(AMOUNT), gpu_seconds=draw(AMOUNT), memory_seconds=draw(AMOUNT), rows=draw(st.integers(0, 9))
            )
            for name in draw(st.lists(st.sampled_from(["load", "train", "sample", "audit"]), unique=True))
        ]
        status = draw(st.sampled_from(["pass", "warn", "fail", "error"]))
        found.append(run(number, draw(MODELS), consumed, status=status, paid=str(draw(st.integers(0, 100)) / 100)))
    return found


def _kept(lines: list[dict[str, object]]) -> kept.Kept:
    from synthkit.records.consumption import ConsumptionEntry

    return kept.Kept(tuple(ConsumptionEntry.from_json(json.loads(json.dumps(line))) for line in lines))


@given(entries(), PRICE, PRICE, PRICE)
@settings(max_examples=60, deadline=None)
def test_sums_over_models_phases_and_runs_are_the_same_sum(
    lines: list[dict[str, object]], cpu: float | None, gpu: float | None, gib: float | None
) -> None:
    record, prices = _kept(lines), PricesSpec(cpu_hour=cpu, gpu_hour=gpu, gib_hour=gib)
    found = summarise(record, "dev", prices)
    whole = sum(cost.total or 0 for e in record.used if (cost := cost_of_entry(e, prices)))
    assert (found.cost.total or 0) == pytest.approx(whole)
    assert sum(m.cost.total or 0 for m in found.models) == pytest.approx(found.cost.total or 0)
    assert sum(p.cost.machines or 0 for m in found.models for p in m.phases) == pytest.approx(found.cost.machines or 0)
    assert sum(x.seconds for m in found.models for x in m.machines) == pytest.approx(found.seconds)
    assert sum(m.runs for m in found.models) == len(record.used)
    if cpu is gpu is gib is None:
        assert found.cost.machines is None


@given(entries(), st.integers(200, 20_000))
@settings(max_examples=60, deadline=None)
def test_a_history_is_kept_short_and_every_model_keeps_its_latest(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]], most: int
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    path = folder / kept.CONSUMED
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    long = path.stat().st_size > most
    kept.shorten(folder, most)
    left = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line for line in lines if line in left] == left  # whole lines, in their order
    if not long:
        assert left == lines
        return
    assert path.stat().st_size <= most // 2
    last = {str(line["model"]): line for line in lines}
    if sum(len(json.dumps(line)) + 1 for line in last.values()) <= most // 2:
        assert all(line in left for line in last.values())


@given(st.lists(st.floats(1e-3, 1e6), min_size=5, max_size=30), st.floats(1e-3, 1e3))
@settings(max_examples=50, deadline=None)
def test_a_trend_knows_no_unit(values: list[float], unit: float) -> None:
    one, other = trend(values), trend([v * unit for v in values])
    assert one.slope is not None
    assert other.slope == pytest.approx(one.slope, rel=1e-6, abs=1e-9)
    assert one.ends is not None
    assert one.ends[0] <= one.slope + 1e-12
    assert one.slope <= one.ends[1] + 1e-12


def test_a_trend_is_rarely_seen_where_there_is_none() -> None:
    """Of 400 series of 12 independent values at most 5 % + 3 standard errors have a direction (seed 1)."""
    import numpy as np

    rng = np.random.default_rng(1)
    found = [trend(np.exp(rng.normal(size=12))).direction for _ in range(400)]
    assert sum(d in ("rising", "falling") for d in found) <= 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5
