"""One table of a family on its way to the generator and back: as a table alone, but for the columns of its keys.

A generator of several tables draws the keys itself, as they must name rows that it has drawn. So primary keys, and
keys to other tables, go past the written forms, the rules and what is made up, as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import ColumnPlan, fill, plan_columns, serialised
from synthkit.encoding.grouping import with_tails
from synthkit.encoding.keys import KeyRule, plan_key
from synthkit.encoding.origin import origins
from synthkit.encoding.taken import Taken
from synthkit.encoding.view import lay_down
from synthkit.encoding.writtenform import read_view
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.generators.exact.conditions import check_known, shares
from synthkit.generators.exact.drawing import seed_for, together
from synthkit.generators.exact.ruled import found_in, ruled
from synthkit.generators.functions import Share
from synthkit.generators.tables import Key
from synthkit.project.counts import apart
from synthkit.project.types import Conditions
from synthkit.records.columns import ColumnOrigin
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

LEAST = 500  # rows that are given back at once, at least: one that breaks a rule takes the values of another


@dataclass(frozen=True)
class KeyColumns:
    """The columns of a table that a generator of several tables draws as keys.

    Args:
        names: all of them, in the table's order.
        made: those that tell rows apart, or name a row of another table: nothing else is to be learnt of them.
        of: column → the table whose rows it names.
    """

    names: tuple[str, ...]
    made: frozenset[str]
    of: Mapping[str, str]

    @staticmethod
    def in_table(name: str, schema: Schema, keys: Sequence[Key]) -> KeyColumns:
        of = {c: key.references for key in keys if key.table == name for c in key.columns}
        own = frozenset(schema.primary_key if len(schema.primary_key) == 1 else ())
        named = frozenset(schema.primary_key) if any(key.references == name for key in keys) else own
        every = own | named | of.keys()
        return KeyColumns(tuple(n for n in schema.names if n in every), own | frozenset(of), of)


@dataclass(frozen=True)
class MemberPlan:
    """How one table of a family is learnt and completed.

    Args:
        columns: of the whole table; its keys are neither learnt there nor made up.
    """

    columns: ColumnPlan
    keys: KeyColumns

    @property
    def learnt(self) -> Schema:
        """What the generator is given of the table."""
        inner, whole = self.columns.inner, self.columns.schema
        keys = [
            replace(whole.by_name[n], type="id") if n in self.keys.made else whole.by_name[n] for n in self.keys.names
        ]
        return replace(whole, columns=(*keys, *inner.columns))

    def learn(self, known: Table, file: Path) -> Table:
        """The rows as the generator learns them, in ``file``.

        Args:
            known: the rows as they are read.
        """
        lay_down(map(self._learnt, known.batches()), file)
        return Table(self.learnt, (file,), known.rows, known.metadata)

    def _learnt(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa

        unit, learnt = self.columns.schema.privacy_unit, batch
        for step in self.columns.learnt.steps:
            learnt = step.learn(learnt)
        columns = {n: batch.column(n) if n in self.keys.names else learnt.column(n) for n in self.learnt.names}
        if unit is not None and unit in batch.schema.names:  # not learnt: who holds a value is counted by it
            columns.setdefault(unit, batch.column(unit))
        return pa.record_batch(list(columns.values()), names=list(columns))

    def shares(self, conditions: Conditions, known: Table | None) -> tuple[Share, ...]:
        """The conditions as shares of the rows.

        Args:
            known: the training rows as they are read, where they are at hand.

        Raises SynthError, BuildError where they cannot be met exactly.
        """
        wanted = self.columns.read.conditions(conditions)
        found = shares(wanted, self.columns.modelled)
        about, _ = apart(wanted, self.columns.modelled.by_name)
        if known is not None:
            check_known(about, known)
        for name in about:
            if self.columns.inner.by_name.get(name) != self.columns.modelled.by_name[name]:
                raise BuildError(
                    f"conditions: {name!r} follows from other columns by a rule, or its rare values are grouped, and "
                    "the rows of a family are not drawn again until one fits",
                    hint="write rules: none for the table, or drop rare: of the column",
                )
        return found

    def complete(
        self,
        drawn: Table,
        *,
        seed: int,
        fixed: Sequence[str] = (),
        taken: Mapping[str, Taken] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Drawn rows in the table's columns, forms and Arrow types; the same seed gives the same ones.

        Args:
            drawn: as the generator gave them.
            fixed: columns whose drawn values stay, as they have conditions.
            taken: of other columns that are made up as keys, what they must leave alone.

        Raises:
            BuildError: made-up values do not fit a column's type, or a primary key has no room for so many rows.
        """
        plan = self.columns
        keys = tuple(plan.schema.by_name[n] for n in self.keys.names)
        whole = replace(plan, modelled=replace(plan.modelled, columns=(*keys, *plan.modelled.columns)))
        back = self._given_back(together(drawn.batches(), LEAST), seed_for(seed, "learnt"), fixed)
        kept = (*fixed, *self.keys.names)
        filled = fill(back, whole, rows=drawn.rows, seed=seed_for(seed, "fill"), fixed=kept, taken=taken)
        return plan.read.restore(filled, seed_for(seed, "read"))

    def _given_back(
        self, batches: Iterator[pa.RecordBatch], seed: int, fixed: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        import numpy as np
        import pyarrow as pa

        rng = np.random.default_rng(seed)
        inner = [c.name for c in self.columns.inner.columns]
        for batch in batches:
            rows = batch.select(inner)
            if inner:
                for step in reversed(self.columns.learnt.steps):
                    rows = step.restore(rows, rng)
            found = {n: rows.column(n) for n in rows.schema.names}
            found |= {n: batch.column(n) for n in (*self.keys.names, *fixed)}
            yield pa.record_batch(list(found.values()), names=list(found))

    def origins(self, models: Mapping[str, str]) -> tuple[ColumnOrigin, ...]:
        """Where each column comes from; a key to another table says which.

        Args:
            models: table → what its rows are published as.
        """
        found = []
        for origin in origins(self.columns):
            if origin.name in self.keys.of:
                found.append(ColumnOrigin(name=origin.name, how="key", by=models[self.keys.of[origin.name]]))
            elif origin.name in self.keys.made:
                found.append(ColumnOrigin(name=origin.name, how="key"))
            else:
                found.append(origin)
        return tuple(found)

    @property
    def rules(self) -> tuple[str, ...]:
        """That drawn rows keep although nobody declared them, as text."""
        return found_in(self.columns)

    def to_json(self) -> dict[str, Any]:
        keys = {"names": list(self.keys.names), "made": sorted(self.keys.made), "of": dict(self.keys.of)}
        return {"columns": self.columns.to_json(), "keys": keys}

    @staticmethod
    def from_json(data: Json) -> MemberPlan:
        keys = data["keys"]
        named = KeyColumns(tuple(keys["names"]), frozenset(keys["made"]), dict(keys["of"]))
        return MemberPlan(ColumnPlan.from_json(data["columns"]), named)


def plan_member(
    table: Table, keys: KeyColumns, file: Path, *, declared: Mapping[str, str], found: bool
) -> tuple[MemberPlan, Table]:
    """Look at a table's training rows once and decide for each column; with it the rows as they are read, in ``file``.

    Args:
        declared: rule → where it is declared.
        found: whether rules that the rows show are kept, too.

    Raises:
        BuildError: a column can be neither learnt nor made up, or training rows break a declared rule.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    view = read_view(replace(table, schema=without_keys(table.schema, keys)))
    known = view.learn(table, file)
    arrow = pq.read_schema(known.paths[0])
    alone = plan_columns(replace(known, schema=without_keys(known.schema, keys)), view)
    plan = replace(
        alone,
        schema=known.schema,
        arrow=serialised(pa.schema([arrow.field(n) for n in known.schema.names])),
        key=_key_rule(known, alone, keys),
    )
    kept = ruled(plan, known, declared, found=found, private=False)
    order = known.schema.order_by
    if (
        order is not None
        and order in plan.modelled.by_name
        and kept.inner.by_name.get(order) != plan.modelled.by_name[order]
    ):
        # Rows follow one another by it, so it is learnt as it is, and not as what follows from others.
        rest = replace(plan, modelled=plan.modelled.select([n for n in plan.modelled.names if n != order]))
        kept = replace(plan, learnt=ruled(rest, known, declared, found=found, private=False).learnt)
    return MemberPlan(with_tails(kept, known), keys), known


def without_keys(schema: Schema, keys: KeyColumns) -> Schema:
    """The columns that no key is made of."""
    return replace(schema, columns=tuple(c for c in schema.columns if c.name not in keys.names), primary_key=())


def _key_rule(known: Table, plan: ColumnPlan, keys: KeyColumns) -> KeyRule | None:
    """How a primary key of several columns stays unique: by those that the generator does not draw as keys."""
    if len(known.schema.primary_key) < 2:
        return None
    kinds = {rule.column.name: "key" if rule.unique else rule.kind for rule in plan.filled}
    return plan_key(known, {**kinds, **dict.fromkeys(keys.names, "drawn")})


def reading(plan: MemberPlan, table: Table, file: Path) -> Table:
    """The rows as they are read, of a plan that was made before."""
    return plan.columns.read.learn(table, file)


def laid_down(
    batches: Iterable[tuple[str, pa.RecordBatch]], plans: Mapping[str, MemberPlan], folder: Path
) -> dict[str, Table]:
    """Each table's rows as the generator gives them, in a file: how many there will be is only known at the end.

    Args:
        plans: by table; rows of others are passed over.
    """
    import pyarrow.parquet as pq

    counts = dict.fromkeys(plans, 0)
    files = {name: folder / f"drawn{number}.parquet" for number, name in enumerate(plans)}
    with ExitStack() as held:
        writers: dict[str, pq.ParquetWriter] = {}
        for name, batch in batches:
            if name not in plans:
                continue
            if name not in writers:
                writers[name] = held.enter_context(pq.ParquetWriter(files[name], batch.schema))
            writers[name].write_batch(batch)
            counts[name] += batch.num_rows
    return {name: Table(plan.learnt, (files[name],), counts[name]) for name, plan in plans.items()}
