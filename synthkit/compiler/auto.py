"""``generator: auto``, or none named: which generator the compiler takes, and why. Pure.

Under epsilon it is ``aim`` whatever the rows, the columns and ε: where ``python -m benchmarks.generators regimes`` was
run on tables of thousands of rows, it is ahead of ``mst`` and ``independent`` or level with them. On some 240 rows none
is worth much, and which of them leads changes with the measure and the ε, so no rule is drawn from that
(``benchmarks/RESULTS.md``, which also says what was not measured).
"""

from __future__ import annotations

from collections.abc import Sequence

DEFAULT = "circuit"  # without epsilon
PRIVATE = "aim"  # with it, where it is installed


def choose_generator(epsilon: float | None, private: Sequence[str]) -> tuple[str, str]:
    """The generator's name, and a short clause that says why it is that one.

    Args:
        epsilon: the model's differential-privacy budget, None without one.
        private: generators that honour a budget, in their order. Where there is none, the default is named: that it
            cannot honour ``epsilon`` is then a fault like any other.
    """
    if epsilon is None:
        return DEFAULT, "chosen as the default without epsilon"
    if not private:
        return DEFAULT, "chosen as no installed generator honours epsilon"
    if PRIVATE in private:
        return PRIVATE, "chosen as the default with epsilon"
    others = f", the first by name of {len(private)}" if len(private) > 1 else ""
    return private[0], f"chosen because it honours epsilon{others}"
