"""Rows from a fitted model: drawn under conditions and rules, and completed by what is made up.

A worker of a build and ``synthkit.fit`` draw alike, so that the same model and seed give the same rows in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import BATCH, ColumnPlan, fill
from synthkit.encoding.fill import undivided as not_apart
from synthkit.encoding.portion import Portion
from synthkit.encoding.taken import Taken
from synthkit.generators.base import Progress, Quota, Sample, Trained, silent
from synthkit.generators.exact.conditions import quotas, shared_out
from synthkit.generators.exact.constraints import keeps, unchanging, within
from synthkit.generators.exact.rejection import PerQuota, fill_quotas
from synthkit.project.partition import WHOLE, Partition, partitions_of
from synthkit.project.types import Conditions
from synthkit.rules.inequality import Inequality

if TYPE_CHECKING:
    import pyarrow as pa


TOGETHER = 500  # rows that are given back at once, at least: one that breaks a rule takes the values of another


def draw(
    generator: Trained,
    model: Any,
    plan: ColumnPlan,
    *,
    rows: int,
    conditions: Conditions,
    rules: Sequence[Inequality],
    seed: int,
    progress: Progress,
    taken: Mapping[str, Taken] | None = None,
    partition: Partition = WHOLE,
) -> Iterator[pa.RecordBatch]:
    """Exactly ``rows`` rows, or a partition of them, in the source's columns and Arrow types.

    The same seed gives the same rows.

    Args:
        model: what the generator's ``fit`` gave; not looked at where the plan leaves it no column to learn.
        conditions: as a model's ``conditions:`` has them.
        rows: of the whole table.
        rules: that hold in every row.
        partition: the part of the rows that is drawn; of others than the whole, :func:`undivided` says nothing.
        taken: keys that real rows have, by column, where drawn ones must be others.

    Raises:
        SynthError: the conditions are not valid for the columns.
        BuildError: a rule's column is made up, or (while drawing) too few rows satisfy conditions and rules.
    """
    fixed, conditions = unchanging(rules, plan), plan.read.conditions(conditions)
    portion, own, seed = Portion(partition, rows, seed), partition.rows(rows), partition.seed(seed)
    drawn: Iterator[pa.RecordBatch] = iter(())
    if plan.modelled.columns:
        wanted = shared_out(quotas(conditions, rows, plan.modelled), partition) if conditions else ()
        sample = within(restored(generator, plan), rules, fixed, generator.name)
        drawn = sample(model, own, conditions=wanted, seed=seed_for(seed, "sample"), progress=progress)
    kept = keeps(rules) | conditions.keys()
    if plan.held:  # rows that are alike are looked for in many
        drawn = together(drawn, BATCH)
    filled = fill(
        drawn,
        plan,
        rows=own,
        seed=seed_for(seed, "fill"),
        fixed=kept,
        asked=conditions.keys(),
        rules=rules,
        taken=taken,
        portion=portion,
    )
    return plan.read.restore(filled, seed_for(seed, "read"))


def draw_all(
    generator: Trained,
    model: Any,
    plan: ColumnPlan,
    *,
    rows: int,
    conditions: Conditions,
    rules: Sequence[Inequality],
    seed: int,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """All rows of a table, as a build draws them: one partition after the other. Otherwise as :func:`draw`."""
    of = partitions_of(rows, None)
    if undivided(generator, plan, conditions=conditions, rules=rules, partitions=of) is not None:
        of = 1
    for index in range(of):
        partition = Partition(index, of)
        before = partition.start(rows)

        def report(done: int, total: int, unit: str, note: str = "", before: int = before) -> None:
            del total
            progress(before + done, rows, unit, note)

        yield from draw(
            generator,
            model,
            plan,
            rows=rows,
            conditions=conditions,
            rules=rules,
            seed=seed,
            progress=report,
            partition=partition,
        )


def undivided(
    generator: Trained, plan: ColumnPlan, *, conditions: Conditions, rules: Sequence[Inequality], partitions: int
) -> str | None:
    """Why a table cannot be drawn in so many partitions, which know nothing of each other; None where it can.

    Then it is drawn whole, by one process. Arguments as those of :func:`draw`.
    """
    if partitions == 1:
        return None
    if plan.modelled.columns and not generator.partitions:
        return f"{generator.name} does not say that it draws partitions"
    return not_apart(plan, keeps(rules) | plan.read.conditions(conditions).keys(), partitions)


def together(batches: Iterator[pa.RecordBatch], least: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at least so many, where there are as many."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    ready: pa.RecordBatch | None = None
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= least:
            if ready is not None:
                yield ready
            ready, held = pa.concat_batches(held), []
    left = [b for b in (ready, *held) if b is not None]
    if left:
        yield pa.concat_batches(left)


def restored(generator: Trained, plan: ColumnPlan) -> Sample:
    """The generator's ``sample``, giving the table's modelled columns whatever it learnt of them.

    Conditions on a column that it learnt as it is are its own; where one is not, rows are drawn until they are met.
    """
    sample = generator.sample
    if not plan.learnt.steps:
        return sample
    as_is = {c.name for c in plan.inner.columns if plan.modelled.by_name.get(c.name) == c}

    def drawn(
        model: Any, rows: int, values: Mapping[str, Any], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        """Rows with these values, as far as no rule gave them others."""
        many = max(rows, TOGETHER)
        asked = (Quota(values, many),) if values else ()
        batches = together(sample(model, many, conditions=asked, seed=seed, progress=progress), TOGETHER)
        for batch in plan.learnt.restore(batches, seed_for(seed, "learnt")):
            kept = batch.slice(0, rows)
            rows -= kept.num_rows
            if kept.num_rows:
                yield kept

    def sample_restored(
        model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        if not conditions:
            return drawn(model, rows, {}, seed, progress)
        turns = count()

        def source(quota: int, wanted: int) -> Iterator[pa.RecordBatch]:
            values = {k: v for k, v in conditions[quota].values.items() if k in as_is}
            return drawn(model, wanted, values, seed_for(seed, f"turn {next(turns)}"), silent)

        # What is given back may be another value than was asked for, where a rule mended it.
        return fill_quotas(PerQuota(source, generator.name), conditions, rows, seed=seed, progress=progress)

    return sample_restored


def seed_for(seed: int, purpose: str) -> int:
    """The seed of one purpose (``fit``, ``sample``, ``fill``), so that none repeats another's choices: 32 bits."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:4], "big")
