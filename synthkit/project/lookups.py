"""What a rendered text was made from besides itself: variables, environment variables and macros, by name.

Receipts keep it, so that ``synth plan`` can say which of them changed. The value of an environment variable is never
kept, as it may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthkit.earlier import names


@dataclass(frozen=True)
class Rendering:
    """The names that the rendering of one template looked up.

    Args:
        template: SHA-256 of its text.
        variables: name → value, without those whose value comes from the environment.
        env_vars: also those behind a variable's value.
        macros: name → SHA-256 of its definition, those included that it calls itself.
    """

    template: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    env_vars: frozenset[str] = frozenset()
    macros: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.variables or self.env_vars or self.macros)

    def to_json(self) -> dict[str, Any]:
        return {
            "template": self.template,
            "vars": dict(sorted(self.variables.items())),
            "env_vars": sorted(self.env_vars),
            "macros": dict(sorted(self.macros.items())),
        }


@dataclass
class Lookups:
    """What is looked up while a template is rendered."""

    variables: dict[str, Any] = field(default_factory=dict)
    env_vars: set[str] = field(default_factory=set)
    macros: set[str] = field(default_factory=set)

    def add(self, other: Lookups) -> None:
        self.variables |= other.variables
        self.env_vars |= other.env_vars
        self.macros |= other.macros


__getattr__ = names(__name__, {"Uses": Rendering})
