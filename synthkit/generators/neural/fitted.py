"""ctgan and tvae as generators: a network trained without a budget, or one trained with it, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synthkit.generators.base import Budget, Progress, Quota, Trained, with_train
from synthkit.generators.checkpoint import NOWHERE, Checkpoint
from synthkit.generators.exact.rejection import fill_quotas, in_batches
from synthkit.generators.neural import model as plain
from synthkit.generators.neural import private_model as private
from synthkit.generators.neural.params import NeuralOptions, NeuralParams
from synthkit.generators.neural.private_params import PrivateParams
from synthkit.generators.neural.spending import spending
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.privacy.accounting.mechanisms import Mechanism

Fitted = plain.NeuralModel | private.PrivateModel


class Loops(NamedTuple):
    """How a kind of network is trained and read, without a budget and with one."""

    train: plain.Train
    decode: plain.Decoder
    private_train: private.Train
    private_decode: private.Decoder


def generator(
    name: str,
    options: type[NeuralOptions],
    plain_params: type[NeuralParams],
    private_params: type[PrivateParams],
    loops: Callable[[], Loops],
    summary: str,
) -> Trained:
    """The generator of a kind of network.

    Args:
        options: what a user may set.
        plain_params: those with our values for what is left out, without a budget.
        private_params: the same with one.
        loops: imports torch, so it is called when a model is fitted or loaded.
    """

    def fit(
        table: Table, params: Any, *, budget: Budget | None, checkpoint: Checkpoint = NOWHERE, **given: Any
    ) -> Fitted:
        how = loops()
        if budget is None:
            return plain.fit(how.train, how.decode, table, plain_params.of(params), checkpoint=checkpoint, **given)
        # Nothing is resumed: going on would need the state of the noise, kept safe, or spend the budget twice.
        chosen = private_params.of(params)
        return private.fit(how.private_train, how.private_decode, table, chosen, budget=budget, **given)

    def mechanisms(params: Any, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]:
        return spending(private_params.of(params), budget, schema).mechanisms

    def load(directory: Path) -> Fitted:
        how = loops()
        if private.saved(directory):
            return private.load(directory, how.private_decode)
        return plain.load(directory, how.decode)

    return Trained(
        name=name,
        version=4,
        params=options,
        fit=fit,
        sample=sample,
        save=save,
        load=load,
        partitions=True,
        mechanisms=mechanisms,
        counts=counts,
        summary=summary,
        licence=None,
        resumes=True,
        packages=("torch", "numpy", "scikit-learn"),
        extras=with_train,
    )


def counts(model: private.PrivateModel, column: str) -> tuple[tuple[float, ...], float]:
    """What the training under a budget released of a column by itself."""
    from synthkit.generators.marginals.cuts import noisy_counts

    return noisy_counts(model.encoder.encoder.axes, model.encoder.cuts, column)


def sample(
    model: Fitted, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Rows in batches of :data:`~synthkit.generators.neural.model.BATCH` at most: memory does not grow with them."""
    import torch

    random = torch.Generator().manual_seed(seed)
    if conditions:
        yield from fill_quotas(model.supply(conditions, random), conditions, rows, seed=seed, progress=progress)
        return
    yield from in_batches(lambda count: model.draw(count, random), rows, plain.BATCH, progress)


def save(model: Fitted, directory: Path) -> None:
    """Tensors as safetensors, the rest as JSON: nothing of it runs code when it is read."""
    if isinstance(model, private.PrivateModel):
        private.save(model, directory)
    else:
        plain.save(model, directory)
