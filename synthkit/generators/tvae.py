"""``tvae``: the variational autoencoder of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthkit.generators.base import Generator
from synthkit.generators.neural import model as neural
from synthkit.generators.neural.params import TvaeParams
from synthkit.schema import Table


def _fit(table: Table, params: TvaeParams, **given: Any) -> neural.NeuralModel:
    from synthkit.generators.neural.vae import decode, train

    return neural.fit("tvae", train, decode, table, params, **given)


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
