"""Runners by name, from the entry-point group ``synthkit.runners``: what each is called with, and what it needs.

The compiler looks at a runner's declaration; what carries jobs out is loaded where a build starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema, model_validator

from synthkit.errors import SynthError, did_you_mean
from synthkit.extras import refuse_absent
from synthkit.plugins import entries, loaded, no_kind
from synthkit.project.registered import registered
from synthkit.project.resources import UNKNOWN, Limits
from synthkit.project.spec import Options, Spec

GROUP = "synthkit.runners"
LOCAL = "local"

RunnerName = Annotated[
    str,
    registered(GROUP, "runner"),
    WithJsonSchema({"type": "string", "examples": [LOCAL, "ray"], "title": "Name"}),
]


class RunnerSpec(Spec):
    """Where jobs run: a runner by name, with whatever options were written beside it.

    Args:
        name: local, ray, or what an installed package brings.
        options: of that runner.
    """

    name: RunnerName = LOCAL
    options: Options = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _sugar(cls, written: Any) -> Any:
        """``ray`` is ``{name: ray}``, and what stands beside the name are the runner's options."""
        if isinstance(written, str):
            return {"name": written}
        if isinstance(written, Mapping) and "options" not in written:
            beside = {k: v for k, v in written.items() if k != "name"}
            return {**({"name": written["name"]} if "name" in written else {}), "options": beside}
        return written


class NoOptions(Spec):
    """Of a runner that takes none."""


@dataclass(frozen=True)
class Runner:
    """The declaration of a runner, which is what its entry point names; light to import.

    Args:
        start: called with ``model_threads`` and ``log``, and with ``options`` where there are any; gives an executor
            (:class:`synthkit.runners.jobs.Executor`).
        summary: in one line.
        options: the class of its options.
        needs: the module that it cannot do without.
        extra: of this package, which brings that module.
        limits: of its options, what its largest machine has, as far as that is known.
    """

    start: Callable[..., Any]
    summary: str = ""
    options: type[Spec] = NoOptions
    needs: str | None = None
    extra: str | None = None
    limits: Callable[[Any], Limits] = lambda _options: UNKNOWN


def names() -> tuple[str, ...]:
    """All names, sorted. Loads no runner."""
    return tuple(sorted(entries(GROUP)))


def runner_of(name: str) -> Runner:
    """The runner of that name; a bare function is one without options.

    Raises:
        SynthError: there is none (the nearest name is in the hint), or its package does not load.
    """
    entry = entries(GROUP).get(name)
    if entry is None:
        raise SynthError(f"there is no runner {name!r}", hint=did_you_mean(name, entries(GROUP), "a runner"))
    found = loaded(entry, "runner {name!r} of the package {package!r} does not load")
    if isinstance(found, Runner):
        return found
    if not callable(found):
        raise no_kind(entry, "runner")
    return Runner(found)


def refuse_missing(name: str) -> None:
    """Raises SynthError where what the runner needs is not installed, with the command that installs it."""
    runner = runner_of(name)
    if runner.needs is not None:
        refuse_absent(f"the runner {name!r}", runner.extra, runner.needs)
