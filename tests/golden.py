"""Whole small projects, and what each must come to: ``tests/projects/README.md`` tells how they are written.

``python -m tests.golden`` says what differs, ``--write`` writes it down as expected: read the diff before you commit it.
"""

from __future__ import annotations

import argparse
import difflib
import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.normalised import Normaliser, blurred
from tests.synth import Project

PROJECTS = Path(__file__).parent / "projects"
STEADY = {
    "TZ": "UTC",
    "NO_COLOR": "1",
    "COLUMNS": "120",
    "SYNTH_NOW": "2026-03-01T12:00:00Z",
    "SYNTH_HASH_KEY": "golden projects are no secret, so this is their key",
    "GIT_AUTHOR_NAME": "A. Writer",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A. Writer",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
LOADED = 1767261600  # 2026-01-01T10:00:00Z: when every source file was last written
ROWS = 5  # of a table that are written down, besides its hash


def names() -> list[str]:
    """The projects, by folder."""
    return sorted(p.parent.name for p in PROJECTS.glob("*/session.sh"))


@dataclass
class Came:
    """What a project came to: file below ``expected/`` → its text; and where its tables were computed."""

    files: dict[str, str] = field(default_factory=dict)
    machines: set[str] = field(default_factory=set)


def run(name: str, folder: Path) -> Came:
    """Copy the project ``name`` into ``folder``, type its session there, and gather what it left."""
    root = folder / name
    shutil.copytree(PROJECTS / name / "project", root)
    _fill_databases(root)
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (LOADED, LOADED))
    session = _Session(Project(root), Normaliser(root))
    for line in (PROJECTS / name / "session.sh").read_text("utf-8").splitlines():
        session.type(line)
    return session.came()


def _fill_databases(root: Path) -> None:
    """``x.duckdb.gz`` becomes ``x.duckdb``: an empty DuckDB file has a quarter of a megabyte, nearly all of it zeros."""
    for packed in sorted(root.rglob("*.duckdb.gz")):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()


