"""A trained network as synthkit keeps it: drawing rows from it, meeting conditions, and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Codes, Encoder
from synthkit.files import Json
from synthkit.generators.base import Progress, Quota
from synthkit.generators.checkpoint import NOWHERE, Checkpoint
from synthkit.generators.exact.rejection import PerQuota, about
from synthkit.generators.neural.calibration import ROWS, Calibration, fit_quantiles, fit_shift, rows_for, shares_of
from synthkit.generators.neural.conditions import condition_vectors, draw_cells
from synthkit.generators.neural.layout import Layout
from synthkit.schema import Cell, Table

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.params import NeuralParams
    from synthkit.generators.neural.rows import Rows

BATCH = 16_384  # rows through the network, and given out, at once

# (weights, layout, noise of shape (rows, embedding_dim + conditions), a source of randomness) → logits and scalars
Decoder = Callable[[Any, Layout, Any, Any], tuple[Any, Any]]
# (rows, parameters, seed, report, checkpoint) → weights, running sums of the conditions' chances, history
Train = Callable[[Any, Any, int, Any, Checkpoint], tuple[Any, Any, Any]]


@dataclass(frozen=True)
class NeuralModel:
    """A trained ctgan or tvae, on the CPU.

    Args:
        weights: of what makes rows out of noise.
        embedding_dim: numbers of noise per row.
        conditions: running sums of the chances of the condition cells, shape (cells of the discrete columns,); empty
            for a network without conditions.
        record: losses and judgements of the training, JSON-able.
    """

    encoder: Encoder
    decoder: Decoder
    weights: Weights
    embedding_dim: int
    conditions: torch.Tensor
    calibration: Calibration
    record: Json = field(default_factory=dict)

    @cached_property
    def layout(self) -> Layout:
        return Layout.of(self.encoder)

    def outputs(self, rows: int, random: torch.Generator, cell: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and scalars of new rows, under one condition cell or under conditions as frequent as in the source."""
        import torch

        with torch.no_grad():
            x = torch.randn(rows, self.embedding_dim, generator=random)
            if len(self.conditions):
                cells = draw_cells(self.conditions, self.layout.discrete, rows, random)
                if cell is not None:
                    cells.fill_(cell)
                x = torch.cat([x, condition_vectors(cells, len(self.conditions))], dim=1)
            found: tuple[torch.Tensor, torch.Tensor] = self.decoder(self.weights, self.layout, x, random)
            return found

    def draw(self, rows: int, random: torch.Generator, cell: int | None = None) -> pa.RecordBatch:
        """``rows`` rows, at most :data:`BATCH`."""
        import numpy as np

        logits, scalars = self.outputs(rows, random, cell)
        cells = self.layout.sampled(logits + self.calibration.shift, random)
        residuals = self.calibration.residuals(self.layout, cells, scalars)
        codes = self.layout.codes_of(cells).numpy().astype(np.uint16)
        return self.encoder.decode(Codes(codes, residuals.numpy()))

    def cell_for(self, values: Mapping[str, Cell]) -> int | None:
        """The rarest of some values as a condition cell; None where none of them is a condition.

        Raises:
            BuildError: a value that the source never held.
        """
        import torch

        codes = {name: self.encoder.cell_of(name, value) for name, value in values.items()}
        if not len(self.conditions):
            return None
        chances = torch.diff(self.conditions, prepend=torch.zeros(1, dtype=torch.float64))
        names = [self.encoder.columns[i].name for i in self.layout.order[: self.layout.discrete]]
        found = [int(self.layout.starts[names.index(n)]) + code for n, code in codes.items() if n in names]
        return min(found, key=lambda c: float(chances[c]), default=None)

    def supply(self, quotas: Sequence[Quota], random: torch.Generator) -> PerQuota:
        """Draws each quota under the condition vector of its rarest value; rejection does the rest."""
        cells = []
        for quota in quotas:
            with about(quota):
                cells.append(self.cell_for(quota.values))

        def draw(i: int, rows: int) -> Iterator[pa.RecordBatch]:
            for start in range(0, rows, BATCH):
                yield self.draw(min(BATCH, rows - start), random, cells[i])

        hint = "ask for a smaller share, train longer, or use circuit, which draws any condition exactly"
        return PerQuota(draw, "the network", hint)


