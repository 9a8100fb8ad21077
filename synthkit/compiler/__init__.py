"""From specs to a manifest: an ordered list of passes, each adding to one draft and to one list of faults.

Nothing here reads rows: the compiler looks at names, types and the rendered SQL, so that whatever can be
found before training is found before training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from synthkit.compiler.audits import bind_audits
from synthkit.compiler.checks import check_columns, check_conditions, check_epsilon, check_exposures, check_pii
from synthkit.compiler.constraints import bind_constraints
from synthkit.compiler.draft import Draft
from synthkit.compiler.generators import bind_generators
from synthkit.compiler.graph import build_graph, order_models, resolve_relations, trace_lineage
from synthkit.compiler.manifest import Lineage, Manifest, ModelNode, Size, SourceNode
from synthkit.compiler.schemas import derive_schemas, describe_sources
from synthkit.errors import ConfigurationError

if TYPE_CHECKING:
    from synthkit.project import Project

__all__ = ["Lineage", "Manifest", "ModelNode", "Size", "SourceNode", "compile_project"]

PASSES: tuple[Callable[[Draft], None], ...] = (
    bind_generators,
    check_epsilon,
    resolve_relations,
    order_models,
    describe_sources,
    derive_schemas,
    check_columns,
    check_pii,
    check_conditions,
    bind_constraints,
    bind_audits,
    check_exposures,
    build_graph,
    trace_lineage,
)


def compile_project(project: Project) -> Manifest:
    """Compile a loaded project.

    Raises:
        ConfigurationError: with every fault of the project, those of loading it included.
    """
    draft = Draft(project)
    draft.faults.extend(project.faults)
    for run in PASSES:
        run(draft)
    if draft.faults:
        raise ConfigurationError(draft.faults)
    return draft.manifest()
