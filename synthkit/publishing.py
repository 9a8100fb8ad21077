"""The gate between staged rows and published tables: only a passing audit record opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import SynthError
from synthkit.plan import Action
from synthkit.runrecord import now, versions
from synthkit.store.database import TableInfo, rebuild
from synthkit.store.staging import StagedRows, Staging
from synthkit.store.warehouse import PassingAudit, Warehouse

if TYPE_CHECKING:
    from synthkit.modelrun import RunContext


def state_of(warehouse: Warehouse, staging: Staging, model: ModelNode) -> Mapping[str, Any] | None:
    """The last audited state of a model: its receipt, or an ephemeral model's staged record."""
    if model.spec.materialized == "ephemeral":
        return staging.audited(model.name)
    return warehouse.published(model.name)


def publish(
    context: RunContext,
    model: ModelNode,
    action: Action,
    staged: StagedRows,
    records: Sequence[Mapping[str, Any]],
    seconds: Mapping[str, float],
) -> None:
    """Publish the rows, or for an ephemeral model record that they passed.

    Raises:
        ValueError: an audit did not pass (the gate).
    """
    passing = PassingAudit.of(records)
    receipt = _receipt(context, model, action, staged, records, seconds)
    if model.spec.materialized == "ephemeral":
        context.staging.record_audited(model.name, receipt)
        context.staging.discard_others(model.name, staged.sample)
        return
    context.warehouse.publish(model.name, staged.path, passing, receipt)
    context.staging.discard_others(model.name, None)


def _receipt(
    context: RunContext,
    model: ModelNode,
    action: Action,
    staged: StagedRows,
    records: Sequence[Mapping[str, Any]],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    spec = model.spec
    return {
        "model": model.name,
        "run_id": context.run_id,
        "published_at": now(),
        "rows": staged.table.rows,
        "source_rows": staged.source_rows,
        "schema": staged.table.schema.to_json(),
        "columns": [{"name": c.name, "type": c.sql_type} for c in staged.table.schema.columns],
        "fingerprints": action.fingerprint.hashes(),
        "inputs": dict(action.fingerprint.inputs),
        "seed": action.fingerprint.inputs["train"]["seed"],
        "generator": {
            "name": model.generator.name,
            "params": model.params.model_dump(mode="json"),
            "version": model.generator.version,
        },
        "source": None if model.source is None else model.source.id,
        "epsilon": spec.epsilon,
        "delta": spec.delta,
        "contains_real_rows": model.lineage.contains_real_rows,
        "descends_from": sorted(model.lineage.sources),
        "materialized": spec.materialized,
        "description": spec.description,
        "column_descriptions": {c.name: c.description for c in model.schema.columns if c.description},
        "audits": [dict(r) for r in records],
        "seconds": {k: round(v, 3) for k, v in seconds.items()},
        "versions": versions(),
    }


def refresh_database(manifest: Manifest) -> list[str]:
    """Derive the DuckDB file from the published tables. Returns warnings: a table is published regardless."""
    project = manifest.project
    warehouse = Warehouse(project.warehouse_dir, project.database_path)
    infos: dict[str, TableInfo] = {}
    for name, receipt in warehouse.all_published().items():
        model = manifest.models.get(name)
        infos[name] = TableInfo(
            name=name,
            materialized=receipt["materialized"] if model is None else model.spec.materialized,
            description=receipt.get("description") if model is None else model.spec.description,
            column_descriptions=receipt.get("column_descriptions", {})
            if model is None
            else {c.name: c.description for c in model.schema.columns if c.description},
        )
    try:
        rebuild(warehouse, infos, _history(manifest))
    except SynthError as error:
        return [f"the DuckDB file was not refreshed: {error.message}"]
    return []


def _history(manifest: Manifest) -> list[dict[str, Any]]:
    path = manifest.project.target_dir / "runs.jsonl"
    runs: list[dict[str, Any]] = []
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                runs.append(json.loads(line))
            except ValueError:
                continue  # the last line of a killed run
    return runs
