"""Results of the accountant, kept in files: computing one may take longer than compiling a project does.

A key holds all that decides a result: the mechanisms, δ, and the version of the accountant.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from synthkit import __version__
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.mechanisms import Gaussian, Mechanism
from synthkit.sources.cache import recall, remember


def remembered(folder: Path, key: Any, compute: Callable[[], Any]) -> Any:
    """What was computed for ``key`` before, or now; both the key and the result are JSON-able."""
    text = json.dumps([__version__, accountant.VERSION, key], sort_keys=True, default=str)
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    found = recall(file)
    if found is not None and "result" in found:
        return found["result"]
    result = compute()
    remember(file, {"result": result})
    return result


def composed_epsilon(folder: Path, mechanisms: Sequence[Mechanism], delta: float) -> float:
    """ε of the composition at ``delta``, as :func:`.accountant.epsilon` has it."""
    key = ["epsilon", _parts(mechanisms), delta]
    return float(remembered(folder, key, lambda: accountant.epsilon(mechanisms, delta)))


def composed(
    folder: Path, pairs: Sequence[tuple[float, float]], mechanisms: Sequence[Mechanism], delta: float | None
) -> tuple[float, float]:
    """(ε, δ) of several releases together.

    Args:
        pairs: the (ε, δ) of each. One alone has its own.
        mechanisms: what all of them released; none where that is not known.
        delta: at which ε is to be given: adding up the releases' own δ would soon pass 1/n.

    Returns:
        ε at ``delta`` by the accountant; where it has no bound there, or mechanisms or ``delta`` are not known, the
        sums of ε and of δ (basic composition, Dwork & Roth 2014).
    """
    sums = sum(e for e, _ in pairs), sum(d for _, d in pairs)
    if len(pairs) < 2 or not mechanisms or delta is None:
        return sums
    epsilon = composed_epsilon(folder, mechanisms, delta)
    if sums[1] <= delta:
        epsilon = min(epsilon, sums[0])
    return (epsilon, delta) if math.isfinite(epsilon) else sums


def fitting_epsilon(folder: Path, mechanisms: Sequence[Mechanism], epsilon: float, delta: float) -> float:
    """ε at ``delta`` of the largest Gaussian release that, composed with ``mechanisms``, stays within ``epsilon``.

    0 where nothing fits. A release by another mechanism of the same ε may fit a little better or worse.
    """

    def compute() -> float:
        if accountant.epsilon(mechanisms, delta) >= epsilon:
            return 0.0
        try:
            noise = accountant.calibrate(lambda x: [*mechanisms, Gaussian(x)], epsilon, delta)
        except ValueError:  # so little is left that no noise is enough
            return 0.0
        return accountant.epsilon([Gaussian(noise)], delta)

    return float(remembered(folder, ["fits", _parts(mechanisms), epsilon, delta], compute))


def _parts(mechanisms: Sequence[Mechanism]) -> list[str]:
    """In one order: composition does not depend on it."""
    return sorted(json.dumps(m.to_json(), sort_keys=True) for m in mechanisms)
