"""What the generator does: learn and draw a family, one table, or one table whose rows are sequences of entities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.files import scratch
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.draw import Drawing
from synthkit.generators.family.learn import learn
from synthkit.generators.family.model import Family
from synthkit.generators.functions import Asked, Budget, Progress, Quota
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

SPARE = 1.1  # entities drawn for those that seem to be needed for so many rows


def fit_tables(
    tables: Tables, params: ConditionalParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> Family:
    """Learn tables that hang together. See :class:`~synthkit.generators.functions.FitTables`."""
    del device
    _no_budget(budget)
    for name, table in tables.members.items():
        if not table.rows:
            raise BuildError(f"table {name!r} has no row to learn from", hint="leave it out of the family")
    order = {name: table.schema.order_by for name, table in tables.members.items()}
    return learn(tables, order, params, seed, progress)


def sample_tables(
    model: Family,
    rows: int,
    *,
    conditions: Sequence[Quota],
    seed: int,
    progress: Progress,
    asked: Mapping[str, Asked] | None = None,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Draw tables. See :class:`~synthkit.generators.functions.SampleTables`."""
    return Drawing(model, rows, seed, asked).tables(conditions, progress)


def fit(
    table: Table, params: ConditionalParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> Family:
    """Learn one table; where it says whose rows are a sequence, as a family of entities and their rows."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    entity = table.schema.entity
    if entity is None:
        return fit_tables(Tables.of(table), params, budget=budget, seed=seed, device=device, progress=progress)
    _no_budget(budget)
    if not table.rows:
        raise BuildError("there is nothing to learn from: the table has no rows")
    column = table.schema.by_name[entity]
    owner = f"{entity} (entities)"
    with scratch("entities") as folder:
        file = Path(folder) / "entities.parquet"
        known = pc.unique(table.to_arrow([entity]).column(0).combine_chunks()).drop_null()
        pq.write_table(pa.table({entity: known}), file)
        named = Column(entity, "id", column.sql_type, nullable=False)
        entities = Table(Schema((named,), primary_key=(entity,)), (file,), len(known))
        tables = Tables({owner: entities, "table": table}, (Key("table", (entity,), owner, owner=True),))
        found = learn(tables, {"table": table.schema.order_by}, params, seed, progress)
    return Family(found.members, found.root, "table", table.rows / len(known))


def sample(
    model: Family, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Draw rows of one table; of sequences whole entities, the last of which ends where there are enough rows."""
    if model.entity is None:
        for _, batch in Drawing(model, rows, seed).tables(conditions, progress):
            yield batch
        return
    if conditions:
        raise BuildError(
            "conditions on a table of sequences are about rows, which follow one another",
            hint="leave them out, or give the entities a table of their own and ask there",
        )
    left, turn, drawing = rows, 0, None
    while left > 0:
        entities = max(10, int(SPARE * left / model.rows_per_entity) + 1)
        drawing = Drawing(model, entities, seed + turn, before=None if drawing is None else drawing.numbering)
        for name, batch in drawing.tables((), progress):
            if name == model.entity and left > 0:
                kept = batch.slice(0, left)
                left -= kept.num_rows
                yield kept
        turn += 1


def _no_budget(budget: Budget | None) -> None:
    if budget is not None:
        raise BuildError(
            "the generator 'conditional' gives no differential privacy",
            hint="leave epsilon out, or choose a generator that honours it",
        )
