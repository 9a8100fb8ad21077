"""``synth init``: a new project, or new sources for one."""

from __future__ import annotations

import re
from pathlib import Path

import click


@click.command("init")
@click.argument("name", required=False)
@click.option(
    "--from",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Look at a CSV, Parquet or JSON lines file and write its source and a model. Repeatable.",
)
@click.option("--source", "group", default="raw", show_default=True, help="The source's name, with --from.")
@click.option("--target-column", help="What a classifier would predict, with --from.")
@click.option("--copy", is_flag=True, help="Copy the files into data/, with --from.")
@click.option("--project-dir", type=click.Path(path_type=Path), help="Add to this project (default: here or above).")
def command(
    name: str | None,
    files: tuple[Path, ...],
    group: str,
    target_column: str | None,
    copy: bool,
    project_dir: Path | None,
) -> None:
    """Make a project NAME that builds at once; with --from, describe files instead.

    Without NAME, --from adds to the project at hand.
    """
    from synthkit.cli.schema import NAMES, write_schema
    from synthkit.errors import SynthError
    from synthkit.init.scaffold import empty_files, scaffold_files, write_new

    if name is None and not files:
        raise click.UsageError("name the project: synth init NAME")
    if name is not None:
        root = (Path.cwd() if project_dir is None else project_dir) / name
        identifier = _identifier(root.name)
        if root.exists() and any(root.iterdir()):
            raise SynthError(f"{root} is there already and not empty", hint="choose another name")
        made = empty_files(identifier) if files else scaffold_files(identifier)
        for path in write_new(root, made):
            click.echo(f"wrote {_shown(path)}")
        for each in NAMES:
            write_schema(each, root / ".synth" / "schemas")
    else:
        from synthkit.project import find_project_root

        root = find_project_root(project_dir or Path.cwd())
    for file in files:
        _add(file.resolve(), root.resolve(), group, target_column, copy)
    click.echo(f"next: cd {_shown(root)} && synth build" if name else "next: synth build")


def _add(file: Path, root: Path, group: str, target: str | None, copy: bool) -> None:
    import shutil

    from synthkit.init.fromfile import propose
    from synthkit.init.scaffold import write_new

    if copy:
        inside = root / "data" / file.name
        inside.parent.mkdir(parents=True, exist_ok=True)
        if not inside.exists():
            shutil.copyfile(file, inside)
        file = inside
    proposal = propose(file, root, group, target)
    for path in write_new(root, {f"models/{proposal.name}.yml": proposal.text}):
        click.echo(f"wrote {_shown(path)}")
    for note in proposal.notes:
        click.echo(f"  {note}")


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "project"
    return f"p_{name}" if name[0].isdigit() else name


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
