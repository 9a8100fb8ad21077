"""Records of builds that never were, whose sums are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.synth import Project, make_project

START = datetime(2026, 1, 1, tzinfo=UTC)
TWO_MODELS = {
    "synth_project.yml": "name: shop\nseed: 7\nprices: {cpu_hour: 0.36, gib_hour: 0.036}\n",
    "models/all.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - {name: customers, path: data/customers.csv, primary_key: customer_id}
        models:
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            generator: circuit
            size: 1000
            audits: []
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('fake') }} group by tier"}
            audits: []
    """,
}


def phase(phase: str, seconds: float, machine: str = "m1", **more: Any) -> dict[str, Any]:
    """A phase that used one core all the time, and 2 GiB."""
    figures = {"jobs": 1, "rows": 0, "seconds": seconds, "cpu_seconds": seconds, "peak_memory": 2 * 2**30}
    paid_for = {"core_seconds": seconds, "memory_seconds": 2 * seconds, "gpu_seconds": 0, "waited": 0}
    return {"phase": phase, "machine": machine, **figures, **paid_for, **more}


def run(number: int, model: str, consumed: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """A model in the run of that number; runs are an hour apart."""
    at = (START + timedelta(hours=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts = {"action": "train", "status": "pass", "rows": 1000, "published": True, "generator": "circuit"}
    said = {"run_id": f"run-{number:04d}", "at": at, "target": "dev", "command": "build", "model": model}
    return {**said, **facts, "queued": 0.0, "paid": "0", "threads": 2, "consumed": list(consumed), **more}


def reused(number: int, *models: str) -> dict[str, Any]:
    at = (START + timedelta(hours=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"run_id": f"run-{number:04d}", "at": at, "target": "dev", "command": "build", "reused": models}


def judged(number: int, model: str, value: float | None, status: str = "pass", **more: Any) -> dict[str, Any]:
    """A line of ``history.jsonl``: what the audit ``ks`` found."""
    audit = {"name": "ks", "column": "age", "value": value, "limit": 0.1, "better": "lower", "status": status}
    said = {"run_id": f"run-{number:04d}", "ended_at": "2026-01-01T00:00:00.000Z", "model": model, "action": "train"}
    return {**said, "status": status, "published": True, "rows": 1000, "audits": [audit], **more}


def plant(root: Path, used: Sequence[Mapping[str, Any]], audits: Sequence[Mapping[str, Any]] = ()) -> Project:
    """A project with such a record."""
    project = make_project(root, TWO_MODELS)
    project.write(
        {
            "target/consumption.jsonl": "".join(json.dumps(line) + "\n" for line in used),
            "target/history.jsonl": "".join(json.dumps(line) + "\n" for line in audits),
        }
    )
    return project


def stats(project: Project, *arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.ok("stats", *arguments, "--format", "json", env=env))
    return found


def model_of(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    (one,) = (m for m in found["models"] if m["model"] == name)
    return dict(one)
