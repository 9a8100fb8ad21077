"""A Ray cluster on the loopback address: a head, and further nodes, started as people start them."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

TASK = "ray::carry"  # how a worker calls itself while it carries out a job
START_SECONDS = 180
QUICK = {  # for tests alone: a user's cluster has Ray's own settings
    "RAY_worker_niceness": "0",  # Ray's own is 15: workers starve where other tests compute
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",  # Ray's own is 60, in which whoever has lost the head tries again
}


class Node:
    """One machine of the cluster: ``ray start --block`` with everything below it."""

    def __init__(self, arguments: list[str], log: Path, cpus: int) -> None:
        fixed = ["--block", f"--num-cpus={cpus}", "--object-store-memory=80000000", "--disable-usage-stats"]
        with log.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *fixed],
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.log = log
        until(lambda: "Ray runtime started" in log.read_text("utf-8") or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, log.read_text("utf-8")

    def processes(self) -> list[psutil.Process]:
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def tasks(self) -> list[psutil.Process]:
        """The workers that carry out a job now."""
        found = []
        for process in self.processes():
            try:
                if TASK in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill(self) -> None:
        """All its processes at once, as a machine that loses its power."""
        found = self.processes()
        for process in found:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found, timeout=10)


class Cluster:
    """Nodes by number; 0 is the head.

    Args:
        cpus: of each node, so many jobs at a time.
    """

    def __init__(self, cpus: int = 1) -> None:
        self.cpus = cpus
        self.folder = Path(tempfile.mkdtemp(prefix="synth-ray-", dir="/tmp"))  # short: sockets lie below it
        port = _free_port()
        self.address = f"127.0.0.1:{port}"
        head = ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", f"--temp-dir={self.folder}/r"]
        self.nodes = [Node([*head, "--include-dashboard=false"], self.folder / "0.log", cpus)]

    def add(self) -> Node:
        arguments = [f"--address={self.address}", "--node-ip-address=127.0.0.1"]
        node = Node(arguments, self.folder / f"{len(self.nodes)}.log", self.cpus)
        self.nodes.append(node)
        return node

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def cluster(nodes: int, cpus: int = 1) -> Iterator[Cluster]:
    """So many nodes, which ask for a token that this process has."""
    variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), **QUICK}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    found = Cluster(cpus)
    try:
        for _ in range(nodes - 1):
            found.add()
        yield found
    finally:
        found.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something that other processes do."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
