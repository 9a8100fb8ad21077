"""Git under a configuration of ours: nothing in the project's folder configures it.

A repository's own configuration names programs: monitors of files, hooks, filters, signers, transports, and each
version of git knows more of them. Whoever unpacks a stranger's project has that configuration in it, or a folder that
git takes for a bare repository. So git is shown a git directory that is made for the call: it borrows objects, refs,
index and logs of the real one, and of its configuration only what cannot name a program (:data:`KEPT`). The work tree
is the folder in which `.git` lies, whatever the repository says. The user's own configuration applies.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from synthkit.errors import SynthError
from synthkit.project.containment import HINT, outside, refuse_links_out

TIMEOUT = 60  # seconds
# What stays of the repository's configuration: how its files and objects are written down.
KEPT = ("core.filemode", "core.autocrlf", "core.eol", "core.ignorecase", "core.precomposeunicode", "core.symlinks")
FORMAT = "extensions.objectformat"
_PLAIN = re.compile(r"[A-Za-z0-9]{1,16}")
_HEAD = re.compile(r"(?:ref: refs/[^\s\x00-\x1f]+|[0-9a-f]{40}(?:[0-9a-f]{24})?)\n?")
# Variables by which a git that called us would lead another to its repository (`git rev-parse --local-env-vars`).
LOCAL = frozenset(
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_ATTR_SOURCE", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE",
     "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS",
     "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE")
)  # fmt: skip
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")


@dataclass(frozen=True)
class GitDirectory:
    """The repository that a folder lies in.

    Args:
        top: the folder that holds ``.git``: the work tree.
        own: what is of this work tree (HEAD, index).
        common: what all work trees of the repository share (objects, refs, configuration).
    """

    top: Path
    own: Path
    common: Path

    def setting(self, key: str) -> str | None:
        """The last value of a key in the repository's own file; what that includes from elsewhere is not read."""
        return settings(self.common / "config").get(key)

    def run(
        self, folder: Path, *arguments: str, stdin: bytes | None = None, who: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes] | None:
        """Run git in ``folder``, which lies in the work tree; None where there is no git, or it takes too long.

        Args:
            who: of a commit: :meth:`identity`.
        """
        program = git_program()
        if program is None:
            return None
        try:
            with self._borrowed() as directory:
                environment = {
                    **{k: v for k, v in os.environ.items() if k not in LOCAL},
                    **(who or {}),
                    "GIT_DIR": str(directory),
                    "GIT_WORK_TREE": str(self.top),
                    "GIT_INDEX_FILE": str(self.own / "index"),
                    "GIT_TERMINAL_PROMPT": "0",
                    "GIT_OPTIONAL_LOCKS": "0",
                }
                command = [program, "--no-pager", *arguments]
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment,
                    input=stdin,
                    capture_output=True,
                    timeout=TIMEOUT,
                    check=False,
                )
                self._hand_back(directory)
                return done
        except (OSError, subprocess.TimeoutExpired):
            return None

    def refuse_links(self) -> None:
        """Raises SynthError where what a commit writes lies behind a link that leads out of the repository."""
        places = [self.own / "HEAD", self.own / "index", self.own / "logs"]
        for place in (*places, *(self.common / n for n in ("objects", "refs", "logs", "packed-refs"))):
            refuse_links_out([place], self.own if place.is_relative_to(self.own) else self.common)

    @contextmanager
    def _borrowed(self) -> Iterator[Path]:
        with TemporaryDirectory(prefix="synthkit-git-") as made:
            directory = Path(made)
            head = _head_of(self.own)
            (directory / "HEAD").write_text(head, "utf-8")
            (directory / "config").write_text(self._written(directory), "utf-8")
            for name in ("hooks", "info", "logs"):
                (directory / name).mkdir()
            for name in ("objects", "refs", "packed-refs", "shallow", "info/exclude", "logs/refs"):
                _borrow(directory / name, self.common / name)
            for name in ("logs/HEAD", *_UNFINISHED, *(p.name for p in self.own.glob("sharedindex.*"))):
                _borrow(directory / name, self.own / name)
            yield directory

    def _written(self, directory: Path) -> str:
        own = settings(self.common / "config")
        kept = {k: own[k] for k in KEPT if _PLAIN.fullmatch(own.get(k, ""))}
        lines = ["[core]", "repositoryformatversion = 1", "bare = false", "logAllRefUpdates = true"]
        # Both name programs, and the user's own file may name them by a path in the work tree.
        lines += ["fsmonitor = false", f'hooksPath = "{directory.as_posix()}/hooks"']
        lines += [f"{k.removeprefix('core.')} = {v}" for k, v in kept.items()]
        lines += ["[gc]", "auto = 0", "[maintenance]", "auto = false"]
        if _PLAIN.fullmatch(own.get(FORMAT, "")):
            lines += ["[extensions]", f"objectformat = {own[FORMAT]}"]
        return "\n".join(lines) + "\n"

    def identity(self) -> Mapping[str, str]:
        """Who commits, as variables: by the repository, or by what the user's own file says of where that lies."""
        found = {}
        for key, variable in (("user.name", "NAME"), ("user.email", "EMAIL")):
            value = self.setting(key) or _of_the_user(key, self.common)
            for who in ("AUTHOR", "COMMITTER"):
                if value and f"GIT_{who}_{variable}" not in os.environ:
                    found[f"GIT_{who}_{variable}"] = value
        return found

    def _hand_back(self, directory: Path) -> None:
        """A commit moves a detached HEAD, which is the one file that a git directory cannot borrow.

        Raises OSError where another git holds the lock of HEAD.
        """
        before, after = _head_of(self.own), (directory / "HEAD").read_text("utf-8")
        if after == before:
            return
        lock = self.own / "HEAD.lock"
        with lock.open("x", encoding="utf-8") as file:
            file.write(after)
        lock.replace(self.own / "HEAD")


