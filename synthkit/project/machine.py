"""This machine, as a runner of its processes has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from synthkit.project.resources import Limits

_GPUS = Path("/proc/driver/nvidia/gpus")
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def this_machine() -> Limits:
    """Its cores, memory (or what a container leaves of it) and NVIDIA GPUs, without loading a library for them."""
    import psutil

    models = [_model(gpu / "information") for gpu in sorted(_GPUS.iterdir())] if _GPUS.is_dir() else []
    memory = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        memory = min(memory, int(_CGROUP.read_text("ascii")))
    gpus = len(visible_gpus(os.environ))
    return Limits(cpus=os.cpu_count(), memory=memory, gpus=gpus, accelerators=tuple(dict.fromkeys(models)))


def visible_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The NVIDIA GPUs that CUDA shows this process, as ``CUDA_VISIBLE_DEVICES`` names them: numbers, UUIDs.

    >>> visible_gpus({"CUDA_VISIBLE_DEVICES": "2,0,-1,1"})  # CUDA reads it to the first number that is none
    ('2', '0')
    """
    said = environ.get("CUDA_VISIBLE_DEVICES")
    if said is None:
        return tuple(str(i) for i in range(len(list(_GPUS.iterdir())))) if _GPUS.is_dir() else ()
    found: list[str] = []
    for name in (part.strip() for part in said.split(",")):
        if not name or name.startswith("-") or name in found:
            break
        found.append(name)
    return tuple(found)


def _model(information: Path) -> str:
    """``NVIDIA A100-SXM4-80GB`` → ``A100``, as Ray and others call it."""
    found = re.search(r"^Model:\s*(?:NVIDIA |Tesla )*(\S+)", information.read_text("utf-8"), re.MULTILINE)
    return "unknown" if found is None else found[1].split("-")[0]
