"""``synth k8s``: a build as Kubernetes Jobs that are applied at once, and what the first of them runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from synthkit.cli.build import Told
from synthkit.cli.common import compiled, log_options, reader_options


@click.group("k8s")
def command() -> None:
    """Write a build as Jobs for kubectl apply: train, draw the partitions, finish."""


@command.command("render")
@reader_options
@click.option("-s", "--select", multiple=True, help="Models, as of synth build.")
@click.option("--name", help="What the Jobs' names begin with (default: the project's).")
@click.option("--run", help="Names what the stages leave for one another (default: the time).")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
def render(project_dir: Path | None, target: str | None, run: str | None, output: Path | None, **options: Any) -> None:
    """Print the Jobs, from runner: of the target. Nothing is applied."""
    from synthkit.api.kubernetes import k8s

    manifest = compiled(project_dir, target)
    text = k8s(manifest, run=run or datetime.now(UTC).strftime("%Y%m%d%H%M%S"), **options)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")


@command.command("train")
@reader_options
@click.option("-s", "--select", multiple=True, help="Models, as of synth build.")
@click.option("--run", required=True, help="The folder of what the stages leave for one another.")
@log_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    project_dir: Path | None,
    target: str | None,
    log_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Build all but the partitions, whose jobs are written down for others. Exits 3 where that fails."""
    from synthkit.api.kubernetes import train

    manifest = compiled(project_dir, target)
    with Told(log_format, quiet, (), None).console(manifest) as console:
        handed, status = train(manifest, listener=console.listen, **options)
    if handed:
        click.echo(f"handed out: {', '.join(handed)}")
    ctx.exit(status)
