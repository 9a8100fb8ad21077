"""Jobs for Kubernetes, as the values that its API takes; nothing here imports its client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthkit.project.resources import UNASKED, Resources
from synthkit.runners.kubernetes.options import KubernetesOptions

OWN_FAULT = 3  # the exit status of a pod whose job failed of itself: another pod would fail of the same
CONTAINER = "synth"
PYTHON = "python"  # of the image
POD = "synthkit.runners.kubernetes.pod"
USER = 10001  # as in the Dockerfile
Manifest = dict[str, Any]


def indexed_job(
    name: str,
    options: KubernetesOptions,
    command: Sequence[str],
    *,
    completions: int = 1,
    resources: Resources = UNASKED,
    model_threads: int = 1,
    labels: Mapping[str, str] | None = None,
    before: Sequence[Manifest] = (),
) -> Manifest:
    """An Indexed Job: so many parts, each until it is done or fails of itself, lost pods replaced.

    Args:
        completions: parts; each pod finds its number, from 0, in ``JOB_COMPLETION_INDEX``.
        resources: what each part asks for; default: the options' requests.
        model_threads: CPU threads of a part's linear algebra.
        labels: beside the name.
        before: containers that must have ended well before a part begins.
    """
    said = {"app.kubernetes.io/name": "synthkit", "app.kubernetes.io/instance": name, **(labels or {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": options.namespace, "labels": said},
        "spec": {
            "completionMode": "Indexed",
            "completions": completions,
            "parallelism": min(options.parallelism, completions),
            "backoffLimitPerIndex": options.retries,
            "maxFailedIndexes": 0,  # a table with a part missing is none: the rest is not drawn for nothing
            "ttlSecondsAfterFinished": options.keep_seconds,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailIndex",
                        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [OWN_FAULT]},
                    },
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {
                "metadata": {"labels": dict(said)},  # a value of its own: YAML would refer to the other
                "spec": _pod(options, command, resources, model_threads, before),
            },
        },
    }


def carrying(options: KubernetesOptions, folder: str, model_threads: int, parts: int) -> list[str]:
    """The command of a pod that carries out its part of the jobs in a folder, which is seen from the project."""
    return [PYTHON, "-m", POD, options.folder, folder, str(model_threads), str(parts)]


def container(
    name: str, options: KubernetesOptions, command: Sequence[str], resources: Resources, model_threads: int
) -> Manifest:
    """A container with the project, and what it may take."""
    environment = {"HOME": "/tmp", "OMP_NUM_THREADS": str(model_threads), "SYNTH_RUNNER": "local"}
    found: Manifest = {
        "name": name,
        "image": options.image,
        "command": list(command),
        "workingDir": options.folder,
        "env": [
            *({"name": key, "value": value} for key, value in sorted(environment.items())),
            {"name": "SYNTH_MACHINE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},  # not the pod's name
        ],
        "resources": _resources(options, resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "project", "mountPath": options.mount},
            *(
                {"name": f"data-{number}", "mountPath": path, "readOnly": True}
                for number, path in enumerate(options.data.values())
            ),
        ],
    }
    if options.secrets:
        found["envFrom"] = [{"secretRef": {"name": secret}} for secret in options.secrets]
    return found


def _pod(
    options: KubernetesOptions,
    command: Sequence[str],
    resources: Resources,
    model_threads: int,
    before: Sequence[Manifest],
) -> Manifest:
    found: Manifest = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(CONTAINER, options, command, resources, model_threads)],
        "volumes": [
            {"name": "project", "persistentVolumeClaim": {"claimName": options.claim}},
            *(
                {"name": f"data-{number}", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
                for number, claim in enumerate(options.data)
            ),
        ],
    }
    if before:
        found["initContainers"] = list(before)
    if options.service_account is not None:
        found["serviceAccountName"] = options.service_account
    if options.node_selector:
        found["nodeSelector"] = dict(options.node_selector)
    if resources.accelerator is not None:
        found["nodeSelector"] = {**found.get("nodeSelector", {}), "nvidia.com/gpu.product": resources.accelerator}
    return found


def _resources(options: KubernetesOptions, asked: Resources) -> Manifest:
    """Requests and limits. What a model asks for wins; a GPU is a limit, which Kubernetes takes for the request too."""
    most, usual = options.limits, options.requests
    cpus, memory = asked.cpus or usual.cpus, asked.memory or usual.memory
    gpus = usual.gpus if asked.gpus is None else asked.gpus
    requests = {"cpu": _cpus(cpus), "memory": _memory(memory)}
    limits = {"cpu": _cpus(most.cpus), "memory": _memory(most.memory), "nvidia.com/gpu": str(gpus) if gpus else None}
    return {
        "requests": {key: value for key, value in requests.items() if value is not None},
        "limits": {key: value for key, value in limits.items() if value is not None},
    }


def _cpus(cpus: float | None) -> str | None:
    return None if cpus is None else (f"{cpus:g}" if float(cpus).is_integer() else f"{round(cpus * 1000)}m")


def _memory(memory: int | None) -> str | None:
    if memory is None:
        return None
    for unit, size in (("Gi", 2**30), ("Mi", 2**20)):
        if memory % size == 0:
            return f"{memory // size}{unit}"
    return str(memory)
