"""``aim``, ``mst`` and ``independent``: differentially private tables from noisy marginals.

``aim`` measures every column by itself, then, round by round, the pair (or triple) of columns that its model gets most
wrong, and infers a graphical model from all of it (McKenna, Mullins, Sheldon & Miklau 2022, "AIM: An Adaptive and
Iterative Mechanism for Differentially Private Synthetic Data"). ``mst`` measures a tree of pairs (McKenna, Miklau &
Sheldon 2021), ``independent`` no pairs at all. Drawing rows is post-processing and costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder
from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained, with_train
from synthkit.generators.exact.rejection import PerQuota, about, fill_quotas, in_batches
from synthkit.generators.marginals.fitted import Marginals
from synthkit.generators.marginals.params import AimParams, IndependentParams, MarginalParams, MstParams
from synthkit.generators.marginals.schedule import schedule
from synthkit.privacy.accounting.mechanisms import Mechanism
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.generators.marginals.sampling import Sampler

BATCH = 65_536  # rows given out at once
LEAST = 64  # rows drawn at once where some turn out impossible
PATIENCE = 100  # draws in a row without a single possible one


def counts(model: Marginals, column: str) -> tuple[tuple[float, ...], float]:
    from synthkit.generators.marginals.cuts import noisy_counts

    return noisy_counts(model.encoder.axes, model.cuts, column)


def _mechanisms(params: MarginalParams, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]:
    return schedule(params, budget, schema).mechanisms


def _fit(
    name: str,
    table: Table,
    params: MarginalParams,
    budget: Budget | None,
    progress: Progress,
) -> Marginals:
    from synthkit.generators.marginals.fit import learn
    from synthkit.generators.marginals.release import Releases, same
    from synthkit.privacy.accounting.noise import Noise

    if budget is None:
        raise BuildError(
            f"{name} learns from noisy marginals, and needs epsilon to know how noisy",
            hint="give the model an epsilon, or take another generator: circuit needs none",
        )
    plan = schedule(params, budget, table.schema)
    noise = Noise.secure() if budget.insecure_seed is None else Noise.seeded(budget.insecure_seed)
    releases = Releases(noise, budget.max_rows_per_unit)
    found = learn(table, params, plan, releases, progress)
    if not same(releases.spent, plan.mechanisms):
        raise AssertionError(f"{name} released {releases.spent}, but was to release {plan.mechanisms}")
    return Marginals(found.encoder, found.cuts, found.zeros, found.model)


def _sample(
    model: Marginals, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    import numpy as np

    random = np.random.default_rng(seed)
    if conditions:
        yield from fill_quotas(_exact(model, conditions, random), conditions, rows, seed=seed, progress=progress)
        return
    empty = 0

    def draw(count: int) -> pa.RecordBatch:
        nonlocal empty
        batch = model.rows(model.sampler, max(count, LEAST if model.zeros else 0), random).slice(0, count)
        empty = 0 if batch.num_rows else empty + 1
        if empty == PATIENCE:
            raise BuildError("hardly any row that the model draws is possible", hint="drop a rule of impossible:")
        return batch

    yield from in_batches(draw, rows, BATCH, progress)


def _exact(model: Marginals, quotas: Sequence[Quota], random: np.random.Generator) -> PerQuota:
    """Draws every quota from its own conditional distribution, so that no row is drawn in vain."""
    samplers: dict[int, Sampler] = {}

    def draw(i: int, rows: int) -> Iterator[pa.RecordBatch]:
        if i not in samplers:
            with about(quotas[i]):
                samplers[i] = model.given(quotas[i])
        yield model.encoder.with_values(model.rows(samplers[i], rows, random), quotas[i].values)

    return PerQuota(draw, "aim")


def save(model: Marginals, directory: Path) -> None:
    from safetensors.numpy import save_file

    arrays = {f"tables.{i}": t for i, t in enumerate(model.model.tables)}
    arrays |= {f"shared.{i}": s.reshape(s.shape or (1,)) for i, s in enumerate(model.model.shared)}
    for i, cut in enumerate(model.cuts):
        arrays |= {f"cuts.{i}.{name}": a for name, a in cut.to_arrays().items()}
    tree = model.model.tree
    record = {
        "encoder": model.encoder.to_json(),
        "cliques": tree.cliques,
        "parents": tree.parents,
        "sizes": model.model.sizes,
        "zeros": [asdict(z) for z in model.zeros],
    }
    save_file({k: a.copy(order="C") for k, a in arrays.items()}, str(directory / "marginals.safetensors"))
    (directory / "marginals.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def load(directory: Path) -> Marginals:
    from safetensors.numpy import load_file

    from synthkit.generators.marginals.cuts import Cut
    from synthkit.generators.marginals.junction import JunctionTree
    from synthkit.generators.marginals.model import Model
    from synthkit.generators.marginals.zeros import Impossible

    record = json.loads((directory / "marginals.json").read_text("utf-8"))
    arrays = load_file(str(directory / "marginals.safetensors"))
    tree = JunctionTree(tuple(tuple(c) for c in record["cliques"]), tuple(record["parents"]))
    tables = [arrays[f"tables.{i}"] for i in range(len(tree.cliques))]
    shared = [arrays[f"shared.{i}"].reshape([record["sizes"][c] for c in s]) for i, s in enumerate(_separators(tree))]
    cuts = tuple(
        Cut.from_arrays({k: arrays[f"cuts.{i}.{k}"] for k in ("starts", "end", "cell", "weights")})
        for i in range(len(record["sizes"]))
    )
    zeros = tuple(Impossible(tuple(z["columns"]), tuple(z["positions"])) for z in record["zeros"])
    return Marginals(
        DeclaredEncoder.from_json(record["encoder"]), cuts, zeros, Model(tree, tuple(record["sizes"]), tables, shared)
    )


def _separators(tree: Any) -> list[tuple[int, ...]]:
    return [tree.separator(i) if parent >= 0 else () for i, parent in enumerate(tree.parents)]


def _generator(name: str, params: type[MarginalParams], summary: str) -> Trained:
    def fit(
        table: Table, params: Any, *, budget: Budget | None, seed: int, device: str, progress: Progress
    ) -> Marginals:
        del seed, device  # all randomness of a fit is the noise's, and nothing here is worth a GPU
        return _fit(name, table, params, budget, progress)

    return Trained(
        name=name,
        version=4,
        params=params,
        fit=fit,
        sample=_sample,
        save=save,
        load=load,
        partitions=True,
        mechanisms=_mechanisms,
        budgeted=True,
        counts=counts,
        summary=summary,
        packages=("numpy", "scipy"),
        extras=with_train,
    )


AIM = _generator("aim", AimParams, "noisy marginals chosen where the model is most wrong; the default with epsilon")
MST = _generator("mst", MstParams, "a tree of noisy pairs, with epsilon")
INDEPENDENT = _generator("independent", IndependentParams, "noisy columns, each by itself, with epsilon")
