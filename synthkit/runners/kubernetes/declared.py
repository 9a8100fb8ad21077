"""Kubernetes as the compiler sees it; light to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.resources import Limits
from synthkit.project.runners import Runner
from synthkit.runners.kubernetes.options import KubernetesOptions

if TYPE_CHECKING:
    from synthkit.runners.jobs import Executor


def _start(*, model_threads: int, log: Path, options: KubernetesOptions) -> Executor:
    from synthkit.runners.kubernetes.executor import KubernetesExecutor

    return KubernetesExecutor(model_threads, log, options)


def _limits(options: KubernetesOptions) -> Limits:
    return options.limits


KUBERNETES = Runner(
    _start, "pods of a Kubernetes cluster", KubernetesOptions, needs="kubernetes", extra="kubernetes", limits=_limits
)
