"""The build's side of a Kubernetes cluster: applies an Indexed Job, watches its pods, and says what became of it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from synthkit.errors import BuildError
from synthkit.runners.done import Failure
from synthkit.runners.failing import error_of
from synthkit.runners.jobs import STOPPED, Job, JobProgress, done_from_json
from synthkit.runners.kubernetes.copies import Copies, part_of
from synthkit.runners.kubernetes.handed import FOLDER, SEEN, Handed, left_behind
from synthkit.runners.kubernetes.manifests import CONTAINER, carrying, indexed_job
from synthkit.runners.kubernetes.options import KubernetesOptions

R = TypeVar("R")

EVERY = 0.5  # seconds between two looks at a Job and its pods
JOB = "batch.kubernetes.io/job-name"
REQUEST_SECONDS = 30  # of one request to the API server


class KubernetesExecutor:
    """Runs jobs as the parts of Indexed Jobs, in pods that see the project's folder.

    Args:
        model_threads: CPU threads of each job's linear algebra.
        log: file that takes tracebacks.
        options: of the cluster, and of the pods.
    """

    def __init__(self, model_threads: int, log: Path, options: KubernetesOptions) -> None:
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException

        self._threads, self._options, self.log_path = model_threads, options, log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        try:
            api = config.new_client_from_config(os.environ.get("KUBECONFIG"), options.context)
        except ConfigException as error:
            try:
                config.load_incluster_config()
                api = client.ApiClient()
            except ConfigException:
                hint = "set KUBECONFIG, or the runner's option context, as for kubectl"
                raise BuildError(f"no Kubernetes cluster is configured here: {error}", hint=hint) from error
        self._batch, self._core = client.BatchV1Api(api), client.CoreV1Api(api)
        self._error: type[Exception] = client.ApiException
        self._name = f"synth-{log.stem.lower().replace('_', '-')[-30:].strip('-.')}"
        self._number, self._lock = 0, threading.Lock()
        self._applied: set[str] = set()
        self._tidied = False
        self._stopped = False

    def run(self, job: Job[R], progress: JobProgress) -> R:
        return self.run_many([job], [progress])[0]

    def run_many(self, jobs: Sequence[Job[R]], progress: Sequence[JobProgress]) -> list[R]:
        """Jobs that ask for the same, as the parts of one Indexed Job.

        Raises:
            BuildError: with the reason of the first of them that failed, or why pods did not run.
        """
        with self._lock:
            if self._stopped:
                raise BuildError(STOPPED)
            self._tidy(jobs[0].root)
            self._number += 1
            name = f"{self._name}-{self._number}"
        handed = self._handed_out(name, jobs)
        copies = Copies(name, jobs, self._applied_copy, self._forget)
        try:
            self._create(self._manifest(name, jobs))
            self._watch(name, handed, progress, copies)
            return [self._result(handed, number, job) for number, job in enumerate(jobs)]
        finally:
            copies.close()
            self._forget(name, handed)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            applied = list(self._applied)
        for name in applied:
            self._delete(name)

    def close(self) -> None:
        self.stop()

    # -- a Job -------------------------------------------------------------------------------------

    def _handed_out(self, name: str, jobs: Sequence[Job[Any]]) -> Handed:
        """The jobs in the storage, in a folder of the name that they are about to be applied under."""
        with self._lock:
            self._applied.add(name)
        handed = Handed(jobs[0].root / FOLDER / name)
        handed.write(jobs)
        handed.applied(name, self._options.namespace, self._target(jobs[0].root))
        return handed

    def _target(self, root: Path) -> str:
        """What tells this build's target from others': the folder of its log, which each target has for itself."""
        logs = self.log_path.parent
        return (logs.relative_to(root) if logs.is_relative_to(root) else logs).as_posix()

    def _manifest(self, name: str, jobs: Sequence[Job[Any]]) -> dict[str, Any]:
        return indexed_job(
            name,
            self._options,
            carrying(self._options, f"{FOLDER}/{name}", self._threads, len(jobs)),
            completions=len(jobs),
            resources=jobs[0].resources,
            model_threads=self._threads,
        )

    def _applied_copy(self, name: str, jobs: Sequence[Job[Any]]) -> Handed | None:
        """Where its folder is; None where the cluster takes no more, which is no fault: the first one goes on."""
        handed = self._handed_out(name, jobs)
        try:
            self._create(self._manifest(name, jobs))
        except BuildError as error:
            self._forget(name, handed)
            with self.log_path.open("a", encoding="utf-8") as out:
                out.write(f"there is no second copy of a late part ({name}): {error.message}\n")
            return None
        return handed

    def _forget(self, name: str, handed: Handed) -> None:
        if self._delete(name):
            handed.forget()

    def _watch(self, name: str, handed: Handed, progress: Sequence[JobProgress], copies: Copies) -> None:
        """Until all parts are done, by the Job or by copies. Its pods' progress is passed on as they write it."""
        until = time.monotonic() + self._options.start_seconds
        followed: set[str] = set()
        while True:
            if self._stopped:
                raise BuildError(STOPPED)
            job = self._request(self._batch.read_namespaced_job, name=name)
            pods = self._request(self._core.list_namespaced_pod, label_selector=f"{JOB}={name}").items
            for pod in pods:
                if pod.metadata.name not in followed and pod.status.phase in ("Running", "Succeeded", "Failed"):
                    followed.add(pod.metadata.name)
                    self._follow(pod, progress)
            for condition in job.status.conditions or ():
                if condition.status == "True" and condition.type == "Complete":
                    return
                if condition.status == "True" and condition.type == "Failed":
                    raise self._failed(name, handed, len(progress), pods, condition)
            if copies.look(pods, handed):
                return
            if not followed and time.monotonic() > until:
                raise BuildError(
                    f"no pod of {name} ran within {self._options.start_seconds:g} s: {_waiting(pods)}",
                    hint="ask for less, name another image or claim, or give it longer (start_seconds of the runner)",
                )
            time.sleep(EVERY)

    def _follow(self, pod: Any, progress: Sequence[JobProgress]) -> None:
        """Pass a pod's progress on, from its log, until that ends."""
        index = part_of(pod)

        def read() -> None:
            try:
                log = self._core.read_namespaced_pod_log(
                    pod.metadata.name,
                    pod.metadata.namespace,
                    container=CONTAINER,
                    follow=True,
                    _preload_content=False,
                )
                for line in log:
                    step = _step(line)
                    if step is not None:
                        progress[index](*step)
            except Exception as error:  # the log is for people to look at: the end stands in the storage
                with self.log_path.open("a", encoding="utf-8") as out:
                    out.write(f"the log of {pod.metadata.name} was cut off: {error}\n")

        threading.Thread(target=read, daemon=True).start()

    def _result(self, handed: Handed, number: int, job: Job[R]) -> R:
        end = handed.ended(number, patience=SEEN)
        if end is None:
            folder = handed.folder.relative_to(job.root)
            hint = "do pods and this machine see the same storage? look at claim, mount and root of the runner"
            raise BuildError(f"a pod ended well, and its result is not in {folder} here", hint=hint)
        if "error" in end:
            raise error_of(Failure.from_json(end["error"]), self.log_path)
        return done_from_json(job, end["result"])

    def _failed(self, name: str, handed: Handed, parts: int, pods: Sequence[Any], condition: Any) -> BuildError:
        """Why a Job failed: a job's own reason, or what became of its pods."""
        for number in range(parts):
            end = handed.ended(number, patience=1.0 if number == 0 else 0.0)
            if end is not None and "error" in end:
                return error_of(Failure.from_json(end["error"]), self.log_path)
        lost = [why for pod in pods if (why := _death(pod)) is not None]
        why = lost[-1] if lost else condition.message or condition.reason
        times = "once" if len(lost) == 1 else f"{len(lost)} times"
        return BuildError(
            f"the pods of {name} were lost {times}: {why}" if lost else f"{name} failed: {why}",
            hint="give a pod more memory (limits of the runner, resources of the model), or train on fewer rows",
        )

    def _create(self, manifest: dict[str, Any]) -> None:
        """Apply a manifest, whose name is nobody else's: where there is such a Job, an earlier answer was lost."""
        try:
            self._request(self._batch.create_namespaced_job, body=manifest)
        except BuildError as error:
            if getattr(error.__cause__, "status", None) != 409:
                raise

    def _tidy(self, root: Path) -> None:
        """End what an earlier build of the project left, which was killed: its pods would go on for nobody."""
        if self._tidied:
            return
        self._tidied = True
        for handed, name, namespace in left_behind(root, self._target(root)):
            if self._deleted(name, namespace):
                handed.forget()

    # -- the API -----------------------------------------------------------------------------------

    def _request(self, call: Any, **given: Any) -> Any:
        """A request, again for a while where the server is not there."""
        for left in (4, 3, 2, 1, 0):
            try:
                return call(namespace=self._options.namespace, _request_timeout=REQUEST_SECONDS, **given)
            except Exception as error:
                if not left or self._stopped or not self._for_a_while(error):
                    raise self._refused(error) from error
            time.sleep(2.0 / left)
        raise AssertionError

    def _for_a_while(self, error: Exception) -> bool:
        """Whether the server may be there in a moment; of urllib3's own errors the client lets some through."""
        if isinstance(error, self._error):
            status = getattr(error, "status", None)
            return status is None or status == 0 or status == 429 or status >= 500
        return isinstance(error, OSError) or type(error).__module__.startswith("urllib3")

    def _refused(self, error: Exception) -> BuildError:
        if not isinstance(error, self._error):
            return BuildError(f"the Kubernetes API does not answer: {error}", hint="kubectl cluster-info")
        return BuildError(
            f"Kubernetes refuses: {_message(error)}",
            hint=f"may you do so in the namespace {self._options.namespace}? (kubectl auth can-i create jobs)",
        )

    def _delete(self, name: str) -> bool:
        """Delete a Job of this build, once; whether it is gone."""
        with self._lock:
            if name not in self._applied:
                return True
            self._applied.discard(name)
        return self._deleted(name, self._options.namespace)

    def _deleted(self, name: str, namespace: str) -> bool:
        """Delete a Job with its pods, those that run too; whether there is none of that name now."""
        for left in (3, 2, 1, 0):
            try:
                self._batch.delete_namespaced_job(
                    name, namespace, propagation_policy="Background", _request_timeout=REQUEST_SECONDS
                )
                return True
            except Exception as error:
                if getattr(error, "status", None) == 404:
                    return True
                if not left or not self._for_a_while(error):
                    print(f"the Job {name} could not be deleted: {_message(error)}", file=sys.stderr)
                    return False
            time.sleep(0.5)
        raise AssertionError


