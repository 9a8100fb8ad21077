"""Learning and drawing tables, one or several, with a generator that may know one alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError
from synthkit.generators.base import Budget, Progress, Quota, Related, Trained
from synthkit.generators.functions import Asked
from synthkit.generators.tables import Tables

if TYPE_CHECKING:
    import pyarrow as pa


def fit_tables(
    generator: Trained,
    tables: Tables,
    params: Any,
    *,
    budget: Budget | None,
    seed: int,
    device: str,
    progress: Progress,
    **resuming: Any,
) -> Any:
    """Learn the tables: a single one by the generator's ``fit``, which knows nothing of others.

    Args:
        resuming: ``checkpoint``, where the generator resumes; ``surveys``, where its columns were surveyed.

    Raises:
        SynthError: there are several, and the generator learns one alone.
    """
    given: dict[str, Any] = {"budget": budget, "seed": seed, "device": device, "progress": progress}
    if tables.alone is not None:
        return generator.fit(tables.alone, params, **given, **resuming)
    return _related(generator, tables).fit(tables, params, **given)


def sample_tables(
    generator: Trained,
    tables: Tables,
    model: Any,
    rows: int,
    *,
    conditions: Sequence[Quota],
    seed: int,
    progress: Progress,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Draw ``rows`` rows of the first table and what hangs on them, as (table, rows). Raises as :func:`fit_tables`."""
    if tables.alone is not None:
        batches = generator.sample(model, rows, conditions=conditions, seed=seed, progress=progress)
        return ((tables.root, batch) for batch in batches)
    _related(generator, tables)
    return draw_related(generator, model, rows, conditions=conditions, seed=seed, progress=progress)


def draw_related(
    generator: Trained,
    model: Any,
    rows: int,
    *,
    conditions: Sequence[Quota],
    seed: int,
    progress: Progress,
    asked: Mapping[str, Asked] | None = None,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Draw tables that were learnt together.

    Args:
        asked: of other tables than the first.

    Raises:
        SynthError: the generator takes conditions on the columns of the first table alone.
    """
    related = generator.related
    assert related is not None
    if not asked and not any(quota.counts for quota in conditions):
        return related.sample(model, rows, conditions=conditions, seed=seed, progress=progress)
    if related.sample_asked is None:
        raise SynthError(
            f"generator {generator.name!r} takes conditions on columns of the first table alone",
            hint="drop at_least, at_most and the other conditions, or choose conditional",
        )
    return related.sample_asked(model, rows, conditions=conditions, seed=seed, progress=progress, asked=asked or {})


def _related(generator: Trained, tables: Tables) -> Related:
    if generator.related is None:
        names = ", ".join(map(repr, tables.members))
        raise SynthError(
            f"the generator {generator.name!r} learns one table alone, not {names} together",
            hint="give each table a model of its own, or choose a generator that learns related tables",
        )
    return generator.related
