"""What builds took, as lines for people: a table of models, and of one model its phases, machines and audits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from synthkit.report.style import MARKS, number, plural, seconds
from synthkit.stats.money import Cost
from synthkit.stats.summary import AuditStats, ModelStats, Stats
from synthkit.stats.trend import Trend, sparkline

NOTHING = "–"
_MOVES = {"rising": "↗", "falling": "↘"}


def lines_of(stats: Stats, model: str | None, encoding: str = "utf-8") -> Iterator[str]:
    """For a terminal. Characters that its encoding lacks are left out.

    Args:
        model: that was asked for; None: all of them.
    """
    found = _model(stats, model) if model is not None else _all(stats)
    for line in found:
        yield line.encode(encoding, "ignore").decode(encoding).rstrip()


def dollars(value: float | None) -> str:
    """Money: cents, or as many places as a small sum needs."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0001:
        return "<$0.0001"
    return f"${value:,.2f}" if value >= 0.995 or value == 0 else f"${value:.2g}"


def memory(value: float | None) -> str:
    """An amount of memory: ``530 MB``, ``2.4 GB``."""
    if value is None:
        return NOTHING
    return f"{value / 1e6:,.0f} MB" if value < 999.5e6 else f"{value / 1e9:,.2f} GB"


def share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"


def _all(stats: Stats) -> Iterator[str]:
    if not stats.models:
        yield f"nothing is recorded of {stats.target} yet: synth build records what it takes"
        return
    head = ("model", "runs", "reused", "rows/s", "", "time", "", "cpu", "memory", "", "cost", "passed")
    yield from table([head, *map(_row, stats.models)])
    yield ""
    yield from _sums(stats)


def _row(model: ModelStats) -> tuple[str, ...]:
    name = model.model if model.known else f"{model.model} (gone)"
    return (
        name,
        f"{model.runs:,}",
        share(model.reused / (model.runs + model.reused)),
        *_with_picture(model.rows_per_second, number),
        *_with_picture(model.seconds, _seconds),
        _seconds(model.cpu_seconds.middle),
        *_with_picture(model.peak_memory, memory),
        dollars(model.cost.total),
        _passed(model),
    )


def _sums(stats: Stats) -> Iterator[str]:
    yield (
        f"{plural(stats.runs, 'run')} into {stats.target}, {_when(stats.first)} to {_when(stats.last)} (UTC): "
        f"{seconds(stats.seconds)} of jobs, {seconds(stats.cpu_seconds)} of CPU, at most {memory(stats.peak_memory)}"
    )
    yield f"waited {seconds(stats.queued)} for a turn and for machines; {share(stats.reused)} of models reused"
    trained, cached = sum(m.trained for m in stats.models), sum(m.cached for m in stats.models)
    if trained + cached:
        yield f"rows drawn from a model that was there already: {cached:,} of {trained + cached:,} times"
    yield _money(stats.cost)
    if stats.failed:
        yield f"{plural(stats.failed, 'run')} of models failed{_spent(stats.failed_cost)}"


def _spent(cost: Cost) -> str:
    return "" if cost.total is None else f", for {dollars(cost.total)}"


def _money(cost: Cost) -> str:
    if cost.machines is None:
        hint = "no prices are declared (prices: {cpu_hour: …} in synth_project.yml)"
        return f"teachers {dollars(float(cost.teachers))}; {hint}" if cost.teachers else f"cost: {hint}"
    text = f"cost: {dollars(cost.total)} (machines {dollars(cost.machines)}, teachers {dollars(float(cost.teachers))})"
    return text + "".join(f"; {key} is not declared, and was used" for key in cost.unpriced)


