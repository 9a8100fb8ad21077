"""Measure, choose, infer, again: from the rows of a table to a graphical model of their noisy marginals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.generators.base import Progress
from synthkit.generators.marginals.cuts import Cut, cut
from synthkit.generators.marginals.estimate import Estimator, Measurement, total_of
from synthkit.generators.marginals.junction import Clique
from synthkit.generators.marginals.model import Model
from synthkit.generators.marginals.params import AimParams, MarginalParams, MstParams
from synthkit.generators.marginals.release import Releases
from synthkit.generators.marginals.schedule import BYTES, Schedule, candidates
from synthkit.generators.marginals.select import Candidates, choose
from synthkit.generators.marginals.tree import histogram
from synthkit.generators.marginals.zeros import Impossible, impossible, masks
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SETTLED = 1e-2  # standard deviations of noise: a fit that moves no cell by more has converged


@dataclass(frozen=True)
class Learnt:
    """What training gives: what each column can hold, how it is cut into cells, and the model of the cells."""

    encoder: DeclaredEncoder
    cuts: tuple[Cut, ...]
    zeros: tuple[Impossible, ...]
    model: Model


def learn(table: Table, params: MarginalParams, plan: Schedule, releases: Releases, progress: Progress) -> Learnt:
    """Learn from private rows what ``plan`` allows; the rows are used for nothing but ``releases``.

    Raises:
        BuildError: a column lacks its declaration, and nothing is spent on finding it out.
    """
    import numpy as np

    known = plan.discovery.known(table, releases)
    encoder = declared_encoder(replace(table, schema=known.schema), known.ends)
    positions = encoder.encode_table(table)
    columns = zip(encoder.axes, positions, plan.levels, strict=True)
    found = [histogram(axis, p, levels, plan.first_sigma, releases) for axis, p, levels in columns]
    total = total_of([Measurement((i,), h.counts, h.variances) for i, h in enumerate(found)])
    sigma = plan.sigma or plan.first_sigma
    least = params.least_count * sigma
    cuts = tuple(cut(a, h, params.bins, least, params.slack) for a, h in zip(encoder.axes, found, strict=True))
    sizes = tuple(c.cells for c in cuts)
    zeros = impossible(params.impossible, encoder)
    estimator = Estimator(sizes, params.slack, sigma, masks(zeros, cuts))
    for i, (h, c) in enumerate(zip(found, cuts, strict=True)):
        estimator.add(Measurement((i,), np.bincount(c.cell, h.counts), np.bincount(c.cell, h.variances)))
    codes: list[Array] = []
    for c in cuts:  # positions are let go as their cells are known: of ten million rows they are gigabytes
        codes.append(c.codes(positions.pop(0)).astype(np.min_scalar_type(c.cells)))
    weights = candidates(params, table.schema)
    measure(Candidates(codes, sizes, weights, total, sigma), estimator, params, plan, releases, progress)
    return Learnt(encoder, cuts, zeros, estimator.fit(params.final_sweeps, SETTLED))


def measure(
    sets: Candidates,
    estimator: Estimator,
    params: MarginalParams,
    plan: Schedule,
    releases: Releases,
    progress: Progress,
) -> None:
    """Spend the rounds: measure every candidate, or choose some at a time where the model is most wrong."""
    sizes = estimator.sizes
    done = 0
    while done < plan.rounds:
        batch = min(plan.batch, plan.rounds - done)
        chosen: list[Clique] = []
        if plan.epsilon:
            sweeps = params.sweeps if isinstance(params, AimParams) else params.final_sweeps
            scores = sets.scores(estimator.fit(sweeps))
            most = params.max_model_size * 2**20 / BYTES if isinstance(params, AimParams) else 0.0
            room = most * (done + batch) / plan.rounds  # grows with the budget spent (McKenna et al. 2022, section 4.2)
            for _ in range(batch):
                best = choose(
                    {c: s for c, s in scores.items() if c not in chosen},
                    [*estimator.columns, *chosen],
                    sizes,
                    releases,
                    epsilon=plan.epsilon,
                    sensitivity=sets.sensitivity,
                    room=room,
                    tree=isinstance(params, MstParams),
                )
                chosen.append((done % len(sizes),) if best is None else best)
        else:
            chosen = [c if c in sets.weights else c[:1] for c in sets.every[done : done + batch]]
        for columns in chosen:
            exact = sets.counts(columns)
            estimator.add(Measurement.of(columns, releases.histogram(exact, plan.sigma), plan.sigma))
        done += len(chosen)
        progress(done, plan.rounds, "marginals")
