"""The gate between staged rows and published tables: only a passing audit record opens it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.building.runrecord import now, versions
from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import SynthError
from synthkit.files import parsed_json
from synthkit.planning.difference import rendered_with
from synthkit.planning.disclosed import public_form, source_columns
from synthkit.planning.plan import Action
from synthkit.planning.state import state_of
from synthkit.records.audit import AuditRecord
from synthkit.records.history import RunEntry
from synthkit.records.parts import State
from synthkit.records.receipt import AuditedTable
from synthkit.records.usage import Usage
from synthkit.store.others import HELD
from synthkit.store.previous import PreviousVersions
from synthkit.store.published import pointer_path
from synthkit.store.staging import StagedRows
from synthkit.store.target import Exposed, PassingAudit, Publication, TableInfo
from synthkit.store.targets import target_of
from synthkit.store.versions.pointer import write_pointer
from synthkit.store.versions.repository import Repository
from synthkit.store.warehouse import Warehouse

if TYPE_CHECKING:
    from synthkit.audits.context import Version
    from synthkit.audits.runner import BoundAudit
    from synthkit.building.context import RunContext
    from synthkit.project.project import Project


def publish(
    context: RunContext,
    model: ModelNode,
    action: Action,
    staged: StagedRows,
    records: Sequence[AuditRecord],
    seconds: Mapping[str, float],
) -> None:
    """Publish the rows, or for an ephemeral model record that they passed.

    Raises:
        ValueError: an audit did not pass (the gate).
    """
    table = public_form(context.manifest, model, _audited(context, model, action, staged, records, seconds))
    passing = PassingAudit.of(table.audits)
    if model.spec.ephemeral:
        context.staging.record_audited(model.name, table)
        context.staging.discard_others(model.name, staged.sample)
        return
    repository = context.repository
    keep = repository.store if isinstance(repository, Repository) else None
    _versions(context).keep(model.name, staged.path)
    written = context.target.publish(model.name, staged.path, passing, table, keep, staged.hashes, context.sign)
    if keep is not None and isinstance(context.target, Warehouse):
        write_pointer(pointer_path(context.target, model.name), written)
    context.staging.discard_others(model.name, None)


@dataclass(frozen=True)
class Passed:
    """A table whose audits passed, as one of several that are published together."""

    model: ModelNode
    action: Action
    staged: StagedRows
    records: Sequence[AuditRecord]
    seconds: Mapping[str, float]


def publish_together(context: RunContext, tables: Sequence[Passed]) -> None:
    """Publish the tables of a family at one instant.

    Raises:
        ValueError: an audit of one did not pass (the gate).
        BuildError: one cannot be written; none is published then.
    """
    publications = []
    for one in tables:
        said = _audited(context, one.model, one.action, one.staged, one.records, one.seconds)
        table = public_form(context.manifest, one.model, said)
        passing, rows = PassingAudit.of(table.audits), one.staged
        publications.append(Publication(one.model.name, rows.path, passing, table, rows.hashes))
    repository = context.repository
    keep = repository.store if isinstance(repository, Repository) else None
    for one in tables:
        _versions(context).keep(one.model.name, one.staged.path)
    written = context.target.publish_all(publications, keep, context.sign)
    for name, receipt in written.items():
        if keep is not None and isinstance(context.target, Warehouse):
            write_pointer(pointer_path(context.target, name), receipt)
        context.staging.discard_others(name, None)


def previous_version(context: RunContext, model: ModelNode, staged: StagedRows) -> Version | None:
    """What the audits of these rows may know of the version published before them; an ephemeral model has none."""
    if model.spec.ephemeral:
        return None
    found = _versions(context).before(model.name, staged.path)
    return None if found is None else found.version()


def _versions(context: RunContext) -> PreviousVersions:
    return PreviousVersions(context.staging.previous, context.target)


def _audited(
    context: RunContext,
    model: ModelNode,
    action: Action,
    staged: StagedRows,
    records: Sequence[AuditRecord],
    seconds: Mapping[str, float],
) -> AuditedTable:
    spec = model.spec
    teacher = {} if staged.teacher is None else {"teacher": staged.teacher}
    origins = {} if staged.origins is None else {"column_origins": staged.origins}
    family = {} if model.family is None else {"family": context.manifest.families[model.family].recorded()}
    said = {
        "model": model.name,
        "run_id": context.run_id,
        "published_at": now(),
        "rows": staged.table.rows,
        "source_rows": staged.source_rows,
        "schema": staged.table.schema.to_json(),
        "columns": [{"name": c.name, "type": c.sql_type} for c in staged.table.schema.columns],
        "fingerprints": action.fingerprint.hashes(),
        "inputs": action.fingerprint.inputs,
        "uses": rendered_with(context.manifest, model),
        "seed": action.fingerprint.seed,
        "generator": {
            "name": model.generator.name,
            "params": model.params.model_dump(mode="json"),
            "version": model.generator.version,
        },
        "source": None if model.source is None else model.source.id,
        **family,
        **({} if model.keys is None else {"keys": model.keys}),
        "holdout": model.judges,
        "epsilon": spec.epsilon,
        "delta": model.delta,
        "privacy": staged.privacy,
        "guarantees": staged.guarantees,
        "rules": staged.rules,
        "contains_real_rows": model.lineage.contains_real_rows,
        "descends_from": sorted(model.lineage.sources),
        **teacher,
        "materialized": spec.materialized,
        "description": spec.description,
        **spec.usage.said(),
        "column_descriptions": {c.name: c.description for c in model.schema.columns if c.description},
        **origins,
        "required": [_required(b) for b in model.audits],
        "source_columns": source_columns(context.manifest, model),
        "ephemeral": _ephemeral(context, model),
        "audits": records,
        "seconds": {k: round(v, 3) for k, v in seconds.items()},
        "versions": versions(),
        "git": context.git,
        "device": context.manifest.project.device,
        "environment": staged.environment,
        **_promoted(context, model, action),
    }
    return AuditedTable.from_json(said)


def _promoted(context: RunContext, model: ModelNode, action: Action) -> dict[str, Any]:
    """What is said of rows that another target made: how they were made is as it was there."""
    if action.promotion is not None:
        made = action.promotion.table.to_json()
        return {k: made[k] for k in ("seconds", "versions", "git", "device") if k in made} | {
            "promoted": action.promotion.to_json()
        }
    state = state_of(context.target, context.staging, model) if action.kind == "audit" else None
    if state is None or state.promoted is None or state.fingerprints.sample != action.fingerprint.sample:
        return {}
    return {"promoted": state.promoted}  # they are judged again, and still come from there


def _required(bound: BoundAudit) -> dict[str, Any]:
    """What was demanded, so that a changed limit can be held against the figures that were found."""
    return {k: v for k, v in bound.to_json().items() if k != "location"}


def _ephemeral(context: RunContext, model: ModelNode) -> dict[str, State]:
    """Hashes and inputs of the ephemeral models upstream, which leave no receipt of their own."""
    found: dict[str, State] = {}
    waiting = [r.name for r in model.parents if r.source is None]
    while waiting:
        name = waiting.pop()
        node = context.manifest.models[name]
        state = state_of(context.target, context.staging, node) if node.spec.ephemeral else None
        if state is not None and name not in found:
            found[name] = State(fingerprints=state.fingerprints, inputs=state.inputs)
            waiting += [r.name for r in node.parents if r.source is None]
    return found


def check_database(manifest: Manifest, models: Iterable[str]) -> None:
    """Before anything is built: whether the tables will have a place in the DuckDB file.

    Raises:
        BuildError: somebody else's table or view there has the name of one of the models.
    """
    wanted = [n for n in models if manifest.models[n].spec.materialized in HELD]
    target_of(manifest.project).refuse_taken(wanted)


def refresh_database(manifest: Manifest) -> list[str]:
    """Derive the DuckDB file from the published tables. Returns warnings: a table is published regardless."""
    known = {n: m for n, m in manifest.models.items() if n not in manifest.unknown}
    return refresh_from_receipts(manifest.project, known, manifest)


def refresh_from_receipts(
    project: Project, models: Mapping[str, ModelNode], manifest: Manifest | None = None
) -> list[str]:
    """:func:`refresh_database`, where what is not among the ``models`` is described as its receipt has it."""
    target = target_of(project)
    infos: dict[str, TableInfo] = {}
    depending = _exposures(project)
    receipts = target.all_published()
    for name, receipt in receipts.items():
        model = models.get(name)
        if manifest is not None and name in manifest.models:
            receipts[name] = public_form(manifest, manifest.models[name], receipt)
        infos[name] = TableInfo(
            name=name,
            materialized=receipt.materialized if model is None else model.spec.materialized,
            description=receipt.description if model is None else model.spec.description,
            column_descriptions=receipt.column_descriptions
            if model is None
            else {c.name: c.description for c in model.schema.columns if c.description},
            usage=receipt.usage if model is None else Usage.from_json(model.spec.usage.recorded()),
            exposures=depending.get(name, ()),
        )
    try:
        target.refresh(infos, _history(project), receipts)
    except SynthError as error:
        fix = f"; {error.hint}" if error.hint else ""
        return [f"what is derived of the published tables was not refreshed: {error.message}{fix}"]
    return []


def _exposures(project: Project) -> dict[str, tuple[Exposed, ...]]:
    """Table → who depends on it."""
    found: dict[str, tuple[Exposed, ...]] = {}
    for e in project.exposures:
        said = Exposed(e.name, e.type, e.owner.name, e.owner.email, e.url, e.description)
        for relation in dict.fromkeys(r for r in e.depends_on if r.source is None):
            found[relation.name] = (*found.get(relation.name, ()), said)
    return found


def _history(project: Project) -> list[RunEntry]:
    path = project.target_dir / "runs.jsonl"
    runs: list[RunEntry] = []
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                runs.append(RunEntry.from_json(parsed_json(line)))
            except ValueError:
                continue  # the last line of a killed run
    return runs
