"""``generator: auto``, or none named: which generator the compiler takes, and why. Pure.

Under epsilon it is ``aim``, which ``python -m benchmarks.generators regimes`` found ahead of ``mst`` and
``independent`` on tables of thousands of rows. Where rows × ε is less than :data:`FEW` for each column, the noise hides
every dependence: of a table that ``aim`` makes there no target can be predicted, either, and its columns are further
from the real ones than those of ``independent``, which spends all on them. So that is taken (``benchmarks/RESULTS.md``
has the measurements). Only what is declared decides: neither number is looked up in the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT = "circuit"  # without epsilon
PRIVATE = "aim"  # with it, where it is installed
SMALL = "independent"  # with it, where there is little to learn from
TOGETHER = "conditional"  # of tables that hang together, and of rows that follow one another
FEW = 20.0  # rows × epsilon for each column


@dataclass(frozen=True)
class Declared:
    """What the YAML says of the table to learn from: its rows, and the columns to be learnt."""

    rows: int
    columns: int


def choose_related(related: Sequence[str], what: str) -> tuple[str, str]:
    """The generator of a family or a sequence (``what``), and why, as :func:`choose_generator` says it.

    Args:
        related: generators that learn tables together; where there is none, the default is named, which cannot.
    """
    if TOGETHER in related:
        return TOGETHER, f"chosen as the default of {what}"
    if related:
        return related[0], f"chosen because it learns {what}"
    return DEFAULT, f"chosen as no installed generator learns {what}"


def choose_private_family(able: Sequence[str]) -> tuple[str, str]:
    """The generator of a family under epsilon, and why.

    Args:
        able: generators that learn tables together under a budget.
    """
    if PRIVATE in able or not able:
        return PRIVATE, "chosen as the default of tables that hang together, with epsilon"
    return able[0], "chosen because it learns tables that hang together with epsilon"


def choose_generator(
    epsilon: float | None, private: Sequence[str], declared: Declared | None = None
) -> tuple[str, str]:
    """The generator's name, and a short clause that says why it is that one.

    Args:
        epsilon: the model's differential-privacy budget, None without one.
        private: generators that honour a budget, in their order. Where there is none, the default is named: that it
            cannot honour ``epsilon`` is then a fault like any other.
        declared: None where the YAML does not say both.
    """
    if epsilon is None:
        return DEFAULT, "chosen as the default without epsilon"
    if not private:
        return DEFAULT, "chosen as no installed generator honours epsilon"
    if SMALL in private and declared is not None and declared.rows * epsilon < FEW * declared.columns:
        return SMALL, (
            f"chosen as rows × epsilon ÷ columns is {declared.rows * epsilon / declared.columns:.2g}, and below "
            f"{FEW:g} noise hides what goes together"
        )
    if PRIVATE in private:
        return PRIVATE, "chosen as the default with epsilon"
    others = f", the first by name of {len(private)}" if len(private) > 1 else ""
    return private[0], f"chosen because it honours epsilon{others}"
