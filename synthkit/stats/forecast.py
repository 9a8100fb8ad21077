"""What the next build is likely to take, from the record of earlier ones: of each model, and of all together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from synthkit.compiler import Manifest
from synthkit.planning.plan import Action, Plan
from synthkit.project.size import Size
from synthkit.records.consumption import Consumption, ConsumptionEntry
from synthkit.stats.expected import Forecast, ModelForecast
from synthkit.stats.fitting import Room, room_of
from synthkit.stats.kept import Kept, read_consumed
from synthkit.stats.money import cost_of
from synthkit.stats.predict import Estimate, Kind, added, largest, predict
from synthkit.stats.recipe import recipe_of
from synthkit.stats.schedule import Task, simulate
from synthkit.stats.sourcesize import source_bytes

_DRAWN = ("sample", "assemble", "query", "ask", "audit")  # phases that grow with the table's own rows
_LEARNT = ("load", "train")  # phases that grow with what is learnt from
_AT_ONCE = ("sample", "audit")  # phases whose jobs run side by side
_OF: Mapping[str, tuple[str, ...]] = {
    "train": ("load", "train", "sample", "assemble", "audit", "publish"),
    "sample": ("load", "sample", "assemble", "audit", "publish"),
    "query": ("load", "query", "audit", "publish"),
    "ask": ("load", "ask", "audit", "publish"),
    "audit": ("load", "audit", "publish"),
    "promote": ("audit", "publish"),
}


def forecast(manifest: Manifest, plan: Plan, threads: int, *, room: Room | None = None) -> Forecast:
    """What carrying out the plan is likely to take.

    Args:
        threads: models at a time.
        room: what the machines have; default: as the project's runner has it, or this machine.
    """
    # A build that has nothing to do does not read what earlier ones took.
    record = _Record(manifest, read_consumed(manifest.project.target_dir) if plan.work else Kept())
    found, unknown = [], []
    for action in plan.work:
        one = record.of(action, threads)
        if one is None:
            unknown.append(action.model)
        else:
            found.append(one)
    room = room or room_of(manifest.project)
    models = {m.model: m for m in found}
    tasks = _tasks(manifest, plan, models)
    seconds = _whole([simulate(tasks, threads, part).seconds for part in ("likely", "low", "high")], found)
    memory = _memory(tasks, threads, found, room)
    costs = [m.cost for m in found if m.cost is not None]
    return Forecast(
        tuple(found),
        tuple(unknown),
        seconds,
        memory,
        added(costs) if costs else None,
        threads,
        tuple(room.warnings(manifest, found, memory, threads)),
    )


def _whole(ends: Sequence[float], found: Sequence[ModelForecast]) -> Estimate | None:
    if not found:
        return None
    likely, low, high = ends
    return Estimate(likely, min(low, likely), max(high, likely), min(m.seconds.runs for m in found))


def _memory(tasks: Sequence[Task], threads: int, found: Sequence[ModelForecast], room: Room) -> Estimate | None:
    known = [m.memory for m in found if m.memory is not None]
    if not known:
        return None
    if not room.shared:
        return largest(known)
    parts = [simulate(tasks, threads, part).memory for part in ("likely", "low", "high")]
    return Estimate(parts[0], min(parts[1], parts[0]), max(parts[2], parts[0]), min(e.runs for e in known))


def _tasks(manifest: Manifest, plan: Plan, models: Mapping[str, ModelForecast]) -> list[Task]:
    """In the plan's order, each after the planned ones that it reads. What nothing is known of takes no time."""
    planned = {a.model for a in plan.work}
    tasks = []
    for action in plan.work:
        node, known = manifest.models[action.model], models.get(action.model)
        beside = action.together
        after = {
            p.name
            for p in node.parents
            if p.source is None
            and p.name in planned
            and p.name != action.model
            and (beside is None or manifest.models[p.name].family != beside)
        }
        tasks.append(
            Task(
                action.model,
                frozenset(after),
                None if known is None else known.seconds,
                None if known is None else known.memory,
                1 if known is None else known.side_by_side,
            )
        )
    return tasks


