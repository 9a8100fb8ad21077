"""A stand-in for the API server of a Kubernetes cluster, on the loopback address.

It speaks the paths that the official client uses for Jobs, pods and logs, refuses what the published schemas or the server's
own rules refuse, and runs the pods' commands as processes of this machine, of which it kills some. A real API server is not
to be had as a package; what it does beside this (scheduling, images, quotas) is not tested here.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import yaml

VERSION = "1.37"
INDEX = "batch.kubernetes.io/job-completion-index"


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with a manifest: by its schema, and by rules of the server that the schema does not have."""
    try:
        kubernetes_validate.validate(dict(manifest), VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    if manifest["kind"] != "Job":
        return []
    spec = manifest["spec"]
    pod = spec["template"]["spec"]
    found = []
    if pod.get("restartPolicy") != "Never":
        found.append("spec.template.spec.restartPolicy: only Never goes with a podFailurePolicy and a limit per index")
    if "backoffLimitPerIndex" in spec and spec.get("completionMode") != "Indexed":
        found.append("spec.backoffLimitPerIndex: only of an Indexed Job")
    names = {c["name"] for c in pod["containers"]}
    for rule in spec.get("podFailurePolicy", {}).get("rules", ()):
        codes = rule.get("onExitCodes")
        if codes and (codes.get("containerName", next(iter(names))) not in names or 0 in codes["values"]):
            found.append("spec.podFailurePolicy: no such container, or status 0")
    mounted = {v["name"] for v in pod.get("volumes", ())}
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        found += [f"no volume {m['name']}" for m in container.get("volumeMounts", ()) if m["name"] not in mounted]
        asked, most = container["resources"].get("requests", {}), container["resources"].get("limits", {})
        found += [
            f"{k}: requests more than its limit" for k in asked if k in most and _amount(asked[k]) > _amount(most[k])
        ]
    if len(manifest["metadata"]["name"]) > 63:
        found.append("metadata.name: longer than 63")
    return found


def _amount(text: str) -> float:
    units = {"m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    for unit, size in units.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    return float(text)


@dataclass
class Pod:
    """One pod, and the processes of its containers, one after the other."""

    name: str
    index: int
    log: Path
    phase: str = "Pending"
    status: int | None = None
    process: Process | None = None
    node: int = 0


class Process(Protocol):
    """What runs a container: the leader of a session."""

    pid: int

    def wait(self) -> int: ...

    def poll(self) -> int | None: ...


Start = Callable[[list[str], dict[str, str], str, Path], Process]  # command, environment, folder, file for output


def started(command: list[str], env: dict[str, str], cwd: str, log: Path) -> Process:
    """A container as a process of this machine."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command, env=env, stdout=out, stderr=subprocess.DEVNULL, cwd=cwd, start_new_session=True
        )


@dataclass
class Job:
    manifest: dict[str, Any]
    pods: list[Pod] = field(default_factory=list)
    conditions: list[dict[str, str]] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    deleted: bool = False


class Cluster:
    """Jobs by name.

    Args:
        claims: claim → the folder of this machine that it stands for.
        folder: takes the pods' logs.
        killed: the share of pods that are killed in their first moments; the very first one is among them.
        seed: of which.
        start: starts a container.
        nodes: on how many machines pods run, by turns.
    """

    def __init__(
        self,
        claims: Mapping[str, Path],
        folder: Path,
        killed: float = 0.0,
        seed: int = 0,
        start: Start = started,
        nodes: int = 1,
    ) -> None:
        self.claims, self.folder, self.killed, self.start = claims, folder, killed, start
        self.nodes = list(range(nodes))
        self.begun = 0  # pods
        self.within = 1.5  # seconds in which one that is killed is killed
        self.random = random.Random(seed)
        self.jobs: dict[str, Job] = {}
        self.seen: list[dict[str, Any]] = []  # each manifest that was applied
        self.kills = 0
        self.errors = 0  # requests that are answered by 503, from now on
        self.lost = 0  # manifests, from now on, that are applied and whose sender is told nothing
        self.stopped: set[int] = set()  # parts whose first pod hangs as soon as it runs
        self.lock = threading.Lock()

    def apply(self, manifest: dict[str, Any]) -> list[str]:
        found = problems(manifest)
        if not found:
            self.seen.append(manifest)
            job = Job(manifest)
            self.jobs[manifest["metadata"]["name"]] = job
            threading.Thread(target=self._control, args=(job,), daemon=True).start()
        return found

    def delete(self, name: str) -> None:
        job = self.jobs.pop(name)
        job.deleted = True
        for pod in list(job.pods):
            _kill(pod)

    def lose(self, node: int) -> None:
        """A machine: all of its pods end at once, and no other comes to it."""
        self.nodes.remove(node)
        for pod in [p for j in list(self.jobs.values()) for p in list(j.pods) if p.node == node]:
            if pod.process is not None and pod.process.poll() is None:
                self.kills += 1
            _kill(pod)

    def _control(self, job: Job) -> None:
        """What the Job controller does: pods for the parts that are not done, until all are or one has failed."""
        spec = job.manifest["spec"]
        failures: dict[int, int] = {}
        running: dict[int, Pod] = {}
        while not job.deleted:
            for index, pod in list(running.items()):
                if pod.status is None:
                    continue
                del running[index]
                if pod.status == 0:
                    job.done.add(index)
                    continue
                failures[index] = failures.get(index, 0) + 1
                final = [
                    v
                    for r in spec["podFailurePolicy"]["rules"]
                    if "onExitCodes" in r
                    for v in r["onExitCodes"]["values"]
                ]
                if pod.status in final or failures[index] > spec["backoffLimitPerIndex"]:
                    for other in running.values():
                        _kill(other)
                    job.conditions.append({"type": "Failed", "status": "True", "reason": "MaxFailedIndexesExceeded"})
                    return
            if len(job.done) == spec["completions"]:
                job.conditions.append({"type": "Complete", "status": "True"})
                return
            for index in range(spec["completions"]):
                if index not in job.done and index not in running and len(running) < spec["parallelism"]:
                    running[index] = self._pod(job, index)
            time.sleep(0.05)

    def _pod(self, job: Job, index: int) -> Pod:
        name = f"{job.manifest['metadata']['name']}-{index}-{len(job.pods)}"
        self.begun += 1
        pod = Pod(name, index, self.folder / f"{name}.log", node=self.nodes[self.begun % len(self.nodes)])
        pod.log.touch()
        job.pods.append(pod)
        threading.Thread(target=self._run, args=(job, pod), daemon=True).start()
        with self.lock:
            doomed, after = self.random.random() < self.killed, self.random.uniform(0.0, self.within)
        if self.killed and len(self.jobs) == 1 and len(job.pods) == 1:
            doomed, after = True, 0.0  # so that one at least is killed, however fast the machine
        if doomed:
            threading.Timer(after, self._murder, (pod,)).start()
        return pod

    def _murder(self, pod: Pod) -> None:
        while pod.process is None and pod.status is None:
            time.sleep(0.02)
        if pod.process is not None and pod.process.poll() is None:
            self.kills += 1
            _kill(pod)

    def _run(self, job: Job, pod: Pod) -> None:
        spec = job.manifest["spec"]["template"]["spec"]
        claims = {v["name"]: self.claims[v["persistentVolumeClaim"]["claimName"]] for v in spec["volumes"]}
        pod.phase = "Running"
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            mounts = {m["mountPath"]: str(claims[m["name"]]) for m in container["volumeMounts"]}
            fields = {"spec.nodeName": f"node{pod.node}"}  # of the pod, as the downward API gives them
            given = {
                e["name"]: e["value"] if "value" in e else fields[e["valueFrom"]["fieldRef"]["fieldPath"]]
                for e in container.get("env", ())
            }
            host = {"SYNTH_HOST": f"node{pod.node}"} if len(self.nodes) > 1 or pod.node else {}
            pod.process = self.start(
                [sys.executable if a == "python" else _here(a, mounts) for a in container["command"]],
                {**os.environ, **given, **host, "JOB_COMPLETION_INDEX": str(pod.index)},
                _here(container["workingDir"], mounts),
                pod.log,
            )
            if pod.index in self.stopped:
                self.stopped.discard(pod.index)
                os.kill(pod.process.pid, signal.SIGSTOP)
            if job.deleted:
                _kill(pod)
            status = pod.process.wait()
            if status != 0:
                break
        pod.phase = "Succeeded" if status == 0 else "Failed"
        pod.status = status if status >= 0 else 128 - status

    def pod_json(self, job: Job, pod: Pod) -> dict[str, Any]:
        ended = (
            None if pod.status is None else {"exitCode": pod.status, "reason": "Error" if pod.status else "Completed"}
        )
        state = {"running": {}} if ended is None else {"terminated": ended}
        labels = {**job.manifest["spec"]["template"]["metadata"]["labels"]}
        return {
            "metadata": {
                "name": pod.name,
                "namespace": job.manifest["metadata"]["namespace"],
                "annotations": {INDEX: str(pod.index)},
                "labels": {**labels, "batch.kubernetes.io/job-name": job.manifest["metadata"]["name"]},
            },
            "status": {
                "phase": pod.phase,
                "containerStatuses": [
                    {"name": "synth", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}
                ],
            },
        }

    def close(self) -> None:
        for name in list(self.jobs):
            self.delete(name)


def _here(text: str, mounts: Mapping[str, str]) -> str:
    for path, folder in mounts.items():
        if text == path or text.startswith(f"{path}/"):
            return folder + text.removeprefix(path)
    return text


def _kill(pod: Pod) -> None:
    if pod.process is not None and pod.process.poll() is None:
        with suppress(ProcessLookupError):  # a fork is no leader of a session in its first moment
            os.kill(pod.process.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(pod.process.pid, signal.SIGKILL)


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None: ...

    def do_GET(self) -> None:
        self._answer(None)

    def do_DELETE(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        url = urlsplit(self.path)
        parts, asked = url.path.strip("/").split("/"), parse_qs(url.query)
        if self.command == "DELETE":
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.cluster.errors > 0:
            self.cluster.errors -= 1
            self._send(503, _status(503, "the server is currently unable to handle the request"))
        elif self.headers.get("Authorization") != "Bearer token":
            self._send(401, _status(401, "Unauthorized"))
        elif parts[:3] == ["apis", "batch", "v1"] and parts[5:6] == ["jobs"]:
            self._jobs(parts[6:], body)
        elif parts[:2] == ["api", "v1"] and parts[4:5] == ["pods"] and len(parts) == 5:
            name = asked["labelSelector"][0].partition("=")[2]
            job = self.cluster.jobs.get(name)
            items = [] if job is None else [self.cluster.pod_json(job, p) for p in job.pods]
            self._send(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
        elif parts[:2] == ["api", "v1"] and parts[-1] == "log":
            self._log(parts[5])
        else:
            self._send(404, _status(404, f"no such path: {url.path}"))

    def _jobs(self, name: list[str], body: Any) -> None:
        if self.command == "POST" and body["metadata"]["name"] in self.cluster.jobs:
            self._send(409, _status(409, f'jobs.batch "{body["metadata"]["name"]}" already exists'))
        elif self.command == "POST":
            found = self.cluster.apply(body)
            if self.cluster.lost > 0:
                self.cluster.lost -= 1
                self.connection.close()
                raise ConnectionResetError
            self._send(422, _status(422, "; ".join(found))) if found else self._send(201, body)
        elif name[0] not in self.cluster.jobs:
            self._send(404, _status(404, f'jobs.batch "{name[0]}" not found'))
        elif self.command == "DELETE":
            self.cluster.delete(name[0])
            self._send(200, _status(200, ""))
        else:
            job = self.cluster.jobs[name[0]]
            status = {"conditions": list(job.conditions), "succeeded": len(job.done)}
            self._send(200, {**job.manifest, "status": status})

    def _log(self, name: str) -> None:
        pod = next(p for j in self.cluster.jobs.values() for p in j.pods if p.name == name)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with pod.log.open("rb") as log:
            while True:
                over = pod.status is not None
                self.wfile.write(log.read())
                self.wfile.flush()
                if over:
                    return
                time.sleep(0.05)

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": code, "message": message}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, address: object) -> None:
        """A client that was killed has closed its end."""


@contextmanager
def served(cluster: Cluster, kubeconfig: Path) -> Iterator[Cluster]:
    """The cluster behind an address, which a kubeconfig at that path names."""
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": address}}],
        "users": [{"name": "test", "user": {"token": "token"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "default"}}],
    }
    kubeconfig.write_text(yaml.safe_dump(config), "utf-8")
    try:
        yield cluster
    finally:
        cluster.close()
        server.shutdown()
        server.server_close()
