"""A window on what DP-SGD releases, for whoever attacks it (:mod:`synthkit.audits.privacy.empirical`).

Differential privacy holds against an attacker who sees every noisy gradient sum, not only the weights at the end. A
watcher is shown just these, and may ask for the gradients of rows of its own: nothing of the training rows that the
noise does not cover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.cells import CellEncoder
    from synthkit.generators.neural.clipping import Gradients
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.spending import Spending

    # cells of some rows, int32, shape (rows, columns) → the gradient of each of them
    RowGradients = Callable[[torch.Tensor], Gradients]


class Watcher(Protocol):
    def begin(self, encoder: CellEncoder, plan: Spending, norm: float) -> None:
        """A training begins: how rows become cells, and what noise there is for gradients clipped to ``norm``."""

    def step(self, gradients: RowGradients, released: Weights) -> None:
        """A step released a noisy sum ÷ the expected size of a sample; ``gradients`` are of the step's weights."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Show every private training in this context to a watcher."""
    token = _watcher.set(by)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> Watcher | None:
    """Who watches in this context, if anybody does."""
    return _watcher.get()
