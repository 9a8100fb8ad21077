"""``ctgan``: the conditional GAN of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native.

SDV's parameters under SDV's names; the training step has no loop over columns, keeps all data on the device and runs
the generator once (:mod:`synthkit.generators.neural.gan`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Generator, Progress
from synthkit.generators.neural import model as neural
from synthkit.generators.neural.calibration import Calibration
from synthkit.generators.neural.layout import Layout
from synthkit.generators.neural.params import CtganParams
from synthkit.schema import Table

if TYPE_CHECKING:
    import torch


def _fit(
    table: Table, params: CtganParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> neural.NeuralModel:
    import torch

    from synthkit.generators.neural.gan import train

    if budget is not None:
        raise BuildError("ctgan gives no differential privacy")
    encoder, rows = neural.encoded(table, params, seed, device)

    def report(done: int, total: int, note: str) -> None:
        progress(done, total, "steps", note)

    weights, conditions, history = train(rows, params, seed, report)
    fitted = neural.NeuralModel(
        encoder,
        decode,
        {k: w.cpu() for k, w in weights.items()},
        params.embedding_dim,
        conditions.original.double().cpu(),
        Calibration.none(rows.layout.to(torch.device("cpu"))),
        history.record(),
    )
    return neural.calibrated(fitted, rows, seed) if params.calibrate else fitted


def decode(weights: dict[str, torch.Tensor], layout: Layout, x: torch.Tensor, _random: Any) -> tuple[Any, Any]:
    """Noise and condition as logits and scalars."""
    from synthkit.generators.neural.networks import generate

    out = generate(weights, x, training=False)
    return out[:, : layout.cells], out[:, layout.cells :].tanh()


def _load(directory: Path) -> neural.NeuralModel:
    return neural.load(directory, decode)


CTGAN = Generator(
    name="ctgan",
    version=1,
    params=CtganParams,
    fit=_fit,
    sample=neural.sample,
    save=neural.save,
    load=_load,
    summary="conditional GAN (CTGAN), native: rare classes are trained for",
    licence=None,
    packages=("torch", "numpy", "scikit-learn"),
)
