"""Generators by name, from the entry-point group ``synthkit.generators``: the built-in ones come the same way."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from synthkit.errors import SynthError, did_you_mean
from synthkit.generators.base import Generator

GROUP = "synthkit.generators"


@cache
def _entries() -> dict[str, EntryPoint]:
    found = list(entry_points(group=GROUP))
    # Ours come last and so win: a package cannot quietly take the name of a built-in generator.
    found.sort(key=lambda e: (e.value.startswith("synthkit."), e.value))
    return {entry.name: entry for entry in found}


def names() -> tuple[str, ...]:
    """All names, sorted. Loads no generator."""
    return tuple(sorted(_entries()))


def private_names() -> tuple[str, ...]:
    """The generators that honour ``epsilon``, by name. A package that does not load counts as one that does not."""
    found = []
    for name in names():
        try:
            if get(name).supports_epsilon:
                found.append(name)
        except SynthError:
            continue
    return tuple(found)


@cache
def get(name: str) -> Generator:
    """The generator of that name.

    Raises:
        SynthError: there is none (the nearest name is in the hint), or its package does not load.
    """
    entry = _entries().get(name)
    if entry is None:
        raise SynthError(f"there is no generator {name!r}", hint=did_you_mean(name, names(), "a generator"))
    package = entry.dist.name if entry.dist is not None else entry.value
    try:
        found = entry.load()
    except Exception as error:
        raise SynthError(
            f"generator {name!r} of the package {package!r} does not load: {error}",
            hint=f"update or remove {package}",
        ) from error
    if not isinstance(found, Generator):
        raise SynthError(f"{entry.value} of {package!r} is no synthkit Generator", hint=f"update or remove {package}")
    return found