def fit(
    train: Train,
    decoder: Decoder,
    table: Table,
    params: NeuralParams,
    *,
    seed: int,
    device: str,
    progress: Progress,
    checkpoint: Checkpoint = NOWHERE,
) -> NeuralModel:
    """Encode, train and calibrate: a generator's fit without a budget, but for its networks."""
    import torch

    encoder, rows = encoded(table, params, seed, device)

    def report(done: int, total: int, note: str) -> None:
        progress(done, total, "steps", note)

    weights, conditions, history = train(rows, params, seed, report, checkpoint)
    fitted = NeuralModel(
        encoder,
        decoder,
        {k: w.cpu() for k, w in weights.items()},
        params.embedding_dim,
        conditions.cpu(),
        Calibration.none(rows.layout.to(torch.device("cpu"))),
        history.record(),
    )
    return calibrated(fitted, rows, seed) if params.calibrate else fitted


def encoded(table: Table, params: NeuralParams, seed: int, device: str) -> tuple[Encoder, Rows]:
    """The encoding of a table, and its rows on the device to train on."""
    from synthkit.encoding.fitting import fit_encoder
    from synthkit.generators.devices import resolve
    from synthkit.generators.neural.rows import Rows

    chosen = resolve(device if params.enable_gpu else "cpu")
    encoder = fit_encoder(
        table,
        cells="modes",
        most=params.modes,
        max_categories=params.max_categories,
        rare=params.rare,
        min_count=params.min_count,
        seed=seed,
    )
    codes = encoder.encode_table(table, seed)
    return encoder, Rows.of(Layout.of(encoder), codes, params.held_out, seed, chosen)


def calibrated(model: NeuralModel, rows: Rows, seed: int) -> NeuralModel:
    """The model with its marginals fitted to the training rows."""
    import torch

    layout, random = model.layout, torch.Generator().manual_seed(seed)
    rows = rows.to(torch.device("cpu"))
    count = rows_for(layout, ROWS)
    outputs = [model.outputs(min(BATCH, count - n), random) for n in range(0, count, BATCH)]
    logits, scalars = (torch.cat(parts) for parts in zip(*outputs, strict=True))
    shift = fit_shift(layout, shares_of(layout, rows.cells), logits)
    cells = layout.sampled(logits + shift, random)
    calibration = Calibration(shift, *fit_quantiles(layout, rows, cells, scalars))
    return replace(model, calibration=calibration)


def save(model: NeuralModel, directory: Path) -> None:
    """Tensors as safetensors, the rest as JSON: nothing of it runs code when it is read."""
    from safetensors.torch import save_file

    calibration = model.calibration
    tensors = {f"weights.{k}": w for k, w in model.weights.items()}
    tensors |= {"conditions": model.conditions, "shift": calibration.shift}
    tensors |= {"drawn": calibration.drawn, "real": calibration.real}
    save_file({k: t.contiguous() for k, t in tensors.items()}, str(directory / "network.safetensors"))
    record = {"encoder": model.encoder.to_json(), "embedding_dim": model.embedding_dim, "training": model.record}
    (directory / "network.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def load(directory: Path, decoder: Decoder) -> NeuralModel:
    from safetensors.torch import load_file

    tensors = load_file(str(directory / "network.safetensors"))
    record = json.loads((directory / "network.json").read_text("utf-8"))
    weights = {k.removeprefix("weights."): t for k, t in tensors.items() if k.startswith("weights.")}
    return NeuralModel(
        Encoder.from_json(record["encoder"]),
        decoder,
        weights,
        record["embedding_dim"],
        tensors["conditions"],
        Calibration(tensors["shift"], tensors["drawn"], tensors["real"]),
        record["training"],
    )
