"""From specs to a manifest: an ordered list of passes, each adding to one draft and to one list of faults.

A project comes in; a frozen :class:`.manifest.Manifest` goes out, in which each node knows its guarantee and who may
see what of it: all that can be found before training, without reading a row. Imports nothing of ``store`` or what
follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from synthkit.compiler.across import bind_across
from synthkit.compiler.addresses import check_addresses
from synthkit.compiler.asked import check_asked
from synthkit.compiler.audits import bind_audits
from synthkit.compiler.budgets import bind_accounts, bind_budgets
from synthkit.compiler.checks import (
    check_columns,
    check_conditions,
    check_epsilon,
    check_exposures,
    check_formats,
    check_pii,
)
from synthkit.compiler.constraints import bind_constraints
from synthkit.compiler.descent import trace_descent
from synthkit.compiler.disclosure import decide_disclosure
from synthkit.compiler.draft import Draft
from synthkit.compiler.external import check_external
from synthkit.compiler.families import check_families, deduplicated, expand_families
from synthkit.compiler.foreignkeys import check_foreign_keys, check_private_owners, check_sequences
from synthkit.compiler.freshness import check_freshness
from synthkit.compiler.generators import bind_generators
from synthkit.compiler.graph import build_graph, order_models, resolve_relations
from synthkit.compiler.guarantees import trace_guarantees
from synthkit.compiler.holdouts import bind_derived_holdouts
from synthkit.compiler.keys import check_keys
from synthkit.compiler.lakes import check_lakes
from synthkit.compiler.lineage import check_lineage
from synthkit.compiler.manifest import FamilyNode, Lineage, Manifest, ModelNode, SourceNode
from synthkit.compiler.origins import check_former_names, check_row_by_row, check_same_rows
from synthkit.compiler.partitions import check_partitions
from synthkit.compiler.private import check_private
from synthkit.compiler.privatefamilies import bind_shapes, check_private_families
from synthkit.compiler.rules import bind_rules
from synthkit.compiler.running import check_runner
from synthkit.compiler.schemas import derive_schemas, describe_sources
from synthkit.compiler.servers import check_servers
from synthkit.compiler.telemetry import check_telemetry
from synthkit.compiler.unittests import bind_unit_tests
from synthkit.errors import ConfigurationError
from synthkit.extras import AbsentError
from synthkit.memory import uncollected
from synthkit.project.size import Size

if TYPE_CHECKING:
    from synthkit.project.project import Project

__all__ = ["FamilyNode", "Lineage", "Manifest", "ModelNode", "Size", "SourceNode", "compile_project"]

PASSES: tuple[Callable[[Draft], None], ...] = (
    expand_families,
    bind_generators,
    check_families,
    check_epsilon,
    resolve_relations,
    order_models,
    describe_sources,
    check_foreign_keys,
    check_sequences,
    check_private_owners,
    derive_schemas,
    bind_derived_holdouts,
    check_private,
    check_row_by_row,
    check_former_names,
    bind_accounts,
    check_same_rows,
    bind_budgets,
    check_private_families,
    check_columns,
    check_formats,
    check_pii,
    check_conditions,
    check_keys,
    check_partitions,
    bind_constraints,
    bind_rules,
    bind_across,
    check_asked,
    bind_shapes,
    trace_descent,
    bind_audits,
    bind_unit_tests,
    check_exposures,
    build_graph,
    check_freshness,
    trace_guarantees,
    decide_disclosure,
    check_external,
    check_lineage,
    check_telemetry,
    check_runner,
    check_addresses,
    check_servers,
    check_lakes,
)


@uncollected()
def compile_project(
    project: Project, recorded: Mapping[str, Mapping[str, str]] | None = None, *, opens: bool = False
) -> Manifest:
    """Compile a loaded project.

    Args:
        recorded: the sources' columns, as receipts have them: then no source is opened (see :class:`Draft`),
        opens: or, with this, they stand in for those that cannot be opened.

    Raises:
        ConfigurationError: with every fault of the project, those of loading it included.
    """
    draft = Draft(project, recorded, opens)
    draft.faults.extend(project.faults)
    for run in PASSES:
        try:
            run(draft)
        except AbsentError as error:
            # Without a place of its own it is the accountant's: what several releases come to together.
            spent = [m.spec.origin.at("epsilon") for m in draft.models.values() if m.spec.epsilon is not None]
            draft.fault(error.message, error.where or next(iter(spent), None), hint=error.hint)
            break
    if draft.faults:
        raise ConfigurationError(deduplicated(draft.faults))
    return draft.manifest()
