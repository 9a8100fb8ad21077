"""A build as spans, one for the run and one below it for each model, and as metrics of what they took.

Of a table whose figures are withheld (:mod:`synthkit.privacy.disclosure`) there is a span without a length, told when
the run ends, and no metric of time, memory or money: how long it took tells how many protected rows there are.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from decimal import Decimal

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from synthkit.compiler import Manifest
from synthkit.events import Event, ModelFinished, ModelStarted
from synthkit.planning.disclosed import tells_time
from synthkit.privacy.disclosure import public_result
from synthkit.project.projectfile import TelemetrySpec
from synthkit.results import ModelResult, RunResults
from synthkit.stats.money import cost_of
from synthkit.stats.summary import rows_per_second
from synthkit.telemetry.sending import Sender

_CONTEXT = ("traceparent", "tracestate")  # W3C Trace Context, as CI systems hand it on in the environment


class Tracing:
    """The spans and metrics of one run. A trace that the environment names (``TRACEPARENT``) is gone on with."""

    def __init__(self, manifest: Manifest, spec: TelemetrySpec, run_id: str, command: str) -> None:
        project = manifest.project
        self._manifest, self._target, self._prices = manifest, project.target_name, project.prices
        self._sender = Sender(spec, {"synthkit.project": project.spec.name, "synthkit.target": self._target})
        carrier = {name: os.environ[name.upper()] for name in _CONTEXT if name.upper() in os.environ}
        attributes = {"synthkit.run_id": run_id, "synthkit.command": command, "synthkit.target": self._target}
        self._run = self._sender.tracer.start_span(
            f"synth {command}",
            TraceContextTextMapPropagator().extract(carrier),
            SpanKind.INTERNAL,
            attributes,
        )
        self._below = set_span_in_context(self._run)
        self._running: dict[str, Span] = {}
        self._withheld: list[ModelResult] = []
        meter = self._sender.meter
        self._runs = meter.create_counter("synthkit.model.runs", "{run}", "Models that a build did something for")
        self._rows = meter.create_counter("synthkit.model.rows", "{row}", "Rows that were made")
        self._rate = meter.create_gauge("synthkit.model.rows_per_second", "{row}/s", "Rows a second of drawing")
        self._seconds = meter.create_counter("synthkit.phase.duration", "s", "Seconds of jobs")
        self._cpu = meter.create_counter("synthkit.phase.cpu_time", "s", "CPU seconds of jobs")
        self._memory = meter.create_gauge("synthkit.phase.memory.peak", "By", "The most that a process held")
        self._waited = meter.create_counter("synthkit.model.waited", "s", "Seconds of waiting for a turn or a machine")
        self._cost = meter.create_counter("synthkit.model.cost", "{USD}", "At declared prices, and paid to teachers")
        self._audits = meter.create_counter("synthkit.audits", "{audit}", "Audits by their verdicts")
        self._length = meter.create_gauge("synthkit.run.duration", "s", "From the start of a run to its end")

    def listen(self, event: Event) -> None:
        if isinstance(event, ModelStarted):
            if self._tells_time(event.model):
                self._running[event.model] = self._span(event.model, {"synthkit.action": event.action})
        elif isinstance(event, ModelFinished):
            self._finished(public_result(event.result))

    def ended(self, run: RunResults) -> None:
        for result in self._withheld:
            span = self._span(result.model, {"synthkit.action": result.action})
            self._end(span, result)
        counts = {f"synthkit.models.{status}": count for status, count in run.counts().items()}
        self._run.set_attributes({"synthkit.status": run.status, **counts})
        if run.failed:
            self._run.set_status(Status(StatusCode.ERROR, run.status))
        took = datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)
        self._length.set(took.total_seconds(), {"status": run.status, "command": run.command})

    def broke(self, error: BaseException) -> None:
        """The build ended by an error: of what kind, for its words may quote a row."""
        self._run.set_status(Status(StatusCode.ERROR, type(error).__name__))

    def close(self) -> str | None:
        """Send the rest; the warning, where something was lost."""
        for span in self._running.values():  # of models that an error left half done
            span.set_status(Status(StatusCode.ERROR, "unfinished"))
            span.end()
        self._run.end()
        return self._sender.close()

    def _tells_time(self, model: str) -> bool:
        return tells_time(self._manifest, self._manifest.models[model])

    # -- models ------------------------------------------------------------------------------------

    def _span(self, model: str, attributes: dict[str, str]) -> Span:
        return self._sender.tracer.start_span(
            model, self._below, SpanKind.INTERNAL, {"synthkit.model": model, **attributes}, start_time=time.time_ns()
        )

    def _finished(self, result: ModelResult) -> None:
        span = self._running.pop(result.model, None)
        if result.status != "reused":
            self._measure(result)
            if span is not None:
                self._end(span, result)
            elif not self._tells_time(result.model) or result.failed:
                self._withheld.append(result)

    def _measure(self, result: ModelResult) -> None:
        model = {"model": result.model, "action": result.action}
        self._runs.add(1, {**model, "status": result.status})
        for audit in result.audits:
            self._audits.add(1, {"model": result.model, "audit": audit.name, "status": audit.status})
        if not self._tells_time(result.model):
            return
        for used in result.consumed:
            where = {"model": result.model, "phase": used.phase, "machine": used.machine}
            self._seconds.add(used.seconds, where)
            if used.cpu_seconds is not None:
                self._cpu.add(used.cpu_seconds, where)
            if used.peak_memory is not None:
                self._memory.set(used.peak_memory, where)
        self._rows.add(sum(u.rows for u in result.consumed), {"model": result.model})
        self._waited.add((result.queued or 0.0) + sum(u.waited for u in result.consumed), {"model": result.model})
        rate, cost = (
            rows_per_second(result.consumed),
            cost_of(result.consumed, self._prices, Decimal(result.paid)).total,
        )
        if rate is not None:
            self._rate.set(rate, {"model": result.model})
        if cost is not None:
            self._cost.add(cost, {"model": result.model})

    def _end(self, span: Span, result: ModelResult) -> None:
        span.set_attributes({"synthkit.status": result.status, "synthkit.published": result.published})
        if result.rows is not None:
            span.set_attribute("synthkit.rows", result.rows)
        for used in result.consumed if self._tells_time(result.model) else ():
            name = f"synthkit.{used.phase}"
            span.set_attribute(f"{name}.machine", used.machine)
            span.set_attribute(f"{name}.seconds", used.seconds)
        for audit in result.audits:
            span.add_event("audit", {"synthkit.audit": audit.name, "synthkit.verdict": audit.status})
        if result.failed:
            span.set_status(Status(StatusCode.ERROR, result.message))
        span.end()
