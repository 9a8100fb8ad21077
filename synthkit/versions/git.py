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
