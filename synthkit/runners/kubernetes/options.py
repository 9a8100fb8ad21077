"""What a target may say of its Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from synthkit.project.resources import Limits, Resources
from synthkit.project.spec import Spec

_NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"


class KubernetesOptions(Spec):
    """A namespace of a Kubernetes cluster, and the pods that jobs run in.

    Args:
        image: of the pods' container, with synthkit in it: the ``Dockerfile`` of this project makes one.
        claim: the PersistentVolumeClaim that the project's folder lies on, which many pods mount at once.
        mount: where pods mount it.
        root: the project's folder as pods see it; default: the mount itself.
        data: further claims that sources lie on, mounted for reading: claim → path.
        namespace: of the Jobs.
        context: of the kubeconfig; default: its current one. In a pod, its service account.
        parallelism: how many pods work at once on the partitions of one table.
        requests: what a pod asks for; a model's ``resources:`` win.
        limits: what a pod may take at most, and models may ask for.
        retries: how often a pod that was lost is replaced. One whose job fails of itself is not.
        secrets: names of Secrets whose keys become environment variables of the pods.
        service_account: of the pods.
        node_selector: label → value of the machines that may run them.
        start_seconds: in which the first pod must run.
        keep_seconds: after which Kubernetes itself removes a Job that has ended.
    """

    image: str = Field(min_length=1)
    claim: str = Field(pattern=_NAME)
    mount: str = Field(default="/project", pattern="^/.+")
    root: str | None = Field(default=None, pattern="^/")
    data: Mapping[str, str] = {}
    namespace: str = Field(default="default", pattern=_NAME)
    context: str | None = None
    parallelism: int = Field(default=10, ge=1)
    requests: Resources = Resources(cpus=4, memory=8 * 2**30)
    limits: Limits = Limits(cpus=8, memory=16 * 2**30)
    retries: int = Field(default=3, ge=0)
    secrets: tuple[str, ...] = ()
    service_account: str | None = Field(default=None, pattern=_NAME)
    node_selector: Mapping[str, str] = {}
    start_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    keep_seconds: int = Field(default=86_400, ge=0)

    @property
    def folder(self) -> str:
        """The project's folder, as pods see it."""
        return self.root or self.mount
