"""Who is compared with whom, and how each is started.

The peers are called as their own users call them, not through synthkit. SDV comes with synthkit. TabularARGN does not:
mostlyai-engine pins other versions of what synthkit needs, so it lives in an environment of its own::

    python3.11 -m venv ../argn
    ../argn/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    ../argn/bin/pip install mostlyai-engine==2.7.3
    ../argn/bin/pip uninstall -y torchvision torchaudio   # builds for another torch break the import of transformers
    export SYNTH_ARGN_PYTHON=$PWD/../argn/bin/python   # or --argn-python

Nor does dpmm, whose AIM (McKenna et al. 2022, on private-pgm) is the peer under differential privacy::

    python3.11 -m venv ../dpmm && ../dpmm/bin/pip install torch==2.13.0 dpmm==0.1.9 pyarrow
    export SYNTH_DPMM_PYTHON=$PWD/../dpmm/bin/python   # or --dpmm-python

Nor does smartnoise-synth, whose DP-CTGAN needs an Opacus of 2021::

    python3.11 -m venv ../smartnoise
    ../smartnoise/bin/pip install smartnoise-synth==1.0.8 packaging setuptools pyarrow
    export SYNTH_SMARTNOISE_PYTHON=$PWD/../smartnoise/bin/python   # or --smartnoise-python
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

ARGN = "argn"
DPMM = "dpmm.aim"
SMARTNOISE = "smartnoise.dpctgan"


@dataclass(frozen=True)
class Elsewhere:
    """A peer in an environment of its own: what its option and variable are called, its child, what it must import."""

    key: str
    child: str
    imports: str
    hint: str = ""

    @property
    def option(self) -> str:
        return f"--{self.key}-python"

    @property
    def variable(self) -> str:
        return f"SYNTH_{self.key.upper()}_PYTHON"


ELSEWHERE = {
    ARGN: Elsewhere(
        "argn",
        "child_argn",
        "from mostlyai import engine",
        " (in its environment: pip uninstall torchvision torchaudio)",
    ),
    DPMM: Elsewhere("dpmm", "child_dpmm", "import pyarrow; from dpmm.pipelines import AIMPipeline"),
    SMARTNOISE: Elsewhere("smartnoise", "child_smartnoise", "import pyarrow; from snsynth.pytorch.nn import DPCTGAN"),
}
PEERS = ("sdv.ctgan", "sdv.tvae", *ELSEWHERE)
LABELS = {
    "sdv.ctgan": "SDV CTGAN",
    "sdv.tvae": "SDV TVAE",
    ARGN: "TabularARGN",
    DPMM: "dpmm AIM",
    SMARTNOISE: "smartnoise DP-CTGAN",
}


@dataclass(frozen=True)
class Comparison:
    """One of our generators, the peer that runs beside it, and the bar that the design sets for the fit times.

    ``peer`` is None for a generator that runs alone; ``most`` is the largest share of the peer's fit time.
    """

    ours: str
    peer: str | None
    datasets: tuple[str, ...]
    most: float | None = None


WIDE = ("randhie_full", "planes", "cdnow_months", "pbcseq_visits")
COMPARISONS = (
    Comparison("ctgan", "sdv.ctgan", ("adult",), 1 / 5),
    Comparison("tvae", "sdv.tvae", ("adult",), 1 / 4),
    Comparison("circuit", ARGN, ("adult", "telco_churn", "randhie", "default", "flights"), 1 / 2),
    # Two of ours: trees beside the default, also on wide tables of related numbers.
    Comparison("cart", "circuit", ("adult", "telco_churn", "storms", "flights", *WIDE), 1),
    Comparison("race", "circuit", ("adult", "telco_churn", "storms", "flights", *WIDE), 1.5),
)

# Under a budget: marginals beside marginals, DP-SGD beside DP-SGD.
PRIVATE = (
    Comparison("aim", DPMM, ("adult", "telco_churn", "randhie", "default")),
    Comparison("tvae", ARGN, ("adult",)),
    Comparison("ctgan", ARGN, ("adult",)),
    Comparison("ctgan", SMARTNOISE, ("adult",)),
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

    found = []
    for name in tuple(names) or tuple(dict.fromkeys(c.ours for c in among)):
        if name not in registry.names() and name not in PEERS:
            raise KeyError(name)
        known = [c for c in among if c.ours == name] or [Comparison(name, None, ("adult",))]
        for one in known if with_peers else known[:1]:
            found.append(replace(one, peer=one.peer if with_peers else None, datasets=tuple(datasets) or one.datasets))
    return found


def command(generator: str, pythons: Mapping[str, str]) -> list[str]:
    """The command that runs a generator's child process; its job is the only argument, to be added.

    Args:
        pythons: the interpreters of the peers in environments of their own.
    """
    if generator in ELSEWHERE:
        return [pythons[generator], "-m", f"benchmarks.generators.{ELSEWHERE[generator].child}"]
    module = "child_sdv" if generator in PEERS else "child_synthkit"
    return [sys.executable, "-m", f"benchmarks.generators.{module}"]


def fault_of(peer: str, pythons: Mapping[str, str]) -> str | None:
    """Why a peer cannot run, or None if it can."""
    if peer not in ELSEWHERE:
        return None
    its, python = ELSEWHERE[peer], pythons.get(peer)
    if not python:
        return f"{LABELS[peer]} is left out: name its interpreter with {its.option} or {its.variable}"
    if not Path(python).exists():
        return f"{LABELS[peer]} is left out: there is no {python}"
    tried = subprocess.run([python, "-c", its.imports], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        reason = tried.stderr.strip().splitlines()[-1] if tried.stderr.strip() else "it does not import"
        return f"{LABELS[peer]} is left out: {reason}{its.hint}"
    return None
