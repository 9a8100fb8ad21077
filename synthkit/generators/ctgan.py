"""``ctgan``: the conditional GAN of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native.

SDV's parameters under SDV's names; the training step has no loop over columns, keeps all data on the device and runs
the generator once (:mod:`synthkit.generators.neural.gan`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthkit.generators.base import Generator
from synthkit.generators.neural import model as neural
from synthkit.generators.neural.params import CtganParams
from synthkit.schema import Table


def _fit(table: Table, params: CtganParams, **given: Any) -> neural.NeuralModel:
    from synthkit.generators.neural.gan import decode, train

    return neural.fit("ctgan", train, decode, table, params, **given)


def _load(directory: Path) -> neural.NeuralModel:
    from synthkit.generators.neural.gan import decode

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
