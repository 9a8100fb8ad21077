"""Errors: what happened, where, and how to fix it.

A problem in somebody's project is a :class:`Fault`.  Passes over the project collect faults and raise
one :class:`ConfigurationError` that lists them all; everything else raises a :class:`SynthError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

# What pip calls this package: the name `synthkit` belongs to another project of the public index.
DISTRIBUTION = "synthkit-build"


def install(extra: str) -> str:
    """The command that installs an extra of this package: ``pip install 'synthkit-build[lineage]'``."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file. ``line`` and ``column`` count from 1; 0 means the file as a whole.

    >>> str(Location(Path("models/churn.yml"), 16, 24))
    'models/churn.yml:16:24'
    """

    file: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a project.

    ``value`` is the offending text as the user wrote it, ``hint`` says how to fix it (naming the
    nearest valid name where there is one).
    """

    message: str
    where: Location | None = None
    value: str | None = None
    hint: str | None = None


class SynthError(Exception):
    """A failure that the user can act on.

    Args:
        message: what happened.
        where: the place in a file that caused it, if one did.
        hint: how to fix it.

    >>> here = Location(Path("models/churn.yml"), 16, 24)
    >>> print(SynthError("there is no model 'chrun'", here, "did you mean 'churn'?"))
    models/churn.yml:16:24: there is no model 'chrun'
      fix: did you mean 'churn'?
    """

    exit_code = EXIT_USAGE

    def __init__(self, message: str, where: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        prefix = f"{self.where}: " if self.where else ""
        suffix = f"\n  fix: {self.hint}" if self.hint else ""
        return f"{prefix}{self.message}{suffix}"


class ConfigurationError(SynthError):
    """Every fault of a project, in one report, ordered by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=_fault_order))
        count = len(self.faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the project")

    def __str__(self) -> str:
        """All of them: in a notebook there is no report beside the exception."""
        found = (str(SynthError(fault.message, fault.where, fault.hint)) for fault in self.faults)
        return "\n".join((self.message, *found))


class BuildError(SynthError):
    """An action of a build failed for a reason in the data or the environment (exit status 1)."""

    exit_code = EXIT_FAILED


def _fault_order(fault: Fault) -> tuple[str, int, int, str]:
    where = fault.where
    if where is None:
        return ("", 0, 0, fault.message)
    return (str(where.file), where.line, where.column, fault.message)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close (case does not matter)."""
    folded = {k.lower(): k for k in known}
    matches = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def shortened(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters, for a message."""
    return text if len(text) <= most else text[: most - 1] + "…"


def did_you_mean(name: str, known: Iterable[str], what: str = "one") -> str:
    """A hint that names the nearest known name, or lists what there is."""
    options = sorted(known)
    close = nearest(name, options)
    if close is not None:
        return f"did you mean {close!r}?"
    if not options:
        return "there is none yet"
    shown = ", ".join(options[:12]) + (", …" if len(options) > 12 else "")
    return f"use {what} of: {shown}"
