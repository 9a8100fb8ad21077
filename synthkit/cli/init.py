"""``synth init``: a new project, or new sources for one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import load, project_root

if TYPE_CHECKING:
    from synthkit.scaffold.fromfile import Proposal


@click.command("init")
@click.argument("name", required=False)
@click.option(
    "--from",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Look at a CSV, Parquet or JSON lines file and write its source and a model. Repeatable.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the file's reader, with --from: encoding=latin-1, delimiter=;, nullstr=NA. Repeatable.",
)
@click.option("--source", "group", default="raw", show_default=True, help="The source's name, with --from.")
@click.option("--target-column", help="What a classifier would predict, with --from.")
@click.option(
    "--propose-bounds",
    "bounds",
    is_flag=True,
    help="Write bounds, values, nullable read off the rows, too, with --from: not private, replace before epsilon.",
)
@click.option("--copy", is_flag=True, help="Copy the files into data/, with --from.")
@click.option(
    "--project-dir",
    type=click.Path(path_type=Path),
    envvar="SYNTH_PROJECT_DIR",
    help="Add to this project (default: here or above); with NAME, make the project in this folder.",
)
@click.pass_context
def command(
    ctx: click.Context,
    name: str | None,
    files: tuple[Path, ...],
    options: tuple[str, ...],
    group: str,
    target_column: str | None,
    bounds: bool,
    copy: bool,
    project_dir: Path | None,
) -> None:
    """Make a project NAME that builds at once; with --from, describe files instead.

    Without NAME, --from adds to the project at hand. Of a file that cannot be read, what is known is written, with the
    fault in it, and the exit status is 1.
    """
    from synthkit.cli.schema import NAMES, write_schema
    from synthkit.scaffold.scaffold import empty_files, scaffold_files, write_new

    if bounds and not files:
        raise click.UsageError("--propose-bounds looks at files: give them with --from")
    if options and not files:
        raise click.UsageError("--option is for files: give them with --from")
    if name is None and not files:
        raise click.UsageError("name the project: synth init NAME")
    if name is None:
        root, models, made = project_root(project_dir), _models_folder(project_dir), {}
    else:
        root, models = (project_dir or Path.cwd()) / name, "models"
        _refuse_occupied(root)
        identifier = _identifier(root.resolve().name)
        made = empty_files(identifier) if files else scaffold_files(identifier)
    # All files are read before anything is written.
    added = [_proposed(file.resolve(), root.resolve(), group, target_column, copy, bounds, options) for file in files]
    made |= {f"{models}/{one.name}.yml": one.text for one in added}
    _refuse_namesakes(added)
    _forget_unread(root / models, added)
    if copy:
        _copy(files, root)
    for path in write_new(root, made):
        click.echo(f"wrote {_shown(path)}")
    for each in NAMES:
        if not (root / ".synth" / "schemas" / f"{each}.schema.json").exists():
            write_schema(each, root / ".synth" / "schemas")
    for one in added:
        click.echo(f"{one.name}:")
        for note in one.notes:
            click.echo(f"  {note}")
        if one.failure is not None:
            click.echo(f"  it could not be read, and the YAML says why: {one.failure}", err=True)
    failed = [one.name for one in added if one.failure is not None]
    if failed:
        click.echo(f"next: set right {', '.join(f'{models}/{n}.yml' for n in failed)}, then synth compile")
    else:
        click.echo(f"next: cd {_shown(root)} && synth build" if name else "next: synth build")
    ctx.exit(1 if failed else 0)


def _models_folder(project_dir: Path | None) -> str:
    """The first folder in which the project looks for models."""
    return str(load(project_dir).spec.paths.models[0])


def _refuse_occupied(root: Path) -> None:
    from synthkit.errors import SynthError

    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise SynthError(f"{root} is there already and not empty", hint="choose another name")


def _proposed(
    file: Path, root: Path, group: str, target: str | None, copy: bool, bounds: bool, pairs: Sequence[str]
) -> Proposal:
    from synthkit.scaffold.fromfile import propose
    from synthkit.scaffold.options import options_of

    shown = f"data/{file.name}" if copy else None
    return propose(file, root, group, target, shown, bounds, options_of(pairs, file) if pairs else None)


def _forget_unread(folder: Path, added: Sequence[Proposal]) -> None:
    """Make room for files of which only that they could not be read is written there."""
    from synthkit.scaffold.unread import is_unread

    for one in added:
        if is_unread(folder / f"{one.name}.yml"):
            (folder / f"{one.name}.yml").unlink()


def _refuse_namesakes(proposals: Sequence[Proposal]) -> None:
    from synthkit.errors import SynthError

    names = [p.name for p in proposals]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise SynthError(f"two of the files would be called {twice!r}", hint="add them one by one, renamed")


def _copy(files: Sequence[Path], root: Path) -> None:
    """Copy files into data/; one that is there already must be the same."""
    import filecmp
    import shutil

    from synthkit.errors import SynthError
    from synthkit.files import replacing

    for file in files:
        inside = root / "data" / file.name
        if inside.exists() and not filecmp.cmp(file, inside, shallow=False):
            raise SynthError(f"{inside} is there already, and is another file", hint="rename one of them")
        if not inside.exists():
            with replacing(inside) as temporary:
                shutil.copyfile(file, temporary)


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "project"
    return f"p_{name}" if name[0].isdigit() else name


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
