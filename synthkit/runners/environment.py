"""What the bytes of a table depend on besides source, configuration and seed: where it was computed.

A sum of floats depends on its order, and a library picks the order by the processor: OpenBLAS, MKL and oneDNN have a
kernel for each generation, NumPy and PyTorch and Arrow code paths for AVX2 and AVX-512. On x86-64 processors that have
AVX2 and FMA, all made since about 2015, they are held to that one set here, so that an older and a newer one take the
same path as far as the libraries let them. What was in force is recorded with the rows.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from synthkit.environment import threads_to_use

# Read by the libraries when they are loaded. What the user sets wins.
HELD: Mapping[str, str] = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def held_fixed(threads: int, environ: Mapping[str, str], flags: frozenset[str] | None = None) -> dict[str, str]:
    """Variables for a worker: the threads of its linear algebra, and the instructions that its libraries may use.

    Args:
        threads: CPU threads of one training.
        environ: what the user has set.
        flags: of the processor; default: of this one.
    """
    flags = _flags() if flags is None else flags
    kernels = {k: v for k, v in HELD.items() if k not in environ} if {"avx2", "fma"} <= flags else {}
    return {**dict.fromkeys(THREADS, str(threads)), **kernels}


def worker_variables(threads: int, environ: Mapping[str, str]) -> dict[str, str]:
    """:func:`held_fixed`, and how a worker's Python is to run, whoever starts it."""
    return {
        **held_fixed(threads, environ),
        "PYTHONHASHSEED": "0",  # the order of sets must not change the rows
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # `-m` would look for modules in the folder that synth was typed in: the project
    }


def environment() -> dict[str, Any]:
    """Where this process computes: ``{platform, processor, threads, held, kernels}``, JSON-able.

    ``kernels`` are those of the libraries that it has loaded by now, so ask when the work is done. None of it depends
    on a row.
    """
    from threadpoolctl import threadpool_info

    pools = threadpool_info()
    kernels = {
        f"{p['internal_api']} {p['version']}": str(p.get("architecture") or "its own choice")
        for p in pools
        if p["user_api"] == "blas"
    }
    if "torch" in sys.modules:
        import torch

        kernels["torch"] = torch.backends.cpu.get_cpu_capability()
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "threads": threads_to_use(),
        "held": {name: os.environ[name] for name in HELD if name in os.environ},
        "kernels": dict(sorted(kernels.items())),
    }


@cache
def _cpuinfo() -> Mapping[str, str]:
    """The first processor's lines of ``/proc/cpuinfo``; nothing where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _flags() -> frozenset[str]:
    return frozenset(_cpuinfo().get("flags", "").split())


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or "unknown"
