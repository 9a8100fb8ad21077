"""A family seen as one table: a row for each entity with all that is theirs, or rows with what they hang on.

What such a view is written to lies in a folder of its own, which goes with the audit's process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult
from synthkit.audits.relations.columns import WORLDS, Named, aggregates, beside, joined, plain
from synthkit.audits.relations.steps import entity_columns, family_links, order_column, steps
from synthkit.audits.rows.links import Links, World, world_of
from synthkit.files import scratch
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

SIDES: tuple[Side, ...] = ("synthetic", "train", "holdout")
UNIT = "unit"  # the column of a view that says whose an entity is; no other name is without a dot
By = Literal["unit", "row"]  # what an entity is: what is held out together, or a row of the root


def kinds(found: Links) -> tuple[By, ...]:
    """What the entities are.

    Rows of a root that own others, and are several of one unit, are looked at both ways. Which drawn ones are of one
    unit is made up: who copies an account with all that is its own need not copy whose else it is.
    """
    if found.unit_column(found.family.table) is None:
        return ("row",)
    return ("unit", "row") if found.family.owned(found.family.table) else ("unit",)


def worse(found: Mapping[By, AuditResult]) -> AuditResult:
    """Of what an audit came to for each kind of entities the worse; of equally bad ones the first, or greater one."""
    order = ("error", "fail", "warn", "inconclusive", "pass", "skipped")
    by, result = min(found.items(), key=lambda f: (order.index(f[1].status), -(f[1].value or 0.0)))
    return replace(result, details={**result.details, "entities": by}) if len(found) > 1 else result


def entities_on(found: Links, side: Side, by: By) -> Array:
    """The number of each entity of a side, in its world."""
    import numpy as np

    table, world = found.family.table, world_of(side)
    if by == "unit":
        return np.unique(found.on(side, table, found.units(world, table)))
    part = found.part(side, table)
    return np.arange(part.start, part.stop)


def has_entities(found: Links) -> bool:
    """Whether entities are rows of the audited table, or a column of it says whose its rows are."""
    family, table = found.family, found.family.table
    return family.owner(table) is None and (found.unit_column(table) is not None or bool(family.owned(table)))


def of_entities(found: Links, world: World, by: By) -> Named:
    """For each entity of a world: its own columns, and what all rows that belong to it are, table by table. Of several
    rows of the root that are of one unit, what they are together."""
    family, table = found.family, found.family.table
    units = found.units(world, table)
    if by == "row":
        total = len(units)
        parts = [plain(found, world, table)]
    else:
        total = int(units.max(initial=-1)) + 1
        parts = [aggregates(found, world, table, units, total)]
    for below in family.owned(table):
        whose = ancestors(found, world, below) if by == "row" else found.units(world, below)
        parts.append(aggregates(found, world, below, whose, total))
    return beside(parts)


def entity_view(context: AuditContext, by: By) -> AuditContext:
    """The context over one row for each entity: what it is, and what all that belongs to it is. Its privacy unit is
    that of the root's rows, where these are the entities and several are of one unit."""
    import pyarrow as pa

    found = family_links(context)
    several = by == "row" and found.unit_column(found.family.table) is not None
    own = {UNIT: Column(UNIT, "id", "BIGINT")} if several else {}

    def make() -> AuditContext:
        whole = {world: of_entities(found, world, by) for world in WORLDS}

        def read(side: Side) -> pa.Table:
            rows = _arrow(whole[world_of(side)].take(entities_on(found, side, by)))
            return rows.append_column(UNIT, pa.array(units_of(context, side))) if several else rows

        return _written(context, read, own, UNIT if several else None)

    return context.shared(("entity view", by), make)


def joined_view(context: AuditContext) -> AuditContext:
    """The context over the table's rows with all that they hang on: their ancestors' columns, what belongs to them, and
    the row before them in their sequence. The table's own columns have their names."""
    found = family_links(context)
    own = {c.name: c for c in context.schema.columns}

    def read(side: Side) -> pa.Table:
        rows = context.arrow(side).select([n for n in own if n in _shared(context)])
        around = _around(found, side)
        names = _told_apart([*rows.column_names, *around.names])[rows.num_columns :]
        further = _arrow(Named(tuple(names), around.values, around.coded))
        for name in further.column_names:
            rows = rows.append_column(name, further[name])
        return rows

    def make() -> AuditContext:
        made = _written(context, read, own)
        for side in SIDES:
            made.shared(("entities", side), lambda s=side: units_of(context, s))  # type: ignore[misc]
        return made

    return context.shared(("joined view",), make)


