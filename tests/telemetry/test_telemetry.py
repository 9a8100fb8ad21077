"""Builds told over real OTLP/HTTP to a receiver on loopback, and as a file that Prometheus' own parser reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.synth import SQL_PROJECT, Project, make_project

MODELS = SQL_PROJECT["models/customers.yml"]
SENSITIVE = {"models/sources.yml": SQL_PROJECT["models/sources.yml"].rstrip() + "\n                sensitive: true\n"}


@dataclass
class Receiver:
    """What came in, decoded by OpenTelemetry's own messages; ``status`` is what it answers."""

    url: str
    status: int | None = 200  # None: it never answers
    ending: threading.Event = field(default_factory=threading.Event)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self) -> dict[str, Any]:
        return {s.name: s for r in self.traces for e in r.resource_spans for c in e.scope_spans for s in c.spans}

    def resources(self) -> list[dict[str, Any]]:
        return [_values(e.resource.attributes) for r in self.traces for e in r.resource_spans]

    def points(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        """Metric → its points: attributes and value."""
        found: dict[str, list[tuple[dict[str, Any], float]]] = {}
        for request in self.metrics:
            for resource in request.resource_metrics:
                for metric in (m for s in resource.scope_metrics for m in s.metrics):
                    data = metric.sum if metric.HasField("sum") else metric.gauge
                    for p in data.data_points:
                        value = p.as_double if p.HasField("as_double") else float(p.as_int)
                        found.setdefault(metric.name, []).append((_values(p.attributes), value))
        return found


def _values(attributes: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in attributes}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/v1/traces":
                found.traces.append(ExportTraceServiceRequest.FromString(body))
            elif self.path == "/v1/metrics":
                found.metrics.append(ExportMetricsServiceRequest.FromString(body))
            if found.status is None:
                found.ending.wait(60)
                return
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    found.ending.set()
    server.shutdown()


def shop(root: Path, telemetry: str, files: dict[str, str] | None = None) -> Project:
    text = f"name: shop\nseed: 7\nprices: {{cpu_hour: 3600}}\ntelemetry: {telemetry}\n"
    return make_project(root, {**SQL_PROJECT, **(files or {}), "synth_project.yml": text})


def test_a_build_is_a_trace_and_its_figures_are_metrics(tmp_path: Path, receiver: Receiver) -> None:
    project = shop(tmp_path / "shop", f"{{url: '{receiver.url}', headers: {{X-Token: secret}}}}")
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    text = project.ok("build", env={"TRACEPARENT": parent})
    assert "telemetry" not in text
    spans = receiver.spans()
    assert set(spans) == {"synth build", "customers", "by_tier"}
    run, model = spans["synth build"], spans["customers"]
    assert run.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert run.parent_span_id.hex() == "b7ad6b7169203331"
    assert model.parent_span_id == run.span_id
    assert run.start_time_unix_nano <= model.start_time_unix_nano < model.end_time_unix_nano <= run.end_time_unix_nano
    said = _values(model.attributes)
    assert said["synthkit.status"] == "pass"
    assert said["synthkit.published"] is True
    assert [_values(e.attributes)["synthkit.verdict"] for e in model.events] == ["pass"]
    consumed = {u["phase"]: u for u in project.results()["customers"]["consumed"]}
    assert said["synthkit.query.seconds"] == consumed["query"]["seconds"]
    assert {r["service.name"] for r in receiver.resources()} == {"synthkit"}
    assert {h["x-token"] for h in receiver.headers} == {"secret"}
    points = receiver.points()
    memory = {a["phase"]: v for a, v in points["synthkit.phase.memory.peak"] if a["model"] == "customers"}
    assert memory["query"] == consumed["query"]["peak_memory"]
    cost = {a["model"]: v for a, v in points["synthkit.model.cost"]}
    assert cost["customers"] == pytest.approx(sum(u["core_seconds"] for u in consumed.values()))
    assert ({"model": "customers", "audit": "not_null", "status": "pass"}, 1.0) in points["synthkit.audits"]
    receiver.traces.clear()
    project.ok("build")
    assert set(receiver.spans()) == {"synth build"}  # nothing was done for any model


def test_of_protected_rows_no_time_is_told(tmp_path: Path, receiver: Receiver) -> None:
    telemetry = f"{{url: '{receiver.url}', prometheus: target/metrics.prom}}"
    project = shop(tmp_path / "shop", telemetry, SENSITIVE)
    project.ok("build")
    spans = receiver.spans()
    assert spans["customers"].end_time_unix_nano - spans["customers"].start_time_unix_nano < 50_000_000
    assert not [k for k in _values(spans["customers"].attributes) if "seconds" in k]
    assert {a["model"] for a, _ in receiver.points()["synthkit.model.runs"]} == {"customers", "by_tier"}
    timed = {
        a["model"]
        for name in ("synthkit.phase.duration", "synthkit.model.cost")
        for a, _ in receiver.points().get(name, [])
    }
    assert "customers" not in timed
    text = (project.root / "target" / "metrics.prom").read_text("utf-8")
    assert 'synthkit_model_status{model="customers"' in text
    assert not [line for line in text.splitlines() if "customers" in line and "seconds" in line]


@pytest.mark.parametrize("status", [400, 503, None])
def test_a_receiver_that_takes_nothing_fails_no_build(tmp_path: Path, receiver: Receiver, status: int | None) -> None:
    receiver.status = status
    project = shop(tmp_path / "shop", f"{{url: 'http://me:secret@{receiver.url[7:]}', timeout: 1}}")
    done = project.synth("build")
    assert done.returncode == 0
    text = done.stdout + done.stderr
    assert f"did not reach {receiver.url}" in text
    assert text.count("telemetry:") == 1
    assert "secret" not in text
    assert "Traceback" not in text


def test_a_failed_model_is_an_error_and_so_is_its_run(tmp_path: Path, receiver: Receiver) -> None:
    broken = {"models/customers.yml": MODELS.replace("select *", "select cast(tier as int) as tier")}
    project = shop(tmp_path / "shop", f"{{url: '{receiver.url}'}}", broken)
    project.fails("build")
    spans = receiver.spans()
    assert spans["customers"].status.code == 2
    assert "Conversion Error" in spans["customers"].status.message
    assert spans["synth build"].status.code == 2
    assert "by_tier" not in spans or spans["by_tier"].status.code == 0


def test_the_file_for_prometheus_is_what_its_parser_reads(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", "{prometheus: target/metrics.prom}")
    project.ok("build")
    project.ok("build")  # which does nothing: what the models took is still there
    families = {
        f.name: f for f in text_string_to_metric_families((project.root / "target" / "metrics.prom").read_text("utf-8"))
    }

    def value(name: str, **labels: str) -> float:
        (one,) = (s for s in families[name].samples if labels.items() <= s.labels.items())
        assert {"project": "shop", "target": "dev"}.items() <= one.labels.items()
        return float(one.value)

    assert value("synthkit_run_failed") == 0
    assert value("synthkit_run_models", status="reused") == 2
    assert value("synthkit_model_status", model="customers", status="pass") == 1
    assert value("synthkit_model_audits", model="customers", verdict="pass") == 1
    assert value("synthkit_model_rows", model="by_tier") == 3
    assert value("synthkit_phase_peak_memory_bytes", model="customers", phase="query") > 10 * 2**20
    assert value("synthkit_model_cost_usd", model="customers") > 0
    assert all(f.type == "gauge" and f.documentation for f in families.values())


@pytest.mark.parametrize(
    ("telemetry", "message"),
    [
        ("{timeout: 3}", "telemetry: it says nowhere to go"),
        ("{url: 'localhost:4318'}", "the url must be http:// or https:// and a host"),
        ("{prometheus: ../metrics.prom}", "outside the project"),
        ("{prometheus: a.prom, every: 5}", "every"),
    ],
)
def test_what_is_wrong_is_found_before_a_build(tmp_path: Path, telemetry: str, message: str) -> None:
    text = shop(tmp_path / "shop", telemetry).fails("compile", code=2)
    assert message in text
    assert "synth_project.yml:4:" in text


def test_switched_off_it_tells_nothing(tmp_path: Path, receiver: Receiver) -> None:
    project = shop(tmp_path / "shop", f"{{url: '{receiver.url}', prometheus: target/metrics.prom, enabled: false}}")
    project.ok("build")
    assert not receiver.traces
    assert not (project.root / "target" / "metrics.prom").exists()
