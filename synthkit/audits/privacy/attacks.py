"""What the attacks of Giomi et al. (PoPETs 2023, the ``anonymeter`` package) have in common: risk beyond a control.

The same attack is made on training people and on held-out ones, whom the table cannot know. What it learns about the
held-out it learns from the population, which is what a synthetic table is for; the risk is the rest,
(main − control) / (1 − control): 0 for an independent sample, 1 where every attack on a training person succeeds.
Where the attack does no better than a naive guess it was too weak to show anything, and the verdict is
``inconclusive``.

``anonymeter`` itself pins NumPy below 1.27, draws without a seed and breaks on exact copies; these are implementations
of our own, held against it by ``python -m benchmarks.audits.anonymeter_agreement``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult, ColumnResult
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, untold
from synthkit.audits.privacy.population import COPY_LESS, FEWEST
from synthkit.audits.rows.proportions import Share, risk

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT: Default = {"max": 0.1}
WORK = 5e8  # attacked people × synthetic rows, above which fewer are attacked, never fewer than:
ENOUGH = 2_000


class AttackParams(GateParams):
    """What the attacks' parameters have in common, beside the gate's.

    Args:
        max: the largest risk that passes. Default: 0.1.
        attacks: attacks on training people, and as many on held-out ones where there are so many. Of harmless data
            500 leave an upper end of 0.15, which no gate at 0.1 lets pass.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    attacks: int = Field(default=5_000, ge=FEWEST)


_ALL: tuple[Side, ...] = ("train", "holdout", "synthetic")


@dataclass(frozen=True)
class Rates:
    """How often an attack succeeds: on training people, on held-out people, and by a naive guess on training people."""

    main: Share
    control: Share
    naive: float

    @property
    def details(self) -> dict[str, Any]:
        rates = {"main": self.main.value, "control": self.control.value, "naive": self.naive}
        return {"success": rates}


def judged(
    params: AttackParams,
    rates: Rates,
    found: Estimate | None,
    what: str,
    details: Mapping[str, object],
    columns: Sequence[ColumnResult] = (),
) -> AuditResult:
    """The verdict on an attack's risk, ``found``.

    Args:
        what: what a success is, for the message.
    """
    threshold = limit_of(params, 0.0, DEFAULT).text
    seen = f"{what}: {rates.main.value:.1%} of the training people, {rates.control.value:.1%} of the held-out ones"
    details = {**rates.details, **details}
    if found is None:
        message = f"{seen}. Where the control always succeeds no risk beyond it can be measured"
        return AuditResult(None, "inconclusive", threshold, message=message, columns=tuple(columns), details=details)
    result = gated(params, found, DEFAULT, f"{seen}: risk {found.value:.3f}", details=details, advice=COPY_LESS)
    result = replace(result, columns=tuple(columns))
    if rates.main.value <= rates.naive and result.status != "fail":
        weak = f"{seen}; a naive guess reaches {rates.naive:.1%}, so the attack was too weak to show a risk"
        return replace(result, status="inconclusive", message=weak)
    return result


def attack_risk(rates: Rates) -> Estimate | None:
    return risk(rates.main, rates.control)


def number_of_attacks(context: AuditContext, params: AttackParams) -> int:
    """As many as are asked for, or fewer where searching all synthetic rows for each would take minutes."""
    return min(params.attacks, max(ENOUGH, int(WORK / max(1, context.rows("synthetic")))))


def too_few(context: AuditContext, params: AttackParams) -> AuditResult | None:
    """The verdict where there are too few people or rows, else None."""
    counts = {side: context.rows(side) for side in _ALL}
    if min(counts.values()) >= FEWEST:
        return None
    threshold = limit_of(params, 0.0, DEFAULT).text
    told = f"{counts['train']} training, {counts['holdout']} held-out and {counts['synthetic']} synthetic rows"
    return untold(f"{told}, and at least {FEWEST} of each are needed", threshold)