def git_directory(start: Path) -> GitDirectory | None:
    """The repository that a folder lies in, or None.

    Raises:
        SynthError: its ``.git`` leads to a git directory elsewhere that does not say that it belongs here.
    """
    start = start.resolve()
    for top in (start, *start.parents):
        entry = top / ".git"
        if entry.is_dir():
            way = outside(entry, top)
            if way is not None:
                raise SynthError(f"{entry} is a link to {way}, outside its folder", hint=HINT)
            own = entry
        elif entry.is_file():
            own = _named(entry)
        else:
            continue
        common = own / _first_line(own / "commondir") if (own / "commondir").is_file() else own
        if (own / "HEAD").exists() and (common / "objects").is_dir() and (common / "refs").is_dir():
            return GitDirectory(top, own.resolve(), common.resolve())
    return None


def _named(entry: Path) -> Path:
    """The git directory that a file ``.git`` names, if it is in the same folder or says itself that it belongs here."""
    name, _, path = _first_line(entry).partition(": ")
    own = entry.parent / path
    if name != "gitdir" or not own.is_dir():
        return entry  # git takes it for none, either
    if outside(own, entry.parent) is None:
        return own
    back = own / "gitdir"  # of a work tree; a submodule says it in its configuration
    worktree = settings(own / "config").get("core.worktree")
    says = [(own / _first_line(back)).parent] if back.is_file() else [own / worktree] if worktree else []
    if any(folder.resolve() == entry.parent for folder in says):
        return own
    raise SynthError(f"{entry} names the git directory {own}, which does not say that it belongs there", hint=HINT)


def git_program() -> str | None:
    """Where git is, by the absolute folders of PATH: a relative one would be the project's to fill."""
    folders = [f for f in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(f).is_absolute()]
    return shutil.which("git", path=os.pathsep.join(folders))


def settings(file: Path) -> Mapping[str, str]:
    """The keys of one git configuration file, in lower case, with their last values."""
    try:
        status = file.stat()
    except OSError:
        return {}
    return _settings(file, status.st_mtime_ns, status.st_size) if file.is_file() else {}


@lru_cache(maxsize=16)
def _settings(file: Path, _modified: int, _size: int) -> Mapping[str, str]:
    entries = [e.partition("\n") for e in _config("--file", str(file), "--no-includes", "--list").split("\0") if e]
    return {key: value if separator else "true" for key, separator, value in entries}


def _of_the_user(key: str, directory: Path) -> str:
    """A key of the user's own file, which may include others by where a repository lies; "" where it has none."""
    return _config("--global", "--includes", "--get", key, directory=directory).rstrip("\0")


def _config(*arguments: str, directory: Path | None = None) -> str:
    """What `git config` reads, which runs nothing, from the files that the arguments name."""
    program = git_program()
    if program is None:
        return ""
    environment = {k: v for k, v in os.environ.items() if k not in LOCAL}
    if directory is not None:
        environment["GIT_DIR"] = str(directory)
    command = [program, "--no-pager", "config", "--null", *arguments]
    try:
        done = subprocess.run(
            command, cwd=Path.cwd().anchor, env=environment, capture_output=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _head_of(own: Path) -> str:
    """What HEAD says. Raises OSError where that is none."""
    file = own / "HEAD"
    if file.is_symlink():  # as git wrote it long ago
        return f"ref: {file.readlink()}\n"
    text = file.read_text("utf-8")
    if not _HEAD.fullmatch(text):
        raise OSError(f"{file} is not the HEAD of a git directory")
    return text


def _borrow(name: Path, real: Path) -> None:
    if real.exists() or (name.name == "HEAD" and real.parent.is_dir()):  # the log of HEAD may yet begin
        name.symlink_to(real.resolve(), target_is_directory=real.is_dir())


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.readline(4096).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return ""
