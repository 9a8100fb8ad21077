"""Read every YAML file of a project into specs, gathering faults instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.errors import Fault, Location
from synthkit.project.containment import HINT, outside
from synthkit.project.exposures import ExposureSpec
from synthkit.project.folders import FolderDefaults, merged
from synthkit.project.members import name_members
from synthkit.project.specs import SpecBuilder, known_keys
from synthkit.project.sqlmodels import SqlModels
from synthkit.project.types import ModelSpec, Origin, SourceSpec
from synthkit.project.unittests import UnitTestSpec
from synthkit.project.yamlfile import Document, parse_file

TOP_LEVEL = frozenset({"version", "sources", "models", "exposures", "unit_tests"})
_NAME = re.compile(r"^[^\W\d]\w*$")
_RESERVED = frozenset({"synth_meta", "main", "synthetic", "train", "holdout"})


@dataclass(frozen=True)
class SqlFile:
    """A custom audit, or macros. The file's stem is its name, with its package before it: ``acme.no_minors``."""

    name: str
    file: Path
    text: str
    package: str | None = None


@dataclass
class Loaded:
    """What the files of a project declare."""

    sources: list[SourceSpec] = field(default_factory=list)
    models: list[ModelSpec] = field(default_factory=list)
    disabled: list[ModelSpec] = field(default_factory=list)
    exposures: list[ExposureSpec] = field(default_factory=list)
    unit_tests: list[UnitTestSpec] = field(default_factory=list)


def files_below(root: Path, folder: str, suffixes: Sequence[str], faults: list[Fault]) -> Iterator[Path]:
    """Every file of a folder of the project, in a fixed order. One that a link takes from outside is a fault."""
    base = root / folder
    if outside(base, root) is not None:
        faults.append(Fault(f"the folder {folder} lies outside the project", Location(base), hint=HINT))
        return
    for file in sorted(p for p in base.rglob("*") if p.suffix in suffixes):
        way = outside(file, root) if file.is_symlink() else None
        if way is not None:
            faults.append(Fault(f"a link to {way}, outside the project", Location(file), hint=HINT))
        elif file.is_file():
            yield file


