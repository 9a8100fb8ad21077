"""``ctgan``: the conditional GAN of Xu et al. 2019 ("Modeling tabular data using conditional GAN"), native.

SDV's parameters under SDV's names; the training step has no loop over columns, keeps all data on the device and runs
the generator once (:mod:`.gan`). With ``epsilon`` the critic is trained by DP-SGD, and there
are no conditions (:mod:`.private_gan`).
"""

from __future__ import annotations

from synthkit.generators.neural.fitted import Loops, generator
from synthkit.generators.neural.params import CtganOptions, CtganParams
from synthkit.generators.neural.private_params import PrivateCtganParams


def _loops() -> Loops:
    from synthkit.generators.neural import gan, private_gan

    return Loops(gan.train, gan.decode, private_gan.train, private_gan.decode)


CTGAN = generator(
    "ctgan",
    CtganOptions,
    CtganParams,
    PrivateCtganParams,
    _loops,
    "conditional GAN (CTGAN), native: rare classes are trained for; with epsilon by DP-SGD",
)
