"""Find and load a project: synth_project.yml, target, variables, environment → a frozen Project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.errors import ConfigurationError, Fault, Location, SynthError, did_you_mean
from synthkit.memory import uncollected
from synthkit.project.addresses import address_of, without_password
from synthkit.project.containment import HINT, links_out, outside, refuse_links_out
from synthkit.project.exposures import ExposureSpec
from synthkit.project.folders import FolderDefaults
from synthkit.project.load import SqlFile, load_models, sql_files
from synthkit.project.lookups import Rendering
from synthkit.project.macros import defined_in
from synthkit.project.packages import Package, installed
from synthkit.project.prices import PricesSpec
from synthkit.project.projectfile import ProjectSpec, TargetSpec
from synthkit.project.render import NAMES, Renderer
from synthkit.project.runners import RunnerSpec, refuse_missing
from synthkit.project.specs import SpecBuilder
from synthkit.project.types import KeyPath, ModelSpec, Options, Origin, SourceSpec, Tree
from synthkit.project.unittests import UnitTestSpec
from synthkit.project.yamlfile import parse_file

PROJECT_FILE = "synth_project.yml"


@dataclass(frozen=True)
class Project:
    """A loaded project. ``faults`` holds what is wrong with it; the compiler adds its own and raises once."""

    root: Path
    spec: ProjectSpec
    target_name: str
    target: TargetSpec
    vars: Options
    renderer: Renderer
    sources: tuple[SourceSpec, ...]
    models: tuple[ModelSpec, ...]
    exposures: tuple[ExposureSpec, ...]
    unit_tests: tuple[UnitTestSpec, ...]
    disabled: tuple[ModelSpec, ...]
    sql_audits: Mapping[str, SqlFile]
    faults: tuple[Fault, ...]
    threads: int
    seed: int
    device: str
    runner: RunnerSpec = field(default_factory=RunnerSpec)
    packages: tuple[Package, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)  # of vars, seed and device, what this run was given

    @property
    def warehouse_dir(self) -> Path:
        """The folder of the published tables; where they are at an address, that of their receipts, for git."""
        written = None if self.target.address is not None else self.target.warehouse
        return self.root / (written or f"warehouse/{self.target_name}")

    @property
    def database_path(self) -> Path:
        if self.target.database is not None:
            return self.root / self.target.database
        directory = self.warehouse_dir
        return directory.with_name(f"{directory.name}.duckdb")

    def published_by(self, model: ModelSpec) -> tuple[str, ...]:
        """The names of the tables that a model publishes: of a family, those of its members."""
        if model.group is None:
            return () if model.ephemeral else (model.name,)
        said = {e.table: e for e in model.tables or ()}
        tables = [t.name for s in self.sources if s.name == model.group for t in s.tables]
        made = [t for t in tables if model.tables is None or (t in said and said[t].enabled)]
        return tuple(self.renderer.members.name_of(model.name, t) for t in made)

    @property
    def target_dir(self) -> Path:
        """Scratch: the default target's is ``target/``, another's a folder in it."""
        base = self.root / "target"
        return base if self.target_name == self.spec.target else base / "targets" / self.target_name

    def other_scratch(self) -> dict[str, Path]:
        """The scratch of the project's other targets, as far as they have any."""
        base = self.root / "target"
        folders = (base / "targets").iterdir() if (base / "targets").is_dir() else ()
        found = {self.spec.target: base, **{f.name: f for f in sorted(folders) if f.is_dir()}}
        return {name: folder for name, folder in found.items() if folder != self.target_dir}

    @property
    def prices(self) -> PricesSpec:
        """Of machines: the target's, and the project's where it has none."""
        return self.target.prices.over(self.spec.prices)

    @property
    def content_cache(self) -> Path:
        """Hashes of sources' files, known by their size and time."""
        return self.target_dir / "cache" / "content"

    @property
    def describe_cache(self) -> Path:
        """Columns of sources' files, known by their size and time."""
        return self.target_dir / "cache" / "describe"

    @property
    def written_paths(self) -> tuple[Path, ...]:
        """The folders and files that verbs write to, or remove from."""
        database = self.database_path
        return (
            self.root / "target",
            self.root / "privacy",
            self.root / ".synth",
            self.root / ".dvc" / "tmp",
            self.warehouse_dir,
            database,
            database.with_name(f"{database.name}.wal"),
            database.with_name(f"{database.stem}.views"),
        )


