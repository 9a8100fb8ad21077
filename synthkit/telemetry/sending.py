"""The way of spans and metrics to a receiver over OTLP/HTTP, by the official SDK; what is lost is counted, and said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from synthkit import __version__
from synthkit.project.projectfile import TelemetrySpec

NEVER = float("inf")  # metrics are sent when the build ends


class Sender:
    """Providers of spans and metrics for one run.

    Args:
        resource: attributes of all of them, besides the service's name and version.
    """

    def __init__(self, spec: TelemetrySpec, resource: dict[str, str]) -> None:
        assert spec.url is not None
        _quiet()
        self._timeout, self.where = spec.timeout, _where(spec.url)
        base = spec.url.strip().rstrip("/")
        headers = {name: value.get_secret_value() for name, value in spec.headers.items()}
        given: dict[str, Any] = {"headers": headers or None, "timeout": spec.timeout}
        self._spans = _Spans(endpoint=f"{base}/v1/traces", **given)
        self._metrics = _Metrics(endpoint=f"{base}/v1/metrics", **given)
        about = Resource.create({"service.name": "synthkit", "service.version": __version__, **resource})
        self._tracers = TracerProvider(resource=about, shutdown_on_exit=False)
        self._tracers.add_span_processor(BatchSpanProcessor(self._spans, export_timeout_millis=1000 * spec.timeout))
        reader = PeriodicExportingMetricReader(self._metrics, NEVER, 1000 * spec.timeout)
        self._meters = MeterProvider([reader], resource=about, shutdown_on_exit=False)
        self.tracer = self._tracers.get_tracer("synthkit", __version__)
        self.meter = self._meters.get_meter("synthkit", __version__)

    def close(self) -> str | None:
        """Send what is still to be sent, within a limit of time; the warning, where any was lost."""
        limit = int(1000 * self._timeout)
        flushed = self._tracers.force_flush(limit)
        self._meters.force_flush(limit)
        self._meters.shutdown(timeout_millis=limit)
        self._tracers.shutdown()
        parts = []
        if self._spans.lost or not flushed:
            parts.append(f"{self._spans.lost or 'some'} spans")
        if self._metrics.lost:
            parts.append("the metrics")
        if not parts:
            return None
        return f"telemetry: {' and '.join(parts)} did not reach {self.where} within {self._timeout:g} s"


class _Spans(OTLPSpanExporter):
    lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        return result


class _Metrics(OTLPMetricExporter):
    lost = False

    def export(self, *given: Any, **more: Any) -> MetricExportResult:
        result = super().export(*given, **more)
        self.lost |= result is not MetricExportResult.SUCCESS
        return result


def _quiet() -> None:
    """Without a handler Python prints the SDK's complaints; what goes wrong is said once, at the end."""
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def _where(url: str) -> str:
    """Where they go, for a message: without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{'' if parts.port is None else f':{parts.port}'}{parts.path.rstrip('/')}"
