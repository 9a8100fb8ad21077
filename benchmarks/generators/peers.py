"""Who is compared with whom, and how each is started.

The peers are called as their own users call them, not through synthkit. SDV comes with synthkit. TabularARGN does not:
mostlyai-engine pins other versions of what synthkit needs, so it lives in an environment of its own::

    python3.11 -m venv ../argn
    ../argn/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    ../argn/bin/pip install mostlyai-engine==2.7.3
    ../argn/bin/pip uninstall -y torchvision torchaudio   # builds for another torch break the import of transformers
    export SYNTHKIT_ARGN_PYTHON=$PWD/../argn/bin/python   # or --argn-python

Nor does dpmm, whose AIM (McKenna et al. 2022, on private-pgm) is the peer under differential privacy::

    python3.11 -m venv ../dpmm && ../dpmm/bin/pip install torch==2.13.0 dpmm==0.1.9 pyarrow
    export SYNTHKIT_DPMM_PYTHON=$PWD/../dpmm/bin/python   # or --dpmm-python
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ARGN = "argn"
DPMM = "dpmm.aim"
ARGN_VARIABLE = "SYNTHKIT_ARGN_PYTHON"
DPMM_VARIABLE = "SYNTHKIT_DPMM_PYTHON"
PEERS = ("sdv.ctgan", "sdv.tvae", ARGN, DPMM)
LABELS = {"sdv.ctgan": "SDV CTGAN", "sdv.tvae": "SDV TVAE", ARGN: "TabularARGN", DPMM: "dpmm AIM"}


@dataclass(frozen=True)
class Comparison:
    """One of our generators, the peer that runs beside it, and the bar that the design sets for the fit times.

    ``peer`` is None for a generator that runs alone; ``most`` is the largest share of the peer's fit time.
    """

    ours: str
    peer: str | None
    datasets: tuple[str, ...]
    most: float | None = None


COMPARISONS = (
    Comparison("ctgan", "sdv.ctgan", ("adult",), 1 / 5),
    Comparison("tvae", "sdv.tvae", ("adult",), 1 / 4),
    Comparison("circuit", ARGN, ("adult", "telco_churn", "randhie", "default", "flights"), 1 / 2),
)

# Under a budget: marginals beside marginals, DP-SGD beside DP-SGD.
PRIVATE = (
    Comparison("aim", DPMM, ("adult", "telco_churn", "randhie", "default")),
    Comparison("tvae", ARGN, ("adult",)),
    Comparison("ctgan", ARGN, ("adult",)),
)


def label(name: str) -> str:
    """What tables call a generator: peers by their own name, ours by the registry's."""
    return LABELS.get(name, f"`{name}`")


def chosen(
    names: Iterable[str],
    datasets: Iterable[str],
    *,
    with_peers: bool = True,
    among: tuple[Comparison, ...] = COMPARISONS,
) -> list[Comparison]:
    """The comparisons of the named generators (default: all), on the named tables (default: each its own).

    A generator without a comparison runs alone, on Adult by default. Raises KeyError for a name that is registered
    nowhere.
    """
    from synthkit.generators import registry

    known = {c.ours: c for c in among}
    found = []
    for name in tuple(names) or tuple(known):
        comparison = known.get(name, Comparison(name, None, ("adult",)))
        if name not in registry.names() and name not in PEERS:
            raise KeyError(name)
        peer = comparison.peer if with_peers else None
        found.append(Comparison(name, peer, tuple(datasets) or comparison.datasets, comparison.most))
    return found


def command(generator: str, argn_python: str | None, dpmm_python: str | None = None) -> list[str]:
    """The command that runs a generator's child process; its job is the only argument, to be added."""
    if generator == ARGN:
        assert argn_python is not None
        return [argn_python, "-m", "benchmarks.generators.child_argn"]
    if generator == DPMM:
        assert dpmm_python is not None
        return [dpmm_python, "-m", "benchmarks.generators.child_dpmm"]
    module = "child_sdv" if generator in PEERS else "child_synthkit"
    return [sys.executable, "-m", f"benchmarks.generators.{module}"]


def argn_fault(python: str | None) -> str | None:
    """Why TabularARGN cannot run, or None if it can."""
    if not python:
        return f"TabularARGN is left out: name its interpreter with --argn-python or {ARGN_VARIABLE}"
    if not Path(python).exists():
        return f"TabularARGN is left out: there is no {python}"
    tried = subprocess.run([python, "-c", "from mostlyai import engine"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        reason = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else "it does not import"
        return f"TabularARGN is left out: {reason} (in its environment: pip uninstall torchvision torchaudio)"
    return None
