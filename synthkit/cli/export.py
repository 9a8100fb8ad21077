"""``synth export``: an instruction table as the JSON lines that fine-tuning tools read."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from synthkit.cli.common import place, reader_options


@click.command("export")
@click.argument("model")
@reader_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["alpaca", "messages", "sharegpt", "prompt-completion"]),
    default="messages",
    show_default=True,
    help="What the training tool reads.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file. Default: standard output.")
@click.option("--system", default="", metavar="TEXT", help="A system prompt for every row.")
@click.option("--instruction", default="instruction", show_default=True, metavar="COLUMN", help="The instructions.")
@click.option("--response", default="response", show_default=True, metavar="COLUMN", help="The responses.")
@click.option("--input", "input_", default="input", show_default=True, metavar="COLUMN", help="Inputs, if any.")
def command(
    model: str,
    project_dir: Path | None,
    target: str | None,
    style: str,
    output: Path | None,
    system: str,
    instruction: str,
    response: str,
    input_: str,
) -> None:
    """Write a published instruction table as JSON lines."""
    from synthkit.api.tables import Style, export
    from synthkit.files import replacing

    rows = export(
        model,
        place(project_dir),
        target=target,
        style=cast(Style, style),
        system=system,
        instruction=instruction,
        response=response,
        input=input_,
    )
    if output is None:
        for line in rows:
            click.echo(line, nl=False)
        return
    count = 0
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for line in rows:
            file.write(line)
            count += 1
    click.echo(f"wrote {output}: {count:,} rows", err=True)
