"""Gradients of single records, clipped and summed without ever being written out.

A record's gradient of a linear layer z = W a + b is the outer product of dL/dz and (a, 1), and where a loss uses the
layer several times, a sum of a few such products. Norms then need only inner products of the factors (Goodfellow 2015,
"Efficient per-example gradient computations", arXiv:1510.01799), and the clipped sum is one matrix product: the "ghost
clipping" of Li, Tramèr, Liang & Hashimoto 2022 (arXiv:2110.05679), at about the price of an ordinary step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from synthkit.generators.neural.networks import Weights


@dataclass(frozen=True)
class Products:
    """Each record's gradient of one linear layer, as a sum of outer products over ``terms``.

    Args:
        left: of the layer's outputs, shape (records, terms, outputs).
        right: of its inputs, shape (records, terms, inputs); without those of the bias.
        bias: per term, whether it moves the bias too: 1 or 0.
    """

    left: torch.Tensor
    right: torch.Tensor
    bias: tuple[int, ...]

    @staticmethod
    def single(outputs: torch.Tensor, inputs: torch.Tensor, *, bias: bool = True) -> Products:
        """One term: shapes (records, outputs) and (records, inputs)."""
        return Products(outputs[:, None], inputs[:, None], (int(bias),))

    def plus(self, other: Products) -> Products:
        """The sum of two losses' gradients."""
        import torch

        left = torch.cat([self.left, other.left], dim=1)
        return Products(left, torch.cat([self.right, other.right], dim=1), self.bias + other.bias)


Gradients = Mapping[str, Products]  # by the layer's name


def norms(gradients: Gradients) -> torch.Tensor:
    """Upper bounds of the records' gradient norms over all layers, shape (records,), tight but for float rounding.

    Products that nearly cancel leave a norm that is mostly rounding: what float32 can have lost is added, so that a
    gradient is never taken for shorter than it is.
    """
    import torch

    total: torch.Tensor | float = 0.0
    for layer in gradients.values():
        bias = _moved(layer)
        left = layer.left @ layer.left.transpose(1, 2)
        right = layer.right @ layer.right.transpose(1, 2) + bias[:, None] * bias
        most = (left.diagonal(dim1=1, dim2=2) * right.diagonal(dim1=1, dim2=2)).clamp(min=0).sqrt().sum(1).square()
        # Rounding of an inner product of n numbers is at most n units of |x||y| (Higham 2002, section 3.1).
        lost = (layer.left.shape[2] + layer.right.shape[2] + 8) * torch.finfo(left.dtype).eps
        total = total + ((left * right).sum((1, 2)).clamp(min=0) + lost * most)
    assert isinstance(total, torch.Tensor), "no layer has a gradient"
    return total.sqrt()


def clipped_sum(gradients: Gradients, norm: float) -> Weights:
    """The sum over the records of their gradients, each scaled down to ``norm`` at most, by weight name.

    A layer none of whose terms moves the bias has none. A record whose gradient is no finite number adds nothing:
    whatever it holds, it moves the sum by ``norm`` at most.
    """
    import torch

    size = norms(gradients)
    factor = (norm / size.clamp(min=1e-12)).clamp(max=1.0)
    ok = torch.isfinite(size)
    found: Weights = {}
    for name, layer in gradients.items():
        bias = _moved(layer)
        left = torch.where(ok[:, None, None], layer.left * factor[:, None, None], 0.0)
        right = torch.where(ok[:, None, None], layer.right, 0.0)
        found[f"{name}.weight"] = left.flatten(0, 1).t() @ right.flatten(0, 1)
        if any(layer.bias):
            found[f"{name}.bias"] = (left * bias[:, None]).sum((0, 1))
    return found


def _moved(layer: Products) -> torch.Tensor:
    """Which terms move the bias, as numbers on the device, shape (terms,): filled in there, not copied from here."""
    found = layer.left.new_zeros(len(layer.bias))
    for term, moves in enumerate(layer.bias):
        if moves:
            found[term].fill_(moves)
    return found
