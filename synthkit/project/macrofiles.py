"""Macro files, of the project and of its packages, as templates find them: by name, or by ``package.name``.

Every macro is there before the first file is read, so that no order of files matters. Within a package its own macros
go by their bare names, before those of the project; it reads no environment variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synthkit.errors import did_you_mean
from synthkit.project.lookups import Lookups
from synthkit.project.macros import defined_in

if TYPE_CHECKING:
    from jinja2.environment import TemplateModule

Macro = Callable[..., str]


@dataclass
class MacroSet:
    """The macro files of the project, or of one package.

    Args:
        texts: file → its text.
        package: its name; None of the project.
        names: what its own files find besides what every template finds.
    """

    texts: Mapping[Path, str]
    package: str | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        """The macros' bare names."""
        return (name for text in self.texts.values() for name in defined_in(text))

    def full(self, name: str) -> str:
        return name if self.package is None else f"{self.package}.{name}"


class LoadedMacros:
    """Macros that call what was read of them, and note that they were called.

    Args:
        noted: is given a macro's full name, and what its file looked up when it was read.
        error: makes the error of a message and a hint.
    """

    def __init__(self, noted: Callable[[str, Lookups], None], error: Callable[[str, str | None], Exception]) -> None:
        self._noted, self._error = noted, error
        self._read: dict[str, tuple[Macro, Lookups]] = {}

    def add(self, macros: MacroSet, file: Path, module: TemplateModule, outside: Lookups) -> None:
        """Macros of a file that was read."""
        for name in defined_in(macros.texts[file]):
            if hasattr(module, name):
                self._read[macros.full(name)] = (getattr(module, name), outside)

    def named(self, full: str) -> Macro:
        """What stands for a macro, whether it was read yet or not."""

        def call(*arguments: Any, **named: Any) -> str:
            if full not in self._read:
                hint = "call it within a macro, and define it within no condition and no loop"
                raise self._error(f"the macro {full!r} is called before its file is read", hint)
            macro, outside = self._read[full]
            self._noted(full, outside)
            return macro(*arguments, **named)

        return call

    def package(self, macros: MacroSet) -> PackageNames:
        """What stands for a package in Jinja; its own files find its macros by their bare names."""
        found = {name: self.named(macros.full(name)) for name in macros}
        macros.names |= {**found, "env_var": self._refusing(macros.package or "")}
        return PackageNames(macros.package or "", found, self._error)

    def _refusing(self, package: str) -> Callable[..., NoReturn]:
        def env_var(name: str = "", *_: Any) -> NoReturn:
            hint = "hand it over: call the macro with env_var(…) as an argument"
            raise self._error(f"the package {package!r} asks for the environment variable {name!r}", hint)

        return env_var


class PackageNames:
    """A package in Jinja: ``{{ acme.macro(…) }}``."""

    def __init__(self, name: str, macros: Mapping[str, Macro], error: Callable[[str, str | None], Exception]) -> None:
        self._name, self._macros, self._error = name, macros, error

    def __getattr__(self, name: str) -> Macro:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._macros:
            hint = did_you_mean(name, self._macros, "a macro")
            raise self._error(f"the package {self._name!r} has no macro {name!r}", hint)
        return self._macros[name]

    def __str__(self) -> str:
        raise self._error(f"{self._name!r} is a package", f"name one of its macros: {self._name}.…")

    __repr__ = __str__
