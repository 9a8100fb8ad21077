"""The attack on our own work: train on made-up rows with canaries among them, and find out which ones were in.

The rows are made from what is declared (:mod:`.canaries`), so no person is in them, nothing is released
and nothing is charged. What is tested is the generator's own code under the model's own parameters and budget: how it
encodes, clips, samples and adds noise. What is not: how the source is read, how a privacy unit's rows are bounded
beforehand, and whatever a generator might do on other rows than these.

The attacker sees the synthetic table and, where DP-SGD trains, every noisy gradient sum; knows all rows but the
canaries, and these too, but for the coins that put each in or left it out. Two tests, both sound for any attack
whatsoever: against (ε, δ) alone (:mod:`.accounting.audit_bound`), which gives the lower bound on ε, and against
the curve of the mechanisms that the ledger is charged for (:mod:`.accounting.audit_curve`), which is sharper. Each
has its share of the error, so a right training fails in at most 1 − ``confidence`` of all runs. Where DP-SGD trains,
canaries that choose their gradients (:mod:`.gradients`) attack its one door besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from synthkit.audits.context import AuditContext, PrivateTraining
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, Status, audit
from synthkit.audits.privacy.canaryunits import attack_units, learnt_in
from synthkit.audits.privacy.gradients import Evidence, in_words, probe, trains_by_gradients

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

DRAWN = 300  # synthetic rows per training row, so that drawing them blurs little
MOST_DRAWN = 500_000
FEWEST_ROWS, MOST_ROWS = 500, 20_000
STANDS_OUT = 8.0  # standard deviations of the noise that the count of each known value should have
OF_ENDS = 1  # guess about each ladder
MANY_RUNS = 20  # from which the mean over trainings is a test of its own
_FREE = "no real row was used, so no budget was spent"


class EmpiricalParams(AuditParams):
    """Parameters of ``empirical_epsilon``.

    Args:
        canaries: how many rows are put in or left out by a coin.
        guesses: how many of them the attacker commits to, the surest; default: a fifth of them.
        runs: trainings, each with canaries of its own; their guesses are added up. More runs tell more.
        rows: made-up rows around the canaries; default: as many as make their values stand out of the noise.
        confidence: with which the bound holds.
        max: the largest lower bound on ε that passes; default: the declared ε.
    """

    canaries: int = Field(default=500, ge=1, le=10_000)
    guesses: int | None = Field(default=None, ge=1)
    runs: int = Field(default=1, ge=1, le=1_000)
    rows: int | None = Field(default=None, ge=0, le=1_000_000)
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    max: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _checked(self) -> EmpiricalParams:
        if self.guesses is not None and self.guesses > self.canaries:
            raise ValueError(f"guesses: {self.guesses} are more than the {self.canaries} canaries")
        return self


@dataclass(frozen=True)
class Guesses:
    """What one kind of attack committed to: ``made`` of ``canaries`` were guessed, and ``right`` of them rightly."""

    attack: str
    canaries: int
    made: int
    right: int

    def add(self, other: Guesses) -> Guesses:
        return Guesses(self.attack, self.canaries + other.canaries, self.made + other.made, self.right + other.right)


@audit("empirical_epsilon", EmpiricalParams, family="privacy", private=True, between=POSITIVE, apart="canaries")
def empirical_epsilon(context: AuditContext, params: EmpiricalParams) -> AuditResult:
    """Does an attack on the model's own training, on made-up rows with canaries, disprove its ε? A lower bound on ε

    See :mod:`.empirical`. Fails where the bound exceeds ``max``, or where more guesses are right than
    the charged mechanisms allow. The noise of the attacked training repeats from the seed, as its rows are nobody's.
    """
    training = context.training
    if training is None:
        return AuditResult(None, "skipped", message="the model has no epsilon, so there is nothing to disprove")
    if not training.schema.columns and training.shape is None:
        return AuditResult(None, "skipped", message="no column is learnt, so nothing is released")
    found = attack(training, params, context.seed)
    evidence: tuple[Evidence, ...] = ()
    if trains_by_gradients(training):
        evidence = probe(training, context.seed, (1 - params.confidence) / 2)
    return verdict(training, params, found, evidence)


def attack(training: PrivateTraining, params: EmpiricalParams, seed: int) -> tuple[Guesses, ...]:
    """Train ``runs`` times and guess. The same seed gives the same guesses."""
    total: dict[str, Guesses] = {}
    for run in range(params.runs):
        for one in _attack_once(training, params, (seed, run)):
            total[one.attack] = total[one.attack].add(one) if one.attack in total else one
    return tuple(total.values())


def _attack_once(training: PrivateTraining, params: EmpiricalParams, seed: tuple[int, int]) -> list[Guesses]:
    import tempfile
    from pathlib import Path

    import numpy as np

    from synthkit.audits.privacy.canaries import at_rest, design
    from synthkit.audits.privacy.evidence import GradientWitness, of_counts, of_extremes
    from synthkit.generators import registry
    from synthkit.generators.base import silent
    from synthkit.generators.neural.watching import watched

    random = np.random.default_rng(seed)
    guesses = params.guesses or max(1, params.canaries // 5)
    if training.shape is not None:
        made, grid = _room(replace(training, schema=learnt_in(training.shape)), params)
        sure, coins = attack_units(training, params.canaries, made, grid, random)
        return [_guess("values", sure, coins, guesses, random)]
    generator = registry.trained(training.generator)
    copies = training.budget.max_rows_per_unit
    rows, grid = _room(training, params)
    with tempfile.TemporaryDirectory(prefix="synthkit-attack-") as folder:
        plan = design(
            training.schema,
            canaries=params.canaries,
            rows=rows,
            grid=grid,
            copies=copies,
            random=random,
            directory=Path(folder),
        )
        inside = random.random(len(plan.canaries)) < 0.5
        table = at_rest([plan.training_rows(inside, random)], training.schema, Path(folder) / "train.parquet")
        witness = GradientWitness(plan)
        chance, draw = (int(random.integers(2**31)) for _ in range(2))
        with watched(witness):
            model = generator.fit(
                table,
                generator.params.model_validate(dict(training.params)),
                budget=replace(training.budget, insecure_seed=chance),
                seed=draw,
                device=training.device,
                progress=silent,
            )
        drawn = min(MOST_DRAWN, DRAWN * table.rows)
        released = list(generator.sample(model, drawn, conditions=(), seed=draw, progress=silent))
    scores = of_counts(plan, released) + witness.total
    values = plan.values
    found = [_guess("values", scores[:values], inside[:values], guesses, random)]
    if len(plan.rungs):
        ends = len({(int(c), int(e)) for c, e, _ in plan.rungs})
        found.append(_guess("ends", of_extremes(plan, released), inside[values:], OF_ENDS * ends, random))
    return found


def _room(training: PrivateTraining, params: EmpiricalParams) -> tuple[int, int]:
    """How many known rows there are, and how many values of a column: as many as leave each one frequent enough."""
    from synthkit.audits.privacy.canaries import GRID
    from synthkit.privacy.accounting.mechanisms import DiscreteGaussian

    noise = max((m.sigma for m in training.mechanisms if isinstance(m, DiscreteGaussian)), default=0.0)
    each = max(FEWEST_ROWS / GRID, STANDS_OUT * noise)
    grid = max(GRID, min(params.canaries, int((params.rows or MOST_ROWS) / each)))
    widest = max([GRID, *(min(grid, len(c.values or ())) for c in training.schema.columns)])
    return (min(MOST_ROWS, round(each * widest)) if params.rows is None else params.rows), grid


def _guess(name: str, scores: Array, inside: Array, guesses: int, random: np.random.Generator) -> Guesses:
    """Commit to the surest; equally sure ones by chance."""
    import numpy as np

    order = np.lexsort((random.random(len(scores)), -np.abs(scores)))[:guesses]
    said = np.where(scores[order] == 0, random.random(len(order)) < 0.5, scores[order] > 0)
    return Guesses(name, len(scores), len(order), int((said == inside[order]).sum()))


def verdict(
    training: PrivateTraining,
    params: EmpiricalParams,
    found: tuple[Guesses, ...],
    evidence: tuple[Evidence, ...] = (),
) -> AuditResult:
    """What the guesses say of the declared (ε, δ), and of the curve of the mechanisms.

    Args:
        evidence: of canaries that choose their gradients, which takes half of the chance to be wrong.
    """
    from synthkit.privacy.accounting import audit_bound, audit_curve

    epsilon, delta = training.budget.epsilon, training.budget.delta
    most = epsilon if params.max is None else params.max
    many = params.runs >= MANY_RUNS
    error = (1 - params.confidence) / (2 if evidence else 1)
    level = error / ((3 if many else 2) * len(found))
    curve = training.attacker
    details: dict[str, Any] = {"declared": [epsilon, delta], "runs": params.runs, "level": level, "attacks": {}}
    bound, broken, possible = 0.0, [], False
    for one in found:
        low = audit_bound.lower_bound(one.canaries, one.made, one.right, delta, level)
        p = audit_curve.p_value(curve, one.canaries, one.made, one.right)
        each = (one.canaries // params.runs, one.made // params.runs)
        p_runs = audit_curve.p_value_of_runs(curve, *each, one.right, params.runs) if many else None
        needed = (
            audit_bound.right_needed(one.canaries, one.made, most, delta, level),
            audit_curve.right_needed(curve, one.canaries, one.made, level),
        )
        bound, possible = max(bound, low), possible or any(n is not None for n in needed)
        if low > most or p < level or (p_runs is not None and p_runs < level):
            broken.append(one.attack)
        details["attacks"][one.attack] = {
            "canaries": one.canaries,
            "guesses": one.made,
            "right": one.right,
            "epsilon": low,
            "p_of_mechanisms": p,
            "p_of_runs": p_runs,
            "needed_for_epsilon": needed[0],
            "needed_for_mechanisms": needed[1],
        }
    broken += [e.experiment for e in evidence if e.p < error / len(evidence)]
    details["gradients"] = [asdict(e) for e in evidence]
    possible = possible or bool(evidence)
    status: Status = "fail" if broken else "pass" if possible else "inconclusive"
    message = _message(details, bound, most, broken, possible, params.confidence, in_words(evidence))
    return AuditResult(bound, status, f"max ε {most:g}", bound, None, 0.0, message, details=details)


def _message(
    details: Mapping[str, Any],
    bound: float,
    most: float,
    broken: list[str],
    possible: bool,
    confidence: float,
    gradients: str,
) -> str:
    parts = []
    for name, one in details["attacks"].items():
        needed = [n for n in (one["needed_for_epsilon"], one["needed_for_mechanisms"]) if n is not None]
        power = f"{min(needed)} would disprove it" if needed else "not even all of them would disprove it"
        what = "canaries' values" if name == "values" else "extremes"
        parts.append(f"{one['right']} of {one['guesses']} guesses by the {what} are right ({power})")
    text = f"ε ≥ {bound:.3g} with {confidence:.0%} confidence, ε = {details['declared'][0]:g} declared: "
    text += "; ".join(parts) + gradients
    if broken:
        above = f"the bound is above {most:g}" if bound > most else "the charged mechanisms do not allow it"
        return f"{text}; {above}: the noise, the clipping, the sampling or the encoding is not what was charged"
    if not possible:
        return f"{text}: this attack cannot fail here; more canaries or runs could"
    return f"{text}. A pass proves nothing, as another attack may do better; {_FREE}"
