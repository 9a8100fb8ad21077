"""Generators by name, from the entry-point group ``synthkit.generators``: the built-in ones come the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from synthkit.errors import SynthError, did_you_mean
from synthkit.generators.base import Generator, Trained
from synthkit.plugins import entries, loaded, no_kind

GROUP = "synthkit.generators"


def names() -> tuple[str, ...]:
    """All names, sorted. Loads no generator."""
    return tuple(sorted(entries(GROUP)))


def private_names(among: Sequence[str] | None = None) -> tuple[str, ...]:
    """The generators that honour ``epsilon``, by name. A package that does not load counts as one that does not.

    Args:
        among: no others are looked at, nor loaded; default: all.
    """
    return _which(lambda generator: generator.supports_epsilon, among)


def related_names() -> tuple[str, ...]:
    """The generators that learn tables together without a budget, by name; of packages as :func:`private_names`."""
    return _which(
        lambda generator: (
            isinstance(generator, Trained) and generator.related is not None and not generator.related.budgeted
        )
    )


def related_private_names() -> tuple[str, ...]:
    """Those that honour ``epsilon`` of tables that they learn together."""
    return _which(
        lambda generator: (
            isinstance(generator, Trained)
            and generator.related is not None
            and generator.related.mechanisms is not None
        )
    )


def _which(test: Callable[[Generator], bool], among: Sequence[str] | None = None) -> tuple[str, ...]:
    found = []
    for name in names():
        if among is not None and name not in among:
            continue
        try:
            if test(get(name)):
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
    entry = entries(GROUP).get(name)
    if entry is None:
        raise SynthError(f"there is no generator {name!r}", hint=did_you_mean(name, names(), "a generator"))
    found = loaded(entry, "generator {name!r} of the package {package!r} does not load")
    if not isinstance(found, Generator):
        raise no_kind(entry, "Generator")
    return found


def trained(name: str) -> Trained:
    """The generator of that name, which learns tables by itself. Raises SynthError as :func:`get`, and where not."""
    found = get(name)
    if not isinstance(found, Trained):
        raise SynthError(f"generator {name!r} learns no table by itself", hint="build it in a project")
    return found
