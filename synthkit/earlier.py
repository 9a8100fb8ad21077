"""Modules and names as they were called: whoever imports one gets it under its new name, with a FutureWarning.

Only names that a package of a generator, an audit or a notebook may import are here, and only those that nothing else
has now.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NOW = {
    "audits.base": "audits.contract",
    "explain": "planning.difference",
    "fingerprint": "planning.fingerprint",
    "garbage": "gc",
    "generators.aim": "generators.marginals.generator",
    "generators.circuits": "generators.circuit",
    "generators.conditions": "generators.exact.conditions",
    "generators.constraints": "generators.exact.constraints",
    "generators.ctgan": "generators.neural.ctgan",
    "generators.inequality": "rules.inequality",
    "generators.exact.inequality": "rules.inequality",
    "generators.rejection": "generators.exact.rejection",
    "generators.tvae": "generators.neural.tvae",
    "init": "scaffold",
    "lineage": "openlineage",
    "privacy.accountant": "privacy.accounting.accountant",
    "privacy.bounds": "privacy.accounting.bounds",
    "privacy.mechanisms": "privacy.accounting.mechanisms",
    "privacy.noise": "privacy.accounting.noise",
    "privacy.release": "privacy.disclosure",
    "render": "project.render",
    "sources.place": "sources.location",
    "sources.places": "sources.address",
    "sources.relation": "sources.scan",
    "sources.rowwise": "sources.lenient",
    "spec": "project",
    "spec.base": "project.spec",
    "spec.build": "project.specs",
    "state": "planning.state",
    "teacher": "llm",
    "text": "instruct",
    "versions": "store.versions",
}


def called_now(name: str) -> str | None:
    """The module's name now, ``synthkit.…``; None where it was not another.

    >>> called_now("synthkit.spec.types"), called_now("synthkit.schema")
    ('synthkit.project.types', None)
    """
    parts = name.removeprefix("synthkit.").split(".")
    for end in range(len(parts), 0, -1):
        now = NOW.get(".".join(parts[:end]))
        if now is not None:
            return ".".join(["synthkit", now, *parts[end:]])
    return None


class _Finder:
    """Asked first: below a package under its earlier name, its modules would be found, and loaded, a second time."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("synthkit.") or called_now(fullname) is None:
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]  # importlib.abc would cost 10 ms of each start

    def create_module(self, _spec: ModuleSpec) -> None:
        """The usual one: it is put away at once."""

    def exec_module(self, module: ModuleType) -> None:
        now = called_now(module.__name__)
        assert now is not None
        found = import_module(now)
        warnings.warn(f"{module.__name__} is now called {now}", FutureWarning, stacklevel=2)
        sys.modules[module.__name__] = found


def names(module: str, now: Mapping[str, Any]) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that finds what it holds under earlier names, too.

    Args:
        now: earlier name → what has another one today.
    """

    def found(name: str) -> Any:
        if name not in now:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(f"{module}.{name} is now called {now[name].__name__}", FutureWarning, stacklevel=2)
        return now[name]

    return found


def install() -> None:
    """Have imports of the earlier names find the modules."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
