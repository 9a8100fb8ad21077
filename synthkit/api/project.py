"""A project from Python: what a build would do, and the build."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.events import Listener, ignore

if TYPE_CHECKING:
    from synthkit.building.build import Options
    from synthkit.compiler import Manifest
    from synthkit.planning.plan import Plan
    from synthkit.project.project import Project
    from synthkit.results import RunResults

Names = str | Sequence[str]


def compile(
    project: str | Path = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> Manifest:
    """Load a project and check all that can be checked before training.

    Args:
        project: its folder, or one inside it.
        target, vars, threads, seed, device: as the options of ``synth build``; they win over the files.

    Raises:
        ConfigurationError: with every fault of the project, each with file, line, column and fix.
        SynthError: there is no project, or no such target.
    """
    from synthkit.compiler import compile_project
    from synthkit.files import own_folder
    from synthkit.project.project import find_project_root, load_project

    root = find_project_root(Path(project))
    loaded = load_project(root, target=target, vars=vars, threads=threads, seed=seed, device=device)
    own_folder(loaded.root / "target")  # before anything is learnt of a source
    return compile_project(loaded)


def plan(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    full_refresh: bool = False,
    state: str | Path | None = None,
    target: str | None = None,
    vars: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> Plan:
    """What a build would do, and why. Nothing is run, nothing is charged.

    Args:
        project: its folder, or what :func:`compile` gave.
        select, exclude: models in the syntax of ``synth build --select``, one text or several.
        full_refresh: as if nothing had been built.
        state: a folder with another branch's ``manifest.json`` and receipts, for ``state:modified``.
        target, vars, seed, device: see :func:`compile`, which was given them where ``project`` is what it gave.

    Returns:
        The actions in the order of the graph: ``.actions``, of which ``.work`` is what is not there already.

    Raises:
        ConfigurationError, SynthError: see :func:`compile`; or the selection names what is not there.

    >>> [(action.model, action.kind, action.reason) for action in synthkit.plan(shop, full_refresh=True).work]
    [('customers', 'query', 'full refresh'), ('by_tier', 'query', 'full refresh')]
    """
    from synthkit.planning.plan import make_plan

    manifest = _manifest(project, target=target, vars=vars, seed=seed, device=device)
    return make_plan(
        manifest,
        select=several(select),
        exclude=several(exclude),
        full_refresh=full_refresh,
        results=last_results(manifest.project),
        state=None if state is None else Path(state),
    )


def build(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    full_refresh: bool = False,
    fail_fast: bool = False,
    lock_wait: float = 0.0,
    state: str | Path | None = None,
    runner: str = "local",
    listener: Listener = ignore,
    target: str | None = None,
    vars: Mapping[str, Any] | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> RunResults:
    """Train, draw, audit and publish what changed, as ``synth build`` does.

    A model that fails its audits raises nothing: look at ``.failed`` or ``.status`` of the results, and at
    ``.results``, one for each model.

    Args:
        fail_fast: stop at the first failure.
        lock_wait: seconds to wait for another build of the project to end.
        runner: where jobs run: the name of an entry point of the group ``synthkit.runners``.
        listener: is called with each event (:mod:`synthkit.events`), one at a time.
        project, select, exclude, full_refresh, state, target, vars, seed, device: see :func:`plan`.
        threads: how many models at once.

    Raises:
        ConfigurationError, SynthError: see :func:`plan`; or another build holds the project's lock.
        BuildError: a unit test fails; nothing was run then.
        OverBudgetError: more of some privacy would be spent than is left; nothing was read then.

    >>> run = synthkit.build(shop, select="+by_tier")
    >>> run.status, [(result.model, result.rows) for result in run.results]
    ('pass', [('customers', 315), ('by_tier', 3)])
    >>> synthkit.build(shop).counts()
    {'reused': 2}
    """
    from synthkit.building.build import Options

    manifest = _manifest(project, target=target, vars=vars, threads=threads, seed=seed, device=device)

    def make() -> Plan:
        return plan(manifest, select=select, exclude=exclude, full_refresh=full_refresh, state=state)

    # What only this run was given, so that `synth retry` gives it again.
    variables = json.dumps(vars) if vars else None  # JSON is YAML
    asked = {"variables": variables, "seed": seed, "device": device, "full_refresh": full_refresh}
    options = Options(manifest.project.threads, fail_fast, lock_wait, asked=asked, runner=runner)
    return run(manifest, make, options, listener)


def run(manifest: Manifest, make: Callable[[], Plan], options: Options, listener: Listener = ignore) -> RunResults:
    """Run the plan that ``make`` gives once no other build can change what it looks at.

    Raises:
        BuildError, OverBudgetError, SynthError: see :func:`build`.
    """
    from synthkit.building import build as building

    manifest.write_summary(manifest.project.target_dir)
    return building.build(manifest, make, options=options, listener=listener)


def last_results(project: Project) -> dict[str, str]:
    """Model → status of the last run, for the selector ``result:…``; nothing where there is none to read."""
    from synthkit.results import RunResults

    try:
        last = RunResults.read(project.target_dir / "run_results.json")
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {r.model: r.status for r in last.results}


def _manifest(project: str | Path | Manifest, **given: Any) -> Manifest:
    """Raises TypeError for what a compiled project cannot be given any more."""
    if isinstance(project, str | Path):
        return compile(project, **given)
    late = [name for name, value in given.items() if value is not None]
    if late:
        raise TypeError(f"give {', '.join(late)} to compile(), or pass the project's folder")
    return project


def several(names: Names) -> tuple[str, ...]:
    """One name, or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)
