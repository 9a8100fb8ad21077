"""What a job takes, measured in its process: phases apart, peaks of memory one by one, money as it is paid."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.building.context import RunContext
from synthkit.building.partitions import side_by_side
from synthkit.building.tally import GIB, UNKNOWN, Tally
from synthkit.errors import BuildError
from synthkit.project.resources import Resources
from synthkit.runners import metering
from synthkit.runners.attempt import attempt
from synthkit.runners.done import Drawn, Measured
from synthkit.runners.failing import JobError
from synthkit.runners.jobs import Job, RepeatJob, done_from_json, job_to_json
from synthkit.runners.metering import Meter, enter, paid
from synthkit.schema import Schema, Table
from tests.runners.test_local import nothing, query

MB = 10**6


def test_each_phase_has_its_own_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTH_MACHINE", "node-7")
    with metering.metering("train") as meter:
        held = bytearray(200 * MB)
        held[::4096] = b"x" * len(held[::4096])
        del held
        enter("sample")
        busy = sum(i * i for i in range(300_000))
        paid(Decimal("0.25"))
        enter("train")  # again: its figures add up
        train, sample = meter.measured()
    assert busy
    assert (train.phase, sample.phase) == ("train", "sample")
    assert train.peak_memory - sample.peak_memory > 150 * MB
    assert sample.cpu_seconds > 0
    assert sample.paid == "0.25"
    assert train.paid == "0"
    assert {train.machine, sample.machine} == {"node-7"}


def test_where_the_kernel_keeps_no_peak_a_thread_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metering, "_CLEAR", tmp_path / "no" / "clear_refs")
    meter = Meter("train")
    held = bytearray(200 * MB)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(5 * metering.EVERY)
    del held
    (found,) = meter.measured()
    meter.close()
    assert found.peak_memory > 200 * MB


def test_outside_of_a_job_nothing_is_measured() -> None:
    enter("sample")
    paid(Decimal(1))
    assert metering._current.get() is None


def test_figures_travel_with_what_a_job_comes_to_and_with_its_failure(tmp_path: Path) -> None:
    job = query(tmp_path, "select 1 as n")
    done = done_from_json(job, attempt(job_to_json(job), nothing)["result"])
    assert [m.phase for m in done.measured] == ["query"]
    assert done.measured[0].peak_memory > 10 * MB
    failed = attempt(job_to_json(query(tmp_path, "select * from nowhere")), nothing)["error"]
    assert [m["phase"] for m in failed["measured"]] == ["query"]


# -- adding up ---------------------------------------------------------------------------------------

FIGURE = st.floats(0, 1e5, allow_nan=False)
MEASURED = st.builds(
    Measured,
    phase=st.sampled_from(["load", "train", "sample"]),
    machine=st.sampled_from(["a", "b"]),
    began=st.floats(0, 2e9),
    seconds=FIGURE,
    cpu_seconds=FIGURE,
    peak_memory=st.integers(0, 2**40),
    gpus=st.integers(0, 1),
    paid=st.integers(0, 1000).map(lambda cents: str(Decimal(cents) / 100)),
)
RESOURCES = st.builds(
    Resources,
    cpus=st.one_of(st.none(), st.floats(0.1, 64)),
    memory=st.one_of(st.none(), st.integers(1, 2**40)),
    gpus=st.one_of(st.none(), st.integers(0, 8)),
)
JOBS = st.lists(st.tuples(st.lists(MEASURED, max_size=3), RESOURCES, st.integers(0, 10**6)), max_size=6)


def job(resources: Resources) -> Job[Drawn]:
    return Job(root=Path(), resources=resources)


@given(JOBS)
@settings(max_examples=100, deadline=None)
def test_a_tally_is_the_sum_of_its_jobs(drawn: Sequence[tuple[list[Measured], Resources, int]]) -> None:
    tally = Tally()
    for measured, resources, rows in drawn:
        with tally.watching(job(resources)) as done:
            done.append(Drawn(rows, 1.0, measured=tuple(measured)))
    found = tally.consumed()
    parts = [(m, r) for measured, r, _ in drawn for m in measured]
    known = [c for c in found if c.machine != UNKNOWN]
    assert sum(c.seconds for c in known) == pytest.approx(sum(m.seconds for m, _ in parts), abs=0.01)
    assert sum(c.cpu_seconds or 0 for c in known) == pytest.approx(sum(m.cpu_seconds for m, _ in parts), abs=0.01)
    assert max((c.peak_memory or 0 for c in known), default=0) == max((m.peak_memory for m, _ in parts), default=0)
    cores = sum(m.cpu_seconds if r.cpus is None else r.cpus * m.seconds for m, r in parts)
    assert sum(c.core_seconds for c in known) == pytest.approx(cores, rel=1e-6, abs=0.01)
    memory = sum((m.peak_memory if r.memory is None else r.memory) / GIB * m.seconds for m, r in parts)
    assert sum(c.memory_seconds for c in known) == pytest.approx(memory, rel=1e-6, abs=0.01)
    gpus = sum((m.gpus if r.gpus is None else r.gpus) * m.seconds for m, r in parts)
    assert sum(c.gpu_seconds for c in known) == pytest.approx(gpus, rel=1e-6, abs=0.01)
    assert sum(c.rows for c in found) == sum(rows for _, _, rows in drawn)
    assert tally.paid == sum((Decimal(m.paid) for m, _ in parts), Decimal(0))
    assert all(c.waited >= 0 for c in found)
    assert sum(c.jobs for c in found if c.machine == UNKNOWN) == sum(not measured for measured, _, _ in drawn)


class Many:
    """An executor that takes all jobs at once, and comes to what it is told."""

    def __init__(self, comes_to: list[Drawn] | Exception) -> None:
        self.comes_to = comes_to

    def run_many(self, jobs: Sequence[Job[Drawn]], progress: Sequence[object]) -> list[Drawn]:
        if isinstance(self.comes_to, Exception):
            raise self.comes_to
        return self.comes_to


def test_of_jobs_handed_out_at_once_each_is_told_and_one_that_fails_is_counted() -> None:
    measured = (Measured("sample", "m", seconds=2.0, cpu_seconds=1.0, paid="0.5"),)
    told, tally = list[tuple[int, int]](), Tally()

    def run(comes_to: list[Drawn] | Exception) -> None:
        model: Any = SimpleNamespace(name="m", spec=SimpleNamespace(resources=Resources()))
        context: Any = SimpleNamespace(executor=Many(comes_to), tally=lambda _model: tally)
        context.carry_out_many = partial(RunContext.carry_out_many, context)
        jobs = [job(Resources())] * 2
        side_by_side(context, model, jobs, [nothing] * 2, lambda number, found: told.append((number, found.rows)))

    for measures in (measured, ()):
        with pytest.raises(JobError, match="no rows"):
            run(JobError("no rows", None, measures))
    (one,) = tally.consumed()
    assert (one.jobs, one.rows, one.seconds, one.waited, tally.paid) == (1, 0, 2.0, 0, Decimal("0.5"))
    assert told == []
    run([Drawn(7, 1.0, measured=measured), Drawn(8, 1.0, measured=measured)])
    assert told == [(0, 7), (1, 8)]
    (one,) = tally.consumed()
    assert (one.jobs, one.rows) == (3, 15)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 5)), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_how_long_jobs_waited_is_possible_whatever_their_machines_clocks_say(clocks: list[tuple[float, float]]) -> None:
    """Jobs that were handed out ten seconds ago, on machines whose clocks are off by days."""
    tally, handed_out = Tally(), time.time() - 10
    done = [
        Drawn(1, 1.0, measured=(Measured("sample", f"m{n}", began=handed_out + off, seconds=busy),))
        for n, (off, busy) in enumerate(clocks)
    ]
    tally.many([job(Resources())] * len(done), done, handed_out)
    for one, (_, busy) in zip(tally.consumed(), clocks, strict=True):
        assert 0 <= one.waited <= 60 - busy


def test_what_a_lost_worker_repeated_for_an_audit_is_of_the_audit(tmp_path: Path) -> None:
    """Nobody measured it; what making the rows took is told without it."""
    rows = Table(Schema(()), (), 0)
    more: Any = {"table": rows, "split": None, "relations": {}, "audits": (), "seed": 1}
    tally = Tally()
    with (
        pytest.raises(BuildError),
        tally.watching(RepeatJob(root=tmp_path, model="m", repeats=tmp_path, part=0, of=1, **more)),
    ):
        raise BuildError("the worker was lost")
    assert [(c.phase, c.machine) for c in tally.consumed()] == [("audit", UNKNOWN)]
