"""``tvae``: the variational autoencoder of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native."""

from __future__ import annotations

from pathlib import Path

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Generator, Progress
from synthkit.generators.neural import model as neural
from synthkit.generators.neural.calibration import Calibration
from synthkit.generators.neural.params import TvaeParams
from synthkit.schema import Table


def _fit(
    table: Table, params: TvaeParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> neural.NeuralModel:
    import torch

    from synthkit.generators.neural.vae import decode, train

    if budget is not None:
        raise BuildError("tvae gives no differential privacy")
    encoder, rows = neural.encoded(table, params, seed, device)

    def report(done: int, total: int, note: str) -> None:
        progress(done, total, "steps", note)

    weights, history = train(rows, params, seed, report)
    fitted = neural.NeuralModel(
        encoder,
        decode,
        {k: w.cpu() for k, w in weights.items()},
        params.embedding_dim,
        torch.zeros(0, dtype=torch.float64),
        Calibration.none(rows.layout.to(torch.device("cpu"))),
        history.record(),
    )
    return neural.calibrated(fitted, rows, seed) if params.calibrate else fitted


def _load(directory: Path) -> neural.NeuralModel:
    from synthkit.generators.neural.vae import decode

    return neural.load(directory, decode)


TVAE = Generator(
    name="tvae",
    version=1,
    params=TvaeParams,
    fit=_fit,
    sample=neural.sample,
    save=neural.save,
    load=_load,
    summary="variational autoencoder (TVAE), native",
    licence=None,
    packages=("torch", "numpy", "scikit-learn"),
)
