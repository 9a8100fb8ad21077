"""The macros of a project as they are written: what each one calls, and a hash of its definition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

_DEFINITION = re.compile(r"\{%-?\s*macro\s+([A-Za-z]\w*)")


def defined_in(text: str) -> list[str]:
    """The names of the macros that a file defines for others: one that begins with ``_`` is its own."""
    return _DEFINITION.findall(text)


class MacroSources:
    """Definitions by name, read when first asked for.

    A definition is compared by its parsed form, so that spaces within the braces, comments and lines before it change
    nothing. What a macro calls is found by the names in it: a call within a file does not pass through the project.

    Args:
        texts: (package, text) of each file; None of the project's own. A package's macros are named ``package.macro``.
    """

    def __init__(self, environment: Environment, texts: Iterable[tuple[str | None, str]]) -> None:
        self._environment, self._texts = environment, tuple(texts)

    def behind(self, names: Iterable[str]) -> dict[str, str]:
        """Name → SHA-256 of the definition, of these macros and of all that they may call."""
        found: dict[str, str] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found and name in self._definitions:
                text, called = self._definitions[name]
                found[name] = hashlib.sha256(text.encode()).hexdigest()
                waiting += called
        return found

    @cached_property
    def _definitions(self) -> Mapping[str, tuple[str, frozenset[str]]]:
        """Name → (definition with what its file assigns for it, the macros that it names)."""
        from jinja2 import nodes

        trees = [(package, self._environment.parse(text)) for package, text in self._texts]
        known = {_full(package, macro.name) for package, tree in trees for macro in tree.find_all(nodes.Macro)}
        found: dict[str, tuple[str, frozenset[str]]] = {}
        for package, tree in trees:
            assigned = {
                target.name: repr(assign)
                for assign in tree.find_all((nodes.Assign, nodes.AssignBlock))
                for target in assign.find_all(nodes.Name)
                if target.ctx == "store"
            }
            for macro in tree.find_all(nodes.Macro):
                named = {n.name for n in macro.find_all(nodes.Name)}
                text = "\n".join([repr(macro), *(assigned[n] for n in sorted(named & assigned.keys()))])
                full = _full(package, macro.name)
                before, called = found.get(full, ("", frozenset()))  # each file may have a _helper of its own
                found[full] = (before + text, called | (_called(package, macro, named) & known))
        return found


def _full(package: str | None, name: str) -> str:
    return name if package is None else f"{package}.{name}"


def _called(package: str | None, macro: nodes.Macro, named: Iterable[str]) -> set[str]:
    """What the names in a macro may stand for: its own package's macros, the project's, and those of packages."""
    from jinja2 import nodes

    of_packages = {f"{n.node.name}.{n.attr}" for n in macro.find_all(nodes.Getattr) if isinstance(n.node, nodes.Name)}
    return {*(_full(package, name) for name in named), *named, *of_packages}
