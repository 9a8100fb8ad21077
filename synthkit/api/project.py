"""A project from Python: compiled, planned, built, and what a run left undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthkit.errors import SynthError
from synthkit.events import Listener

if TYPE_CHECKING:
    from synthkit.building.build import Options
    from synthkit.building.invocation import Invocation
    from synthkit.compiler import Manifest
    from synthkit.planning.plan import Plan
    from synthkit.project.project import Project
    from synthkit.results import RunResults

Names = str | Sequence[str]
# Where the columns of the real tables come from: the sources themselves; the receipts of what was published, so that no
# source is opened; or the receipts where a source is not here, as in a clone without the data.
Reads = Literal["sources", "receipts", "either"]


def address_of(project: str | Path) -> str | None:
    """The address of tables (``s3://bucket/prefix``) that stands where a project's folder may; None of a folder."""
    from synthkit.project.addresses import address_of as found

    return found(project)


def find(project: str | Path = ".") -> Path:
    """The project's folder, here or above. Raises SynthError where there is none."""
    from synthkit.project.project import find_project_root

    return find_project_root(Path(project))


def load(project: str | Path = ".", *, vars: Mapping[str, object] | None = None, **given: Any) -> Project:
    """The project's files, unchecked: what is wrong with them is in ``.faults``. Arguments as in :func:`compile`.

    Raises:
        SynthError: there is no project, or no such target.
    """
    from synthkit.project.project import load_project

    return load_project(find(project), vars=vars, **given)


def compile(
    project: str | Path = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    runner: str | None = None,
    full: bool = False,
    reads: Reads = "sources",
    write: bool = False,
) -> Manifest:
    """Load a project and check all that can be checked before training.

    Args:
        project: its folder, or one inside it.
        target, vars, threads, seed, device, runner: as the options of ``synth build``; they win over the files.
        full: forget what was learnt of the sources, which is known by their files' size and time.
        reads: where the sources' columns come from: ``sources``, ``receipts``, or of a source that is not here
            ``either``; then ``.absent`` says which, and why.
        write: also write ``target/manifest.json`` and ``target/compiled/``, as ``synth compile`` does.

    Raises:
        ConfigurationError: with every fault of the project, each with file, line, column and fix.
        SynthError: there is no project, no such target or runner, or what the runner needs is not installed.
    """
    from synthkit.compiler import compile_project
    from synthkit.files import own_folder, remove

    loaded = load(project, target=target, vars=vars, threads=threads, seed=seed, device=device, runner=runner)
    own_folder(loaded.root / "target")  # before anything is learnt of a source
    if full:
        for learnt in (loaded.content_cache, loaded.describe_cache):
            remove(learnt)
    if reads == "sources":
        manifest = compile_project(loaded)
    else:
        from synthkit.verify.receipts import columns_in

        manifest = compile_project(loaded, columns_in(loaded), opens=reads == "either")
    if write:
        manifest.write(loaded.target_dir)
    return manifest


def plan(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    full_refresh: bool = False,
    state: str | Path | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
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

    manifest = compiled(project, target=target, vars=vars, seed=seed, device=device)
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
    runner: str | None = None,
    listener: Listener | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
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
        runner: where jobs run: the name of an entry point of the group ``synthkit.runners``; default: the target's.
        listener: is called with each event (:mod:`synthkit.events`), one at a time. Default: in a notebook what shows
            bars, elsewhere nobody; ``synthkit.events.ignore`` shows nothing there either.
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
    given = {"threads": threads, "seed": seed, "device": device, "runner": runner}
    manifest = compiled(project, target=target, vars=vars, **given)

    def make() -> Plan:
        return plan(manifest, select=select, exclude=exclude, full_refresh=full_refresh, state=state)

    options = run_options(manifest, "build", fail_fast, lock_wait, full_refresh)
    return run_plan(manifest, make, options, listener)


def audit(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    fail_fast: bool = False,
    lock_wait: float = 0.0,
    state: str | Path | None = None,
    runner: str | None = None,
    listener: Listener | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> RunResults:
    """Audit the published tables again, under today's thresholds. Nothing is trained or drawn.

    Arguments and results as of :func:`build`.

    Raises:
        SynthError: see :func:`build`; or nothing that is selected is published.
    """
    from synthkit.planning.plan import make_audit_plan

    given = {"threads": threads, "seed": seed, "device": device, "runner": runner}
    manifest = compiled(project, target=target, vars=vars, **given)

    def make() -> Plan:
        return make_audit_plan(
            manifest,
            select=several(select),
            exclude=several(exclude),
            results=last_results(manifest.project),
            state=None if state is None else Path(state),
        )

    return run_plan(manifest, make, run_options(manifest, "audit", fail_fast, lock_wait), listener)


@dataclass(frozen=True)
class Unfinished:
    """What the last run did not bring to its end.

    Args:
        last: that run, as it was asked for.
        manifest: the project as it is now, under that run's target, variables, seed and device.
        models: what failed, was skipped or was never reached, in the order of that run's plan.
        gone: what is not a model any more, or is disabled, so it is not retried.
    """

    last: Invocation
    manifest: Manifest
    models: tuple[str, ...]
    gone: tuple[str, ...]


def unfinished(
    project: str | Path = ".", *, target: str | None = None, threads: int | None = None, runner: str | None = None
) -> Unfinished:
    """What :func:`retry` would build: of the last run, also one that was killed; of one target if that is named.

    Raises:
        SynthError: nothing was run yet; or see :func:`compile`.
    """
    from synthkit.building.invocation import last_invocation
    from synthkit.building.invocation import unfinished as left_by
    from synthkit.store.targets import target_of

    last = last_invocation(find(project), target)
    if last.command == "promote":
        raise SynthError(
            f"the last run into {last.target!r} was a promotion, which is not retried",
            hint="synth promote again: what it has published stays",
        )
    given = variables(last.variables)
    manifest = compile(
        project,
        target=last.target,
        vars=given,
        threads=threads,
        seed=last.seed,
        device=last.device,
        runner=runner,
    )
    loaded = manifest.project
    left = left_by(last, loaded.target_dir, target_of(loaded))
    here = tuple(m for m in left if m in manifest.models)
    return Unfinished(last, manifest, here, tuple(m for m in left if m not in manifest.models))


def retry(
    project: str | Path | Unfinished = ".",
    *,
    fail_fast: bool = False,
    lock_wait: float = 0.0,
    runner: str | None = None,
    listener: Listener | None = None,
    target: str | None = None,
    threads: int | None = None,
) -> RunResults | None:
    """Build (or audit) what the last run left undone, also one that was killed; None where that is nothing.

    Target, variables, seed, device and full_refresh are that run's. What was trained or staged is not made again.

    Args:
        project: its folder, or what :func:`unfinished` gave.
        fail_fast, lock_wait, listener: see :func:`build`.
        target, threads, runner: see :func:`unfinished`.
    """
    from synthkit.planning.plan import make_audit_plan, make_plan

    if isinstance(project, Unfinished):
        left = project
    else:
        left = unfinished(project, target=target, threads=threads, runner=runner)
    if not left.models:
        return None
    last, manifest = left.last, left.manifest

    def make() -> Plan:
        if last.command == "audit":
            return make_audit_plan(manifest, select=left.models)
        return make_plan(manifest, select=left.models, full_refresh=last.full_refresh)

    options = run_options(manifest, last.command, fail_fast, lock_wait, last.full_refresh)
    return run_plan(manifest, make, options, listener)


def last_results(project: Project) -> dict[str, str]:
    """Model → status of the last run, for the selector ``result:…``; nothing where there is none to read."""
    from synthkit.results import RunResults

    try:
        last = RunResults.read(project.target_dir / "run_results.json")
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {r.model: r.status for r in last.results}


def variables(text: str | None) -> dict[str, Any]:
    """``--vars``, a mapping in YAML. Raises SynthError."""
    if not text:
        return {}
    from synthkit.project.yamlfile import Document, parse_text

    document = parse_text(text, Document(Path("--vars")))
    if document.faults:
        raise SynthError(f"--vars: {document.faults[0].message}", hint=document.faults[0].hint)
    if not isinstance(document.value, dict):
        raise SynthError("--vars is no mapping", hint="write --vars '{epochs: 10}'")
    return document.value


def compiled(project: str | Path | Manifest, **given: Any) -> Manifest:
    """Raises TypeError for what a compiled project cannot be given any more."""
    if isinstance(project, str | Path):
        return compile(project, **given)
    late = [name for name, value in given.items() if value is not None and name != "reads"]
    if late:
        raise TypeError(f"give {', '.join(late)} to compile(), or pass the project's folder")
    return project


def several(names: Names) -> tuple[str, ...]:
    """One name, or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def run_options(
    manifest: Manifest, command: str, fail_fast: bool, lock_wait: float, full_refresh: bool = False
) -> Options:
    """With what only this run was given, so that a retry gives it again."""
    from synthkit.building.build import Options
    from synthkit.building.invocation import Asked

    given = manifest.project.given
    said = json.dumps(given["vars"], default=str, ensure_ascii=False) if given.get("vars") else None  # JSON is YAML
    asked = Asked(said, given.get("seed"), given.get("device"), full_refresh)
    return Options(manifest.project.threads, fail_fast, lock_wait, command, asked=asked)


def run_plan(manifest: Manifest, make: Callable[[], Plan], options: Options, listener: Listener | None) -> RunResults:
    """Run the plan that ``make`` gives once no other build can change what it looks at."""
    from synthkit.building import build as building
    from synthkit.planning.needs import refuse_lacking
    from synthkit.project.runners import refuse_missing
    from synthkit.report.notebook import listening

    def checked() -> Plan:
        plan = make()
        refuse_lacking(manifest, plan)
        return plan

    refuse_missing(manifest.project.runner.name)
    manifest.write_summary(manifest.project.target_dir)
    return building.build(manifest, checked, options=options, listener=listening(listener))
