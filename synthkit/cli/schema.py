"""``synth schema``: JSON Schemas, for editors and for those who read the result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

NAMES = ("project", "models", "run_results", "receipt")


@click.command("schema")
@click.argument("name", required=False, type=click.Choice(NAMES))
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write all of them into a folder.")
def command(name: str | None, folder: Path | None) -> None:
    """Print the JSON Schema of synth_project.yml (project), models/*.yml (models), run_results.json or receipts."""
    if folder is not None:
        for each in NAMES:
            path = write_schema(each, folder)
            click.echo(f"wrote {path}")
    elif name is not None:
        click.echo(json.dumps(schema(name), indent=2, ensure_ascii=False))
    else:
        raise click.UsageError(f"name one of {', '.join(NAMES)}, or pass --write FOLDER")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of that name, with the generators and audits that are installed."""
    from synthkit.audits import registry as audits
    from synthkit.generators import registry as generators
    from synthkit.project.jsonschema import Known, models_schema, project_schema
    from synthkit.store.valueschema import receipt_schema, run_results_schema

    if name == "run_results":
        return run_results_schema()
    if name == "receipt":
        return receipt_schema()
    known_generators = {n: Known(generators.get(n).params, generators.get(n).summary) for n in generators.names()}
    known_audits = {n: Known(audits.get(n).params, audits.get(n).summary) for n in audits.names()}
    build = project_schema if name == "project" else models_schema
    return build(known_generators, known_audits)


def write_schema(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.schema.json"
    path.write_text(json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
