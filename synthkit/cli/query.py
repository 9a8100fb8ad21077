"""``synth query``: SQL over the published tables."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.common import place, reader_options
from synthkit.report.cells import as_json, as_text, values

if TYPE_CHECKING:
    import pyarrow as pa

PIPE_WIDTH = 240  # characters of a table that goes into a pipe
WIDEST = 48  # characters of a cell that a table shows
# What a cell of text begins with that a spreadsheet works out (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NUMERIC = ("int", "uint", "double", "float", "decimal")


@click.command("query")
@click.argument("sql", required=False)
@click.option(
    "-f",
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the SQL from a file.",
)
@reader_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "csv-safe", "json"]),
    help="Default: table on a terminal, csv in a pipe. csv-safe: no cell of text is a formula to a spreadsheet.",
)
@click.option("--version", metavar="COMMIT", help="Read the tables as a commit, branch or tag published them.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="Rows shown in a table.")
def command(
    sql: str | None,
    file: Path | None,
    project_dir: Path | None,
    target: str | None,
    style: str | None,
    version: str | None,
    limit: int,
) -> None:
    """Run SQL over the published tables and synth_meta; `-` reads it from standard input."""
    from synthkit.api import tables

    if (sql is None) == (file is None):
        raise click.UsageError('pass the SQL, or --file: synth query "select * from synth_meta.tables"')
    text = file.read_text("utf-8") if file is not None else sys.stdin.read() if sql == "-" else str(sql)
    found = tables.query(text, place(project_dir), target=target, version=version)
    print_table(found, style or ("table" if sys.stdout.isatty() else "csv"), limit)
    if version is None:
        warn(tables.orphaned_in(text, project_dir or Path(), target=target))


def warn(what: str | None) -> None:
    if what:
        click.echo(f"warning: {what}", err=True)


def print_table(found: pa.Table, style: str, limit: int) -> None:
    """Rows on standard output: an aligned table, CSV with a header, or a JSON list.

    Text that a spreadsheet would take for a formula stands in ``csv`` as it is, and is counted on standard error; in
    ``csv-safe`` an apostrophe stands before it, as spreadsheets have it.
    """
    if style == "json":
        names = [json.dumps(name, ensure_ascii=False) for name in found.column_names]
        rows = zip(*(_json(column) for column in found.columns), strict=True)
        objects = (", ".join(f"{n}: {v}" for n, v in zip(names, row, strict=True)) for row in rows)
        click.echo("[" + ", ".join(f"{{{each}}}" for each in objects) + "]")
    elif style in ("csv", "csv-safe"):
        plain = csv.writer(sys.stdout, lineterminator="\n")
        quoted = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_ALL)  # Python leaves \r unquoted
        formulas = 0
        for row in _with_header(found):
            alike = [is_text and cell.startswith(FORMULA) for cell, is_text in row]
            formulas += sum(alike)
            guarded = style == "csv-safe" and any(alike)
            writer = quoted if any("\r" in cell for cell, _ in row) else plain
            writer.writerow([f"'{c}" if guarded and a else c for (c, _), a in zip(row, alike, strict=True)])
        if formulas and style == "csv":
            many = "1 cell begins" if formulas == 1 else f"{formulas:,} cells begin"
            click.echo(f"note: {many} with = + - @ or a tab: formulas to a spreadsheet (--format csv-safe)", err=True)
    else:
        _print_aligned(found, limit)


def _json(column: Any) -> list[str]:
    return [as_json(value, column.type) for value in values(column)]


def _with_header(found: pa.Table) -> Iterator[Sequence[tuple[str, bool]]]:
    """The cells of each line, and whether they are text: a negative number is no formula."""
    yield [(name, True) for name in found.column_names]
    for batch in found.to_batches():
        columns = [[(as_text(v, c.type), isinstance(v, str)) for v in values(c)] for c in batch.columns]
        yield from zip(*columns, strict=True)


def _print_aligned(found: pa.Table, limit: int) -> None:
    """Columns side by side, numbers to the right; those that do not fit the terminal are counted."""
    import shutil

    from rich.cells import cell_len

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    shown = found.slice(0, limit)
    columns: list[list[str]] = []
    used = 0
    for field, column in zip(shown.schema, shown.columns, strict=True):
        cells = [_cell(field.name), *(_cell(as_text(v, field.type)) for v in values(column))]
        wide = min(max(map(cell_len, cells)), WIDEST)
        if columns and used + wide > width:
            break
        used += wide + 2
        right = str(field.type).startswith(NUMERIC)
        columns.append([_aligned(c, wide, right) for c in cells])
    for row in zip(*columns, strict=True):
        click.echo("  ".join(row).rstrip())
    hidden = found.num_columns - len(columns)
    if hidden:
        click.echo(f"… {hidden} more column{'s' if hidden > 1 else ''} (--format csv)")
    if found.num_rows > limit:
        click.echo(f"… {found.num_rows - limit:,} more rows (--limit, or --format csv)")


def _aligned(text: str, width: int, right: bool) -> str:
    """Text in ``width`` columns of a terminal, cut with an ellipsis where it is longer."""
    from rich.cells import cell_len, set_cell_size

    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - length)
    return padding + text if right else text + padding


def _cell(text: str) -> str:
    """A text on one line; what a terminal would act on is written out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
