"""``synth query``: SQL over the published tables."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pyarrow as pa

PIPE_WIDTH = 240  # characters of a table that goes into a pipe


@click.command("query")
@click.argument("sql")
@click.option("--project-dir", type=click.Path(path_type=Path), default=Path(), help="The project.")
@click.option("-t", "--target", help="Whose tables (default: the project's target).")
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json"]),
    help="Default: table on a terminal, csv in a pipe.",
)
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Rows shown in a table.")
def command(sql: str, project_dir: Path, target: str | None, style: str | None, limit: int) -> None:
    """Run SQL over the published tables and synth_meta; `-` reads it from standard input."""
    from synthkit.store.reader import open as open_warehouse

    text = sys.stdin.read() if sql == "-" else sql
    found = open_warehouse(project_dir, target).query(text)
    print_table(found, style or ("table" if sys.stdout.isatty() else "csv"), limit)


def print_table(found: pa.Table, style: str, limit: int) -> None:
    """Rows on standard output: an aligned table, CSV with a header, or a JSON list."""
    if style == "json":
        click.echo(json.dumps(found.to_pylist(), default=str, ensure_ascii=False))
        return
    if style == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(found.column_names)
        for batch in found.to_batches():
            writer.writerows(_rows(batch))
        return
    from rich.console import Console
    from rich.table import Table

    shown = found.slice(0, limit)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for field in found.schema:
        right = str(field.type).startswith(("int", "uint", "double", "float", "decimal"))
        table.add_column(field.name, justify="right" if right else "left", overflow="ellipsis", no_wrap=True)
    for row in shown.to_pylist():
        table.add_row(*("" if v is None else str(v) for v in row.values()))
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    console.print(table)
    if found.num_rows > limit:
        click.echo(f"… {found.num_rows - limit:,} more rows (--limit, or --format csv)")


def _rows(batch: Any) -> Any:
    columns = [column.to_pylist() for column in batch.columns]
    for row in zip(*columns, strict=True):
        yield ["" if v is None else v for v in row]