def _model(stats: Stats, name: str) -> Iterator[str]:
    if not stats.models:
        yield f"nothing is recorded of {name} there"
        return
    (model,) = stats.models
    statuses = ", ".join(f"{count:,} {MARKS.get(status, status)}" for status, count in model.statuses.items())
    yield f"{name}: {plural(model.runs, 'run')} ({statuses or 'none'}), reused in {model.reused:,} more"
    if model.trained + model.cached:
        yield f"  trained {model.trained:,} times, drawn from a trained model {model.cached:,} times"
    yield f"  {_money(model.cost)}; waited {seconds(model.queued)}"
    for what, trend, shown in (
        ("rows per second", model.rows_per_second, number),
        ("time", model.seconds, _seconds),
        ("CPU time", model.cpu_seconds, _seconds),
        ("memory", model.peak_memory, memory),
    ):
        if trend.values:
            yield f"  {what:<16}{shown(trend.middle):>10}  {sparkline(trend.values):<16} {moves(trend)}"
    yield ""
    head = ("phase", "runs", "time", "", "cpu", "memory", "", "cost")
    yield from table(
        [
            head,
            *(
                (
                    p.phase,
                    f"{p.runs:,}",
                    *_with_picture(p.seconds, _seconds),
                    _seconds(p.cpu_seconds.middle),
                    *_with_picture(p.peak_memory, memory),
                    dollars(p.cost.total),
                )
                for p in model.phases
            ),
        ]
    )
    yield ""
    machines = [
        (
            m.machine,
            f"{m.jobs:,}",
            number(m.rows_per_second),
            _seconds(m.seconds),
            _seconds(m.cpu_seconds),
            memory(m.peak_memory),
        )
        for m in model.machines
    ]
    yield from table([("machine", "jobs", "rows/s", "time", "cpu", "memory"), *machines])
    if model.audits:
        yield ""
        yield from table([("audit", "verdicts", "value", "", "limit", "drift"), *map(_audit, model.audits)])


def _audit(audit: AuditStats) -> tuple[str, ...]:
    verdicts = ", ".join(f"{count:,} {MARKS.get(status, status)}" for status, count in audit.statuses.items())
    value = audit.value
    drift = audit.drift if value.values else "figures withheld"
    if value.slope is not None and value.ends is not None and drift not in ("steady", "too few"):
        drift = f"{drift}: {number(value.slope)} a run [{number(value.ends[0])}, {number(value.ends[1])}]"
    return (audit.name, verdicts, number(value.last), sparkline(value.values), number(audit.limit), drift)


def moves(trend: Trend) -> str:
    """How a figure moves from run to run, with the interval; nothing where no direction is beyond doubt."""
    if trend.slope is None or trend.ends is None:
        return ""
    if trend.direction == "steady":
        return "steady"
    if not trend.relative:
        return f"{_MOVES[trend.direction]} {number(trend.slope)} a run"
    low, high = trend.ends
    return f"{_MOVES[trend.direction]} {trend.slope:+.1%} a run [{low:+.1%}, {high:+.1%}]"


def _with_picture(trend: Trend, shown: Any) -> tuple[str, str]:
    """The median of a figure and its picture, with an arrow where it moves."""
    arrow = _MOVES.get(trend.direction, "")
    return (shown(trend.middle), f"{sparkline(trend.values, 8)}{arrow}" if len(trend.values) > 1 else "")


def _passed(model: ModelStats) -> str:
    done = sum(model.statuses.values())
    return share(sum(model.statuses.get(s, 0) for s in ("pass", "warn")) / done) if done else NOTHING


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else seconds(value)


def _when(at: str | None) -> str:
    return NOTHING if at is None else at[:16].replace("T", " ")


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns side by side; the first is set to the left, figures to the right, pictures (no heading) to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = {i for i, name in enumerate(rows[0]) if i == 0 or name in ("", "verdicts", "drift")}
    kept = [i for i, width in enumerate(widths) if width]
    for row in rows:
        yield "  ".join(f"{row[i]:<{widths[i]}}" if i in left else f"{row[i]:>{widths[i]}}" for i in kept)
