"""``synth init``: a new project, or new sources for one."""

from __future__ import annotations

from pathlib import Path

import click

from synthkit.cli.common import place

DBT = "dbt"


@click.command("init")
@click.argument("words", nargs=-1, metavar="[NAME]")
@click.option(
    "--from",
    "files",
    multiple=True,
    metavar="FILE|FOLDER|DATABASE",
    help="Look at a file (CSV, JSON lines, Parquet, Arrow, Avro, Excel) and write its source and a model; of a folder"
    " of them, a DuckDB or SQLite file, or a server (postgresql://…), describe the tables together: those that join"
    " become a family. Of a dbt project take sources, models and tests over: --from dbt target/manifest.json."
    " Repeatable.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the file's reader, with --from: encoding=latin-1, delimiter=;, nullstr=NA. Repeatable.",
)
@click.option("--table", "tables", multiple=True, help="Of a database, with --from: this table alone. Repeatable.")
@click.option("--schema", "schemas", multiple=True, help="Of a database, with --from: its tables alone. Repeatable.")
@click.option("--source", "group", help="The source's name, with --from; default: raw, or the folder's or database's.")
@click.option("--apart", is_flag=True, help="A model for each table, though keys join them, with --from.")
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
    words: tuple[str, ...],
    files: tuple[str, ...],
    options: tuple[str, ...],
    tables: tuple[str, ...],
    schemas: tuple[str, ...],
    group: str | None,
    apart: bool,
    target_column: str | None,
    bounds: bool,
    copy: bool,
    project_dir: Path | None,
) -> None:
    """Make a project NAME that builds at once; with --from, describe files instead.

    Without NAME, --from adds to the project at hand. Of a file that cannot be read, what is known is written, with the
    fault in it, and the exit status is 1.
    """
    from synthkit.api import init

    name, files, dbt = _sorted(words, files)
    if bounds and not files:
        raise click.UsageError("--propose-bounds looks at files: give them with --from")
    if options and not files:
        raise click.UsageError("--option is for files: give them with --from")
    if (tables or schemas) and not files:
        raise click.UsageError("--table and --schema are for databases: give one with --from")
    if name is None and not (files or dbt):
        raise click.UsageError("name the project: synth init NAME")
    made = init(
        name,
        project_dir if name else place(project_dir),
        files=files,
        options=options,
        source=group,
        target_column=target_column,
        propose_bounds=bounds,
        copy=copy,
        apart=apart,
        dbt=dbt,
        tables=tables,
        schemas=schemas,
    )
    for path in made.written:
        click.echo(f"wrote {_shown(path)}")
    for one in made.added:
        click.echo(f"{one.name}:")
        for note in one.notes:
            click.echo(f"  {note}")
        if one.failure is not None:
            click.echo(f"  it could not be read, and the YAML says why: {one.failure}", err=True)
    if made.failed:
        broken = ", ".join(f"{made.models}/{n}.yml" for n in made.failed)
        click.echo(f"next: set right {broken}, then synth compile")
    else:
        click.echo(f"next: cd {_shown(made.root)} && synth build" if name else "next: synth build")
    ctx.exit(1 if made.failed else 0)


def _sorted(words: tuple[str, ...], files: tuple[str, ...]) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """The project's name, the files, and the manifests of dbt: what follows ``--from dbt`` is one."""
    dbt: tuple[str, ...] = ()
    if DBT in files and not Path(DBT).exists():
        if not words:
            raise click.UsageError("name the manifest: synth init --from dbt target/manifest.json")
        files, dbt = tuple(file for file in files if file != DBT), words[-1:]
        words = words[:-1]
    if len(words) > 1:
        raise click.UsageError(f"one name, not {len(words)}: {' '.join(words)}")
    return (words[0] if words else None), files, dbt


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
