"""``synth ls``: what a project holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthkit.cli.common import compiled, project_options, selection_options


@click.command("ls")
@project_options
@selection_options
@click.option("--resource-type", type=click.Choice(["model", "source", "exposure", "all"]), default="all")
@click.option("--output", type=click.Choice(["name", "path", "json"]), default="name", help="One a line.")
def command(
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    state: Path | None,
    resource_type: str,
    output: str,
) -> None:
    """List models, sources and exposures."""
    from synthkit.api.pages import ls

    manifest = compiled(project_dir, target, variables, reads="either")
    found = ls(manifest, select=select, exclude=exclude, state=state)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    for node in found.nodes:
        if resource_type not in ("all", node.kind):
            continue
        if output == "path":
            click.echo(node.path)
        elif output == "json":
            row: dict[str, object] = {"type": node.kind, "name": node.name, "path": node.path, "tags": list(node.tags)}
            if node.kind == "model":
                row |= {"generator": node.generator, "materialized": node.materialized}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(node.name if node.kind == "model" else f"{node.kind}:{node.name}")
