"""``circuit``: a probabilistic circuit over the encoded columns, the default generator without ``epsilon``.

A hidden Chow-Liu tree (:mod:`.tree`) trained by stepwise EM and refined by a boosted
density ratio. It needs no GPU, and gives what no GAN has: exact conditionals, likelihoods and imputation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Codes, Encoder
from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained, with_train
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.exact.rejection import PerQuota, about, fill_quotas, in_batches
from synthkit.schema import Cell, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import torch

    from synthkit.generators.circuit.refine import Refinement
    from synthkit.generators.circuit.sampling import Sampler
    from synthkit.generators.circuit.tree import HiddenTree

    Array = np.ndarray[Any, Any]

BATCH = 122_880  # rows given out at once: a row group of the file, which then need not be put together


@dataclass(frozen=True)
class Circuit:
    """A fitted circuit: the encoding, the tree, and what refines it."""

    encoder: Encoder
    tree: HiddenTree
    refinement: Refinement | None

    @cached_property
    def sampler(self) -> Sampler:
        from synthkit.generators.circuit.sampling import sampler_of

        return sampler_of(self.tree, self.refinement)

    def given(self, values: Mapping[str, Cell]) -> Sampler:
        """A sampler of p(. | values). Raises BuildError where the model gives the values no probability."""
        from synthkit.generators.circuit.sampling import sampler_of

        return sampler_of(self.tree.condition(self.encoder.cells_of(values)), self.refinement)

    def log_prob(self, rows: pa.RecordBatch) -> torch.Tensor:
        """log q(cells of each row) in nats, shape (rows,); with a refinement up to ``refinement.log_z_error``."""
        codes = self._codes(rows)
        found = self.tree.log_prob(codes)
        if self.refinement is not None:
            found = found + self.refinement.log_weight(codes) - self.refinement.log_z
        return found

    def complete(self, rows: pa.RecordBatch, missing: Mapping[str, Cell], seed: int) -> pa.RecordBatch:
        """Rows with some cells drawn anew from their distribution given the row's other cells.

        Exact for the tree; the refinement is met by drawing each row until it is kept, 100 times at most.

        Args:
            missing: column → booleans, shape (rows,): which of its cells to draw.
        """
        import numpy as np
        import torch

        codes = self._codes(rows)
        names = [c.name for c in self.encoder.columns]
        for name, mask in missing.items():
            codes[torch.from_numpy(np.array(mask, dtype=bool)), names.index(name)] = -1
        generator = torch.Generator().manual_seed(seed)
        random = np.random.default_rng(seed)
        done, open_rows = codes.clone(), torch.arange(len(codes))
        for _ in range(100):
            drawn = self.tree.complete(codes[open_rows], generator)
            done[open_rows] = drawn
            if self.refinement is None:
                break
            rejected = torch.ones(len(drawn), dtype=torch.bool)
            rejected[self.refinement.accepted(drawn.t(), random)] = False
            open_rows = open_rows[rejected]
            if not len(open_rows):
                break
        found = _decoded(self.encoder, done, generator)
        return _with_kept(found, rows, missing)

    def _codes(self, rows: pa.RecordBatch) -> torch.Tensor:
        import numpy as np
        import torch

        return torch.from_numpy(self.encoder.encode(rows).codes.astype(np.int64))


def _fit(
    table: Table,
    params: CircuitParams,
    *,
    budget: Budget | None,
    seed: int,
    device: str,
    progress: Progress,
    surveys: Path | None = None,
) -> Circuit:
    from synthkit.generators.survey import encoded

    if budget is not None:
        raise BuildError("circuit gives no differential privacy")
    encoder, found = encoded(table, params, seed, surveys)
    return learnt(encoder, found, params, seed=seed, device=device, progress=progress)


def learnt(
    encoder: Encoder, found: Array, params: CircuitParams, *, seed: int, device: str, progress: Progress
) -> Circuit:
    """The circuit of encoded rows.

    Args:
        found: the cell of each value, shape (rows, columns).
    """
    import torch

    from synthkit.generators.circuit.fit import fit_refinement, fit_tree
    from synthkit.generators.devices import resolve

    chosen = resolve(device)
    codes = torch.from_numpy(found)

    def steps(done: int, total: int, note: str) -> None:
        progress(done, total, "steps", note)

    def rounds(done: int, total: int, note: str) -> None:
        progress(done, total, "refinements", note)

    tree = fit_tree(codes.to(chosen), encoder.cardinalities, params, seed, steps).to("cpu")
    categorical = [i for i, c in enumerate(encoder.columns) if c.grid is None]
    tree, refinement = fit_refinement(tree, codes, categorical, params, seed, rounds)
    return Circuit(encoder, tree, refinement)


def _survey(table: Table, params: CircuitParams, column: int, *, seed: int, directory: Path) -> bool:
    from synthkit.generators.survey import survey

    return survey(table, params, column, seed=seed, directory=directory)


def _sample(
    model: Circuit, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    import torch

    generator = torch.Generator().manual_seed(seed)
    if conditions:
        yield from fill_quotas(_exact(model, conditions, generator), conditions, rows, seed=seed, progress=progress)
        return

    stream = model.sampler.stream(rows, seed)

    def draw(count: int) -> pa.RecordBatch:
        return _decoded(model.encoder, stream.take(count), generator)

    yield from in_batches(draw, rows, BATCH, progress)


def _exact(model: Circuit, quotas: Sequence[Quota], generator: torch.Generator) -> PerQuota:
    """Draws every quota from its own conditional distribution, so that no row is drawn in vain."""
    samplers: dict[int, Sampler] = {}

    def draw(i: int, rows: int) -> Iterator[pa.RecordBatch]:
        values = quotas[i].values
        if i not in samplers:
            with about(quotas[i]):
                samplers[i] = model.given(values)
        found = _decoded(model.encoder, samplers[i].draw(rows, generator), generator)
        yield model.encoder.with_values(found, values)

    return PerQuota(draw, "circuit")


def _decoded(encoder: Encoder, codes: torch.Tensor, generator: torch.Generator) -> pa.RecordBatch:
    """Cells as rows: the place in a cell is uniform, as the cells' quantile axis makes it."""
    import numpy as np
    import torch

    residuals = torch.rand(len(encoder.continuous), len(codes), generator=generator).t().numpy()
    return encoder.decode(Codes(codes.numpy().astype(np.uint16, copy=False), residuals))


def _with_kept(drawn: pa.RecordBatch, rows: pa.RecordBatch, missing: Mapping[str, Cell]) -> pa.RecordBatch:
    """``drawn`` where a cell was missing, ``rows`` elsewhere: a cell that was given keeps its exact value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = []
    for field in drawn.schema:
        given = rows.column(field.name)
        if field.name in missing:
            given = pc.if_else(pa.array(missing[field.name]), drawn.column(field.name), given)
        arrays.append(given)
    return pa.record_batch(arrays, schema=drawn.schema)


def _save(model: Circuit, directory: Path) -> None:
    from synthkit.generators.circuit.saving import save

    save(model.tree, model.refinement, model.encoder, directory)


def _load(directory: Path) -> Circuit:
    from synthkit.generators.circuit.saving import load

    return Circuit(*load(directory))


CIRCUIT = Trained(
    name="circuit",
    version=10,
    params=CircuitParams,
    fit=_fit,
    sample=_sample,
    save=_save,
    load=_load,
    partitions=True,
    survey=_survey,
    summary="probabilistic circuit: seconds, the closest to the source, exact conditions; the default",
    licence=None,
    packages=("torch", "numpy", "scikit-learn", "scipy"),
    extras=with_train,
)