def find_project_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` that holds synth_project.yml. Raises SynthError."""
    address = address_of(start)
    if address is not None:
        hint = "go to the project that publishes there; query, show, export and versions read an address as it is"
        raise SynthError(
            f"{without_password(address)} is an address of tables, and this needs their project", hint=hint
        )
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise SynthError(
        f"there is no {PROJECT_FILE} in {start} or above it",
        hint="go to a project, pass --project-dir, or make one: synth init NAME",
    )


@uncollected()
def load_project(
    root: Path,
    *,
    target: str | None = None,
    vars: Options | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    runner: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Project:
    """Load the project in ``root``. What is wrong with its files is in ``faults``, never raised.

    Args:
        target, vars, threads, seed, device: from the command line; they win over the files.
        runner: likewise; the target's options of it are kept where the target names the same.
        environ: what ``env_var`` reads; by default the process's environment over ``.env``.

    Raises:
        SynthError: there is no synth_project.yml, or it has no such target; there is no such runner, or what it needs
            is not installed.
        ConfigurationError: a build would write outside the project, by a path or behind a link; a package is not
            installed as it is locked, and without it nothing else can be judged.
    """
    root = root.resolve()
    if runner is not None:
        refuse_missing(runner)
    if not (root / PROJECT_FILE).is_file():
        raise SynthError(f"there is no {PROJECT_FILE} in {root}", hint="make a project: synth init NAME")
    environment = _environment(root) if environ is None else environ
    document = parse_file(root / PROJECT_FILE)
    faults = list(document.faults)
    raw: dict[str, Any] = dict(document.value) if isinstance(document.value, Mapping) else {}
    if not isinstance(document.value, Mapping) and not faults:
        faults.append(Fault("the file must hold a mapping", Location(document.file, 1, 1), hint="write name: …"))
    spec = _project_spec(raw, document.origin(), vars or {}, environment, faults)
    name = _target_name(spec, target, root)
    chosen = spec.targets.get(name, TargetSpec())
    variables = {**spec.vars, **chosen.vars, **(vars or {})}
    macros = sql_files(root, spec.paths.macros, faults)
    behind = _behind(spec.uses, ("vars",))
    behind = {k: v for k, v in behind.items() if k not in chosen.vars} | _behind(spec.uses, ("targets", name, "vars"))
    behind = {k: v for k, v in behind.items() if k not in (vars or {})}
    packages = _packages(root, [n for m in macros.values() for n in defined_in(m.text)])
    renderer = Renderer(
        variables,
        environment,
        name,
        {m.file: m.text for m in macros.values()},
        behind,
        {p.name: p.macros for p in packages},
    )
    builder = SpecBuilder(renderer, faults)
    builder.define_audit_sets(raw.get("audit_sets"), document.origin(("audit_sets",)))
    tree = raw.get("models")
    origin = document.origin(("models",))
    defaults = FolderDefaults(tree if isinstance(tree, Mapping) else {}, origin)
    others = (*spec.paths.audits, *spec.paths.macros)
    loaded = load_models(root, spec.paths.models, builder, defaults, others)
    project = Project(
        root=root,
        spec=spec,
        target_name=name,
        target=chosen,
        vars=variables,
        renderer=renderer,
        sources=tuple(loaded.sources),
        models=tuple(loaded.models),
        exposures=tuple(loaded.exposures),
        unit_tests=tuple(loaded.unit_tests),
        disabled=tuple(loaded.disabled),
        sql_audits=sql_files(root, spec.paths.audits, faults) | {k: a for p in packages for k, a in p.audits.items()},
        faults=tuple(dict.fromkeys(faults)),
        threads=threads or chosen.threads or spec.threads or os.cpu_count() or 1,
        seed=spec.seed if seed is None else seed,
        device=device or chosen.device or spec.device,
        runner=chosen.runner if runner in (None, chosen.runner.name) else RunnerSpec(name=runner),
        packages=packages,
        given={"vars": vars or None, "seed": seed, "device": device},
    )
    ways_out = _ways_out(project, document.origin())
    if ways_out:  # the compiler already writes: what it learns of a source is kept
        raise ConfigurationError((*ways_out, *project.faults))
    return project


def _packages(root: Path, macros: Iterable[str]) -> tuple[Package, ...]:
    faults: list[Fault] = []
    found = installed(root, {*NAMES, *macros}, faults)
    if faults:
        raise ConfigurationError(faults)
    return found


def _ways_out(project: Project, origin: Origin) -> list[Fault]:
    """Paths and links by which a build would write outside the project."""
    faults = []
    for key, path in (("warehouse", project.warehouse_dir), ("database", project.database_path)):
        written = getattr(project.target, key)
        if (
            written is not None
            and written != project.target.address
            and outside(Path(os.path.normpath(path)), project.root) is not None
        ):
            where = origin.at("targets", project.target_name, key)
            faults.append(Fault(f"the target's {key} lies outside the project", where, written, HINT))
    events = project.spec.lineage.path if project.spec.lineage is not None else None
    if events is not None and outside(Path(os.path.normpath(project.root / events)), project.root) is not None:
        where = origin.at("lineage", "path")
        faults.append(Fault("the file of lineage events lies outside the project", where, events, HINT))
    for link, way in links_out(project.written_paths, project.root):
        faults.append(Fault(f"a link to {way}, outside the project", Location(link), hint=HINT))
    return faults


def declared_target(root: Path, name: str) -> TargetSpec | None:
    """A target as the project's file declares it, whatever else is wrong there: for who only reads tables."""
    document = parse_file(root / PROJECT_FILE)
    raw = dict(document.value) if isinstance(document.value, Mapping) else {}
    kept = {key: raw[key] for key in ("name", "vars", "targets", "connections") if key in raw}
    return _project_spec(kept, document.origin(), {}, _environment(root), []).targets.get(name)


def _environment(root: Path) -> dict[str, str]:
    """The process's environment over what ``.env`` sets."""
    values: dict[str, str] = {}
    refuse_links_out([root / ".env"], root)
    if (root / ".env").is_file():
        from dotenv import dotenv_values

        values = {k: v for k, v in dotenv_values(root / ".env").items() if v is not None}
    return {**values, **os.environ}


def _project_spec(
    raw: Tree,
    origin: Origin,
    given: Options,
    environ: Mapping[str, str],
    faults: list[Fault],
) -> ProjectSpec:
    """The project file as a spec: its own variables may be used in its other keys.

    The tree of model defaults is rendered model by model, so that a default may use what a folder needs; audit sets
    are rendered with the target's variables and the macros.
    """
    written = raw.get("vars")
    first = SpecBuilder(Renderer({}, environ, ""), faults)
    variables = first.rendered(written, origin, ("vars",)) if written else {}
    variables = variables if isinstance(variables, Mapping) else {}
    behind = {k: v for k, v in _behind(first.uses, ("vars",)).items() if k not in given}
    builder = SpecBuilder(Renderer({**variables, **given}, environ, "", behind=behind), faults)
    rest = {k: v for k, v in raw.items() if k not in ("models", "vars", "audit_sets")}
    data = builder.rendered(rest, origin)
    before = len(faults)
    if "vars" in raw:
        data["vars"] = variables if isinstance(written, Mapping) else written
    data["targets"] = (
        {k: v or {} for k, v in data.get("targets", {"dev": {}}).items()}
        if isinstance(data.get("targets", {}), Mapping)
        else data["targets"]
    )
    tree = raw.get("models")
    if tree is not None and not isinstance(tree, Mapping):
        faults.append(Fault("models must be a mapping of folders and +defaults", origin.at("models")))
    spec = builder.spec(ProjectSpec, data, origin, PROJECT_FILE)
    if spec is None:
        good = {k: v for k, v in data.items() if k in ("name", "vars")}
        spec = ProjectSpec.model_construct(**{"name": "project", **good})
        assert len(faults) > before
    spec = spec.model_copy(update={"targets": {n: t.over(spec.connections) for n, t in spec.targets.items()}})
    spec._uses = {**builder.uses, **first.uses}
    return spec


def _behind(uses: Mapping[KeyPath, Rendering], prefix: KeyPath) -> dict[str, frozenset[str]]:
    """Variable → the environment variables behind its value, of the variables below ``prefix``."""
    found: dict[str, frozenset[str]] = {}
    for path, used in uses.items():
        if path[: len(prefix)] == prefix and len(path) > len(prefix) and used.env_vars:
            name = str(path[len(prefix)])
            found[name] = found.get(name, frozenset()) | used.env_vars
    return found


def _target_name(spec: ProjectSpec, asked: str | None, root: Path) -> str:
    name = asked or spec.target
    if name not in spec.targets:
        where = spec.origin.at("target") if asked is None else None
        message = f"there is no target {name!r}"
        if where is None:
            message += f" in {root / PROJECT_FILE}"
        raise SynthError(message, where, did_you_mean(name, spec.targets, "a target"))
    return name
