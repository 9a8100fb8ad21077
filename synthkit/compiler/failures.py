"""Which audits may keep failing rows: those whose failing rows are synthetic, and tell of no private ones."""

from __future__ import annotations

from synthkit.audits import registry
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.errors import SynthError
from synthkit.project.types import AuditSpec, Relation


def refusal(draft: Draft, model: ModelDraft, spec: AuditSpec) -> str | None:
    """Why the failing rows of an audit cannot be kept, or None."""
    name = model.spec.name
    if model.lineage.contains_real_rows:
        way = " through ".join(("", *(node.partition(":")[2] for node in reversed(model.lineage.through))))
        return f"{name!r} holds real rows{way.replace(' through ', ' of ', 1)}, and synthetic rows alone are kept"
    if spec.audit not in registry.names():
        return _of_custom(draft, model, spec)
    audit = registry.get(spec.audit)
    if not audit.rows:
        return f"{spec.audit!r} judges no single rows, so there are none to keep"
    named = [v for v in spec.params.values() if isinstance(v, Relation)]
    if model.spec.epsilon is not None and (audit.needs or any(_real(draft, r) for r in named)):
        return f"which rows fail {spec.audit!r} tells of the real rows, and {name!r} has epsilon"
    return None


def _of_custom(draft: Draft, model: ModelDraft, spec: AuditSpec) -> str | None:
    file = draft.project.sql_audits.get(spec.audit)
    if file is None:
        return None
    this = Relation(model.spec.name)
    try:
        rendered = draft.project.renderer.sql(file.text, this=this.sql, extra=dict(spec.params), package=file.package)
    except SynthError:
        return None  # it is a fault already
    real = sorted(str(r) for r in rendered.relations if r != this and _real(draft, r))
    return f"{spec.audit!r} reads {real[0]}, which holds real rows" if real else None


def _real(draft: Draft, relation: Relation) -> bool:
    if relation.source is not None:
        return True
    model = draft.models.get(relation.name)
    return model is not None and model.lineage.contains_real_rows
