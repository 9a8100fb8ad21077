"""The files of a project at other commits, read from git without a checkout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.files import parsed_json
from synthkit.records.parts import Git
from synthkit.records.receipt import Receipt
from synthkit.store.versions.gitdir import git_directory

RECEIPT = ".receipt.json"  # how the names of receipts end
STATUS = ("status", "--porcelain", "--ignore-submodules=dirty")  # a submodule has a configuration of its own
LOG = ("log", "--no-show-signature", "--no-ext-diff", "--no-textconv")


@dataclass(frozen=True)
class Commit:
    """A commit of the repository that holds ``root``; paths count from ``root``."""

    root: Path
    name: str
    sha: str

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where the commit has no such file."""
        return contents(self.root, [(self.sha, path)])[0]

    def receipts(self, warehouse: str) -> dict[str, Receipt]:
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


def as_receipt(content: bytes | None) -> Receipt | None:
    """What a receipt says; None where it is none."""
    try:
        return None if content is None else Receipt.from_json(parsed_json(content))
    except ValueError:
        return None


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
    log = git(root, *LOG, *every, "--format=%x00%H %ct", "--name-only", "--relative", "--", pattern) or b""
    wanted, times = [], []
    for entry in log.decode("utf-8", "replace").split("\0")[1:]:
        head, *paths = entry.split("\n")
        sha, _, seconds = head.partition(" ")
        for path in filter(None, paths):
            wanted.append((sha, path))
            times.append(float(seconds))
    found = []
    for (_, path), time, content in zip(wanted, times, contents(root, wanted), strict=True):
        md5 = _md5_in(content)
        if md5 is not None:
            found.append(Committed(path, md5, time))
    return found


def _md5_in(content: bytes | None) -> str | None:
    """Also of what is no receipt any more to this version: a file that it names is not old."""
    try:
        value = None if content is None else parsed_json(content)
    except ValueError:
        return None
    md5 = value.get("md5") if isinstance(value, dict) else None
    return md5 if isinstance(md5, str) else None


def commit_at(root: Path, name: str) -> Commit:
    """The commit that a branch, tag or hash names.

    Raises:
        SynthError: the project is in no git repository, or git knows no such commit.
    """
    sha = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if sha is not None:
        return Commit(root, name, sha.decode().strip())
    if git_directory(root) is None:
        raise SynthError(f"{root} is in no git repository, so there is nothing to compare with", hint="drop --base")
    hint = "fetch it first (in GitHub Actions: actions/checkout with fetch-depth: 0), or correct its name"
    raise SynthError(f"git knows no commit {name!r}", hint=hint)


def commit_files(root: Path, paths: Sequence[str], message: str) -> str | None:
    """Commit these files as they are, and no other, whatever else is staged; None where nothing of them changed.

    Hooks that lie in the repository are not run: whoever commits a stranger's project would run the stranger's.

    Raises:
        SynthError: git refuses: they are ignored, nobody's name is set, a merge is under way.
    """
    directory = git_directory(root)
    if directory is None or not paths or not git(root, *STATUS, "--ignored", "--", *paths):
        return None
    directory.refuse_links()
    who = directory.identity()
    for command in (["add", "--", *paths], ["commit", "--quiet", "--only", "-m", message, "--", *paths]):
        done = directory.run(root, *command, who=who)
        if done is None or done.returncode != 0:
            said = b"it took too long, or HEAD is locked" if done is None else done.stderr or done.stdout
            reason = said.decode("utf-8", "replace").strip()
            raise SynthError(f"the tables are published, but git {command[0]} refused: {reason}", hint="commit by hand")
    return commit_at(root, "HEAD").sha


def is_dirty(root: Path) -> bool:
    """Whether a file of the project that git knows differs from HEAD; of a submodule, whether its commit does."""
    return bool(git(root, *STATUS, "--untracked-files=no", "--", "."))


def origin(root: Path) -> str | None:
    """The address of the remote ``origin``, as the repository has it."""
    directory = git_directory(root)
    return None if directory is None else directory.setting("remote.origin.url")


def merge_base(commit: Commit) -> Commit:
    """The commit at which this branch left ``commit``'s: what others merged since then is not of this branch."""
    sha = git(commit.root, "merge-base", commit.sha, "HEAD")
    return commit if sha is None else Commit(commit.root, commit.name, sha.decode().strip())


def prefix(root: Path) -> str:
    """The project's folder as seen from the top of its repository: ``""`` or ``shop/``."""
    directory = git_directory(root)
    inside = "." if directory is None else root.resolve().relative_to(directory.top).as_posix()
    return "" if inside == "." else f"{inside}/"


def git(root: Path, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """What git prints; None where it fails, or is not there, or ``root`` is in no repository."""
    directory = git_directory(root)
    done = None if directory is None else directory.run(root.resolve(), *arguments, stdin=stdin)
    return done.stdout if done is not None and done.returncode == 0 else None


def git_state(root: Path) -> Git | None:
    """The project's repository as it is; None outside one (or without git)."""
    commit = git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    return Git(commit=commit.decode().strip(), dirty=is_dirty(root))
