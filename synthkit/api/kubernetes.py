"""A build as manifests that ``kubectl apply`` takes, and the first of their stages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import Names, compiled, several
from synthkit.errors import SynthError
from synthkit.events import Listener, ignore

if TYPE_CHECKING:
    from synthkit.compiler import Manifest


def k8s(
    project: str | Path | Manifest = ".",
    *,
    run: str,
    select: Names = (),
    name: str | None = None,
    target: str | None = None,
) -> str:
    """Jobs in YAML, several documents: train, draw the partitions of each table that is drawn in partitions, finish.

    Args:
        run: names what the stages leave for one another; another one for each build.
        select: models in the syntax of ``synth build --select``.
        name: what the Jobs' names begin with; default: the project's.
        target: whose ``runner:`` must be ``kubernetes``.

    Raises:
        SynthError: the target's runner is another one; or no selected table is drawn in partitions of a known number.
    """
    import yaml

    from synthkit.planning.plan import make_plan
    from synthkit.project.partition import partitions_of
    from synthkit.runners.kubernetes.options import KubernetesOptions
    from synthkit.runners.kubernetes.stages import stages

    manifest = compiled(project, target=target)
    loaded = manifest.project
    if loaded.runner.name != "kubernetes":
        hint = "write runner: {name: kubernetes, image: …, claim: …} under the target"
        raise SynthError(
            f"the runner of target {loaded.target_name} is {loaded.runner.name}, not kubernetes", hint=hint
        )
    options = KubernetesOptions.model_validate(loaded.runner.options)
    chosen = [a.model for a in make_plan(manifest, select=several(select), full_refresh=True).actions]
    partitions = {}
    for model in (manifest.models[m] for m in chosen):
        rows = manifest.known_rows(model)
        parts = 1 if rows is None else partitions_of(rows, model.spec.partition_rows)
        if parts > 1 and model.family is None and model.source is not None:
            partitions[model.name] = (parts, model.spec.resources)
    if not partitions:
        hint = "give it a size in rows (or row_count: of its source) beyond partition_rows, or take --runner kubernetes"
        raise SynthError("no selected table is known to be drawn in partitions", hint=hint)
    arguments = ["--target", loaded.target_name]
    for selected in several(select):
        arguments += ["--select", selected]
    prefix = (name or loaded.spec.name).lower().replace("_", "-")
    threads = loaded.spec.model_threads
    found = stages(prefix, run, options, partitions, arguments=arguments, model_threads=threads)
    return yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True)


def train(
    project: str | Path | Manifest = ".",
    *,
    run: str,
    select: Names = (),
    listener: Listener = ignore,
    target: str | None = None,
) -> tuple[tuple[str, ...], int]:
    """The first stage: build, but write down the jobs of partitions instead of drawing them.

    Args:
        run: the folder of what the stages leave for one another, seen from the project.

    Returns:
        The models whose partitions are handed out, and the exit status of the pod.
    """
    from synthkit.building import build as building
    from synthkit.files import write_json_atomic
    from synthkit.planning.plan import make_plan
    from synthkit.project.runners import LOCAL, RunnerSpec
    from synthkit.runners.kubernetes.handed import FAILED, Handed
    from synthkit.runners.kubernetes.handing import HandingOut
    from synthkit.runners.kubernetes.manifests import OWN_FAULT
    from synthkit.runners.registry import started

    manifest = compiled(project, target=target)
    loaded = manifest.project
    folder = loaded.root / run
    (folder / FAILED).unlink(missing_ok=True)
    log = loaded.target_dir / "logs" / f"{folder.name}.log"
    local = started(RunnerSpec(name=LOCAL), model_threads=loaded.spec.model_threads, log=log)
    executor = HandingOut(local, folder)
    options = building.Options(threads=loaded.threads)
    results = building.build(
        manifest,
        lambda: make_plan(manifest, select=several(select)),
        options=options,
        listener=listener,
        executor=executor,
    )
    bad = [r.model for r in results.results if r.failed and r.model not in executor.models]
    failed = bool(bad) or results.interrupted
    if failed:
        write_json_atomic(folder / FAILED, {"models": bad})
    else:
        for model in {r.model for r in results.results} - executor.models:
            Handed(folder / model).write([])
    return tuple(sorted(executor.models)), OWN_FAULT if failed else 0
