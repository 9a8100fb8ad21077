"""The record of runs, summed up: for the project, for each model, its phases, its machines and its audits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from synthkit.project.prices import PricesSpec
from synthkit.records.audit import AuditRecord
from synthkit.records.consumption import Consumption, ConsumptionEntry
from synthkit.stats.kept import Kept
from synthkit.stats.money import Cost, added, cost_of, cost_of_entry
from synthkit.stats.trend import Trend, trend

DRAWING = ("sample", "query", "ask")  # the phases that make rows


@dataclass(frozen=True)
class PhaseStats:
    """A phase of a model over its runs. Seconds are of all its jobs, memory is the most that one of them held."""

    phase: str
    runs: int
    seconds: Trend
    cpu_seconds: Trend
    peak_memory: Trend
    cost: Cost


@dataclass(frozen=True)
class MachineStats:
    """A machine at work for a model: jobs and what they came to, rows per second of a job there."""

    machine: str
    jobs: int
    seconds: float
    cpu_seconds: float | None
    peak_memory: int | None
    rows: int
    rows_per_second: float | None


@dataclass(frozen=True)
class AuditStats:
    """An audit of a model over its runs: its verdicts, and how its value drifts; of a private table verdicts alone."""

    name: str
    statuses: Mapping[str, int]
    value: Trend
    limit: float | None
    better: str | None

    @property
    def drift(self) -> str:
        """``worse`` or ``better``, where the value moves and it is known which way is good; else how it moves."""
        direction = self.value.direction
        if direction in ("steady", "too few") or self.better not in ("lower", "higher"):
            return direction
        return "better" if (direction == "falling") == (self.better == "lower") else "worse"


@dataclass(frozen=True)
class ModelStats:
    """A model over its runs.

    Args:
        runs: in which something was done for it.
        reused: in which nothing was to be done.
        trained, cached: how often its rows were drawn after a training, and from one that was there.
        statuses: what its runs came to.
        seconds: of all its jobs, by run that came to its end, of those in which the same was done (most often); so are
            ``cpu_seconds`` and ``peak_memory``.
        queued: seconds of waiting in all: for its turn, and of its jobs for a machine.
        known: whether the project has it.
    """

    model: str
    runs: int
    reused: int
    trained: int
    cached: int
    statuses: Mapping[str, int]
    rows: int | None
    rows_per_second: Trend
    seconds: Trend
    cpu_seconds: Trend
    peak_memory: Trend
    cost: Cost
    queued: float
    last: str | None
    known: bool = True
    phases: tuple[PhaseStats, ...] = ()
    machines: tuple[MachineStats, ...] = ()
    audits: tuple[AuditStats, ...] = ()


@dataclass(frozen=True)
class Stats:
    """What the record says of a target.

    Args:
        runs: of which something is recorded; ``first`` and ``last`` are when, UTC.
        reused: share of all models of these runs for which nothing was to be done.
        seconds: of all jobs together; so are ``cpu_seconds``, ``queued`` and the cost.
        peak_memory: the most that one process held.
        failed: runs of models that came to nothing, and what they cost.
    """

    target: str
    runs: int
    first: str | None
    last: str | None
    reused: float | None
    seconds: float
    cpu_seconds: float
    peak_memory: int | None
    queued: float
    cost: Cost
    failed: int
    failed_cost: Cost
    models: tuple[ModelStats, ...] = ()

    def to_json(self) -> dict[str, Any]:
        whole: dict[str, Any] = _as_said(self)
        return whole


def summarise(
    kept: Kept,
    target: str,
    prices: PricesSpec,
    *,
    models: Iterable[str] = (),
    since: datetime | None = None,
    only: str | None = None,
) -> Stats:
    """Sum up a target's runs.

    Args:
        models: of the project, in the order in which they are shown; what else is recorded follows.
        since: leave earlier runs out.
        only: as if there were this model alone.
    """
    models = tuple(models)
    used = [e for e in kept.used if e.target == target and _after(e.at, since) and only in (None, e.model)]
    reused = [e for e in kept.reused if e.target == target and _after(e.at, since)]
    if only is not None:
        reused = [e.having(reused=(only,)) for e in reused if only in e.reused]
    runs = {e.run_id for e in used} | {e.run_id for e in reused}
    of: dict[str, list[ConsumptionEntry]] = defaultdict(list)
    for entry in used:
        of[entry.model].append(entry)
    again = Counter(model for entry in reused for model in entry.reused)
    judged: dict[str, list[AuditRecord]] = defaultdict(list)
    for line in kept.judged:
        if line.run_id in runs:
            judged[line.model] += line.audits
    names = list(dict.fromkeys((*models, *of, *again)))
    known = set(models)
    found = tuple(_model(n, of[n], again[n], judged[n], prices, n in known) for n in names if of[n] or again[n])
    failed = [e for e in used if e.status in ("fail", "error")]
    times = sorted([e.at for e in used] + [e.at for e in reused])
    done = sum(m.runs + m.reused for m in found)
    return Stats(
        target=target,
        runs=len(runs),
        first=times[0] if times else None,
        last=times[-1] if times else None,
        reused=sum(again.values()) / done if done else None,
        seconds=_total(used, lambda u: u.seconds),
        cpu_seconds=_total(used, lambda u: u.cpu_seconds),
        peak_memory=_peak(u for e in used for u in e.consumed),
        queued=sum(map(_queued, used)),
        cost=added(cost_of_entry(e, prices) for e in used),
        failed=len(failed),
        failed_cost=added(cost_of_entry(e, prices) for e in failed),
        models=found,
    )


def rows_per_second(consumed: Iterable[Consumption]) -> float | None:
    """Rows by the seconds of the jobs that made them, one after the other; None where none were made."""
    made = [u for u in consumed if u.phase in DRAWING and u.rows]
    seconds = sum(u.seconds for u in made)
    return sum(u.rows for u in made) / seconds if seconds > 0 else None


def _after(at: str, since: datetime | None) -> bool:
    if since is None:
        return True
    try:
        return datetime.fromisoformat(at) >= since
    except ValueError:
        return False


def _model(
    name: str,
    entries: Sequence[ConsumptionEntry],
    reused: int,
    audits: Sequence[AuditRecord],
    prices: PricesSpec,
    known: bool,
) -> ModelStats:
    worked = [e for e in entries if e.consumed]
    whole = _alike([e for e in worked if e.status in ("pass", "warn", "fail")])
    rates = [rate for e in worked if (rate := rows_per_second(e.consumed)) is not None]
    rows = [e.rows for e in entries if e.rows is not None]
    return ModelStats(
        model=name,
        runs=len(entries),
        reused=reused,
        trained=sum(e.action == "train" for e in entries),
        cached=sum(e.action == "sample" for e in entries),
        statuses=dict(Counter(e.status for e in entries)),
        rows=rows[-1] if rows else None,
        rows_per_second=trend(rates),
        seconds=trend([_total([e], lambda u: u.seconds) for e in whole]),
        cpu_seconds=trend([_total([e], lambda u: u.cpu_seconds) for e in whole]),
        peak_memory=trend([peak for e in whole if (peak := _peak(e.consumed)) is not None]),
        cost=added(cost_of_entry(e, prices) for e in entries),
        queued=sum(map(_queued, entries)),
        last=entries[-1].at if entries else None,
        known=known,
        phases=_phases(worked, prices),
        machines=_machines(worked),
        audits=_audits(audits),
    )


def _alike(entries: Sequence[ConsumptionEntry]) -> list[ConsumptionEntry]:
    """Those in which the same was done: what was done most often, trained or only drawn, say. Others tell no trend."""
    counts = Counter(e.action for e in entries)
    usual = max(counts, key=lambda action: counts[action], default="")
    return [e for e in entries if e.action == usual]


def _phases(entries: Sequence[ConsumptionEntry], prices: PricesSpec) -> tuple[PhaseStats, ...]:
    found: dict[str, list[list[Consumption]]] = defaultdict(list)
    for entry in entries:
        phases: dict[str, list[Consumption]] = defaultdict(list)
        for one in entry.consumed:
            phases[one.phase].append(one)
        for phase, consumed in phases.items():
            found[phase].append(consumed)
    return tuple(
        PhaseStats(
            phase,
            len(runs),
            trend([sum(u.seconds for u in run) for run in runs]),
            trend([sum(u.cpu_seconds or 0 for u in run) for run in runs if _measured(run)]),
            trend([peak for run in runs if (peak := _peak(run)) is not None]),
            cost_of((u for run in runs for u in run), prices),
        )
        for phase, runs in found.items()
    )


def _machines(entries: Sequence[ConsumptionEntry]) -> tuple[MachineStats, ...]:
    found: dict[str, list[Consumption]] = defaultdict(list)
    for entry in entries:
        for one in entry.consumed:
            found[one.machine].append(one)
    return tuple(
        MachineStats(
            machine,
            sum(u.jobs for u in consumed),
            sum(u.seconds for u in consumed),
            sum(u.cpu_seconds or 0 for u in consumed) if _measured(consumed) else None,
            _peak(consumed),
            sum(u.rows for u in consumed),
            rows_per_second(consumed),
        )
        for machine, consumed in found.items()
    )


def _audits(records: Sequence[AuditRecord]) -> tuple[AuditStats, ...]:
    found: dict[str, list[AuditRecord]] = defaultdict(list)
    for record in records:
        found[record.name].append(record)
    return tuple(
        AuditStats(
            name,
            dict(Counter(r.status for r in runs)),
            trend([float(r.value) for r in runs if r.value is not None], relative=False),
            runs[-1].limit,
            runs[-1].better,
        )
        for name, runs in found.items()
    )


def _total(entries: Iterable[ConsumptionEntry], of: Callable[[Consumption], float | None]) -> float:
    return sum(of(u) or 0.0 for e in entries for u in e.consumed)


def _peak(consumed: Iterable[Consumption]) -> int | None:
    return max((u.peak_memory for u in consumed if u.peak_memory is not None), default=None)


def _measured(consumed: Iterable[Consumption]) -> bool:
    return any(u.cpu_seconds is not None for u in consumed)


def _queued(entry: ConsumptionEntry) -> float:
    return (entry.queued or 0.0) + sum(u.waited for u in entry.consumed)


def _as_said(value: Any) -> Any:
    """A summary as JSON has it: money exact as text is a number, too, as what machines cost is one."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Trend):
        facts = {"last": value.last, "median": value.middle, "direction": value.direction}
        return {**facts, "slope": value.slope, "ends": _as_said(value.ends), "values": list(value.values)}
    if isinstance(value, Cost):
        parts = {"machines": value.machines, "teachers": float(value.teachers), "total": value.total}
        return {**parts, "unpriced": list(value.unpriced)}
    if hasattr(value, "__dataclass_fields__"):
        more = {"drift": value.drift} if isinstance(value, AuditStats) else {}
        return {**{key: _as_said(part) for key, part in vars(value).items()}, **more}
    if isinstance(value, Mapping):
        return {key: _as_said(part) for key, part in value.items()}
    return [_as_said(part) for part in value] if isinstance(value, list | tuple) else value
