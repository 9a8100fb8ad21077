"""The macros of a project as they are written: what each one calls, and a hash of its definition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


class MacroSources:
    """Definitions by name, read when first asked for.

    A definition is compared by its parsed form, so that spaces within the braces, comments and lines before it change
    nothing. What a macro calls is found by the names in it: a call within a file does not pass through the project.
    """

    def __init__(self, environment: Environment, texts: Iterable[str]) -> None:
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

        trees = [self._environment.parse(text) for text in self._texts]
        names = {macro.name for tree in trees for macro in tree.find_all(nodes.Macro)}
        found = {}
        for tree in trees:
            assigned = {
                target.name: repr(assign)
                for assign in tree.find_all((nodes.Assign, nodes.AssignBlock))
                for target in assign.find_all(nodes.Name)
                if target.ctx == "store"
            }
            for macro in tree.find_all(nodes.Macro):
                named = {n.name for n in macro.find_all(nodes.Name)}
                text = "\n".join([repr(macro), *(assigned[n] for n in sorted(named & assigned.keys()))])
                found[macro.name] = (text, frozenset(named & names))
        return found
