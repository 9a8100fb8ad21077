"""A build as Jobs that are applied at once, without a coordinator: train, draw the partitions, finish.

Each waits in the storage for what the one before it leaves there. Nothing in them is a secret, and each has labels for
Kustomize and ``kubectl -l``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthkit.project.resources import Resources
from synthkit.runners.kubernetes.handed import FOLDER
from synthkit.runners.kubernetes.manifests import PYTHON, Manifest, carrying, container, indexed_job
from synthkit.runners.kubernetes.options import KubernetesOptions

STAGE = "app.kubernetes.io/component"  # of the recommended labels
WAITING = Resources(cpus=0.1, memory=256 * 2**20)  # of a container that looks at files


def stages(
    name: str,
    run: str,
    options: KubernetesOptions,
    partitions: Mapping[str, tuple[int, Resources]],
    *,
    arguments: Sequence[str] = (),
    model_threads: int = 1,
    wait_seconds: int = 86_400,
) -> list[Manifest]:
    """The Jobs ``NAME-train``, ``NAME-draw-MODEL`` for each model, and ``NAME-finish``.

    Args:
        run: names what they leave for one another, so that a later run does not take it for its own.
        partitions: model → how many parts it is drawn in, and what each asks for.
        arguments: of ``synth``: target and selection.
        wait_seconds: that a stage waits for the one before it.
    """
    folder = f"{FOLDER}/{name}-{run}"
    models = list(partitions)

    def job(stage: str, command: Sequence[str], suffix: str = "", **more: Any) -> Manifest:
        labels = {STAGE: stage, "app.kubernetes.io/part-of": name}
        return indexed_job(
            f"{name}-{stage}{suffix}", options, command, labels=labels, model_threads=model_threads, **more
        )

    def waiting(what: str, of: Sequence[str]) -> Manifest:
        command = [PYTHON, "-m", "synthkit.runners.kubernetes.waiting", what, str(wait_seconds), options.folder, folder]
        return container("wait", options, [*command, *of], WAITING, 1)

    synth = [PYTHON, "-m", "synthkit"]
    found = [job("train", [*synth, "k8s", "train", "--run", folder, *arguments])]
    for model, (parts, resources) in partitions.items():
        found.append(
            job(
                "draw",
                carrying(options, f"{folder}/{model}", model_threads, parts),
                f"-{model.lower().replace('_', '-')}",
                completions=parts,
                resources=resources,
                before=[waiting("jobs", [model])],
            )
        )
    found.append(job("finish", [*synth, "build", *arguments], before=[waiting("ends", models)]))
    return found
