"""What a private release did to the rows, as frozen values that a ledger can store and compose again years later.

A ledger that adds up ε overstates what was spent, and one that stores only totals cannot do better; the parameters of
the mechanisms are what composition needs. Adjacency is add/remove of one privacy unit throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

MAX_COUNT = 10**9
ROUNDING = 1e-9  # relative: by how much parameters of one release may differ between processors, far below any meaning


class _Json:
    """Shared by the mechanisms: their JSON form, which names the mechanism and gives every parameter."""

    NAME: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        return {"mechanism": self.NAME, **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Where pydantic reads and writes one, it has its JSON form: its parameters would not tell which it is."""
        from pydantic_core import core_schema

        def read(value: Any) -> _Json:
            found = value if isinstance(value, _Json) else mechanism_from_json(value)
            if not isinstance(found, cls):
                raise ValueError(f"{found.NAME} is not {cls.NAME}")
            return found

        written = core_schema.plain_serializer_function_ser_schema(cls.to_json)
        return core_schema.no_info_plain_validator_function(read, serialization=written)


@dataclass(frozen=True)
class DiscreteGaussian(_Json):
    """Integers plus discrete Gaussian noise (Canonne, Kamath & Steinke 2020, https://arxiv.org/abs/2004.00010).

    Args:
        sigma: the noise's parameter, in units of the released integers; > 0. For σ ≥ 1 it is the standard deviation.
        sensitivity: one unit changes *one* cell, by at most this; > 0. A released integer changes by a whole number,
            so a fraction is rounded up. Where a unit's changes may fall into several cells, take
            :func:`noisy_histograms`: that all of it is in one cell was the worst case in every case computed (a test
            holds some), but that is not proven.
        count: how many such releases were made.

    >>> histograms = DiscreteGaussian(sigma=12.5, count=11)
    >>> histograms.to_json()
    {'mechanism': 'discrete_gaussian', 'sigma': 12.5, 'sensitivity': 1.0, 'count': 11}
    >>> mechanism_from_json(histograms.to_json()) == histograms
    True
    """

    sigma: float
    sensitivity: float = 1.0
    count: int = 1

    NAME = "discrete_gaussian"

    def __post_init__(self) -> None:
        _positive(self, "sigma", "sensitivity")
        _count(self, "count")


@dataclass(frozen=True)
class Gaussian(_Json):
    """Gaussian noise on a statistic of any dimension.

    Args:
        noise_multiplier: standard deviation ÷ L2 sensitivity; > 0.
        count: how many such releases were made.
    """

    noise_multiplier: float
    count: int = 1

    NAME = "gaussian"

    def __post_init__(self) -> None:
        _positive(self, "noise_multiplier")
        _count(self, "count")


@dataclass(frozen=True)
class SubsampledGaussian(_Json):
    """Gaussian noise on a sum over a Poisson sample of the units, ``steps`` times: DP-SGD (Abadi et al. 2016).

    Args:
        noise_multiplier: standard deviation ÷ clipping norm; > 0.
        sampling_rate: each unit is in a step's sample with this probability, independently of all else; in (0, 1].
        steps: how many samples were drawn.
    """

    noise_multiplier: float
    sampling_rate: float
    steps: int

    NAME = "subsampled_gaussian"

    def __post_init__(self) -> None:
        _positive(self, "noise_multiplier", "sampling_rate")
        if self.sampling_rate > 1:
            raise ValueError(f"sampling_rate is a probability, at most 1: {self.sampling_rate!r}")
        _count(self, "steps")


@dataclass(frozen=True)
class Laplace(_Json):
    """Laplace noise, continuous or discrete (geometric): (sensitivity ÷ scale)-DP, and composed as that.

    The two do not have the same privacy losses: those of discrete noise on a count are ±1/scale and nothing between,
    the largest that this ε allows. So both count as randomised response, which is exact for that case.

    Args:
        scale: the noise's scale, in units of the released numbers; > 0.
        sensitivity: the most by which one unit changes the released numbers in total (L1); > 0.
        count: how many such releases were made.
    """

    scale: float
    sensitivity: float = 1.0
    count: int = 1

    NAME = "laplace"

    def __post_init__(self) -> None:
        _positive(self, "scale", "sensitivity")
        _count(self, "count")

    @property
    def epsilon(self) -> float:
        """The pure ε of one release."""
        return self.sensitivity / self.scale