def yaml_files(root: Path, folders: Sequence[str], faults: list[Fault]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every YAML file below the model folders, with the folders between, in a fixed order."""
    for folder in folders:
        for file in files_below(root, folder, (".yml", ".yaml"), faults):
            yield file, file.relative_to(root / folder).parts[:-1]


def sql_files(root: Path, folders: Sequence[str], faults: list[Fault]) -> dict[str, SqlFile]:
    """Name → file of every ``*.sql`` below the folders; two of one name are a fault."""
    found: dict[str, SqlFile] = {}
    for folder in folders:
        for file in files_below(root, folder, (".sql",), faults):
            try:
                text = file.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                faults.append(Fault(f"cannot read the file: {error}", Location(file), hint="save it as UTF-8"))
                continue
            if file.stem in found:
                message = f"{file.stem!r} is also in {found[file.stem].file}"
                faults.append(Fault(message, Location(file, 1, 1), hint="rename one of the two files"))
                continue
            found[file.stem] = SqlFile(file.stem, file, text)
    return found


def model_queries(root: Path, folders: Sequence[str], others: Sequence[str], faults: list[Fault]) -> SqlModels:
    """The SQL files below the model folders.

    Args:
        others: folders whose SQL is none of models, wherever they lie.
    """
    apart = [root / other for other in others]
    found = {
        file: file.relative_to(root / folder).parts[:-1]
        for folder in folders
        for file in files_below(root, folder, (".sql",), faults)
        if not any(file.is_relative_to(other) for other in apart)
    }
    return SqlModels(root, found, faults)


def load_models(
    root: Path, folders: Sequence[str], builder: SpecBuilder, defaults: FolderDefaults, others: Sequence[str] = ()
) -> Loaded:
    """Read the files and build their specs; faults go to ``builder.faults``. ``others``: see :func:`model_queries`."""
    loaded, queries = Loaded(), model_queries(root, folders, others, builder.faults)
    known: set[str] = set()
    documents = []
    for file, between in yaml_files(root, folders, builder.faults):
        document = parse_file(file)
        builder.faults.extend(document.faults)
        if document.value is not None:
            documents.append((document, between))
            name_members(document.value, builder.renderer.members, builder.renderer.value)
    for document, between in documents:
        _load_document(document, between, builder, defaults, loaded, queries)
        known |= set(between)
    for model in loaded.models:
        queries.took(model)
    for name, file in queries.left():
        _load_model({"name": name}, Origin(file), queries.between(file), builder, defaults, loaded, queries)
    known |= queries.folders
    queries.check(loaded.models)
    known |= {m.name for m in [*loaded.models, *loaded.disabled]}
    builder.faults.extend(defaults.faults(known))
    _check_names(loaded, builder.faults)
    return loaded


def _load_document(
    document: Document,
    between: tuple[str, ...],
    builder: SpecBuilder,
    defaults: FolderDefaults,
    loaded: Loaded,
    queries: SqlModels,
) -> None:
    origin = document.origin()
    value = document.value
    if not isinstance(value, Mapping):
        hint = "start with models: or sources:"
        builder.faults.append(Fault("the file must hold a mapping", origin.at(), hint=hint))
        return
    known_keys(value, TOP_LEVEL, origin, "this file", builder.faults)
    if value.get("version", 1) != 1:
        message = f"version {value['version']!r} of the file format is not known"
        builder.faults.append(Fault(message, origin.at("version"), str(value["version"]), "write version: 1"))
    for key, item, below in _items(document, builder.faults):
        if key == "sources":
            source = builder.source(item, below)
            if source is not None:
                loaded.sources.append(source)
        elif key == "exposures":
            exposure = builder.exposure(item, below)
            if exposure is not None:
                loaded.exposures.append(exposure)
        elif key == "unit_tests":
            test = builder.unit_test(item, below)
            if test is not None:
                loaded.unit_tests.append(test)
        else:
            _load_model(item, below, between, builder, defaults, loaded, queries)


def _items(document: Document, faults: list[Fault]) -> Iterator[tuple[str, Any, Origin]]:
    for key in ("sources", "models", "exposures", "unit_tests"):
        items = document.value.get(key)
        if items is None:
            continue
        if not isinstance(items, list):
            hint = "start each with a dash"
            faults.append(Fault(f"{key} must be a list", document.origin((key,)).at(), hint=hint))
            continue
        for index, item in enumerate(items):
            yield key, item, document.origin((key, index))


def _load_model(
    item: Any,
    origin: Origin,
    between: tuple[str, ...],
    builder: SpecBuilder,
    defaults: FolderDefaults,
    loaded: Loaded,
    queries: SqlModels,
) -> None:
    if not isinstance(item, Mapping):
        builder.faults.append(Fault("a model must be a mapping", origin.at(), str(item), "write - name: …"))
        return
    name = item.get("name")
    config = item.get("config")
    places: dict[str, Origin] = {}
    if isinstance(config, Mapping):  # dbt's block: the same keys, one level down
        inside = Origin(origin.file, (*origin.path, "config"), origin.marks, origin.key_marks)
        places = {k: Origin(inside.file, (*inside.path, k), inside.marks, inside.key_marks) for k in config}
        item = {**config, **{k: v for k, v in item.items() if k != "config"}}
    beside = queries.beside(item)
    places |= {key: Origin(file) for key, (_, file) in beside.items()}
    item = {**item, **{key: value for key, (value, _) in beside.items()}}
    if beside:  # as dbt has it: the folders of the query, wherever it is described
        between = queries.between(beside["generator"][1])
    data, origin = merged(item, defaults.of(between, str(name)), origin)
    origin.elsewhere.update(places)  # type: ignore[attr-defined]
    enabled = builder.rendered(data.get("enabled", True), origin, ("enabled",))
    if enabled in (False, "", "false", "False", 0) and isinstance(name, str):
        spec = ModelSpec(name=name, enabled=False)
        spec._origin = origin
        loaded.disabled.append(spec)
        return
    if enabled in ("true", "True"):
        enabled = True
    builder.uses = {}
    data = {**builder.rendered({k: v for k, v in data.items() if k != "enabled"}, origin), "enabled": enabled}
    model = builder.model(data, origin)
    if model is None:
        return
    check_name(model, builder.faults)
    loaded.models.append(model)


def check_name(model: ModelSpec, faults: list[Fault]) -> None:
    where = model.origin.at("name")
    if not _NAME.match(model.name):
        suggestion = re.sub(r"\W+", "_", model.name).strip("_") or "my_model"
        suggestion = f"_{suggestion}" if suggestion[0].isdigit() else suggestion
        message = f"{model.name!r} is no name for a model: use letters, digits and _"
        faults.append(Fault(message, where, model.name, f"write {suggestion}"))
    elif model.name.lower() in _RESERVED:
        faults.append(Fault(f"the name {model.name!r} is reserved", where, model.name, "choose another name"))


def _check_names(loaded: Loaded, faults: list[Fault]) -> None:
    """Duplicate models, source tables, exposures and unit tests: each fault names both places."""
    models = [(m.name.lower(), f"model {m.name!r}", m.origin) for m in [*loaded.models, *loaded.disabled]]
    tables = [
        (f"{s.name}.{t.name}".lower(), f"source table {s.name}.{t.name}", t.origin)
        for s in loaded.sources
        for t in s.tables
    ]
    exposures = [(e.name.lower(), f"exposure {e.name!r}", e.origin) for e in loaded.exposures]
    tests = [(t.name.lower(), f"unit test {t.name!r}", t.origin) for t in loaded.unit_tests]
    for group in (models, tables, exposures, tests):
        first: dict[str, Origin] = {}
        for key, what, origin in group:
            where = origin.at("name")
            if key in first:
                before = first[key].at("name")
                there = (
                    f"on line {before.line}" if before.file == where.file else f"in {before.file.name}:{before.line}"
                )
                faults.append(Fault(f"{what} is declared twice: first {there}", where, hint="rename one of them"))
            first.setdefault(key, origin)
