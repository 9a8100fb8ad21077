"""What of a table's record may be published, under today's declarations: its table may have been made before those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from synthkit.audits import registry
from synthkit.compiler import Manifest, ModelNode
from synthkit.privacy.disclosure import picturable, public_receipt
from synthkit.privacy.knowledge import declared_schema
from synthkit.project.types import Relation
from synthkit.records.receipt import AuditedTable

T = TypeVar("T", bound=AuditedTable)


def public_form(manifest: Manifest, model: ModelNode, table: T) -> T:
    """A receipt as it may be published under today's declarations: its table may have been made before those."""
    return public_receipt(table, withheld_audits(manifest, model), model.disclosure)


def withheld_audits(manifest: Manifest, model: ModelNode) -> frozenset[str]:
    """Names of the audits whose figures, or words, are not for everybody: those of real rows that are protected.

    A figure of real rows beside a table is outside every guarantee: the table's own, that of the private tables which
    SQL reads, and that of another table of the same people. Of a table that holds real rows, every figure is one.
    """
    if model.disclosure == "open":
        return frozenset()
    if model.lineage.contains_real_rows:
        return frozenset(b.name for b in model.audits)
    return reading_real_rows(manifest, model)


def reading_real_rows(manifest: Manifest, model: ModelNode) -> frozenset[str]:
    """Names of the model's audits whose figures come from real rows, or may.

    A custom audit, or one that names another table, counts as such where a source, or a table that holds real rows, is
    among the tables that the model's audits read.
    """
    compared = model.source is None or _holds_real_rows(manifest, model.source)
    real = any(_holds_real_rows(manifest, r) for r in model.audit_relations)
    found = set()
    for bound in model.audits:
        needs = bool(registry.get(bound.audit).needs) if bound.audit is not None else False
        names_tables = bound.audit is None or names_relation(bound.params)
        if (needs and compared) or (real and names_tables):
            found.add(bound.name)
    return frozenset(found)


def tells_time(manifest: Manifest, model: ModelNode) -> bool:
    """Whether anybody may know what making a table took. A family is made at once, so all of it must be open."""
    family = manifest.families.get(model.family or "")
    beside = () if family is None else family.members.values()
    return all(manifest.models[name].disclosure == "open" for name in (model.name, *beside))


def places_of(model: ModelNode) -> tuple[str, ...]:
    """Where the model, and each of its audits, is written, as ``line:column`` in its file; "" for elsewhere."""
    file = str(model.spec.origin.file)
    where = [str(model.spec.origin.at("name")), *(b.location or "" for b in model.audits)]
    return tuple(w.removeprefix(f"{file}:") if w.startswith(f"{file}:") else "" for w in where)


def _holds_real_rows(manifest: Manifest, relation: Relation) -> bool:
    return relation.source is not None or manifest.models[relation.name].lineage.contains_real_rows


Pictures = Literal["all", "synthetic", "none"]


def pictures_of(manifest: Manifest, model: ModelNode) -> Pictures:
    """What a report may picture of a table: both sides, its own rows alone, or none, where its own are real ones."""
    if picturable(model.disclosure, manifest.project.spec.reports.show_real):
        return "all"
    return "none" if model.lineage.contains_real_rows else "synthetic"


def names_relation(params: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in params.values())


def source_columns(manifest: Manifest, model: ModelNode) -> dict[str, dict[str, str]]:
    """Names and types of the real tables that the model or its audits read: `verify` has no others to look at.

    Those that ephemeral models upstream read are among them, as these have no receipt. Of a private model's source, as
    they are declared: a type that was read off the rows would tell of them.
    """
    found = {}
    for relation in _with_ephemeral(manifest, model):
        if relation.source is not None:
            schema = manifest.sources[relation.id].schema
            if model.protected:
                own = model.declared if relation == model.source else None
                schema = own or declared_schema(schema, sniffed=True)
            found[relation.id] = {c.name: c.sql_type for c in schema.columns}
    return found


def _with_ephemeral(manifest: Manifest, model: ModelNode) -> Iterator[Relation]:
    """What the model reads, and what the ephemeral models among that read, and so on."""
    waiting, seen = list(model.parents), set[Relation]()
    while waiting:
        relation = waiting.pop(0)
        if relation in seen:
            continue
        seen.add(relation)
        yield relation
        if relation.source is None and manifest.models[relation.name].spec.ephemeral:
            waiting += manifest.models[relation.name].parents
