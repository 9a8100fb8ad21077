"""What a model's jobs ask of the machine that they run on, and what machines have."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from synthkit.project.decides import NOTHING
from synthkit.project.spec import Spec

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{unit}i": 1024**power for power, unit in enumerate("KMGT", 1)
}
_AMOUNT = re.compile(r"^\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]i?)?B?\s*$")


def in_bytes(written: Any) -> Any:
    """``8GiB``, ``8 Gi``, ``500MB`` or a number of bytes, as bytes.

    >>> in_bytes("8GiB"), in_bytes("500MB"), in_bytes(1024)
    (8589934592, 500000000, 1024)
    """
    if not isinstance(written, str):
        return written
    found = _AMOUNT.match(written)
    if found is None:
        raise PydanticCustomError("memory", "it should be an amount of memory: 8GiB, 500MB, or bytes")
    return round(float(found["number"]) * _UNITS[found["unit"] or ""])


def shown_bytes(amount: int) -> str:
    """As it would be written: ``8 GiB``.

    >>> shown_bytes(8 * 1024**3), shown_bytes(1536 * 1024**2), shown_bytes(2_000_000)
    ('8 GiB', '1.5 GiB', '1.91 MiB')
    """
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
        if amount >= size:
            return f"{amount / size:.3g} {unit}"
    return f"{amount} bytes"


Memory = Annotated[
    int,
    BeforeValidator(in_bytes),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _AMOUNT.pattern}]}),
]


class Resources(Spec):
    """What each of a model's jobs asks for, which decides where it runs and nothing of its rows.

    Args:
        cpus: processor cores that are kept for it. How many threads compute is the project's ``model_threads``.
        memory: that is kept for it: 8GiB, 500MB, or bytes.
        gpus: that it has for itself.
        accelerator: the kind of those, as the runner calls it: A100.
    """

    cpus: Annotated[float | None, NOTHING] = Field(default=None, gt=0, allow_inf_nan=False)
    memory: Annotated[Memory | None, NOTHING] = Field(default=None, gt=0)
    gpus: Annotated[int | None, NOTHING] = Field(default=None, ge=0)
    accelerator: Annotated[str | None, NOTHING] = Field(default=None, min_length=1)


class Limits(Spec):
    """What the largest machine of a runner has, so that the compiler refuses what no machine can give.

    Args:
        cpus: processor cores.
        memory: 64GiB, or bytes.
        gpus: of one machine.
        accelerators: the kinds that there are.
    """

    cpus: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    memory: Memory | None = Field(default=None, gt=0)
    gpus: int | None = Field(default=None, ge=0)
    accelerators: tuple[str, ...] | None = None


UNASKED, UNKNOWN = Resources(), Limits()


def beyond(asked: Resources, most: Limits) -> dict[str, str]:
    """Key → how more is asked for than a machine has, in words; of what is unknown nothing.

    >>> beyond(Resources(cpus=16, memory="8GiB"), Limits(cpus=8, memory="16GiB"))
    {'cpus': '16 CPUs, and the largest machine has 8'}
    """
    found = {}
    if asked.cpus is not None and most.cpus is not None and asked.cpus > most.cpus:
        found["cpus"] = f"{asked.cpus:g} CPUs, and the largest machine has {most.cpus:g}"
    if asked.memory is not None and most.memory is not None and asked.memory > most.memory:
        found["memory"] = f"{shown_bytes(asked.memory)}, and the largest machine has {shown_bytes(most.memory)}"
    if asked.gpus is not None and most.gpus is not None and asked.gpus > most.gpus:
        found["gpus"] = f"{asked.gpus} GPUs, and the largest machine has {most.gpus}"
    kinds = most.accelerators
    if asked.accelerator is not None and kinds is not None and asked.accelerator not in kinds:
        found["accelerator"] = f"{asked.accelerator}, and there is {', '.join(kinds) or 'none'}"
    return found
