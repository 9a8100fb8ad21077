"""A new project, or new sources for one: what is read is read before anything is written."""

from __future__ import annotations

import filecmp
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.files import replacing
from synthkit.project.project import find_project_root, load_project
from synthkit.scaffold.fromfile import Proposal, propose
from synthkit.scaffold.options import options_of
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
    source: str = "raw",
    target_column: str | None = None,
    propose_bounds: bool = False,
    copy: bool = False,
) -> Made:
    """Make a project that builds at once; with ``files``, describe these instead.

    Args:
        name: of a new project; None adds to the project in ``folder``, or above it.
        folder: where the project is made, or is; default: the current one.
        files: CSV, Parquet or JSON-lines files, for each of which its source and a model are written.
        options: of their reader, each as ``KEY=VALUE``: ``delimiter=;``.
        source: the name of their source.
        target_column: what a classifier would predict.
        propose_bounds: write bounds, values and nullable read off the rows: not private, replace them before epsilon.
        copy: copy the files into ``data/``.

    Raises:
        SynthError: the folder is not empty, two files would have one name, or there is neither a name nor a file.
    """
    if name is None and not files:
        raise SynthError("there is neither a name nor a file", hint="name the project, or pass files")
    here = Path(folder) if folder is not None else Path.cwd()
    if name is None:
        root = find_project_root(here)
        models, made = str(load_project(root).spec.paths.models[0]), {}
    else:
        root, models = here / name, "models"
        _refuse_occupied(root)
        identifier = _identifier(root.resolve().name)
        made = empty_files(identifier) if files else scaffold_files(identifier)
    added = []
    for file in (Path(f).resolve() for f in files):
        shown = f"data/{file.name}" if copy else None
        pairs = options_of(options, file) if options else None
        added.append(propose(file, root.resolve(), source, target_column, shown, propose_bounds, pairs))
    made |= {f"{models}/{one.name}.yml": one.text for one in added}
    _refuse_namesakes(added)
    _forget_unread(root / models, added)
    if copy:
        _copy([Path(f) for f in files], root)
    written = tuple(write_new(root, made))
    for each in SCHEMAS:
        if not (root / ".synth" / "schemas" / f"{each}.schema.json").exists():
            write_schema(each, root / ".synth" / "schemas")
    return Made(root, models, written, tuple(added))


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
        if inside.exists() and not filecmp.cmp(file, inside, shallow=False):
            raise SynthError(f"{inside} is there already, and is another file", hint="rename one of them")
        if not inside.exists():
            with replacing(inside) as temporary:
                shutil.copyfile(file, temporary)


def _identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "project"
    return f"p_{name}" if name[0].isdigit() else name
