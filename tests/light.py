"""An environment in which only what ``pip install synthkit-build`` brings can be imported, or is known to be installed.

By a hook in ``sitecustomize``, so that the processes that synth starts have it, too. Nothing is installed for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

from synthkit.errors import DISTRIBUTION

ROOT = Path(__file__).parents[1]
_HOOK = """
import importlib.metadata as metadata
import sys

MODULES = frozenset({modules!r})
DISTRIBUTIONS = frozenset({distributions!r})
_from_name = metadata.Distribution.from_name.__func__


class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None


@classmethod
def from_name(cls, name):
    if name.lower().replace("_", "-").replace(".", "-") in DISTRIBUTIONS:
        raise metadata.PackageNotFoundError(name)
    return _from_name(cls, name)


sys.meta_path.insert(0, Refusing())
metadata.Distribution.from_name = from_name
"""


def plain(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def needed(distribution: str = DISTRIBUTION, extras: tuple[str, ...] = ()) -> frozenset[str]:
    """The distribution and all that it requires, by the metadata of what is installed; those that are not are left
    out."""
    found: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(distribution, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        name, chosen = one
        wanted = _wanted(name, chosen)
        if wanted is not None:
            found.add(plain(name))
            waiting += [(one.name, frozenset(one.extras)) for one in wanted]
    return frozenset(found)


def _wanted(name: str, extras: frozenset[str]) -> list[Requirement] | None:
    """What a distribution requires; None where it is not installed. Of this one pyproject.toml says it, as what an
    earlier installation left beside the package may be old."""
    if name == DISTRIBUTION:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        by_extra = project["optional-dependencies"]
        return [Requirement(text) for part in (project["dependencies"], *map(by_extra.get, extras)) for text in part]
    try:
        found = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return None
    chosen = (*extras, "")
    return [r for r in found if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in chosen)]


def light(folder: Path, extras: tuple[str, ...] = ()) -> dict[str, str]:
    """Variables that hide all that neither the base nor the ``extras`` bring.

    Args:
        folder: for the hook.
    """
    here = needed(extras=extras)
    hidden = {plain(d) for ds in packages_distributions().values() for d in ds} - here - {"synthkit-build"}
    modules = {module for module, ds in packages_distributions().items() if not any(plain(d) in here for d in ds)} - {
        "synthkit",
        "tests",
        "sitecustomize",
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = _HOOK.format(modules=sorted(modules), distributions=sorted(hidden))
    (folder / "sitecustomize.py").write_text(text, "utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


def run_lightly(folder: Path, calls: list[tuple[Path, tuple[str, ...]]]) -> list[tuple[int, str]]:
    """Exit status and output (errors with it) of each call of synth: the folder to be in, and its words.

    Args:
        folder: for the hook.
    """
    said = json.dumps([(str(root), words) for root, words in calls])
    environment = {**os.environ, **light(folder)}
    command = [sys.executable, "-m", "tests.lightly"]
    done = subprocess.run(command, input=said, capture_output=True, text=True, env=environment, check=True, cwd=ROOT)
    return [(code, text) for code, text in json.loads(done.stdout)]
