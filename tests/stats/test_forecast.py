"""`synth plan` estimates the next build from records with known figures; how often its intervals hold the truth."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.stats.predict import Estimate, Kind, added, predict
from synthkit.stats.schedule import Task, simulate
from synthkit.stats.sourcesize import source_bytes
from tests.stats.planted import TWO_MODELS, phase, plant, run
from tests.synth import Project, make_project

FULL = ("plan", "--full-refresh")


def estimates(project: Project, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.ok(*FULL, "--output", "json", *arguments))["estimates"]
    return found


def recorded(rows: int = 1000, **more: Any) -> list[dict[str, Any]]:
    """Three runs: 100 s and 10 s of drawing ``rows`` rows with 2 GiB; then 4 s."""
    lines = []
    for n in range(3):
        drawing = [phase("train", 90), phase("sample", 10, rows=rows)]
        lines.append(run(n, "fake", drawing, rows=rows, size=str(rows), **more))
        lines.append(
            run(n, "by_tier", [phase("query", 4, rows=3)], action="query", generator="sql", rows=3, size="query")
        )
    return lines


def test_without_an_earlier_build_it_cannot_tell(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", TWO_MODELS)
    text = project.ok("plan")
    assert "cannot tell yet what building takes, as no earlier build is recorded: fake, by_tier" in text
    assert "likely" not in text
    found = estimates(project)
    assert found["seconds"] is None
    assert found["unknown"] == ["fake", "by_tier"]


def test_time_memory_and_money_of_the_next_build(tmp_path: Path) -> None:
    project = plant(tmp_path / "shop", recorded())
    found = estimates(project)
    fake, by_tier = found["models"]
    assert fake["seconds"]["likely"] == pytest.approx(100)
    assert by_tier["seconds"]["likely"] == pytest.approx(4)
    assert found["seconds"]["likely"] == pytest.approx(104)  # one reads the other
    assert fake["memory"]["likely"] == pytest.approx(2 * 2**30)
    assert found["cost"]["likely"] == pytest.approx(104 * (0.36 + 2 * 0.036) / 3600)
    for one in (found["seconds"], found["memory"], found["cost"], fake["seconds"]):
        assert one["low"] < one["likely"] < one["high"]
    text = project.ok(*FULL)
    assert "likely 1 min 44 s (" in text
    assert "from runs before its declaration was changed" in text  # planted lines know no recipe


def test_more_rows_take_longer_as_far_as_runs_tell(tmp_path: Path) -> None:
    project = plant(tmp_path / "shop", recorded(rows=500))
    (fake, _) = estimates(project)["models"]
    assert fake["seconds"]["likely"] == pytest.approx(90 + 20)  # 1,000 rows are to be drawn now
    assert fake["seconds"]["low"] < 90 + 10  # nothing says that drawing takes longer for more rows


def test_a_model_that_is_new_makes_the_whole_a_lower_bound(tmp_path: Path) -> None:
    project = plant(tmp_path / "shop", [line for line in recorded() if line["model"] == "fake"])
    found = estimates(project)
    assert found["unknown"] == ["by_tier"]
    assert found["seconds"]["likely"] == pytest.approx(100)
    text = project.ok(*FULL)
    assert "at least 1 min 40 s" in text
    assert "cannot tell yet what building takes, as no earlier build is recorded: by_tier" in text


def test_a_model_under_a_new_name_is_known_by_how_it_was_made(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    project.ok("build")
    renamed = project.root / "models" / "customers.yml"
    renamed.write_text(renamed.read_text("utf-8").replace("name: by_tier", "name: per_tier"), "utf-8")
    text = project.ok("plan")
    assert "from runs of by_tier, which was made alike" in text


def test_a_build_that_will_not_fit_in_memory_is_warned_of_before_it_begins(tmp_path: Path) -> None:
    large = [
        run(n, "fake", [phase("train", 1, peak_memory=2**50), phase("sample", 1, rows=1000, peak_memory=2**40)])
        for n in range(2)
    ]
    project = plant(tmp_path / "shop", large)
    done = project.synth(*FULL)
    assert done.returncode == 0
    assert "warning: fake will not fit in memory: it is likely to hold" in done.stderr
    assert "fake will not fit in memory" in project.ok("build", "--select", "fake")
    quiet = [
        {**line, "consumed": [phase("train", 1, peak_memory=2**20), phase("sample", 1, peak_memory=2**20)]}
        for line in large
    ]
    assert "memory" not in plant(tmp_path / "small", quiet).synth(*FULL).stderr


def test_threads_decide_what_is_held_at_once(tmp_path: Path) -> None:
    from synthkit.project.machine import this_machine

    third = (this_machine().memory or 0) // 3
    two = {
        **TWO_MODELS,
        "models/all.yml": TWO_MODELS["models/all.yml"].replace("ref('fake')", "source('crm', 'customers')"),
    }
    lines = [line for line in recorded() if line["model"] in ("fake", "by_tier")]
    for line in lines:
        line["consumed"] = [{**consumed, "peak_memory": third * 2} for consumed in line["consumed"]]
    project = plant(tmp_path / "shop", lines).write(two)
    done = project.synth(*FULL, "--threads", "2")
    assert "the build will not fit in memory: with --threads 2" in done.stderr
    assert "memory" not in project.synth(*FULL, "--threads", "1").stderr


# -- invariants --------------------------------------------------------------------------------------

POINTS = st.lists(st.tuples(st.integers(1, 10**7), st.floats(1e-3, 1e6)), min_size=1, max_size=12)


@given(POINTS, st.integers(1, 10**7), st.sampled_from(list(Kind)))
@settings(max_examples=200, deadline=None)
def test_what_is_likely_lies_between_its_ends(points: list[tuple[int, float]], rows: int, kind: Kind) -> None:
    found = predict(list(points), rows, kind)
    assert found is not None
    assert 0 < found.low <= found.likely * (1 + 1e-9)
    assert found.likely <= found.high * (1 + 1e-9)
    assert found.runs == len(points)


@given(POINTS, st.sampled_from(list(Kind)), st.floats(1e-3, 1e3))
@settings(max_examples=100, deadline=None)
def test_an_estimate_knows_no_unit(points: list[tuple[int, float]], kind: Kind, unit: float) -> None:
    one, other = predict(list(points), 1000, kind), predict([(n, v * unit) for n, v in points], 1000, kind)
    assert one is not None
    assert other is not None
    for part in ("likely", "low", "high"):
        assert getattr(other, part) == pytest.approx(getattr(one, part) * unit, rel=1e-6)


SECONDS = st.floats(0.1, 100)
TASKS = st.lists(st.tuples(SECONDS, st.floats(1, 1e9), st.sets(st.integers(0, 7))), min_size=1, max_size=8)


@given(TASKS, st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_a_build_takes_no_less_than_its_work_allows_and_no_more_than_one_after_another(
    drawn: list[tuple[float, float, set[int]]], threads: int
) -> None:
    def same(value: float) -> Estimate:
        return Estimate(value, value, value, 1)

    tasks = [
        Task(f"t{i}", frozenset(f"t{p}" for p in parents if p < i), same(seconds), same(memory))
        for i, (seconds, memory, parents) in enumerate(drawn)
    ]
    found = simulate(tasks, threads)
    work = sum(seconds for seconds, _, _ in drawn)
    peaks = sorted((memory for _, memory, _ in drawn), reverse=True)
    assert work / threads <= found.seconds * (1 + 1e-9)
    assert max(seconds for seconds, _, _ in drawn) <= found.seconds * (1 + 1e-9)
    assert found.seconds <= work * (1 + 1e-9)
    assert peaks[0] <= found.memory <= sum(peaks[:threads]) * (1 + 1e-9)
    if threads == 1:
        assert found.seconds == pytest.approx(work)


@pytest.mark.parametrize("runs", [1, 3, 10])
def test_intervals_hold_the_next_run_as_often_as_they_say(runs: int) -> None:
    """Log-normal figures with the assumed scatter of time: of 2,000 next runs at least 95 % less 3 standard errors lie
    within, and not all of them do (seed 3)."""
    import numpy as np

    rng, held, many = np.random.default_rng(3), 0, 2000
    for _ in range(many):
        figures = np.exp(rng.normal(2.0, Kind.TIME.value[0], runs + 1))
        found = predict([(None, float(v)) for v in figures[:-1]], None, Kind.TIME)
        assert found is not None
        held += found.low <= figures[-1] <= found.high
    assert held / many >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / many)
    assert held < many


def test_sums_add_ends() -> None:
    found = added([Estimate(1, 0.5, 2, 3), Estimate(10, 8, 12, 5)])
    assert found == Estimate(11, 8.5, 14, 3)
    assert added([]) is None


def learnt(project: Project) -> float:
    """Seconds of the first model, as likely as they are."""
    fake = estimates(project)["models"][0]
    assert fake["seconds"]["low"] < fake["seconds"]["likely"] < fake["seconds"]["high"]
    return float(fake["seconds"]["likely"])


def test_training_takes_longer_on_more_rows_of_the_source(tmp_path: Path) -> None:
    source = make_project(tmp_path / "size", TWO_MODELS).root / "data/customers.csv"
    now = source.stat().st_size
    assert learnt(plant(tmp_path / "same", recorded(source_bytes=now))) == pytest.approx(100)
    half = plant(tmp_path / "half", recorded(source_bytes=now // 2))
    assert learnt(half) == pytest.approx(180 + 10, rel=0.01)  # nothing tells by how much, so it is in proportion
    (fake, _) = estimates(half)["models"]
    assert fake["seconds"]["low"] < 90 + 10  # but it may not grow at all

    def of(size: int, seconds: float, number: int) -> dict[str, Any]:
        return run(number, "fake", [phase("train", seconds)], size="1000", source_bytes=size)

    told = [of(now // 16, 10, 0), of(now // 4, 20, 1), run(2, "fake", [phase("train", 500)], size="1000")]
    assert learnt(plant(tmp_path / "told", told)) == pytest.approx(40, rel=0.02)  # it grows with the square root


def test_a_build_records_how_much_it_learnt_from(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    project.ok("build")
    lines = [json.loads(line) for line in (project.root / "target/consumption.jsonl").read_text("utf-8").splitlines()]
    size = (project.root / "data/customers.csv").stat().st_size
    assert {line["model"]: line.get("source_bytes") for line in lines} == {"customers": size, "by_tier": None}


def test_audits_that_run_side_by_side_hold_memory_side_by_side(tmp_path: Path) -> None:
    def of(jobs: int) -> list[dict[str, Any]]:
        return [run(n, "fake", [phase("train", 9), phase("audit", 9, jobs=jobs)], size="1000") for n in range(3)]

    one, four = (plant(tmp_path / str(n), of(n)) for n in (1, 4))
    alone = estimates(one, "--threads", "2")["memory"]["likely"]
    assert estimates(four, "--threads", "2")["memory"]["likely"] == pytest.approx(2 * alone)
    assert estimates(four, "--threads", "1")["memory"]["likely"] == pytest.approx(alone)


def test_no_object_store_is_asked_how_large_a_source_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find its objects is to fetch them."""
    from types import SimpleNamespace

    def fetched(*_: object) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr("synthkit.stats.sourcesize.source_files", fetched)
    read = SimpleNamespace(id="source:a.b", source="a")
    source = SimpleNamespace(spec=SimpleNamespace(path="s3://bucket/rows/*.parquet"))
    manifest: Any = SimpleNamespace(
        models={"m": SimpleNamespace(family=None, reads=(read,))},
        families={}, sources={"source:a.b": source}, project=SimpleNamespace(root=Path(), spec=None),
    )  # fmt: skip
    assert source_bytes(manifest, "m") is None
