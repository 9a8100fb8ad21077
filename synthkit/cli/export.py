"""``synth export``: an instruction table as the JSON lines that fine-tuning tools read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click

from synthkit.cli.common import reader_options


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
    from synthkit.files import replacing
    from synthkit.instruct.export import Format, TextColumns, lines
    from synthkit.store.reader import open as open_warehouse

    table = open_warehouse(project_dir or Path(), target).table(model)
    roles = TextColumns(instruction, response, input_).found_in(table.schema.names)
    rows = lines(_batches(table.path, list(roles.values())), roles, cast(Format, style), system)
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


def _batches(path: Path, columns: list[str]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=4096, columns=columns)
