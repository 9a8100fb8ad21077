"""A file in Prometheus' text format: what is known last of each model, for node_exporter's textfile collector.

It holds what may be published. Of a table whose figures are withheld there are its verdicts and its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from synthkit.compiler import Manifest
from synthkit.files import write_text_atomic
from synthkit.planning.disclosed import tells_time
from synthkit.records.consumption import ConsumptionEntry
from synthkit.results import RunResults
from synthkit.stats.kept import Kept, read
from synthkit.stats.money import cost_of_entry
from synthkit.stats.summary import rows_per_second

STATUSES = ("pass", "warn", "fail", "error", "skipped")
VERDICTS = ("pass", "warn", "fail", "error", "inconclusive", "skipped")


def write(manifest: Manifest, run: RunResults, path: Path) -> None:
    """Replace the file at once: whoever reads it meanwhile finds the earlier one, or this one."""
    write_text_atomic(path, text_of(manifest, run, read(manifest.project.target_dir)))


def text_of(manifest: Manifest, run: RunResults, kept: Kept) -> str:
    """What ``run`` found, and what earlier ones recorded of models that it did nothing for."""
    told = _Metrics({"project": manifest.project.spec.name, "target": run.target})
    began, ended = _stamp(run.started_at), _stamp(run.ended_at)
    told.set("run_timestamp_seconds", "When the last run ended", ended)
    told.set("run_duration_seconds", "How long the last run took", ended - began)
    told.set("run_failed", "1 where a model of the last run failed, or it was interrupted", int(run.failed))
    for status in (*STATUSES, "reused"):
        told.set(
            "run_models", "Models of the last run by what they came to", run.counts().get(status, 0), status=status
        )
    _of_models(manifest, kept, run.target, told)
    return generate_latest(told.registry).decode("utf-8")


class _Metrics:
    """Gauges with the labels that all of them have."""

    def __init__(self, common: Mapping[str, str]) -> None:
        self._common, self.registry = dict(common), CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, what: str, value: float, **labels: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"synthkit_{name}", what, [*self._common, *labels], registry=self.registry)
        self._gauges[name].labels(**self._common, **labels).set(value)


def _of_models(manifest: Manifest, kept: Kept, target: str, told: _Metrics) -> None:
    last = {e.model: e for e in kept.used if e.target == target and e.model in manifest.models}
    for name, entry in last.items():
        for status in STATUSES:
            told.set(
                "model_status",
                "1 for what the last run came to",
                int(entry.status == status),
                model=name,
                status=status,
            )
        if entry.rows is not None:
            told.set("model_rows", "Rows of the table", entry.rows, model=name)
        if tells_time(manifest, manifest.models[name]):
            _figures(manifest, entry, told)
    judged = {e.model: e for e in kept.judged if e.model in last}
    for name, found in judged.items():
        counts = Counter[str](a.status for a in found.audits)
        for verdict in VERDICTS:
            told.set("model_audits", "Audits by their last verdicts", counts[verdict], model=name, verdict=verdict)


def _figures(manifest: Manifest, entry: ConsumptionEntry, told: _Metrics) -> None:
    name = entry.model
    told.set("model_timestamp_seconds", "When the last run was done", _stamp(entry.at), model=name)
    told.set("model_queued_seconds", "Ready and not begun", entry.queued or 0.0, model=name)
    for used in entry.consumed:
        where = {"model": name, "phase": used.phase, "machine": used.machine}
        told.set("phase_seconds", "Seconds of jobs", used.seconds, **where)
        if used.cpu_seconds is not None:
            told.set("phase_cpu_seconds", "CPU seconds of jobs", used.cpu_seconds, **where)
        if used.peak_memory is not None:
            told.set("phase_peak_memory_bytes", "The most that a process held", used.peak_memory, **where)
    rate, cost = rows_per_second(entry.consumed), cost_of_entry(entry, manifest.project.prices).total
    if rate is not None:
        told.set("model_rows_per_second", "Rows a second of drawing", rate, model=name)
    if cost is not None:
        told.set("model_cost_usd", "At declared prices, and paid to teachers", cost, model=name)


def _stamp(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
