"""``tvae``: the variational autoencoder of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native.

With ``epsilon`` encoder and decoder are trained by DP-SGD, and only the decoder is kept.
"""

from __future__ import annotations

from synthkit.generators.neural.fitted import Loops, generator
from synthkit.generators.neural.params import TvaeOptions, TvaeParams
from synthkit.generators.neural.private_params import PrivateTvaeParams


def _loops() -> Loops:
    from synthkit.generators.neural import private_vae, vae

    return Loops(vae.train, vae.decode, private_vae.train, private_vae.decode)


TVAE = generator(
    "tvae",
    TvaeOptions,
    TvaeParams,
    PrivateTvaeParams,
    _loops,
    "variational autoencoder (TVAE), native; with epsilon by DP-SGD",
)
