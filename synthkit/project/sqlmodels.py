"""``models/x.sql``, read as dbt reads it: the query of the model ``x``, whose YAML may stand beside it, or nowhere.

What ``{{ config(…) }}`` says in the file are keys of the model, and win over the YAML's. A file that a model's
``generator: {name: sql, file: …}`` names is that model's, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from synthkit.errors import Fault, Location, SynthError
from synthkit.project.folders import DEFAULT_KEYS
from synthkit.project.types import ModelSpec, Tree

SQL = "sql"  # the generator
_DBT = {"alias": "the file's name is the model's", "schema": "a target has one schema", "database": "see warehouse:"}


class SqlModels:
    """The SQL files below the folders of models, and which of them some model has.

    Args:
        files: each, with the folders between the models' folder and it.
    """

    def __init__(self, root: Path, files: Mapping[Path, tuple[str, ...]], faults: list[Fault]) -> None:
        self.root, self.faults, self._between = root, faults, files
        self.files: dict[str, Path] = {}
        self._taken: set[str] = set()  # paths
        self._named: set[str] = set()  # models of the YAML
        self._double: dict[str, list[Path]] = {}
        for file in files:
            if file.stem in self.files:
                self._double.setdefault(file.stem, [self.files[file.stem]]).append(file)
            self.files.setdefault(file.stem, file)

    def between(self, file: Path) -> tuple[str, ...]:
        """The folders that a file lies in, below the models' folder."""
        return self._between[file]

    @property
    def folders(self) -> set[str]:
        """The names of all of these."""
        return {name for between in self._between.values() for name in between}

    def beside(self, item: Tree) -> dict[str, tuple[Any, Path]]:
        """What the file of a model's name gives it, key → value and file, where it names no generator but ``sql``."""
        name, generator = item.get("name"), item.get("generator")
        if not isinstance(name, str):
            return {}
        self._named.add(name)
        if isinstance(generator, Mapping):
            bare = generator.get("name") == SQL and not {"file", "query"} & generator.keys()
        else:
            bare = generator is None or generator == SQL
        file = self.files.get(name)
        if file is None or not bare:
            return {}
        path = file.relative_to(self.root).as_posix()
        self._taken.add(path)
        found = {"generator": {"name": SQL, "file": path}, **self._configured(file)}
        return {key: (value, file) for key, value in found.items()}

    def _configured(self, file: Path) -> dict[str, Any]:
        """What ``config(…)`` gives in a file."""
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return {}  # the compiler says so
        if "config" not in text:
            return {}
        found: dict[str, Any] = {}
        try:
            for key, value in _config_calls(text):
                if key in DEFAULT_KEYS:
                    found[key] = value
                else:
                    hint = _DBT.get(key, f"keys of a model are {', '.join(sorted(DEFAULT_KEYS))}")
                    self.faults.append(Fault(f"config() has an unknown key {key!r}", Location(file, 1, 1), key, hint))
        except SynthError as error:
            line = 1 if error.where is None else error.where.line
            self.faults.append(Fault(error.message, Location(file, line, 1), None, error.hint))
        return found

    def took(self, model: ModelSpec) -> None:
        """Note which file a model's query is, where it names one itself."""
        if model.generator is not None and model.generator.name == SQL:
            file = model.generator.params.get("file")
            if isinstance(file, str):
                self._taken.add(PurePosixPath(file).as_posix())

    def left(self) -> Iterator[tuple[str, Path]]:
        """The models that no YAML names: by name, with their files."""
        for stem, file in self.files.items():
            path = file.relative_to(self.root).as_posix()
            if path not in self._taken and stem not in self._named:
                yield stem, file

    def check(self, models: Sequence[ModelSpec]) -> None:
        """A fault for each file of a model's name that is not its query, and for two files of one name."""
        for stem, files in self._double.items():
            loose = [
                f for f in files if f.relative_to(self.root).as_posix() not in self._taken or f == self.files[stem]
            ]
            if len(loose) > 1:
                message = f"{stem!r} is also in {loose[0].relative_to(self.root).as_posix()}"
                self.faults.append(Fault(message, Location(loose[1], 1, 1), None, "rename one of the two files"))
        for model in models:
            file = self.files.get(model.name)
            if file is None or file.relative_to(self.root).as_posix() in self._taken:
                continue
            path = file.relative_to(self.root).as_posix()
            what = "is a family" if model.group is not None else "has another generator"
            message = f"{path} would be the query of {model.name!r}, which {what}"
            hint = f"drop generator: for {path} to be its query, or rename the file"
            self.faults.append(Fault(message, model.origin.at("generator"), None, hint))


def _config_calls(text: str) -> Iterator[tuple[str, Any]]:
    """The arguments of every ``config(…)``, which are constants.

    Raises:
        SynthError: one is none, or has no name; or the text is no template.
    """
    from jinja2 import Environment, TemplateSyntaxError, nodes

    try:
        tree = Environment().parse(text)  # nothing is rendered
    except TemplateSyntaxError:
        return  # the compiler says so
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name != "config":
            continue
        hint = "write {{ config(materialized='view') }}, and what is not constant into the YAML beside the file"
        if call.args or call.dyn_args is not None or call.dyn_kwargs is not None:
            raise SynthError("config() takes keys by name", Location(Path(), call.lineno), hint)
        for argument in call.kwargs:
            try:
                yield argument.key, argument.value.as_const()
            except nodes.Impossible:
                message = f"config({argument.key}=…) is no constant"
                raise SynthError(message, Location(Path(), call.lineno), hint) from None
