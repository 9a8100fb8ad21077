"""``generator: auto``, or none named: which generator the compiler takes, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

DEFAULT = "circuit"


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
    others = f", the first by name of {len(private)}" if len(private) > 1 else ""
    return private[0], f"chosen because it honours epsilon{others}"
