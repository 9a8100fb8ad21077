"""``aim``: one table (:mod:`..marginals`), or tables that hang together, each unit of which is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.generators.base import Budget, Progress, Quota, Related
from synthkit.generators.marginals import generator as alone
from synthkit.generators.marginals.fitted import Marginals
from synthkit.generators.tables import Shape, Tables
from synthkit.privacy.accounting.mechanisms import Mechanism

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.generators.units.model import Units


def _fit(tables: Tables, params: Any, *, budget: Budget | None, seed: int, device: str, progress: Progress) -> Units:
    from synthkit.generators.units.learn import fit_tables

    return fit_tables(tables, params, budget=budget, seed=seed, device=device, progress=progress)


def _sample(
    model: Units, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    from synthkit.generators.units.draw import sample_tables

    return sample_tables(model, rows, conditions=conditions, seed=seed, progress=progress)


def _mechanisms(params: Any, budget: Budget, shape: Shape) -> tuple[Mechanism, ...]:
    from synthkit.generators.units.schedule import mechanisms

    return mechanisms(params, budget, shape)


def _counts(model: Units, table: str, column: str) -> tuple[tuple[float, ...], float]:
    return alone.counts(model.by_name[table].marginals, column)


def _save(model: Marginals | Units, directory: Path) -> None:
    if isinstance(model, Marginals):
        return alone.save(model, directory)
    from synthkit.generators.units.storing import save

    return save(model, directory, alone.save)


def _load(directory: Path) -> Marginals | Units:
    from synthkit.generators.units.storing import FILE, load

    return load(directory, alone.load) if (directory / FILE).exists() else alone.load(directory)


AIM = replace(
    alone.AIM,
    save=_save,
    load=_load,
    related=Related(_fit, _sample, mechanisms=_mechanisms, budgeted=True, counts=_counts),
)
