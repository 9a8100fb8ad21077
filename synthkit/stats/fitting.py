"""What the machines of a runner have, and what of a build will not fit in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synthkit.compiler import Manifest
from synthkit.project.project import Project
from synthkit.project.resources import shown_bytes
from synthkit.project.runners import LOCAL, runner_of
from synthkit.stats.expected import ModelForecast
from synthkit.stats.predict import Estimate


@dataclass(frozen=True)
class Room:
    """Memory in bytes.

    Args:
        memory: of the machine, or of the largest one; None where nobody declares it.
        shared: whether all jobs of a build are on that one machine.
    """

    memory: int | None
    shared: bool

    def warnings(
        self, manifest: Manifest, models: Sequence[ModelForecast], whole: Estimate | None, threads: int
    ) -> Iterator[str]:
        """A sentence for each thing that will not, or may not, fit."""
        single = [m for m in models if m.memory is not None and self.memory is not None]
        large = [m for m in single if m.memory is not None and m.memory.likely > (self.memory or 0)]
        for model in large:
            assert model.memory is not None
            yield (
                f"{model.model} will not fit in memory: it is likely to hold {_between(model.memory)}, and "
                f"{self._have()}: train on fewer rows, draw it in smaller partitions (partition_rows), or find a "
                "larger machine"
            )
        if self.shared and whole is not None and self.memory is not None and not large and whole.high > self.memory:
            how = "will not" if whole.likely > self.memory else "may not"
            yield (
                f"the build {how} fit in memory: with --threads {threads} its processes are likely to hold "
                f"{_between(whole)} at once, and {self._have()}: build with fewer --threads"
            )
        for model in models:
            asked = manifest.models[model.model].spec.resources.memory
            if asked is not None and model.memory is not None and model.memory.likely > asked and not self.shared:
                yield (
                    f"{model.model} asks for {shown_bytes(asked)} of memory, and is likely to hold "
                    f"{_between(model.memory)}: ask for more under resources:"
                )

    def _have(self) -> str:
        which = "this machine" if self.shared else "the largest machine"
        return f"{which} has {shown_bytes(self.memory or 0)}"


def room_of(project: Project) -> Room:
    """What the project's runner has, as far as that is known."""
    from synthkit.project.machine import this_machine

    if project.runner.name == LOCAL:
        return Room(this_machine().memory, shared=True)
    runner = runner_of(project.runner.name)
    return Room(runner.limits(runner.options.model_validate(project.runner.options)).memory, shared=False)


def _between(estimate: Estimate) -> str:
    """``3.1 GiB (2.9 GiB to 3.4 GiB)``."""
    likely, low, high = (shown_bytes(round(v)) for v in (estimate.likely, estimate.low, estimate.high))
    return f"{likely} ({low} to {high})"
