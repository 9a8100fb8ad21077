"""``synth compile``: every fault in one report, or a manifest."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from synthkit.cli.common import compiled, log_options, project_options


@click.command("compile")
@project_options
@log_options
def command(project_dir: Path | None, target: str | None, variables: str | None, log_format: str, quiet: bool) -> None:
    """Check everything that can be checked before training, and write target/manifest.json."""
    from synthkit.privacy.guarantee import listed
    from synthkit.report.faults import render_warning
    from synthkit.report.style import wants_colour

    manifest = compiled(project_dir, target, variables, write=True)
    directory = manifest.project.target_dir
    for fault in manifest.warnings:
        click.echo(render_warning(fault, color=wants_colour(sys.stderr)), err=True)
    if quiet:
        return
    if log_format == "json":
        import json

        click.echo(json.dumps(manifest.to_json(), ensure_ascii=False, default=str))
        return
    counts = f"{len(manifest.models)} models, {len(manifest.sources)} sources, {len(manifest.exposures)} exposures"
    audits = sum(len(m.audits) for m in manifest.models.values())
    click.echo(f"{manifest.project.spec.name}: {counts}, {audits} audits")
    for model in manifest.models.values():
        if model.lineage.contains_real_rows:
            path = " ← ".join(part.partition(":")[2] for part in (model.id, *model.lineage.through))
            click.echo(f"  {model.name} contains real rows: {path}")
        for guarantee in model.guarantees:
            if guarantee.releases and not guarantee.unprotected:
                parts = "" if guarantee.releases == (model.name,) else f", from {listed(guarantee.releases)}"
                bound = f"ε = {guarantee.epsilon:.4g}, δ = {guarantee.delta:.3g}"
                click.echo(f"  {model.name} reveals at most {bound} of {guarantee.account}{parts}")
    for spec in manifest.disabled:
        click.echo(f"  {spec.name} is disabled ({spec.origin.at('enabled')})")
    click.echo(f"wrote {directory / 'manifest.json'} and {directory / 'compiled'}/")