class _Record:
    """Earlier runs, looked through for each model once."""

    def __init__(self, manifest: Manifest, kept: Kept) -> None:
        self._manifest, self._prices = manifest, manifest.project.prices
        self._of: dict[str, list[ConsumptionEntry]] = defaultdict(list)
        for entry in kept.used:
            if (
                entry.target == manifest.project.target_name
                and entry.status in ("pass", "warn", "fail")
                and entry.consumed
            ):
                self._of[entry.model].append(entry)

    def of(self, action: Action, threads: int) -> ModelForecast | None:
        entries, resting = self._alike(action)
        wanted = _OF.get(action.kind, ())
        same = [e for e in entries if e.action == action.kind]
        phases = _usual(same or entries, wanted)
        if not phases or (action.kind not in phases and action.kind != "audit"):
            return None
        rows = self._rows(action, entries)
        seconds, cpu, memory, cost = [], [], [], []
        priced = any(v is not None for v in self._prices.model_dump().values())
        learnt = source_bytes(self._manifest, action.model)
        for phase in phases:
            size, next_rows = _drawn, rows if phase in _DRAWN else None
            if phase in _LEARNT and learnt is not None and any(e.source_bytes for e in entries):
                size, next_rows = _learnt, learnt
            points = [(size(e), [u for u in e.consumed if u.phase == phase]) for e in entries]
            points = [(n, consumed) for n, consumed in points if consumed and (size is _drawn or n)]
            seconds.append(_predicted(points, next_rows, lambda us: sum(u.seconds for u in us)))
            cpu.append(_predicted(points, next_rows, lambda us: sum(u.cpu_seconds or 0 for u in us)))
            memory.append(_predicted(points, next_rows, _peak, Kind.MEMORY))
            if priced:
                cost.append(_predicted(points, next_rows, lambda us: cost_of(us, self._prices).machines or 0.0))
        time = added([e for e in seconds if e is not None])
        if time is None:
            return None
        return ModelForecast(
            action.model,
            action.kind,
            time.times(_overlap(same or entries)),
            added([e for e in cpu if e is not None]),
            largest([e for e in memory if e is not None]),
            min(threads, _side_by_side(entries)),
            added([e for e in cost if e is not None]),
            resting,
        )

    def _alike(self, action: Action) -> tuple[list[ConsumptionEntry], str]:
        """Runs of the same model made by the same declarations; else made otherwise; else of one that it may have been.

        A model that the project has no more, and that was made by the same declarations, may be this one under an
        earlier name. Of several such nobody knows which.
        """
        recipe, own = recipe_of(action), self._of.get(action.model, [])
        same = [e for e in own if e.recipe == recipe]
        if same:
            return same, ""
        if own:
            return own, "from runs before its declaration was changed"
        gone = {
            name
            for name, entries in self._of.items()
            if name not in self._manifest.models and any(e.recipe == recipe for e in entries)
        }
        if len(gone) == 1:
            (name,) = gone
            return [e for e in self._of[name] if e.recipe == recipe], f"from runs of {name}, which was made alike"
        return [], ""

    def _rows(self, action: Action, entries: Sequence[ConsumptionEntry]) -> int | None:
        """Of the next table: as declared, or in proportion to the source's rows of the last run."""
        model = self._manifest.models[action.model]
        known = self._manifest.known_rows(model)
        if known is not None or model.size.factor is None:
            return known
        for entry in reversed(entries):
            if entry.size is not None and entry.rows is not None:
                try:
                    before = Size.parse(entry.size)
                except ValueError:
                    continue
                if before.factor is not None:
                    return max(1, round(entry.rows / before.factor * model.size.factor))
        return None


def _drawn(entry: ConsumptionEntry) -> int | None:
    return entry.rows


def _learnt(entry: ConsumptionEntry) -> int | None:
    return entry.source_bytes


def _usual(entries: Sequence[ConsumptionEntry], wanted: Sequence[str]) -> list[str]:
    """The phases that at least half of the runs had."""
    return [
        p for p in wanted if sum(any(u.phase == p for u in e.consumed) for e in entries) * 2 >= max(1, len(entries))
    ]


def _predicted(
    points: Iterable[tuple[int | None, list[Consumption]]], rows: int | None, of: Any, kind: Kind = Kind.TIME
) -> Estimate | None:
    return predict([(n, float(of(consumed))) for n, consumed in points], rows, kind)


def _peak(consumed: Sequence[Consumption]) -> float:
    return float(max((u.peak_memory or 0 for u in consumed), default=0))


def _side_by_side(entries: Sequence[ConsumptionEntry]) -> int:
    """Jobs of one phase that may run at once: partitions do, and audits."""
    most = (max(sum(u.jobs for u in e.consumed if u.phase == phase) for phase in _AT_ONCE) for e in entries)
    return max(1, round(median(most)))


def _overlap(entries: Sequence[ConsumptionEntry]) -> float:
    """By how much a model is done sooner (partitions side by side) or later (waiting) than its jobs' seconds add up."""
    shares = [
        wall / seconds
        for e in entries
        if (wall := _wall(e)) is not None and (seconds := sum(u.seconds for u in e.consumed)) > 0
    ]
    return median(shares) if shares else 1.0


def _wall(entry: ConsumptionEntry) -> float | None:
    from datetime import datetime

    if entry.started_at is None:
        return None
    try:
        return (datetime.fromisoformat(entry.at) - datetime.fromisoformat(entry.started_at)).total_seconds()
    except ValueError:
        return None
