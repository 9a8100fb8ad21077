"""``synth rollback``: publish an old version of a table again."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import compiled, project_options


@click.command("rollback")
@click.argument("model")
@click.argument("version")
@project_options
def command(model: str, version: str, project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Publish an old version of a table again: Parquet, receipt, pointer and DuckDB file.

    Nothing is trained and no privacy is spent. The YAML stays as it is, so the next build makes the table anew unless
    you revert the YAML too. The tables of a family go back together.
    """
    from synthkit.api.history import rollback

    manifest = compiled(project_dir, target, variables, reads="receipts")
    done = rollback(model, version, manifest, say=click.echo)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{model}: {done.receipt.rows:,} rows of run {done.receipt.run_id} are published again")
    if done.together:
        family = done.receipt.family
        of = "" if family is None else f" of {family.name}"
        click.echo(f"and with it the other tables{of}, as they were then: {', '.join(done.together)}")
    if done.below:
        click.echo(f"now made from other rows: {done.below}", err=True)
        build = f"synth build --select {model}+"
        click.echo(f"roll them back too (synth versions TABLE), or put the YAML of then back and {build}", err=True)
    if done.outdated:
        click.echo(f"{model} itself was made from other rows of {', '.join(done.outdated)} than these", err=True)
    more = " (and those of the other tables)" if done.together else ""
    click.echo(f"commit {done.file} and its .dvc file{more} to keep it so")
