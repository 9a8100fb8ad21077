"""Jobs that are handed out through the project's storage: a folder with a file for each, and for what it came to."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import synthkit
from synthkit.files import own_folder, write_json_atomic
from synthkit.runners.jobs import Job, job_to_json
from synthkit.store.staging import HANDED_OUT

FOLDER = HANDED_OUT  # of the project: what is handed out lies in folders below it
READY = "ready.json"  # is written last
APPLIED = "applied.json"  # beside the jobs of a build that has a coordinator: what they were applied as
FAILED = "failed.json"  # of a run: its first stage failed, and what is waited for will not come
SEEN = 30.0  # seconds that a shared file system may take to show a file


@dataclass(frozen=True)
class Handed:
    """A folder of jobs, numbered from 0."""

    folder: Path

    def write(self, jobs: Sequence[Job[Any]]) -> None:
        """The jobs, and last the file that says that they are all there."""
        own_folder(self.folder)
        for number, job in enumerate(jobs):
            write_json_atomic(self.folder / f"{number}.json", job_to_json(job))
        write_json_atomic(self.folder / READY, {"jobs": len(jobs), "synthkit": synthkit.__version__})

    def applied(self, name: str, namespace: str, target: str) -> None:
        """Keep what the jobs are about to be applied as, so that whoever finds it after a kill can end that.

        Args:
            target: what the build's lock is of.
        """
        write_json_atomic(self.folder / APPLIED, {"name": name, "namespace": namespace, "target": target})

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def jobs(self) -> tuple[int, str] | None:
        """How many there are, and of which synthkit; None where they are not all there yet."""
        try:
            said = json.loads((self.folder / READY).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return said["jobs"], said["synthkit"]

    def job(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{number}.json").read_text("utf-8"))
        return found

    def end(self, number: int, event: dict[str, Any]) -> None:
        """Keep what a job came to. Whoever is first counts: a copy of the job came to the same.

        Where the folder is gone, nobody waits for it any more.
        """
        if self.folder.is_dir() and self.ended(number) is None:
            write_json_atomic(self.folder / f"{number}.end.json", event)

    def ended(self, number: int, patience: float = 0.0) -> dict[str, Any] | None:
        """What a job came to, ``{"result": …}`` or ``{"error": …}``; None where that is not known.

        Args:
            patience: seconds to wait for it.
        """
        until = time.monotonic() + patience
        while True:
            try:
                found: dict[str, Any] = json.loads((self.folder / f"{number}.end.json").read_text("utf-8"))
                return found
            except FileNotFoundError:
                if time.monotonic() >= until:
                    return None
                time.sleep(0.2)


def left_behind(root: Path, target: str) -> Iterator[tuple[Handed, str, str]]:
    """What coordinators of a project left that did not live to delete it: the folder, the Job's name and namespace.

    Args:
        root: of the project.
        target: whose lock must be held: Jobs of another one may be those of a build that runs.
    """
    for path in sorted((root / FOLDER).glob(f"*/{APPLIED}")):
        try:
            said = json.loads(path.read_text("utf-8"))
            if said["target"] == target:
                yield Handed(path.parent), said["name"], said["namespace"]
        except (OSError, ValueError, KeyError):
            continue
