"""The training loops themselves, for some steps, all but the first of them under a guard that sees what they do.

The loops are the generators' own, stopped from outside: by the checkpoint that they ask after each step, by the source
of noisy gradients that they ask in each, or by their schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch

from synthkit.generators.base import Budget, silent
from synthkit.generators.checkpoint import Saved
from synthkit.schema import Table

Guard = Callable[[], AbstractContextManager[Any]]
TRAINED = ("ctgan", "tvae", "circuit", "ctgan under epsilon", "tvae under epsilon")
STATES = 16  # of the circuit
BATCH = 50


class _EnoughError(Exception):
    """So many steps have been looked at."""


class _Count:
    """Enters the guard after the first step, which sets things up, and ends the loop after ``steps`` more."""

    def __init__(self, steps: int, guard: Guard, stack: ExitStack) -> None:
        self.steps, self.guard, self.stack, self.done = steps, guard, stack, 0

    def stepped(self) -> None:
        self.done += 1
        if self.done == 1:
            self.stack.enter_context(self.guard())
        elif self.done > self.steps:
            raise _EnoughError

    # A checkpoint, which is never due.

    def load(self) -> Saved | None:
        return None

    def due(self) -> bool:
        self.stepped()
        return False

    def save(self, state: Saved) -> None:
        raise AssertionError(f"nothing was due, and here is {state}")


@dataclass
class _Counting:
    """A source of noisy gradients that counts how often it is asked."""

    source: Any
    count: _Count
    asked: int = 0

    def mean(self, *given: Any) -> Any:
        self.asked += 1
        if self.asked > 1:  # the step before is done
            self.count.stepped()
        return self.source.mean(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)


def run(kind: str, table: Table, device: torch.device, steps: int, guard: Guard, budget: Budget | None = None) -> int:
    """Train on a table for ``steps`` steps under the guard, after one without. Returns how many steps it guarded.

    Args:
        kind: one of :data:`TRAINED`.
        budget: of those under epsilon.
    """
    with ExitStack() as stack:
        count = _Count(steps, guard, stack)
        try:
            if kind == "circuit":
                _circuit(table, device, steps, count)
            elif kind.endswith("epsilon"):
                assert budget is not None, "a training under epsilon needs a budget"
                _private(kind.split()[0], table, device, count, budget)
            else:
                _plain(kind, table, device, count)
        except _EnoughError:
            pass
        return count.done - 1


def _plain(kind: str, table: Table, device: torch.device, count: _Count) -> None:
    from synthkit.generators.neural import gan, vae
    from synthkit.generators.neural.model import encoded
    from synthkit.generators.neural.params import CtganParams, TvaeParams

    most = count.steps + 2
    given = {"batch_size": BATCH, "min_steps": most, "max_steps": most, "looks": 1}
    params = CtganParams(**given) if kind == "ctgan" else TvaeParams(**given)
    _, rows = encoded(table, params, 0, str(device))
    loop: Any = gan if kind == "ctgan" else vae
    loop.train(rows, params, 0, lambda *_: None, count)


def _private(kind: str, table: Table, device: torch.device, count: _Count, budget: Budget) -> None:
    from synthkit.generators.neural import private_gan, private_model, private_vae
    from synthkit.generators.neural.private_params import PrivateCtganParams, PrivateTvaeParams

    loop: Any = private_gan if kind == "ctgan" else private_vae
    params = (PrivateCtganParams if kind == "ctgan" else PrivateTvaeParams)(batch_size=BATCH, max_steps=count.steps + 2)

    def train(given: private_model.Training, params: Any) -> Any:
        return loop.train(replace(given, gradients=_Counting(given.gradients, count)), params)

    private_model.fit(train, loop.decode, table, params, budget=budget, seed=0, device=str(device), progress=silent)


def _circuit(table: Table, device: torch.device, steps: int, count: _Count) -> None:
    from synthkit.generators.circuit.em import Schedule, marginal_counts, start_tree, train
    from synthkit.generators.circuit.params import CircuitParams
    from synthkit.generators.circuit.structure import chow_liu, mutual_information
    from synthkit.generators.survey import encoded

    encoder, found = encoded(table, CircuitParams(), 0, None)
    codes, sizes = torch.from_numpy(found), encoder.cardinalities
    marginals = marginal_counts(codes, sizes)
    tree = start_tree(chow_liu(mutual_information(found, sizes)), sizes, STATES, marginals, 0).to(device)
    codes, marginals = codes.to(device), marginals.to(device)
    train(tree, codes, marginals, Schedule(1, BATCH), 0)
    count.stepped()
    train(tree, codes, marginals, Schedule(steps, BATCH), 0)
    count.done += steps
