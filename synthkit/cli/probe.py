"""``synth probe``: what files look like before anything is trained."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("probe")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="Of the reader: delimiter=;")
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(files: tuple[Path, ...], options: tuple[str, ...], style: str) -> None:
    """Say what files look like before anything is trained. Nothing is written.

    Types, written forms, keys, rules, what may be predicted, which columns a generator would learn and which would be
    made up; of several files also how they hang together. `synth init --from` writes the same as YAML.
    """
    from synthkit.api import probe

    found = probe(files[0] if len(files) == 1 else files, options=options)
    click.echo(found.to_json() if style == "json" else str(found))
