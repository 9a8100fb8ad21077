"""A build of many partitions that is disturbed: workers killed, a machine lost, the coordinator killed twice, storage that
fails now and then. Shared by the tests and by ``python -m benchmarks disturbed``.

There are two models: ``many``, whose bytes must be those of an undisturbed build, and ``counted``, a private one, which must
be charged to the ledger once. (Its noise is drawn, so its rows are others in every build.)
"""

from __future__ import annotations

import glob
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from synthkit.files import RETENTION, TEMPORARY, sha256_file
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from tests.private import DECLARED
from tests.synth import FORKS, Project, customers, make_project, write_csv

WORKERS = 8
SCRATCH = "target/targets/pods"  # of a target that is not the first
MODELS = """
    version: 1
    models:
      - name: many
        source: "{{{{ source('open', 'customers') }}}}"
        generator: {{name: circuit, states: 2, min_steps: 5, refinements: 0}}
        size: {rows}
        partition_rows: {most}
        conditions: {{tier: {{basic: 50%, pro: 50%}}}}
        audits:
          - row_count: {{equals: {rows}}}
          - unique: {{columns: [customer_id]}}
      - name: counted
        source: "{{{{ source('crm', 'customers') }}}}"
        generator: independent
        epsilon: 1
        delta: 1e-5
        size: 60
        partition_rows: 10
        audits:
          - row_count: {{equals: 60}}
"""
OPEN = """
      - name: open
        tables:
          - {name: customers, path: data/people.csv, primary_key: customer_id}
"""
HEAD = "name: shop\nseed: 7\nholdout: 0\n"


def files(rows: int, partitions: int, targets: str = "") -> dict[str, str | bytes]:
    """Of the project: ``many`` has so many partitions.

    Args:
        targets: of the project file, a line of YAML.
    """
    return {
        "synth_project.yml": HEAD + targets,
        "models/sources.yml": DECLARED.rstrip() + OPEN.rstrip() + "\n    ",
        "models/models.yml": MODELS.format(rows=rows, most=-(-rows // partitions)),
    }


@dataclass
class Watch:
    """What lies in a project's folder of partitions, looked at all the time: manifest → each state that it was seen in."""

    scratch: Path
    seen: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)
    over: bool = False

    def look(self) -> None:
        # Path.glob raises where a folder goes while it is listed; glob.glob finds nothing there.
        for name in glob.glob("*/[0-9]*-of-*.json", root_dir=self.scratch / "cache/partitions"):  # noqa: PTH207
            path = self.scratch / "cache/partitions" / name
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            self.seen.setdefault(f"{path.parent.name}/{path.name}", set()).add((found.st_ino, found.st_mtime_ns))
        self.trained |= set(glob.glob("*/complete.json", root_dir=self.scratch / "cache/models"))  # noqa: PTH207

    def of(self, partitions: int) -> int:
        """How many are done of the table that has so many."""
        return sum(f"-of-{partitions:05d}-" in name for name in self.seen)

    def again(self) -> list[str]:
        """Partitions that were written once more after they were done."""
        return sorted(name for name, states in self.seen.items() if len(states) > 1)


@contextmanager
def watched(scratch: Path) -> Iterator[Watch]:
    watch = Watch(scratch)

    def run() -> None:
        while not watch.over:
            watch.look()
            time.sleep(0.005)

    with ThreadPoolExecutor(max_workers=1) as pool:
        looking = pool.submit(run)
        try:
            yield watch
        finally:
            watch.over = True
        looking.result()  # one that saw nothing more would let every test of what was seen pass


@dataclass
class Disturbed:
    """What became of a build that was disturbed.

    Args:
        kills: of workers, or pods.
        coordinators: that were killed.
        failed: builds that failed as the worker of another job than a partition's was killed, and were made again.
        again: partitions that were written again after they were done.
        processes: of the project that were left.
        files: that were left when a retention had passed.
        charges: entries of the ledger.
    """

    table: str
    kills: int
    coordinators: int
    failed: int
    again: list[str]
    processes: list[str]
    files: list[str]
    charges: int


def disturb(
    project: Project,
    arguments: tuple[str, ...],
    env: Mapping[str, str],
    partitions: int,
    kill: Callable[[int, Watch], int],
    table: Callable[[], str],
    scratch: str = "target",
) -> Disturbed:
    """Build until it is done, the coordinator killed when a third and when two thirds of the partitions are.

    Args:
        kill: is called with the coordinator's process id all the time; how many workers it killed.
        table: the SHA-256 of what is published.
        scratch: of the target, seen from the project.
    """
    kills, coordinators, failed, at = 0, 0, 0, [partitions // 3, partitions * 2 // 3]
    environment = {**env, "SYNTH_TEST_SECONDS": "3000"}
    with watched(project.root / scratch) as watch:
        while True:
            build = project.start("build", "--threads", str(WORKERS), *arguments, env=environment)
            while build.poll() is None:
                kills += kill(build.pid, watch)
                if at and watch.of(partitions) >= at[0] and len(watch.trained) == 2:
                    del at[0]
                    build.kill()
                    coordinators += 1
                    break
                time.sleep(0.01)
            said, _ = build.communicate(timeout=600)
            if build.poll() == 0:
                break
            failed += build.poll() != -9
            assert build.poll() == -9 or (failed < 4 and "the worker process was killed" in said), said
    verified = project.synth("verify", *arguments, env=env)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return Disturbed(
        table(),
        kills,
        coordinators,
        failed,
        watch.again(),
        left_processes(project.root),
        left_files(project, arguments, env),
        len(read_ledger(project.root / FILE).entries),
    )


def left_processes(root: Path, seconds: float = 20) -> list[str]:
    """Processes that work in a project's folder and do not end by themselves."""
    found: list[str] = []

    def none() -> bool:
        found.clear()
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            try:
                here = Path(process.cwd()).is_relative_to(root.resolve())
            except (psutil.Error, OSError):
                continue
            if here and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.info["cmdline"] or [str(process.pid)]))
        return not found

    end = time.monotonic() + seconds
    while not none() and time.monotonic() < end:
        time.sleep(0.1)
    return found