class _Session:
    """Types commands, and keeps what they print and what each build leaves."""

    def __init__(self, project: Project, normaliser: Normaliser) -> None:
        self.project, self.normaliser = project, normaliser
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(("SYNTH", "GIT_"))} | STEADY
        self.transcript: list[str] = []
        self.runs: list[tuple[str, str]] = []  # the command, and the run_results.json that it left
        self.outputs: dict[str, str] = {}

    def type(self, line: str) -> None:
        if not line.strip() or line.startswith("#"):
            self.transcript.append(line)
            return
        command, _, into = line.partition(" > ")
        words = shlex.split(command)
        env = dict(word.split("=", 1) for word in words[: _assignments(words)])
        words = words[_assignments(words) :]
        done = self._run(words, {**self.environ, **env})
        if words[:2] == ["git", "commit"] or "--commit" in words:
            head = self._run(["git", "rev-parse", "HEAD"], self.environ).stdout.strip()
            self.normaliser.commits.add(head)
        self._remember_changing()
        status = f"[exit status {done.returncode}]\n" if done.returncode else ""
        printed = done.stdout
        if into:
            self.outputs[into.strip()] = printed
            printed = ""
        self.transcript.append(f"$ {line}\n{printed}{done.stderr}{status}")
        if words[0] == "synth" and words[1] in ("build", "audit", "retry"):
            self._keep_results(line)

    def _run(self, words: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        if words[0] == "synth":
            return _Bare(self.project.root, env).synth(*words[1:])
        if words[0] == "dvc":
            words = [sys.executable, "-m", *words]
        return subprocess.run(words, cwd=self.project.root, capture_output=True, text=True, env=env, check=False)

    def _keep_results(self, line: str) -> None:
        path = self.project.root / "target" / "run_results.json"
        if path.exists() and (text := path.read_text("utf-8")) not in [r for _, r in self.runs]:
            self.runs.append((line, text))

    def _remember_changing(self) -> None:
        """Every line of the ledger names the time of its charge, so its hash is another one each time."""
        ledger = self.project.root / "privacy" / "ledger.jsonl"
        if ledger.exists():
            for line in ledger.read_bytes().splitlines():
                self.normaliser.changing |= {hashlib.sha256(line).hexdigest(), json.loads(line)["hash"]}

    def came(self) -> Came:
        root, say = self.project.root, self.normaliser
        came = Came()
        came.files["session.txt"] = say.text("\n".join(self.transcript)).rstrip("\n") + "\n"
        for name, text in self.outputs.items():
            came.files[name] = say.text(text)
        for number, (line, text) in enumerate(self.runs, 1):
            came.files[f"results-{number}.json"] = say.text(json.dumps({"command": line, **json.loads(text)}))
        for path in (
            root / "target" / "manifest.json",
            root / "privacy" / "ledger.jsonl",
            root / "target/lineage.jsonl",
        ):
            if path.exists():
                came.files[path.name] = say.text(path.read_text("utf-8"))
        for path in sorted(root.glob("warehouse/**/*.receipt.json")):
            text = path.read_text("utf-8")
            came.files[f"receipts/{path.name.removesuffix('.receipt.json')}.json"] = say.text(text)
            came.machines.add(_machine(json.loads(text)["environment"]))
        came.files["tables.txt"] = "\n".join(_tables(root))
        came.files["files.txt"] = "\n".join(_left(root, say)) + "\n"
        return came


def _machine(environment: Mapping[str, Any]) -> str:
    """What may decide the last digit of a sum, as JSON; not the libraries that happened to be loaded."""
    return json.dumps({k: environment[k] for k in ("platform", "processor", "held")}, sort_keys=True)


class _Bare(Project):
    """A project whose `synth` sees these variables and no others."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        super().__init__(root)
        object.__setattr__(self, "env", env)

    def synth(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        from tests.synth import FORKS

        given: Mapping[str, str] = self.env  # type: ignore[attr-defined]
        return FORKS.run(arguments, self.root, {**given, **(env or {})})


def _assignments(words: list[str]) -> int:
    """How many of the first words are ``NAME=value``."""
    count = 0
    while "=" in words[count] and words[count].partition("=")[0].isupper():
        count += 1
    return count


def _tables(root: Path) -> Iterator[str]:
    """Every Parquet file that is published: its hash, its types and its first rows."""
    for path in sorted(root.glob("warehouse/*/*/*.parquet")):
        name = path.parent.relative_to(root / "warehouse").as_posix()
        with duckdb.connect() as connection:
            rows = connection.sql(f"select * from read_parquet('{path}')")
            yield f"{name}: {len(rows)} rows, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
            yield "  " + " | ".join(f"{c} {t}" for c, t in zip(rows.columns, rows.types, strict=True))
            for row in rows.limit(ROWS).fetchall():
                yield "  " + " | ".join("" if v is None else str(v) for v in row)
        yield ""


# Names follow from where the project lies and when its files were written, or contents from a clock or a chance.
_OTHERS = re.compile(r"^(\.git|\.dvc)/|/cache/(content|describe)/|/lock$|/\.database-state$|__pycache__")
_NO_HASH = re.compile(r"\.duckdb$|\.html$|/model/graph\.json$")


def _left(root: Path, say: Normaliser) -> Iterator[str]:
    """Every file that is there at the end, and of texts that a build wrote the hash."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_file() and not _OTHERS.search(relative):
            text = None if _NO_HASH.search(relative) else _readable(path)
            shown = "" if text is None else f"  {hashlib.sha256(say.text(text).encode()).hexdigest()[:16]}"
            yield say.text(relative) + shown


def _readable(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


def expected(name: str) -> dict[str, str]:
    """What is written down: file below ``expected/`` → its text."""
    folder = PROJECTS / name / "expected"
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in sorted(folder.rglob("*")) if p.is_file()}


def differences(name: str, came: Came) -> list[str]:
    """Unified diffs, expected against what came; nothing where all is as it was.

    Where a table was computed on another processor, or with other instructions, than those written down, numbers and
    hashes are left out of the comparison: what is written down for a trained table may differ there in a last digit.
    """
    kept = expected(name)
    found = list(_diffs(kept, came.files))
    machines = _machines()
    if found and not came.machines <= machines:
        warnings.warn(f"{name}: compared without numbers and rows, as {came.machines - machines} is new", stacklevel=2)
        return list(_diffs(_without_rows(kept), _without_rows(came.files)))
    return found


def _diffs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for file in sorted({*before, *after}):
        old, new = before.get(file, ""), after.get(file, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"expected/{file}", f"now/{file}", n=2, lineterm=""
            )
            yield "\n".join(lines)


def _without_rows(files: Mapping[str, str]) -> dict[str, str]:
    return {n: blurred(t) for n, t in files.items() if n not in ("tables.txt", "files.txt")}


def _machines() -> set[str]:
    path = PROJECTS / "machines.json"
    return {json.dumps(m, sort_keys=True) for m in json.loads(path.read_text("utf-8"))} if path.exists() else set()


def write(name: str, came: Came) -> None:
    """Write down what came as what is expected."""
    folder = PROJECTS / name / "expected"
    shutil.rmtree(folder, ignore_errors=True)
    for file, text in came.files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("names", nargs="*", help="of projects; default: all")
    parser.add_argument("--write", action="store_true", help="take what they come to now as what is expected")
    given = parser.parse_args()
    different = False
    machines: set[str] = set()
    for name in given.names or names():
        with tempfile.TemporaryDirectory(prefix="golden-") as folder:
            came = run(name, Path(folder))
        machines |= came.machines
        found = differences(name, came)
        for text in found:
            sys.stdout.write(f"{name}\n{text}\n")
        different |= bool(found)
        if given.write:
            write(name, came)
    if given.write and not given.names:
        listed: list[Any] = [json.loads(m) for m in sorted(machines)]
        (PROJECTS / "machines.json").write_text(json.dumps(listed, indent=1) + "\n", "utf-8")
    return int(different and not given.write)


if __name__ == "__main__":
    sys.exit(main())
