"""``synth show``: what a published table is worth, and its first rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import place, reader_options

if TYPE_CHECKING:
    from synthkit.records.audit import AuditRecord
    from synthkit.records.joins import Join
    from synthkit.records.parts import Teaching
    from synthkit.records.receipt import Receipt


@click.command("show")
@click.argument("model")
@reader_options
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, help="Rows to show.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", help="json prints the receipt.")
def command(model: str, project_dir: Path | None, target: str | None, limit: int, style: str) -> None:
    """Show a published table: its rows, how it was made, and what its audits found."""
    from synthkit.api import tables
    from synthkit.cli.query import print_table, warn

    table = tables.show(model, place(project_dir), target=target)
    receipt = table.receipt
    if style == "json":
        click.echo(json.dumps(receipt.to_json(), indent=2, ensure_ascii=False))
        return
    if receipt.description:
        click.echo(receipt.description)
    for name, value in _facts(receipt):
        click.echo(f"{name:<12}{value}")
    click.echo(f"{'file':<12}{table.path}")
    warn(tables.orphaned([model], project_dir or Path(), target=target))
    _print_columns(receipt)
    _print_keys(receipt, tables.joined(model, place(project_dir), target=target))
    _print_audits(receipt.audits)
    if limit:
        import pyarrow.parquet as pq

        click.echo()
        first = next(pq.ParquetFile(table.path).iter_batches(batch_size=limit), None)
        if first is not None:
            import pyarrow as pa

            print_table(pa.Table.from_batches([first]), "table", limit)


def _facts(receipt: Receipt) -> list[tuple[str, str]]:
    from synthkit.privacy.guarantee import attacker_in_words, in_words

    generator, told = receipt.generator, receipt.teacher
    unsaid = {"query"} if told is None else {"query", "teacher", "filters"}  # what the line of the teacher says instead
    params = {k: v for k, v in generator.params.items() if v not in (None, {}) and k not in unsaid}
    attacker = attacker_in_words(receipt)
    return [
        ("rows", f"{receipt.rows:,}"),
        ("made by", receipt.made_by),
        *([("family", _family(receipt))] if receipt.family is not None else []),
        ("parameters", ", ".join(f"{k}={v}" for k, v in params.items()) or "defaults"),
        *([("teacher", _asked(told))] if told else []),
        ("privacy", in_words(receipt)),
        *([("attacker", attacker)] if attacker else []),
        ("seed", str(receipt.seed)),
        *([] if receipt.usage is None else receipt.usage.facts()),
        ("published", f"{receipt.published_at} by run {receipt.run_id}"),
        *([] if (before := receipt.promoted) is None else [("promoted", f"from {before.target}, run {before.run_id}")]),
    ]


def _family(receipt: Receipt) -> str:
    """What it is published together with."""
    assert receipt.family is not None
    others = [name for name in receipt.family.members if name != receipt.model]
    return f"{receipt.family.name}, with {', '.join(others)}" if others else receipt.family.name


def _asked(told: Teaching) -> str:
    """Who was asked, for what use, at what cost, and what became of the answers."""
    dropped = {k.removeprefix("dropped: "): n for k, n in told.counts.items() if k.startswith("dropped: ")}
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(dropped.items(), key=lambda d: -d[1]))
    text = f"{told.model}, for: {told.intended_use}; "
    text += "" if told.requests is None else f"{told.requests:,} requests, "
    text += "cost unknown" if told.usd is None else f"${float(told.usd):.2f}"
    if dropped:
        text += f"; {sum(dropped.values()):,} items dropped ({reasons})"
    return text + (f"; stopped by {told.stopped}" if told.stopped else "")


def _print_columns(receipt: Receipt) -> None:
    from synthkit.report.written import in_words

    click.echo("\ncolumns")
    width = max(len(c.name) for c in receipt.columns)
    kinds = max(len(c.type) for c in receipt.columns)
    origins = {o.name: o.in_words for o in receipt.column_origins or ()}
    told = max(map(len, origins.values()), default=-2)
    meant = {c.name: in_words(c.format, c.rare) for c in receipt.table_schema.columns}
    for column in receipt.columns:
        said = (f"{column.name:<{width}}", f"{column.type:<{kinds}}", f"{origins.get(column.name, ''):<{max(told, 0)}}")
        words = [part for part in said if part] + [receipt.column_descriptions.get(column.name, "")]
        words += [f"({meant[column.name]})"] if meant.get(column.name) else []
        click.echo(f"  {'  '.join(words)}".rstrip())


def _print_keys(receipt: Receipt, keys: Sequence[Join]) -> None:
    from synthkit.report.style import join_in_words

    if not keys:
        return
    click.echo("\nkeys")
    width = max(len(", ".join(key.columns)) for key in keys)
    for key in keys:
        click.echo(f"  {', '.join(key.columns):<{width}}  {join_in_words(receipt.model, key, receipt.audits)}")


def _print_audits(audits: Sequence[AuditRecord]) -> None:
    from synthkit.report.style import MARKS, measured

    click.echo("\naudits" if audits else "\nno audits")
    for audit in audits:
        click.echo(f"  {MARKS[audit.status]:<11} {audit.name}: {measured(audit)}")
        if audit.status != "pass" and audit.message:
            click.echo(f"              {audit.message}")
