"""Whether two trainings of one generator on one table came to the same, as far as they must."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tolerance:
    """How far apart two figures may be: ``share`` of the first one's size, or ``least``, whichever is more."""

    share: float
    least: float
    why: str

    def holds(self, one: float, other: float, chance: float = 0.0) -> bool:
        """``chance`` is added to what they may differ by."""
        return abs(one - other) <= max(self.least, self.share * abs(one)) + chance


# A GPU draws other random numbers by the same seed than the CPU does, so that two networks are as far apart as those of
# two seeds; a circuit's random numbers are all the host's, and what is left is rounding.
TOLERANCES = {
    "log-likelihood": Tolerance(0.0, 0.05, "the same random numbers: what rounding makes of them, in nats a row"),
    "reconstruction": Tolerance(0.1, 0.1, "other random numbers"),
    "divergence": Tolerance(0.25, 0.1, "other random numbers"),
    "condition": Tolerance(0.25, 0.1, "other random numbers, and a game of two networks"),
    "pairs": Tolerance(1.0, 0.002, "other random numbers; it is judged on 5,000 rows"),
    "marginals": Tolerance(1.0, 0.05, "other random numbers, before calibration"),
    "c2st": Tolerance(0.0, 0.05, "other random numbers; and two standard errors of what is left to the rows' chance"),
}


def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The figures of two records that are farther apart than they may be, in words.

    An AUC of 0.5 over n rows a side has the variance 1 / 6n, about (Mann & Whitney 1947), a difference of two of them
    twice that.
    """
    mine = {**one.get("losses", {}), "c2st": one.get("c2st")}
    others = {**other.get("losses", {}), "c2st": other.get("c2st")}
    found = []
    for name, tolerance in TOLERANCES.items():
        a, b = mine.get(name), others.get(name)
        chance = 2 * math.sqrt(1 / (3 * one.get("judged", math.inf))) if name == "c2st" else 0.0
        if a is None or b is None or tolerance.holds(a, b, chance):
            continue
        found.append(f"{name} {b:.4f} beside {a:.4f}")
    return found


def stated() -> list[str]:
    """The tolerances, a line of Markdown each."""
    return [
        f"- {name}: {f'{t.share:.0%} or ' if t.share else ''}{t.least:g} ({t.why})" for name, t in TOLERANCES.items()
    ]