@dataclass(frozen=True)
class BoundedRange(_Json):
    """The exponential mechanism with parameter ε: Pr[i] ∝ exp(ε · score_i / (2 · sensitivity)).

    Its privacy losses lie in an interval of length ε, that is, it is ε-bounded-range (Durfee & Rogers 2019,
    https://arxiv.org/abs/1905.04273), from which ε-DP and (ε²/8)-zCDP follow (Cesar & Rogers 2021,
    https://arxiv.org/abs/2004.07223).

    Args:
        epsilon: > 0.
        count: how many such choices were made.
    """

    epsilon: float
    count: int = 1

    NAME = "bounded_range"

    def __post_init__(self) -> None:
        _positive(self, "epsilon")
        _count(self, "count")


@dataclass(frozen=True)
class ZCDP(_Json):
    """Anything that satisfies ρ-zCDP (Bun & Steinke 2016); ``rho`` > 0."""

    rho: float

    NAME = "zcdp"

    def __post_init__(self) -> None:
        _positive(self, "rho")


@dataclass(frozen=True)
class ApproximateDP(_Json):
    """Anything that satisfies (ε, δ)-DP; ``epsilon`` ≥ 0 and ``delta`` in [0, 1)."""

    epsilon: float
    delta: float

    NAME = "approximate_dp"

    def __post_init__(self) -> None:
        if not (_number(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"epsilon is a number of at least 0: {self.epsilon!r}")
        if not (_number(self.delta) and 0 <= self.delta < 1):
            raise ValueError(f"delta is a number of at least 0 and below 1: {self.delta!r}")


Mechanism = DiscreteGaussian | Gaussian | SubsampledGaussian | Laplace | BoundedRange | ZCDP | ApproximateDP

_KINDS: dict[str, type[Mechanism]] = {
    kind.NAME: kind
    for kind in (DiscreteGaussian, Gaussian, SubsampledGaussian, Laplace, BoundedRange, ZCDP, ApproximateDP)
}


def noisy_histograms(sigma: float, unit: int, count: int) -> Mechanism:
    """``count`` histograms with discrete Gaussian noise, each of which holds every row in one cell at most.

    A unit of one row changes one cell by 1. The ``unit`` rows of a larger one may fall into as many cells, together by
    ``unit`` in L2 at most, and independent discrete Gaussian noise on a vector is (unit²/(2σ²))-zCDP (Canonne, Kamath &
    Steinke 2020, the multivariate form of their theorem on the discrete Gaussian).
    """
    return DiscreteGaussian(sigma, 1.0, count) if unit == 1 else ZCDP(count * unit**2 / (2 * sigma**2))


def mechanism_from_json(data: Mapping[str, Any]) -> Mechanism:
    """The mechanism that ``to_json`` wrote.

    Raises:
        ValueError: the mechanism is unknown, a parameter is missing, unknown or out of range.
    """
    kind = _KINDS.get(str(data.get("mechanism")))
    if kind is None:
        raise ValueError(f"unknown mechanism {data.get('mechanism')!r}: one of {', '.join(_KINDS)}")
    values = {key: value for key, value in data.items() if key != "mechanism"}
    known = {field.name for field in fields(kind)}
    if values.keys() != known:
        wrong = sorted(values.keys() ^ known)
        raise ValueError(f"{kind.NAME} has the parameters {', '.join(sorted(known))}: {', '.join(wrong)}")
    return kind(**values)


def same_releases(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two lists of mechanisms, in their JSON form, say the same release.

    Noise is calibrated by exp and log, whose last bits depend on the processor and on the instructions that a process
    may use: workers are held to AVX2, who plans is not. So floats may differ by :data:`ROUNDING`, and nothing else may.
    """
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(value, other[key], rel_tol=ROUNDING)
        if isinstance(value, float) and isinstance(other[key], float)
        else value == other[key]
        for key, value in one.items()
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _positive(mechanism: Any, *names: str) -> None:
    for name in names:
        value = getattr(mechanism, name)
        if not (_number(value) and value > 0):
            raise ValueError(f"{name} is a finite number above 0: {value!r}")


def _count(mechanism: Any, name: str) -> None:
    value = getattr(mechanism, name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COUNT:
        raise ValueError(f"{name} is a whole number from 1 to {MAX_COUNT:,}: {value!r}")
