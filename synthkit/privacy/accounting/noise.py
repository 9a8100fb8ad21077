"""Random noise for private releases, from the operating system's generator unless a seed is asked for.

Why whole numbers: a Laplace or Gaussian draw in floating point added to a floating-point number leaves gaps among the
sums that differ from one true value to the next, so the low bits of a single release can give the true value away
(Mironov 2012, "On significance of the least significant bits for differential privacy"). Discrete noise on counts is a
whole number with an exact distribution, and leaves no such trace. The samplers decide by integer arithmetic alone
(:mod:`.sampling`), so what is released has the distribution that the accountant assumes, up to its
parameter, which is rounded towards more noise. How long a draw takes depends on the draw and, for ``choose``, on the
scores: whoever can time single draws is outside of the model.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from synthkit.privacy.accounting import sampling

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_SCALE = 2.0**40  # of the noise, so that sums of draws stay far within 63 bits


class Noise:
    """A source of noise. One instance per training; it is not to be shared between threads.

    Attributes:
        insecure: it repeats from a seed, so whoever knows the seed can take the noise off again.
    """

    def __init__(self, words: sampling.Words, *, insecure: bool) -> None:
        self._words = words
        self.insecure = insecure

    @classmethod
    def secure(cls) -> Noise:
        """From ``os.urandom``, the operating system's cryptographic generator."""
        return cls(_urandom, insecure=False)

    @classmethod
    def seeded(cls, seed: int) -> Noise:
        """From a seed of at least 0: for tests and demonstrations, never for a release. The same seed gives the same
        noise on every machine."""
        from numpy.random import Philox

        stream = Philox(seed)

        def words(size: int) -> npt.NDArray[np.uint64]:
            drawn: npt.NDArray[np.uint64] = stream.random_raw(size)
            return drawn

        return cls(words, insecure=True)

    def discrete_gaussian(self, sigma: float, size: int) -> npt.NDArray[np.int64]:
        """``size`` independent draws with P[y] ∝ exp(−y²/(2σ²)) over the whole numbers; exact, for a σ that is larger
        than ``sigma`` by at most about 1e-8 of it (1e-6 where it is below 1)."""
        _check("sigma", sigma)
        return sampling.discrete_gaussian(self._words, float(sigma), size)

    def discrete_laplace(self, scale: float, size: int) -> npt.NDArray[np.int64]:
        """``size`` independent draws with P[y] ∝ exp(−|y|/scale) over the whole numbers; exact, for a scale that is
        larger by at most 2⁻³¹ of it (2⁻³² where it is below 1)."""
        _check("scale", scale)
        return sampling.discrete_laplace(self._words, float(scale), size)

    def choose(self, scores: npt.NDArray[Any], *, epsilon: float, sensitivity: float) -> int:
        """The exponential mechanism (McSherry & Talwar 2007): an index i with Pr[i] ∝ exp(ε·scoreᵢ/(2·sensitivity)).

        Exact on scores rounded to 2⁻²⁰ of the sensitivity. Rounding may move neighbouring scores apart by a step, and
        what rounding did to the scores before by two; the sensitivity is taken to be 1 + 4·2⁻²⁰ of what is given. So
        the choice is ε-bounded-range as long as the given scores are within 2⁻²⁰ of the sensitivity of the true ones.

        Args:
            scores: one finite number per candidate, the larger the better; at least one, and none beyond 2³⁰ times the
                sensitivity.
            epsilon: > 0; it is rounded down by at most 2⁻¹⁹ of it.
            sensitivity: the most by which one unit changes a score; > 0.
        """
        import numpy as np

        values = np.asarray(scores, dtype=np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise ValueError("scores is a list of at least one finite number")
        _check("epsilon", epsilon)
        _check("sensitivity", sensitivity, math.inf)
        if abs(values).max() > 2.0**30 * sensitivity:
            raise ValueError(f"scores are at most 2**30 times the sensitivity {sensitivity!r}: {abs(values).max()!r}")
        return sampling.choose(self._words, values, float(epsilon), float(sensitivity))

    def poisson_sample(self, n: int, rate: float) -> npt.NDArray[np.bool_]:
        """For each of ``n`` units, whether it is in the sample: independently, with probability ``rate`` in (0, 1],
        rounded down to a multiple of 2⁻⁶⁴."""
        import numpy as np

        if not 0 < rate <= 1:
            raise ValueError(f"rate is a probability above 0: {rate!r}")
        if rate == 1:
            return np.ones(n, dtype=bool)
        return self._words(n) < np.uint64(math.floor(math.ldexp(rate, 64)))

    def normal(self, size: int) -> npt.NDArray[np.float64]:
        """``size`` draws of N(0, 1) in floating point, by the method of Box & Muller (1958), for gradients.

        Not hardened: its low bits are open to the attack above, which a model's weights, sums of thousands of steps,
        make hard to mount but do not exclude. A release from such noise has to say so.
        """
        import numpy as np

        half = -(-size // 2)
        drawn = self._words(2 * half) >> np.uint64(11)  # 53 bits
        radius = np.sqrt(-2 * np.log((drawn[:half] + 1) * 2.0**-53))
        angle = drawn[half:] * (2 * math.pi * 2.0**-53)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]


def _urandom(size: int) -> npt.NDArray[np.uint64]:
    import numpy as np

    return np.frombuffer(bytearray(os.urandom(8 * size)), dtype=np.uint64)


def _check(name: str, value: float, most: float = MAX_SCALE) -> None:
    if not (0 < value <= most and math.isfinite(value)):
        limit = f" and at most {most:g}" if math.isfinite(most) else ""
        raise ValueError(f"{name} is a finite number above 0{limit}: {value!r}")
