"""``synth rules``: what holds between the columns of a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import project_options

if TYPE_CHECKING:
    from synthkit.rules.find.evidence import Found


@click.command("rules")
@click.argument("table", metavar="SOURCE|MODEL")
@project_options
@click.option("--format", "style", type=click.Choice(["table", "yaml", "json"]), default="table")
def command(table: str, project_dir: Path | None, target: str | None, variables: str | None, style: str) -> None:
    """Find what holds between columns, in every row or in all but a few: sums, dependencies, orders, nulls, keys.

    SOURCE is group.table, whose held-out rows are not looked at; MODEL is a published table. `yaml` prints lines to
    copy below `rules:`. What follows from the rules that are listed is left out.
    """
    from synthkit.api import find_rules
    from synthkit.cli.common import compiled

    found = find_rules(table, compiled(project_dir, target, variables), target=target)
    if style == "json":
        click.echo(json.dumps([f.to_json() for f in found], indent=2, ensure_ascii=False))
    elif style == "yaml":
        click.echo("rules:" if found else "rules: []")
        for one in found:
            click.echo(yaml_line(one))
    elif not found:
        click.echo("nothing holds that chance would not explain")
    else:
        kinds = max(len(f.kind) for f in found)
        for one in found:
            evidence = one.evidence
            but = f", {evidence.exceptions:,} break it" if evidence.exceptions else ""
            by_chance = f"chance below {max(evidence.chance, 1e-99):.0e}"
            click.echo(f"{one.kind:<{kinds}}  {one.rule}")
            click.echo(f"{'':<{kinds}}  {evidence.rows:,} rows{but}; {evidence.unseen:,} not searched; {by_chance}")


def yaml_line(found: Found) -> str:
    """A rule as an item of a YAML list; one that some rows break is commented out."""
    line = f"  - {json.dumps(str(found.rule), ensure_ascii=False)}"
    return line if found.exact else f"  # {found.evidence.exceptions:,} rows break it: {line.strip()}"
