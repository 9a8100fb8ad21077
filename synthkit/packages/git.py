"""One commit of somebody else's repository, read without a checkout.

Nothing of the repository is run or written to disk as it wishes: no hooks and no templates, no filters and no
attributes, no submodules, no symbolic links. Git fetches the objects of one commit into an empty repository that is
gone when the block ends, and what is taken is read out of it by name. The user's own configuration of git applies, so
that their credentials, keys and proxies do.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from synthkit.errors import SynthError
from synthkit.project.packagefiles import Entry
from synthkit.project.packages import PROTOCOLS, PackageSpec
from synthkit.store.versions.gitdir import LOCAL, git_program

TIMEOUT = 600  # seconds of one fetch
_MODES: Mapping[str, Entry] = {"120000": Entry("link"), "160000": Entry("submodule")}
_OPTIONS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "transfer.fsckObjects=true", "gc.auto=0")


class Commit:
    """The files of one commit, below a folder of it."""

    def __init__(self, directory: Path, spec: PackageSpec) -> None:
        self._directory, self._spec = directory, spec

    @property
    def label(self) -> str:
        return f"{self._spec} at {(self._spec.revision or '')[:12]}"

    @cached_property
    def _listed(self) -> Mapping[str, tuple[Entry, str]]:
        """Path → what is there, and the hash of its content."""
        below = (self._spec.subdirectory or "").rstrip("/")
        tree = f"{self._spec.revision}:{below}" if below else f"{self._spec.revision}^{{tree}}"
        done = _git(self._directory, "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree)
        if done.returncode != 0:
            raise SynthError(f"{self._spec}: there is no folder {below!r} in that commit", hint="correct subdirectory:")
        found = {}
        for line in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
            if line:
                head, _, path = line.partition("\t")
                mode, _, sha, size = head.split()
                found[path] = (_MODES.get(mode) or Entry("file", int(size)), sha)
        return found

    @property
    def entries(self) -> Mapping[str, Entry]:
        return {path: entry for path, (entry, _) in self._listed.items()}

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        found = {}
        for path in paths:
            done = _git(self._directory, "cat-file", "blob", self._listed[path][1])
            if done.returncode != 0:
                raise SynthError(f"{self._spec}: git cannot read {path}: {_said(done)}", hint="run synth deps again")
            found[path] = done.stdout
        return found


@contextmanager
def fetched(spec: PackageSpec) -> Iterator[Commit]:
    """The commit of a package. Raises SynthError where it cannot be had."""
    url, revision = spec.git or "", spec.revision or ""
    hashed = "sha1" if len(revision) == 40 else "sha256"
    with TemporaryDirectory(prefix="synthkit-package-") as made:
        directory = Path(made)
        _checked(_git(directory, "init", "--quiet", "--bare", "--template=", f"--object-format={hashed}", made), spec)
        fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
        done = _git(directory, *fetch, "--depth=1", "--end-of-options", url, revision)
        if done.returncode != 0:  # a server may refuse a commit that no branch ends at
            every = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            _checked(_git(directory, *fetch, "--end-of-options", url, *every), spec)
        found = _git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        commit = found.stdout.decode().strip()
        if found.returncode != 0:
            hint = "take one that a branch or a tag of it leads to"
            raise SynthError(f"{spec} has no commit {revision}", spec.origin.at("revision"), hint)
        if commit != revision:
            raise SynthError(
                f"{revision} is a tag, and no commit", spec.origin.at("revision"), f"write revision: {commit}"
            )
        yield Commit(directory, spec)


def pin_for(spec: PackageSpec) -> str | None:
    """The full hash that the ``revision:`` of a package stands for now; None where its repository knows none of it."""
    with TemporaryDirectory(prefix="synthkit-package-") as made:
        done = _git(Path(made), "ls-remote", "--quiet", "--end-of-options", spec.git or "")
        _checked(done, spec)
    refs = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        sha, _, name = line.partition("\t")
        refs[name] = sha
    name = spec.revision or "HEAD"
    for ref in (name, f"refs/tags/{name}^{{}}", f"refs/tags/{name}", f"refs/heads/{name}"):
        if ref in refs:
            return refs[ref]
    short = {sha for sha in refs.values() if len(name) >= 7 and sha.startswith(name.lower())}
    return short.pop() if len(short) == 1 else None


def _git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    program = git_program()
    if program is None:
        raise SynthError("git is not installed, by which packages come", hint="install git, or take local: packages")
    environment = {
        **{k: v for k, v in os.environ.items() if k not in LOCAL},
        "GIT_DIR": str(directory),
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
    options = [word for option in _OPTIONS for word in ("-c", option)]
    try:
        return subprocess.run(
            [program, "--no-pager", *options, *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SynthError(f"git {arguments[0]} took longer than {TIMEOUT} seconds", hint="try again") from None


def _checked(done: subprocess.CompletedProcess[bytes], spec: PackageSpec) -> None:
    if done.returncode != 0:
        hint = "correct git:, or give git the right to read there: its credential helper, or an ssh key"
        raise SynthError(f"git cannot fetch {spec}: {_said(done)}", spec.origin.at("git"), hint)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why git failed, in its words, without the user in a URL: a configuration of git may put a token there."""
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "no reason")
    return re.sub(r"(?<=://)[^/@\s']*@", "", said.partition(": ")[2] or said)
