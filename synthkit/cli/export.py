"""``synth export``: published tables as other tools read them; instruction tables as lines for fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from synthkit.cli.common import place, reader_options


@click.command("export")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@reader_options
@click.option(
    "--to",
    "to",
    metavar="FORMAT",
    help="csv, parquet, jsonl, excel, huggingface, croissant, odcs, frictionless or dbt (docs/exports.md).",
)
@click.option(
    "--out",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="With --to a folder or, of excel, odcs and dbt, a file; else a file. Default: standard output.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["alpaca", "messages", "sharegpt", "prompt-completion"]),
    help="Of an instruction table, without --to: what the training tool reads. Default: messages.",
)
@click.option("--system", metavar="TEXT", help="Of an instruction table: a system prompt for every row.")
@click.option("--instruction", metavar="COLUMN", help="Of an instruction table: the instructions.")
@click.option("--response", metavar="COLUMN", help="Of an instruction table: the responses.")
@click.option("--input", "input_", metavar="COLUMN", help="Of an instruction table: inputs, if any.")
def command(
    models: tuple[str, ...],
    project_dir: Path | None,
    target: str | None,
    to: str | None,
    out: Path | None,
    style: str | None,
    system: str | None,
    instruction: str | None,
    response: str | None,
    input_: str | None,
) -> None:
    """Write published tables as other tools read them.

    With --to: tables and families with their data sheet, guarantee and verdicts, all that is published where none is
    named. Without it: one instruction table, as JSON lines for fine-tuning.
    """
    roles = {"system": system, "instruction": instruction, "response": response, "input": input_}
    given = {name: value for name, value in roles.items() if value is not None}
    if to is not None:
        if given or style is not None:
            raise click.UsageError("--to takes none of the options of instruction tables (--format, --system, …)")
        if out is None:
            raise click.UsageError("--to writes files: name a folder or file with --out")
        _tables(models, to, out, project_dir, target)
        return
    if len(models) != 1:
        hint = "synth export MODEL… --to csv --out PATH"
        raise click.UsageError(f"name one instruction table, or with --to the format of any tables: {hint}")
    from synthkit.api.tables import Style, export
    from synthkit.files import replacing

    chosen = cast(Style, style or "messages")
    rows = export(models[0], place(project_dir), target=target, style=chosen, **given)
    if out is None:
        for line in rows:
            click.echo(line, nl=False)
        return
    count = 0
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for line in rows:
            file.write(line)
            count += 1
    click.echo(f"wrote {out}: {count:,} rows", err=True)


def _tables(models: tuple[str, ...], to: str, out: Path, project_dir: Path | None, target: str | None) -> None:
    from synthkit.api.exports import export_to

    found = export_to(out, to, models, place(project_dir), target=target)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    tables = ", ".join(f"{name} ({rows:,} rows)" for name, rows in found.tables.items())
    click.echo(f"wrote {found.path}: {tables}", err=True)
