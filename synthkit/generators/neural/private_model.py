"""ctgan and tvae trained with ``epsilon``: fitting, drawing rows, conditions, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.generators.base import Budget, Progress, Quota
from synthkit.generators.exact.rejection import PerQuota, about
from synthkit.generators.neural import watching
from synthkit.generators.neural.cells import CellEncoder, cut_cells
from synthkit.generators.neural.model import BATCH
from synthkit.generators.neural.spending import spending

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from synthkit.generators.neural.dpsgd import PrivateGradients
    from synthkit.generators.neural.layout import Layout
    from synthkit.generators.neural.networks import Weights
    from synthkit.generators.neural.private_params import PrivateParams
    from synthkit.schema import Table

FILE = "private"
FITTED = 20_000  # rows drawn to fit the marginals
RAREST = 1e-5  # share of a cell below which a first bias does not follow it

# (weights, noise of shape (rows, embedding_dim)) → logits, shape (rows, cells)
Decoder = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Training:
    """What a private training loop is given.

    Args:
        shares: of the rows in each cell, noisy, shape (cells,), on the device.
        gradients: answers with noisy gradients of the rows, which it alone can see.
        steps: how many of them to ask for.
        seed: of all that is not private: first weights, made-up rows.
        report: told the steps done and those to do.
    """

    layout: Layout
    shares: torch.Tensor
    gradients: PrivateGradients
    steps: int
    seed: int
    report: Callable[[int, int], None]


Train = Callable[[Training, Any], Any]  # → weights of what makes logits out of noise


@dataclass(frozen=True)
class PrivateModel:
    """A network trained under a budget, on the CPU; all of it is released.

    Args:
        shift: added to the logits, so that the cells are as frequent as the noisy histograms say.
        record: what was spent and how, JSON-able; nothing in it comes from the rows.
    """

    encoder: CellEncoder
    decoder: Decoder
    weights: Weights
    embedding_dim: int
    shift: torch.Tensor
    record: Json

    def logits(self, rows: int, random: torch.Generator) -> torch.Tensor:
        """Calibrated logits of new rows, shape (rows, cells)."""
        import torch

        with torch.no_grad():
            noise = torch.randn(rows, self.embedding_dim, generator=random)
            found: torch.Tensor = self.decoder(self.weights, noise) + self.shift
            return found

    def draw(self, rows: int, random: torch.Generator) -> pa.RecordBatch:
        return self._decoded(self.encoder.layout.sampled(self.logits(rows, random), random), random)

    def draw_given(self, rows: int, cells: Mapping[str, int], random: torch.Generator) -> pa.RecordBatch:
        """Rows in the given cells of some columns.

        Given its noise, a row's columns are independent: noise is drawn by the chance that it gives to the cells, out
        of a pool (sampling importance resampling, Rubin 1988), and the other columns as ever.
        """
        import torch

        layout, given = self.encoder.layout, torch.tensor(list(cells.values()))
        logits = self.logits(BATCH, random)
        chance = (logits[:, given] - layout.log_normaliser(logits)[:, layout.segment[given]]).double().sum(1)
        if not torch.isfinite(chance.max()):
            raise BuildError("the model gives these values no probability", hint="ask for likelier values")
        weights = (chance - chance.max()).exp()
        chosen = torch.multinomial(weights, rows, replacement=True, generator=random)
        drawn = layout.sampled(logits[chosen], random)
        drawn[:, layout.segment[given]] = given
        return self._decoded(drawn, random)

    def supply(self, quotas: Sequence[Quota], random: torch.Generator) -> PerQuota:
        """Draws each quota in the cells of its values."""
        cells: list[dict[str, int]] = []
        for quota in quotas:
            with about(quota):
                cells.append({name: self.encoder.cell_of(name, value) for name, value in quota.values.items()})

        def draw(i: int, rows: int) -> Iterator[pa.RecordBatch]:
            for start in range(0, rows, BATCH):
                with about(quotas[i]):
                    found = self.draw_given(min(BATCH, rows - start), cells[i], random)
                yield self.encoder.encoder.with_values(found, quotas[i].values)

        return PerQuota(draw, "the network")

    def _decoded(self, cells: torch.Tensor, random: torch.Generator) -> pa.RecordBatch:
        import numpy as np
        import torch

        seed = int(torch.randint(2**62, (), generator=random))
        return self.encoder.decode(cells, np.random.default_rng(seed))


def fit(
    train: Train,
    decoder: Decoder,
    table: Table,
    params: PrivateParams,
    *,
    budget: Budget,
    seed: int,
    device: str,
    progress: Progress,
) -> PrivateModel:
    """Train on the rows through noisy histograms and noisy gradients, and on nothing else of them.

    Nothing is kept on the way: a training that went on from a saved state would have to keep the state of its noise.
    """
    import torch

    from synthkit.generators.devices import resolve
    from synthkit.generators.marginals.release import Releases, same
    from synthkit.generators.neural.dpsgd import PrivateGradients
    from synthkit.privacy.accounting.noise import Noise

    plan = spending(params, budget, table.schema)
    noise = Noise.secure() if budget.insecure_seed is None else Noise.seeded(budget.insecure_seed)
    releases = Releases(noise, budget.max_rows_per_unit)
    known = plan.discovery.known(table, releases)
    declared = declared_encoder(replace(table, schema=known.schema), known.ends)
    positions = declared.encode_table(table)
    encoder, shares = cut_cells(declared, positions, plan, params.bins, releases)
    chosen = resolve(device if params.enable_gpu else "cpu")
    cells = encoder.cells(positions).to(chosen)
    watcher = watching.watcher()
    if watcher is not None:
        watcher.begin(encoder, plan, params.max_per_sample_grad_norm)
    gradients = PrivateGradients(cells, plan, params.max_per_sample_grad_norm, noise, watcher)

    def report(done: int, total: int) -> None:
        progress(done, total, "steps")

    given = Training(encoder.layout.to(chosen), shares.to(chosen), gradients, plan.steps, seed, report)
    weights = {k: w.detach().cpu() for k, w in train(given, params).items()}
    if not all(bool(torch.isfinite(w).all()) for w in weights.values()):
        raise BuildError("training diverged: a weight is no longer finite", hint="lower the learning rates")
    spent = (*releases.spent, *([gradients.spent] if gradients.spent is not None else []))
    if not same(spent, plan.mechanisms):
        raise AssertionError(f"the training released {spent}, but was to release {plan.mechanisms}")
    record = {"rate": plan.rate, "steps": plan.steps, "noise_multiplier": plan.noise_multiplier, "sigma": plan.sigma}
    nothing = torch.zeros(encoder.layout.cells)
    model = PrivateModel(encoder, decoder, weights, params.embedding_dim, nothing, record)
    return calibrated(model, shares, seed) if params.calibrate else model


def calibrated(model: PrivateModel, shares: torch.Tensor, seed: int) -> PrivateModel:
    """The model with the marginals of its cells fitted to the noisy histograms."""
    import torch

    from synthkit.generators.neural.calibration import fit_shift, rows_for

    layout = model.encoder.layout
    random, count = torch.Generator().manual_seed(seed), rows_for(layout, FITTED)
    logits = torch.cat([model.logits(min(BATCH, count - n), random) for n in range(0, count, BATCH)])
    return replace(model, shift=fit_shift(layout, shares, logits))


def save(model: PrivateModel, directory: Path) -> None:
    """Tensors as safetensors, the rest as JSON: nothing of it runs code when it is read."""
    import torch
    from safetensors.torch import save_file

    tensors = {f"weights.{k}": w for k, w in model.weights.items()} | {"shift": model.shift}
    for i, one in enumerate(model.encoder.cuts):
        tensors |= {f"cuts.{i}.{name}": torch.from_numpy(a.copy()) for name, a in one.to_arrays().items()}
    save_file({k: t.contiguous() for k, t in tensors.items()}, str(directory / f"{FILE}.safetensors"))
    record = {
        "encoder": model.encoder.encoder.to_json(),
        "embedding_dim": model.embedding_dim,
        "training": model.record,
    }
    (directory / f"{FILE}.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def saved(directory: Path) -> bool:
    """Whether a model trained under a budget lies there."""
    return (directory / f"{FILE}.json").exists()


def load(directory: Path, decoder: Decoder) -> PrivateModel:
    from safetensors.torch import load_file

    from synthkit.generators.marginals.cuts import Cut

    tensors = load_file(str(directory / f"{FILE}.safetensors"))
    record = json.loads((directory / f"{FILE}.json").read_text("utf-8"))
    encoder = DeclaredEncoder.from_json(record["encoder"])
    cuts = tuple(
        Cut.from_arrays({k: tensors[f"cuts.{i}.{k}"].numpy() for k in ("starts", "end", "cell", "weights")})
        for i in range(len(encoder.axes))
    )
    weights = {k.removeprefix("weights."): t for k, t in tensors.items() if k.startswith("weights.")}
    return PrivateModel(
        CellEncoder(encoder, cuts), decoder, weights, record["embedding_dim"], tensors["shift"], record["training"]
    )
