"""Dagster: each model of a project is an asset, each of its audits a check of that asset.

``SYNTH_PROJECT=/srv/shop dagster dev -f dagster_shop.py``. One call of the library builds whatever is selected, so a
retry goes on where the last build ended.
"""

import os
import re
from collections.abc import Iterator

import dagster

import synthkit
from synthkit.privacy.disclosure import public_result

PROJECT = os.environ.get("SYNTH_PROJECT", ".")
MANIFEST = synthkit.compile(PROJECT)


def check_name(audit: str) -> str:
    """As Dagster takes it: letters, digits and underscores."""
    return re.sub(r"\W", "_", audit)


@dagster.multi_asset(
    specs=[
        dagster.AssetSpec(
            name,
            deps=[p.name for p in model.parents if p.source is None],
            description=model.spec.description,
            group_name=re.sub(r"\W", "_", MANIFEST.project.spec.name),
        )
        for name, model in MANIFEST.models.items()
    ],
    check_specs=[
        dagster.AssetCheckSpec(audit, asset=name)
        for name, model in MANIFEST.models.items()
        for audit in sorted({check_name(a.name) for a in model.audits})
    ],
    can_subset=True,
)
def tables(
    context: dagster.AssetExecutionContext,
) -> Iterator[dagster.MaterializeResult | dagster.AssetCheckResult]:
    """Build what is selected. A table that did not change is materialized without being made again.

    Dagster shows what it is told to all who may see its pages: of protected tables what may be published.
    """
    chosen = sorted(key.to_user_string() for key in context.op_execution_context.selected_asset_keys)
    run = synthkit.build(PROJECT, select=chosen)
    results = [public_result(r) for r in run.results]
    for result in (r for r in results if r.model in chosen):
        if not result.failed and result.status != "skipped":
            yield dagster.MaterializeResult(
                asset_key=result.model, metadata={"rows": result.rows or 0, "status": result.status}
            )
        for name in sorted({check_name(a.name) for a in result.audits}):
            found = [a for a in result.audits if check_name(a.name) == name]
            yield dagster.AssetCheckResult(
                asset_key=result.model,
                check_name=name,
                passed=all(a.passes for a in found),
                severity=dagster.AssetCheckSeverity.WARN
                if all(a.severity == "warn" for a in found)
                else dagster.AssetCheckSeverity.ERROR,
                metadata={f"{a.column or a.name} {a.status}": a.message or a.threshold or "" for a in found},
            )
    if run.failed:
        raise dagster.Failure("; ".join(f"{r.model}: {r.message}" for r in results if r.failed))


definitions = dagster.Definitions(assets=[tables])