def left_files(project: Project, arguments: tuple[str, ...], env: Mapping[str, str]) -> list[str]:
    """What a killed process left and ``synth gc`` leaves, when all of it is older than a retention."""
    old = time.time() - RETENTION - 60
    scratch = project.root / "target"
    for path in [*scratch.rglob("*"), *(project.root / "warehouse").rglob(f"{TEMPORARY}*")]:
        os.utime(path, (old, old), follow_symlinks=False)
    done = project.synth("gc", *arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    left = [*project.root.rglob(f"{TEMPORARY}*")]
    left += [p for p in scratch.rglob("*") if p.is_file() and {"partitions", "kubernetes"} & set(p.parts)]
    return sorted(str(p.relative_to(project.root)) for p in left)


def workers_of(pid: int) -> list[int]:
    """The worker processes of a coordinator that have work: of those that wait to be given some, stderr is no log yet."""
    try:
        children = [p.pid for p in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []
    found = []
    for child in children:
        try:
            log = str(Path(f"/proc/{child}/fd/2").readlink())
        except OSError:
            continue
        if log.endswith(".log"):
            found.append(child)
    return found


class Killing:
    """Kills a worker of this machine each time that so many more partitions are done, once both models are trained."""

    def __init__(self, every: int, partitions: int, seed: int) -> None:
        self.every, self.partitions, self.random, self.at = every, partitions, random.Random(seed), every

    def __call__(self, pid: int, watch: Watch) -> int:
        if watch.of(self.partitions) < self.at or len(watch.trained) < 2:
            return 0
        workers = workers_of(pid)
        if not workers:
            return 0
        self.at = watch.of(self.partitions) + self.every
        try:
            psutil.Process(self.random.choice(workers)).kill()
        except psutil.NoSuchProcess:
            return 0
        return 1


def sha256_of(project: Project, model: str = "many") -> str:
    (file,) = project.parquet(model)
    return sha256_file(file)


def made(root: Path, rows: int, partitions: int, targets: str = "") -> Project:
    """The project, with both sources."""
    project = make_project(root, files(rows, partitions, targets))
    write_csv(project.root / "data/people.csv", customers())
    return project


def undisturbed(root: Path, rows: int, partitions: int) -> str:
    """The SHA-256 of what an undisturbed build by one process publishes."""
    project = made(root, rows, partitions)
    project.ok("build")
    return sha256_of(project)


def local(root: Path, rows: int, partitions: int, seed: int, faults: float = 0.01) -> Disturbed:
    """On this machine: every tenth job or so loses its worker, flushing to disk fails now and then."""
    project = made(root, rows, partitions)
    env = {"SYNTH_TEST_WORKERS": str(WORKERS + partitions // 15), "SYNTH_TEST_FAULTS": str(faults)}
    kill = Killing(max(1, partitions // 20 - 1), partitions, seed)
    return disturb(project, (), env, partitions, kill, lambda: sha256_of(project))


class Nodes:
    """Kills pods as their cluster does, and one machine of it at once, when a quarter of the partitions are done; now and
    then the API server is not there."""

    def __init__(self, cluster: Any, partitions: int) -> None:
        self.cluster, self.partitions, self.at = cluster, partitions, partitions // 4
        self.counted = 0
        self.errors = [partitions // 8, partitions // 2]

    def __call__(self, _pid: int, watch: Watch) -> int:
        done = watch.of(self.partitions)
        if len(self.cluster.nodes) > 1 and done >= self.at:
            self.cluster.lose(0)
        if self.errors and done >= self.errors[0]:
            del self.errors[0]
            self.cluster.errors = 3
        more, self.counted = self.cluster.kills - self.counted, self.cluster.kills
        return int(more)


def forked(command: list[str], env: dict[str, str], cwd: str, log: Path) -> Any:
    """A container as a fork that has its imports behind it."""
    assert command[1:3] == ["-m", "synthkit.runners.kubernetes.pod"]
    given = {k: v for k, v in env.items() if not k.startswith("SYNTH_TEST_SECONDS")}
    return FORKS.start(tuple(command[3:]), Path(cwd), given, program="pod", out=log)


def on_pods(folder: Path, rows: int, partitions: int, seed: int, faults: float = 0.01) -> Disturbed:
    """On the stand-in of a Kubernetes cluster, eight pods at a time on two machines; the tables go to an S3 server on
    loopback that refuses, tears and loses requests.

    Args:
        faults: share of flushes to disk that fail; of requests to the object store three times as many.
    """
    from tests.kube_server import Cluster, served
    from tests.objects.proxy import Fault, Request
    from tests.objects.servers import s3_server

    chance = random.Random(seed)

    def rule(_request: Request) -> Fault | None:
        if chance.random() >= 3 * faults:
            return None
        return chance.choice(
            [Fault(status=503), Fault(status=429), Fault(before=True), Fault(after=True), Fault(torn=True)]
        )

    (folder / "pods").mkdir(parents=True)
    (folder / "claim").symlink_to(folder / "shop")
    with s3_server() as server:
        address = server.bucket()
        runner = f"{{name: kubernetes, image: 'synthkit:0', claim: shop, parallelism: {WORKERS}, retries: 8}}"
        targets = f"targets: {{pods: {{warehouse: '{address}/shop', runner: {runner}}}}}\n"
        project = made(folder / "shop", rows, partitions, targets)
        cluster = Cluster({"shop": folder / "claim"}, folder / "pods", killed=0.1, seed=seed, start=forked, nodes=2)
        cluster.within = 0.3
        server.proxy.rule = rule
        env = {"KUBECONFIG": str(folder / "kubeconfig"), "SYNTH_TEST_FAULTS": str(faults), **server.env}

        def table() -> str:
            server.proxy.reset()
            (key,) = [k for k in server.keys(f"{address}/shop") if k.startswith("tables/many/")]
            bucket, _, prefix = f"{address}/shop/{key}".removeprefix("s3://").partition("/")
            return sha256(server.client().get_object(Bucket=bucket, Key=prefix)["Body"].read()).hexdigest()

        with served(cluster, folder / "kubeconfig"), mock.patch.dict(os.environ, env):
            found = disturb(project, ("--target", "pods"), env, partitions, Nodes(cluster, partitions), table, SCRATCH)
            assert not cluster.jobs, f"Jobs are left: {list(cluster.jobs)}"
        return found