def _step(line: bytes) -> tuple[str, int, int, str, str] | None:
    """Progress in a line of a pod's log; None for anything else."""
    try:
        phase, done, total, unit, note = json.loads(line)["progress"]
    except (ValueError, KeyError, TypeError):
        return None
    return phase, done, total, unit, note


def _message(error: Exception) -> str:
    """What the API server said, without its headers."""
    try:
        said = json.loads(getattr(error, "body", None) or "")["message"]
    except (ValueError, KeyError, TypeError):
        return str(getattr(error, "reason", None) or error)
    return str(said)


def _waiting(pods: Sequence[Any]) -> str:
    """Why pods wait: no machine for them, or no image."""
    for pod in pods:
        for status in pod.status.container_statuses or ():
            waiting = status.state.waiting if status.state else None
            if waiting is not None and waiting.reason:
                return f"{waiting.reason}: {waiting.message or ''}".rstrip(": ")
        for condition in pod.status.conditions or ():
            if condition.type == "PodScheduled" and condition.status == "False":
                return str(condition.message or condition.reason)
    return "there is no pod" if not pods else "they wait"


def _death(pod: Any) -> str | None:
    """How a pod ended that did not end by itself."""
    if pod.status.phase != "Failed":
        return None
    for status in pod.status.container_statuses or ():
        ended = status.state.terminated if status.state else None
        if ended is not None:
            return f"{ended.reason or 'Error'}, exit status {ended.exit_code}"
    return str(pod.status.reason or pod.status.message or "its machine is gone")
