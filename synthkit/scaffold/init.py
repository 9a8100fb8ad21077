"""A new project, or new sources for one: what is read is read before anything is written."""

from __future__ import annotations

import filecmp
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.extras import TRAIN, refuse_absent
from synthkit.files import replacing, write_text_atomic
from synthkit.project.project import find_project_root, load_project
from synthkit.scaffold.dbtmanifest import is_manifest
from synthkit.scaffold.fromdbt import from_dbt
from synthkit.scaffold.fromfile import Proposal, propose
from synthkit.scaffold.fromtables import propose_together
from synthkit.scaffold.given import Given, Wanted, given, identifier
from synthkit.scaffold.scaffold import empty_files, scaffold_files, write_new
from synthkit.scaffold.schemas import SCHEMAS, write_schema
from synthkit.scaffold.unread import is_unread


@dataclass(frozen=True)
class Made:
    """What was made.

    Args:
        root: the project's folder.
        models: the folder of it that the files were described in.
        written: the files.
        added: what was found in each described file; one that could not be read has a ``failure``.
    """

    root: Path
    models: str
    written: tuple[Path, ...]
    added: tuple[Proposal, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The described files that could not be read: their YAML says why."""
        return tuple(one.name for one in self.added if one.failure is not None)


def init(
    name: str | None = None,
    folder: str | Path | None = None,
    *,
    files: Sequence[str | Path] = (),
    options: Sequence[str] = (),
    source: str | None = None,
    target_column: str | None = None,
    propose_bounds: bool = False,
    copy: bool = False,
    apart: bool = False,
    dbt: Sequence[str | Path] = (),
    tables: Sequence[str] = (),
    schemas: Sequence[str] = (),
) -> Made:
    """Make a project that builds at once; with ``files``, describe these instead.

    Args:
        name: of a new project; None adds to the project in ``folder``, or above it.
        folder: where the project is made, or is; default: the current one.
        files: CSV, JSON lines, Parquet, Arrow, Avro or Excel files, for each of which its source and a model are
            written; a folder of them, a DuckDB or SQLite file or a server's url, whose tables are described together:
            those that join become one family; or the ``manifest.json`` of a dbt project, which is known by what it says
            of itself.
        options: of their reader, each as ``KEY=VALUE``: ``delimiter=;``.
        source: the name of their source; default: ``raw``, or that of the folder or the database.
        target_column: what a classifier would predict.
        propose_bounds: write bounds, values and nullable read off the rows: not private, replace them before epsilon.
        copy: copy the files into ``data/``.
        apart: a model for each table, though keys join them.
        dbt: files that are to be manifests of dbt.
        tables: of a database, those that are described, as its catalogue names them (``schema.table``); default: all.
        schemas: of a database, those whose tables are described.

    Raises:
        SynthError: the folder is not empty, two files would have one name, or there is neither a name nor a file.
    """
    if name is None and not (files or dbt):
        raise SynthError("there is neither a name nor a file", hint="name the project, or pass files")
    here = Path(folder) if folder is not None else Path.cwd()
    if name is None:
        root = find_project_root(here)
        models, made = str(load_project(root).spec.paths.models[0]), {}
    else:
        root, models = here / name, "models"
        _refuse_occupied(root)
        identifier = _identifier(root.resolve().name)
        made = empty_files(identifier) if files or dbt else scaffold_files(identifier)
    manifests = [what for what in files if is_manifest(Path(what))]
    projects = [from_dbt(Path(path), root.resolve()) for path in (*dbt, *manifests)]
    if len(manifests) < len(files):
        refuse_absent("what describes tables by looking at them", TRAIN)
    wanted = Wanted(tuple(tables), tuple(schemas))
    looked = [what for what in files if what not in manifests]
    found = [given(what, root.resolve(), options, copied=copy, wanted=wanted) for what in looked]
    added = _described(found, root.resolve(), source, target_column, propose_bounds, apart) if found else []
    added += [one for project in projects for one in project.proposals]
    made |= {f"{models}/{one.name}.yml": one.text for one in added}
    _refuse_namesakes(added)
    said = [one for one in (*found, *(project.connection for project in projects)) if one.connection is not None]
    appended = [_connected(one, root if name is None else None, made) for one in said]
    _forget_unread(root / models, added)
    if copy:
        _copy([file for one in found for file in one.files], root)
    written = tuple(write_new(root, made))
    for text in filter(None, appended):
        _append(root / "synth_project.yml", text)
    for each in SCHEMAS:
        if not (root / ".synth" / "schemas" / f"{each}.schema.json").exists():
            write_schema(each, root / ".synth" / "schemas")
    return Made(root, models, written, tuple(added))


def _described(
    found: Sequence[Given], root: Path, source: str | None, target: str | None, bounds: bool, apart: bool
) -> list[Proposal]:
    """What is written about each table; about several that join, together."""
    single = all(one.connection is None and len(one.tables) == 1 for one in found)
    named = identifier(source) if source is not None else None
    if single:
        group = source or "raw"
        files = [one.tables[0] for one in found]
        if len(files) > 1 and target is None:
            whole = Given(group, tuple(files))
            _refuse_twice([table.spec.name for table in files])
            together = propose_together(whole, root, group, apart=apart, bounds=bounds)
            if together.keys.foreign:
                return list(together.proposals)
        return [propose(Path(str(t.spec.path)), root, group, target, t.shown, bounds, t.spec.options) for t in files]
    if target is not None:
        raise SynthError("--target-column is of one table", hint="write tstr among the audits of the table that has it")
    added: list[Proposal] = []
    for one in found:
        group = named or one.name
        _refuse_twice([table.spec.name for table in one.tables])
        added += propose_together(one, root, group, apart=apart, bounds=bounds).proposals
    return added


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise SynthError(f"two of the tables would be called {twice!r}", hint="add them one by one, renamed")


def _connected(one: Given, root: Path | None, made: dict[str, str]) -> str | None:
    """Put the connection into a new project's file; of a project that is there, the text to append to its file.

    Raises SynthError where that has connections, but not this one: nothing is written into a block of somebody's.
    """
    block = "\n".join(["connections:", *one.said]) + "\n"
    if root is None:
        made["synth_project.yml"] += f"\n{block}"
        return None
    known = load_project(root).spec.connections
    if one.connection in known:
        return None
    if known:
        lines = "\n".join(one.said)
        raise SynthError(
            f"the project has connections, but none called {one.connection!r}",
            hint=f"add to connections: in synth_project.yml, and run this again:\n{lines}",
        )
    return f"\n{block}"


def _append(file: Path, text: str) -> None:
    write_text_atomic(file, file.read_text("utf-8").rstrip("\n") + "\n" + text)


def _refuse_occupied(root: Path) -> None:
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise SynthError(f"{root} is there already and not empty", hint="choose another name")


def _forget_unread(folder: Path, added: Sequence[Proposal]) -> None:
    """Make room for files of which only that they could not be read is written there."""
    for one in added:
        if is_unread(folder / f"{one.name}.yml"):
            (folder / f"{one.name}.yml").unlink()


def _refuse_namesakes(proposals: Sequence[Proposal]) -> None:
    names = [p.name for p in proposals]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise SynthError(f"two of the files would be called {twice!r}", hint="add them one by one, renamed")


def _copy(files: Sequence[Path], root: Path) -> None:
    """Copy files into data/; one that is there already must be the same."""
    for file in files:
        inside = root / "data" / file.name
        if file.is_dir():
            if not inside.exists():
                shutil.copytree(file, inside)
            continue
        if inside.exists() and not filecmp.cmp(file, inside, shallow=False):
            raise SynthError(f"{inside} is there already, and is another file", hint="rename one of them")
        if not inside.exists():
            with replacing(inside) as temporary:
                shutil.copyfile(file, temporary)


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "project"
    return f"p_{name}" if name[0].isdigit() else name
