"""The files of a project at other commits, read from git without a checkout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError

RECEIPT = ".receipt.json"  # how the names of receipts end


@dataclass(frozen=True)
class Commit:
    """A commit of the repository that holds ``root``; paths count from ``root``."""

    root: Path
    name: str
    sha: str

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where the commit has no such file."""
        return contents(self.root, [(self.sha, path)])[0]

    def receipts(self, warehouse: str) -> dict[str, dict[str, Any]]:
        """The receipts below a folder, by model; what is not JSON is left out, as it was no published table."""
        listed = git(self.root, "ls-tree", "-z", "--name-only", self.sha, f"{warehouse.rstrip('/')}/")
        paths = [n for n in (listed or b"").decode("utf-8", "replace").split("\0") if n.endswith(RECEIPT)]
        found = {}
        for path, content in zip(paths, contents(self.root, [(self.sha, p) for p in paths]), strict=True):
            receipt = as_receipt(content)
            if receipt is not None:
                found[path.rpartition("/")[2].removesuffix(RECEIPT)] = receipt
        return found


def contents(root: Path, files: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """The content of each (commit, path), in one process for all of them; None where a commit has no such file."""
    wanted = "".join(f"{sha}:./{path}\n" for sha, path in files).encode()
    output = (git(root, "cat-file", "--batch", stdin=wanted) or b"") if files else b""
    found: list[bytes | None] = []
    at = 0
    for _ in files:
        end = output.find(b"\n", at)
        head = output[at:end] if end >= 0 else b" missing"
        at = end + 1 if end >= 0 else at
        if head.endswith(b" missing"):
            found.append(None)
            continue
        size = int(head.rpartition(b" ")[2])
        found.append(output[at : at + size])
        at += size + 1
    return found


def as_receipt(content: bytes | None) -> dict[str, Any] | None:
    """What a receipt says; None where it is none."""
    try:
        value = None if content is None else json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Committed:
    """The file of a table as one commit has it.

    Args:
        path: of its receipt, from the project's folder.
        seconds: the commit's time, since 1970.
    """

    path: str
    md5: str
    seconds: float


def committed_receipts(root: Path, *, all_branches: bool = False) -> list[Committed]:
    """What the receipts of a project named in each commit that changed one, the newest first.

    Args:
        all_branches: of every branch and tag, not of HEAD's history alone.
    """
    every = ("--all",) if all_branches else ()
    pattern = f":(glob)**/*{RECEIPT}"
    log = git(root, "log", *every, "--format=%x00%H %ct", "--name-only", "--relative", "--", pattern) or b""
    wanted, times = [], []
    for entry in log.decode("utf-8", "replace").split("\0")[1:]:
        head, *paths = entry.split("\n")
        sha, _, seconds = head.partition(" ")
        for path in filter(None, paths):
            wanted.append((sha, path))
            times.append(float(seconds))
    found = []
    for (_, path), time, content in zip(wanted, times, contents(root, wanted), strict=True):
        md5 = (as_receipt(content) or {}).get("md5")
        if isinstance(md5, str):
            found.append(Committed(path, md5, time))
    return found


def commit_at(root: Path, name: str) -> Commit:
    """The commit that a branch, tag or hash names.

    Raises:
        SynthError: the project is in no git repository, or git knows no such commit.
    """
    sha = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if sha is not None:
        return Commit(root, name, sha.decode().strip())
    if git(root, "rev-parse", "--git-dir") is None:
        raise SynthError(f"{root} is in no git repository, so there is nothing to compare with", hint="drop --base")
    hint = "fetch it first (in GitHub Actions: actions/checkout with fetch-depth: 0), or correct its name"
    raise SynthError(f"git knows no commit {name!r}", hint=hint)


def commit_files(root: Path, paths: Sequence[str], message: str) -> str | None:
    """Commit these files as they are, and no other, whatever else is staged; None where nothing of them changed.

    Raises:
        SynthError: git refuses: they are ignored, nobody's name is set, a hook says no.
    """
    if not paths or not git(root, "status", "--porcelain", "--ignored", "--", *paths):
        return None
    for command in (["add", "--", *paths], ["commit", "--quiet", "--only", "-m", message, "--", *paths]):
        done = subprocess.run(["git", *command], cwd=root, capture_output=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise SynthError(f"the tables are published, but git {command[0]} refused: {reason}", hint="commit by hand")
    return commit_at(root, "HEAD").sha


def merge_base(commit: Commit) -> Commit:
    """The commit at which this branch left ``commit``'s: what others merged since then is not of this branch."""
    sha = git(commit.root, "merge-base", commit.sha, "HEAD")
    return commit if sha is None else Commit(commit.root, commit.name, sha.decode().strip())


def prefix(root: Path) -> str:
    """The project's folder as seen from the top of its repository: ``""`` or ``shop/``."""
    found = git(root, "rev-parse", "--show-prefix")
    return "" if found is None else found.decode("utf-8", "replace").strip()


def git(root: Path, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """What git prints; None where it fails, or is not there."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, input=stdin, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