def units_of(context: AuditContext, side: Side) -> Array:
    """The entity of each of the table's rows on a side."""
    found = family_links(context)
    return found.on(side, found.family.table, found.units(world_of(side), found.family.table))


def _shared(context: AuditContext) -> frozenset[str]:
    names = [set(t.schema.names) for s in SIDES if (t := context.side(s)) is not None]
    return frozenset(set.intersection(*names))


def _around(found: Links, side: Side) -> Named:
    """What is known of each row beside its own columns."""
    import numpy as np

    family, table, world = found.family, found.family.table, world_of(side)
    part = found.part(side, table)
    own = plain(found, world, table)
    parts = [_without(joined(found, world, table, coded=True), len(own.names))]
    total = sum(found.rows(s, table) for s in found.sides(world, table))
    for below in family.owned(table):
        parts.append(aggregates(found, world, below, ancestors(found, world, below), total))
    everything = beside(parts)
    taken = [Named(everything.names, everything.values[part], everything.coded)]
    if order_column(found) is not None and entity_columns(found):
        before = np.full(part.stop - part.start, -1)
        at = steps(found, side)
        before[at.rows[at.later] - part.start] = at.rows[at.later - 1]
        last = own.take(before)
        taken.append(Named(tuple(f"before: {n}" for n in last.names), last.values, last.coded))
    return beside(taken)


def ancestors(found: Links, world: World, table: str) -> Array:
    """For each row of a table that the audited one owns: the number of the audited table's row that it belongs to."""
    import numpy as np

    key = found.family.owner(table)
    assert key is not None
    named = found.named(world, key)
    if key.references == found.family.table:
        return named
    above = ancestors(found, world, key.references)
    return np.where(named >= 0, above[np.maximum(named, 0)], -1) if len(above) else named


def _without(named: Named, first: int) -> Named:
    return Named(named.names[first:], named.values[:, first:], named.coded[first:])


def _arrow(named: Named) -> pa.Table:
    """Numbers as they are, codes as text, under names that SQL tells apart."""
    import numpy as np
    import pyarrow as pa

    columns = {}
    for i, name in enumerate(_told_apart(named.names)):
        values = named.values[:, i]
        missing = ~np.isfinite(values)
        if named.coded[i]:
            columns[name] = pa.array(np.where(missing, 0, values).astype(int).astype(str), pa.string(), mask=missing)
        else:
            columns[name] = pa.array(values, pa.float64(), mask=missing)
    return pa.table(columns) if columns else pa.table({"nothing": pa.nulls(len(named.values), pa.float64())})


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names without what ends a name, none the same as another in small letters: a category is part of some."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain_name, number = name.replace("\x00", "␀"), 1
        told = plain_name
        while told.lower() in taken:
            number += 1
            told = f"{plain_name} ({number})"
        taken.add(told.lower())
        found.append(told)
    return found


def _written(
    context: AuditContext, read: Callable[[Side], pa.Table], own: dict[str, Column], unit: str | None = None
) -> AuditContext:
    """A context over what ``read`` gives of each side, ``own`` columns as they are, ``unit`` one that says whose a row
    is."""
    import pyarrow.parquet as pq

    folder = scratch("view")
    tables = {}
    for side in SIDES:
        rows = read(side)
        path = Path(folder.name) / f"{side}.parquet"
        pq.write_table(rows, path)
        columns = tuple(own.get(n) or _column(n, rows.schema.field(n).type) for n in rows.column_names)
        tables[side] = Table(Schema(columns, privacy_unit=unit), (path,), rows.num_rows)
    made = AuditContext(
        tables["synthetic"].schema, tables["synthetic"], tables["train"], tables["holdout"], context.seed,
        training=context.training,
    )  # fmt: skip
    made.shared(("folder",), lambda: folder)  # which goes when the view does
    return made


def _column(name: str, kind: pa.DataType) -> Column:
    import pyarrow.types as t

    return Column(name, "float", "DOUBLE") if t.is_floating(kind) else Column(name, "categorical", "VARCHAR")
