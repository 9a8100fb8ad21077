"""This machine, as a runner of its processes has it."""

from __future__ import annotations

import os
import re
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
    return Limits(cpus=os.cpu_count(), memory=memory, gpus=len(models), accelerators=tuple(dict.fromkeys(models)))


def _model(information: Path) -> str:
    """``NVIDIA A100-SXM4-80GB`` → ``A100``, as Ray and others call it."""
    found = re.search(r"^Model:\s*(?:NVIDIA |Tesla )*(\S+)", information.read_text("utf-8"), re.MULTILINE)
    return "unknown" if found is None else found[1].split("-")[0]
