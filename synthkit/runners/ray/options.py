"""What a target may say of its Ray cluster."""

from __future__ import annotations

from pydantic import Field

from synthkit.project.resources import UNKNOWN, Limits
from synthkit.project.spec import Spec


class RayOptions(Spec):
    """A Ray cluster.

    Args:
        address: of its head, ``host:6379``, or ``auto`` for one that runs on this machine; default: ``RAY_ADDRESS``,
            and without that a cluster of this machine alone, which ends with the build.
        root: the project's folder as the cluster's machines see it; default: as this one does.
        retries: how often a job is run again whose worker or machine was lost. A job that fails of itself is not.
        start_seconds: in which Ray must have started, or the cluster answered.
        variables: environment variables of this process that jobs are given too. Ray shows their values to whoever may
            look at the cluster.
        limits: of its largest machine; what a model asks for beyond them is a fault, and what it asks for within them
            is waited for, as machines may come. Default: what no machine has when the job comes fails it.
    """

    address: str | None = Field(default=None, pattern=r"^(auto|local|[^/:\s]+:\d+|\[[0-9a-fA-F:]+\]:\d+)$")
    root: str | None = Field(default=None, pattern="^/")
    retries: int = Field(default=3, ge=0)
    start_seconds: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    variables: tuple[str, ...] = ()
    limits: Limits = UNKNOWN
