"""``synth rollback``: publish an old version of a table again."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import compiled, kept_versions, project_options


@click.command("rollback")
@click.argument("model")
@click.argument("version")
@project_options
def command(model: str, version: str, project_dir: Path | None, target: str | None, variables: str | None) -> None:
    """Publish an old version of a table again: Parquet, receipt, pointer and DuckDB file.

    Nothing is trained and no privacy is spent. The YAML stays as it is, so the next build makes the table anew unless
    you revert the YAML too.
    """
    from synthkit.building.publish import refresh_database
    from synthkit.building.runrecord import now
    from synthkit.store.lock import ProjectLock
    from synthkit.store.readers import made_from_other_rows, told
    from synthkit.store.signing import signer

    manifest = compiled(project_dir, target, variables, reads="receipts")
    with ProjectLock(manifest.project.target_dir / "lock", wait=0).held(click.echo):
        kept = kept_versions(project_dir, target)
        found = kept.named(model, version)
        receipt = kept.restore(model, found, now(), signer(manifest.project.root))
        for warning in refresh_database(manifest):
            click.echo(f"warning: {warning}", err=True)
    click.echo(f"{model}: {receipt.rows:,} rows of run {receipt.run_id} are published again")
    other = made_from_other_rows(kept.warehouse.all_published())
    below = told(other, model)
    if below:
        click.echo(f"now made from other rows: {below}", err=True)
        build = f"synth build --select {model}+"
        click.echo(f"roll them back too (synth versions TABLE), or put the YAML of then back and {build}", err=True)
    if model in other:
        click.echo(f"{model} itself was made from other rows of {', '.join(other[model])} than these", err=True)
    click.echo(f"commit {kept.warehouse.receipt_path(model).name} and its .dvc file to keep it so")
