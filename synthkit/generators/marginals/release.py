"""The one door through which anything of the rows leaves: noisy histograms and noisy choices, each of them counted.

A histogram counts every row in exactly one cell. Adding or removing one privacy unit, of ``sensitivity`` rows at most,
therefore changes it by at most ``sensitivity`` in L1, and so in L2; the mechanism's noise is scaled to that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.privacy.accounting.mechanisms import ZCDP, ApproximateDP, BoundedRange, Mechanism, noisy_histograms

if TYPE_CHECKING:
    import numpy as np

    from synthkit.privacy.accounting.noise import Noise

    Array = np.ndarray[Any, Any]


class Releases:
    """Answers with noise, and keeps count of them.

    Args:
        noise: where the noise comes from.
        sensitivity: rows of one privacy unit at most.
    """

    def __init__(self, noise: Noise, sensitivity: int = 1) -> None:
        self.noise, self.sensitivity = noise, sensitivity
        self._gaussians: Counter[float] = Counter()
        self._choices: Counter[float] = Counter()
        self._delta = 0.0

    def histogram(self, counts: Array, sigma: float) -> Array:
        """``counts`` (integers, any shape) plus discrete Gaussian noise of scale ``sigma``: float64, same shape."""
        import numpy as np

        if not np.issubdtype(counts.dtype, np.integer):
            raise TypeError(f"a histogram holds whole counts, not {counts.dtype}")
        self._gaussians[sigma] += 1
        noise = self.noise.discrete_gaussian(sigma, counts.size)
        return np.asarray((counts.reshape(-1) + noise).reshape(counts.shape), dtype=np.float64)

    def choose_first(
        self, scores: Array, fits: Callable[[int], bool], epsilon: float, sensitivity: float
    ) -> int | None:
        """A high score among those that fit, by the exponential mechanism over these; None where none fits.

        Draws without putting back until one fits: given that others were drawn before, the odds between any two that
        are left are what the exponential mechanism gives them, so the first that fits has exactly the distribution of
        the mechanism over those that fit. It is one release, the only answer that leaves.

        Args:
            scores: float64, shape (candidates,).
            fits: decides on earlier answers alone, never on the rows.
            sensitivity: by how much one *row* changes any score at most.
        """
        import numpy as np

        self._choices[epsilon] += 1
        left = np.arange(len(scores))
        while len(left):
            at = self.noise.choose(scores[left], epsilon=epsilon, sensitivity=sensitivity * self.sensitivity)
            if fits(int(left[at])):
                return int(left[at])
            left = np.delete(left, at)
        return None

    def charge(self, delta: float) -> None:
        """Count a probability ``delta`` with which an answer tells more than its noise covers."""
        self._delta += delta

    @property
    def spent(self) -> tuple[Mechanism, ...]:
        """What all releases so far compose to."""
        gaussians = [noisy_histograms(sigma, self.sensitivity, count) for sigma, count in self._gaussians.items()]
        choices = [BoundedRange(epsilon, count) for epsilon, count in self._choices.items()]
        failures = [ApproximateDP(0.0, self._delta)] if self._delta else []
        return (*gaussians, *choices, *failures)


def same(a: Sequence[Mechanism], b: Sequence[Mechanism]) -> bool:
    """Whether two lists of mechanisms spend the same, whatever their order and grouping."""

    def rho(mechanisms: Sequence[Mechanism]) -> float:
        return math.fsum(m.rho for m in mechanisms if isinstance(m, ZCDP))

    def tally(mechanisms: Sequence[Mechanism]) -> Counter[tuple[Any, ...]]:
        found: Counter[tuple[Any, ...]] = Counter()
        for m in mechanisms:
            if isinstance(m, ZCDP):
                continue
            record = m.to_json()
            count = record.pop("count", 1)
            found[tuple(sorted(record.items()))] += count
        return found

    return tally(a) == tally(b) and math.isclose(rho(a), rho(b), rel_tol=1e-12)
