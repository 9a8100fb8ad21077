"""``synth schema``: JSON Schemas, for editors and for those who read the result files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from synthkit.api import SCHEMAS, schema, write_catalog, write_schema


@click.command("schema")
@click.argument("name", required=False, type=click.Choice(SCHEMAS))
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write all of them into a folder.")
@click.option("--url", metavar="https://…", help="Where they will lie: each gets its $id, the folder a catalog.json.")
def command(name: str | None, folder: Path | None, url: str | None) -> None:
    """Print the JSON Schema of synth_project.yml (project), models/*.yml (models), packages.yml, or result files."""
    if folder is not None:
        written = [write_catalog(url, folder)] if url is not None else []
        written += [write_schema(each, folder, url) for each in SCHEMAS]
        for path in written:
            click.echo(f"wrote {path}")
    elif name is not None:
        click.echo(json.dumps(schema(name, url), indent=2, ensure_ascii=False))
    else:
        raise click.UsageError(f"name one of {', '.join(SCHEMAS)}, or pass --write FOLDER")
