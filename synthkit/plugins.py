"""What installed packages register, by name: values of an entry-point group, the built-in ones among them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from synthkit.errors import SynthError


@cache
def entries(group: str) -> dict[str, EntryPoint]:
    """The group's entry points by name. Loads none of them."""
    found = list(entry_points(group=group))
    # Ours come last and so win: a package cannot quietly take the name of a built-in one.
    found.sort(key=lambda e: (e.value.startswith("synthkit."), e.value))
    return {entry.name: entry for entry in found}


def loaded(entry: EntryPoint, failing: str) -> Any:
    """The entry point's value.

    Args:
        failing: what to say where it does not load, with ``{name!r}`` and ``{package!r}``.

    Raises:
        SynthError: its package does not load.
    """
    try:
        return entry.load()
    except Exception as error:
        package = package_of(entry)
        message = failing.format(name=entry.name, package=package)
        raise SynthError(f"{message}: {error}", hint=f"update or remove {package}") from error


def package_of(entry: EntryPoint) -> str:
    """The distribution that registers it, or where that is not known its value."""
    return entry.dist.name if entry.dist is not None else entry.value


def no_kind(entry: EntryPoint, kind: str) -> SynthError:
    """The error for a value of another type than the group's."""
    package = package_of(entry)
    return SynthError(f"{entry.value} of {package!r} is no synthkit {kind}", hint=f"update or remove {package}")
