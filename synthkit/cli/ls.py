"""``synth ls``: what a project holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthkit.api.project import last_results
from synthkit.cli.common import project_options, selection_options


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
    from synthkit.cli.common import compiled
    from synthkit.graph.selection import select as select_nodes
    from synthkit.store.readers import made_from_other_rows
    from synthkit.store.unclaimed import told, unclaimed_tables
    from synthkit.store.warehouse import Warehouse

    manifest = compiled(project_dir, target, variables, reads="either")
    nodes = dict(manifest.selectables)
    if any("result:" in s or "state:" in s for s in (*select, *exclude)):
        from synthkit.planning.plan import make_plan, selectables

        nodes = selectables(manifest, make_plan(manifest).actions, last_results(manifest.project), state)
    selection = select_nodes(manifest.dag, nodes, select, exclude)
    left = told(unclaimed_tables(manifest))
    published = Warehouse(manifest.project.warehouse_dir, manifest.project.database_path).all_published()
    stale = [
        f"{name} was made from other rows of {', '.join(upstream)} than are published now"
        for name, upstream in made_from_other_rows(published).items()
        if f"model:{name}" in selection.nodes
    ]
    for warning in (*selection.warnings, *([left] if left else []), *stale):
        click.echo(f"warning: {warning}", err=True)
    for id_ in manifest.dag.order():
        node = nodes[id_]
        if id_ not in selection.nodes or resource_type not in ("all", node.kind):
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
