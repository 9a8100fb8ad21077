"""``race``: ``circuit`` and ``cart`` learn the same table, and the one that is told less from held-out rows draws it.

The circuit learns from all rows, the trees first from those that the judges leave; a classifier then tries to tell the
judges from rows of either. That the circuit has seen the judges is to its advantage: where the trees are ahead all the
same, they are taken, and grown again from all rows. The circuit stays at hand, for conditions that the trees would
search too long for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained, silent, with_train
from synthkit.generators.cart.generator import CART, Cart
from synthkit.generators.cart.generator import learnt as cart_of
from synthkit.generators.cart.params import CartParams
from synthkit.generators.circuit.generator import CIRCUIT, Circuit
from synthkit.generators.circuit.generator import learnt as circuit_of
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.race.params import RaceParams
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

RUNNERS = 20_000  # rows that the trees are raced with, at most: with more they would only be closer
FEWEST = 100  # judges, without whom there is no race
FEWEST_UNITS = 20  # that they are of
RARE = 0.005  # of all rows: conditions of fewer are drawn by the circuit, which needs no search


@dataclass(frozen=True)
class Race:
    """What both came to.

    Args:
        cart: None where the circuit draws.
        told: generator → how surely its rows were told from the held-out ones; empty where there was no race.
    """

    circuit: Circuit
    cart: Cart | None
    told: Mapping[str, float]


def _fit(
    table: Table,
    params: RaceParams,
    *,
    budget: Budget | None,
    seed: int,
    device: str,
    progress: Progress,
    surveys: Path | None = None,
) -> Race:
    import numpy as np

    from synthkit.encoding.fitting import units_of
    from synthkit.generators.survey import encoded

    if budget is not None:
        raise BuildError("race gives no differential privacy")
    encoder, codes = encoded(table, params, seed, surveys)
    same = params.model_dump(include={"bins", "max_categories", "rare", "min_count"})
    circuit = circuit_of(encoder, codes, CircuitParams(**same), seed=seed, device=device, progress=progress)
    units, trees = units_of(table), CartParams(**same)
    judges = _judges(len(codes), units, params.judges, seed)
    if len(codes) < params.min_rows or judges.sum() < FEWEST or len(encoder.columns) < 2:
        return Race(circuit, None, {})
    progress(0, 1, "races", "who draws this table closer")
    runs = np.flatnonzero(~judges)
    runs = np.sort(np.random.default_rng(seed).permutation(runs)[:RUNNERS])
    rest = None if units is None else units[runs]
    cart = cart_of(encoder, codes[runs], rest, trees, seed=seed, progress=silent)
    told = _told(circuit, cart, codes[judges], seed)
    progress(1, 1, "races", "; ".join(f"{name} is told apart with AUC {auc:.3f}" for name, auc in told.items()))
    if told["cart"] > told["circuit"] - params.lead:
        return Race(circuit, None, told)
    return Race(circuit, cart_of(encoder, codes, units, trees, seed=seed, progress=progress), told)


def _judges(rows: int, units: Array | None, most: int, seed: int) -> Array:
    """Which rows judge: about a fifth, ``most`` at most, all rows of a unit or none. Booleans, shape (rows,).

    There are none where few units have nearly all rows.
    """
    import numpy as np

    wanted = min(rows // 5, most)
    order = np.random.default_rng(seed).permutation
    if units is None:
        chosen = np.zeros(rows, dtype=bool)
        chosen[order(rows)[:wanted]] = True
        return chosen
    _, unit, many = np.unique(units, return_inverse=True, return_counts=True)
    turn = order(len(many))
    turn = turn[many[turn] * FEWEST_UNITS <= wanted]  # nobody's rows are most of the judges
    taken = turn[np.cumsum(many[turn]) <= wanted]
    judges: Array = np.isin(unit, taken)
    return judges


def _told(circuit: Circuit, cart: Cart, judges: Array, seed: int) -> dict[str, float]:
    """How surely rows of either are told from the judges."""
    import numpy as np
    import torch

    from synthkit.generators.race.judging import told_apart

    categorical = [i for i, c in enumerate(circuit.encoder.columns) if c.grid is None]
    rows = len(judges)
    drawn = {
        "circuit": circuit.sampler.draw(rows, torch.Generator().manual_seed(seed)).numpy(),
        "cart": cart.trees.draw(rows, np.random.default_rng(seed)),
    }
    return {name: told_apart(judges, codes, categorical, seed % 2**32) for name, codes in drawn.items()}


def _survey(table: Table, params: RaceParams, column: int, *, seed: int, directory: Path) -> bool:
    from synthkit.generators.survey import survey

    return survey(table, params, column, seed=seed, directory=directory)


def _sample(
    model: Race, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    if model.cart is None or any(_rare(model.circuit, quota) for quota in conditions):
        yield from CIRCUIT.sample(model.circuit, rows, conditions=conditions, seed=seed, progress=progress)
        return
    yield from CART.sample(model.cart, rows, conditions=conditions, seed=seed, progress=progress)


def _rare(circuit: Circuit, quota: Quota) -> bool:
    """Whether few rows have the values of a quota, as the circuit has it; what none can have it says itself."""
    import torch

    try:
        cells = circuit.encoder.cells_of(quota.values)
    except BuildError:
        return True
    codes = torch.full((1, len(circuit.encoder.columns)), -1)
    codes[0, list(cells)] = torch.tensor(list(cells.values()), dtype=codes.dtype)
    return math.exp(float(circuit.tree.log_prob(codes)[0])) < RARE


def _save(model: Race, directory: Path) -> None:
    CIRCUIT.save(model.circuit, directory)
    if model.cart is not None:
        CART.save(model.cart, directory)
    record = {"drawn_by": "circuit" if model.cart is None else "cart", "told": dict(model.told)}
    (directory / "race.json").write_text(json.dumps(record), "utf-8")


def _load(directory: Path) -> Race:
    record = json.loads((directory / "race.json").read_text("utf-8"))
    cart = CART.load(directory) if record["drawn_by"] == "cart" else None
    return Race(CIRCUIT.load(directory), cart, record["told"])


RACE = Trained(
    name="race",
    # whose rows are theirs: with a version of either, this is another
    version=10_000 + 100 * CIRCUIT.version + CART.version,
    params=RaceParams,
    fit=_fit,
    sample=_sample,
    save=_save,
    load=_load,
    partitions=True,
    survey=_survey,
    summary="circuit or cart, whichever is told less from held-out rows of this table",
    licence=None,
    packages=tuple(dict.fromkeys((*CIRCUIT.packages, *CART.packages))),
    extras=with_train,
)
