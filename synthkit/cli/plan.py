"""``synth plan``: what would run, and why."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthkit.cli.common import compiled, last_results, project_options, selection_options

_VERB = {"train": "train", "sample": "sample", "query": "query", "audit": "audit", "reuse": "–"}


@click.command("plan")
@project_options
@selection_options
@click.option("--full-refresh", is_flag=True, help="Plan as if nothing had been built.")
@click.option("--seed", type=int, envvar="SYNTH_SEED", help="The project's seed.")
@click.option("--device", envvar="SYNTH_DEVICE", help="auto, cpu, cuda or cuda:N.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
def command(
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    full_refresh: bool,
    seed: int | None,
    device: str | None,
    output: str,
) -> None:
    """Say what a build would do, and why. Nothing is run."""
    from synthkit.plan import make_plan

    manifest = compiled(project_dir, target, variables, seed=seed, device=device)
    plan = make_plan(
        manifest, select=select, exclude=exclude, full_refresh=full_refresh, results=last_results(manifest.project)
    )
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    if output == "json":
        click.echo(json.dumps(plan.to_json(), indent=2, ensure_ascii=False))
        return
    width = max([len(a.model) for a in plan.actions], default=0)
    for action in plan.actions:
        privacy = f"  ε = {action.epsilon:g}" if action.epsilon is not None else ""
        click.echo(f"{_VERB[action.kind]:<7}{action.model:<{width}}  {action.generator}  {action.size}{privacy}")
        if action.generator_reason:
            click.echo(f"       {action.generator}: {action.generator_reason}")
        if action.kind != "reuse":
            click.echo(f"       {action.reason}")
            for line in action.details[:8]:
                click.echo(f"         {line}")
            if len(action.details) > 8:
                click.echo(f"         … and {len(action.details) - 8} more changes")
    for name in plan.disabled:
        click.echo(f"left out: {name} is disabled")
    count = len(plan.work)
    click.echo(f"{count} of {len(plan.actions)} models to build" if count else "nothing to do")
