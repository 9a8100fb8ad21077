"""Whole units as canaries: a row of the root with all that is its own, put into a family's training or not, by a coin.

Each table has a design of its own (:mod:`.canaries`), and a canary the values of its place in each. Every unit has as
many rows as it may, all alike: so if rows were counted one by one, it would show as often. What is public, and looked
up, is three rows of nobody. What this does not attack are the numbers of rows, which are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import PrivateTraining
from synthkit.audits.privacy.canaries import Design, design
from synthkit.generators.tables import Shape, Tables
from synthkit.generators.units.levels import Level, root_level, walk
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

DRAWN = 1_000_000  # rows of all tables, about
MOST_BELOW = 100  # rows of one owner, where more may be
PUBLIC = 3  # rows of a public table


@dataclass(frozen=True)
class Units:
    """What an attack trains on.

    Args:
        designs: of each table that is learnt from, in the order of :func:`walk`.
    """

    shape: Shape
    levels: tuple[Level, ...]
    designs: Mapping[str, Design]

    @staticmethod
    def of(shape: Shape, *, canaries: int, rows: int, grid: int, random: np.random.Generator, folder: Path) -> Units:
        levels = tuple(level for level in walk(root_level(shape)))
        found = {}
        for level in levels:
            if level.columns:
                said = {"canaries": canaries, "rows": rows, "grid": grid, "copies": 1}
                found[level.name] = design(Schema(level.columns), random=random, directory=folder, **said)
        return Units(shape, levels, found)

    def tables(self, inside: Array, random: np.random.Generator, folder: Path) -> Tables:
        """The known units and the canaries that are ``inside``, each with all its rows."""
        import numpy as np
        import pyarrow as pa

        root = self.designs[self.levels[0].name]
        known = np.arange(len(root.patterns)).repeat(root.repeats)
        who = random.permutation(np.concatenate([known, -1 - np.flatnonzero(inside)]))
        members: dict[str, Table] = {}
        rows: dict[str, Array] = {}
        for level in self.levels:
            owner = np.zeros(len(who), dtype=np.int64)
            mine = who
            if level.key is not None:
                above = rows[level.key.references]
                owner = np.arange(len(above)).repeat(min(level.most, MOST_BELOW))
                mine = above[owner]
            batch = self._batch(level, mine)
            rows[level.name] = mine
            columns = {c.name: batch.column(c.name) for c in level.columns}
            numbers = pa.array(np.arange(len(mine)) + 1).cast(pa.string())
            columns |= {level.primary: numbers} if level.primary else {}
            if level.key is not None:
                columns[level.key.columns[0]] = pa.array(owner + 1).cast(pa.string())
            for key in level.lookups:
                columns |= {c: pa.array(np.abs(mine) % PUBLIC + 1).cast(pa.string()) for c in key.columns}
            members[level.name] = _at_rest(level.name, columns, self.shape.schemas[level.name], folder)
        for name in self.shape.kept:
            schema = self.shape.schemas[name]
            public = {c: pa.array([str(i + 1) for i in range(PUBLIC)]) for c in schema.primary_key}
            members[name] = _at_rest(name, public, schema, folder)
        ordered = {name: members[name] for name in self.shape.schemas}
        return Tables(ordered, self.shape.keys, self.shape.first, self.shape.kept)

    def _batch(self, level: Level, who: Array) -> pa.RecordBatch:
        """The rows of a table: of known units in turn the patterns, of a canary its values."""
        import numpy as np
        import pyarrow as pa

        plan = self.designs.get(level.name)
        if plan is None:
            return pa.RecordBatch.from_pylist([])
        canary = plan.canaries[np.clip(-1 - who, 0, None)]
        return plan.decode(np.where((who < 0)[:, None], canary, plan.known[np.maximum(who, 0) % len(plan.known)]))

    def scores(self, drawn: Mapping[str, Sequence[pa.RecordBatch]], canaries: int) -> Array:
        """How sure an attacker is of each canary, by all rows that were drawn."""
        import numpy as np
        import pyarrow as pa

        from synthkit.audits.privacy.evidence import of_counts

        tables = {name: pa.Table.from_batches(batches) for name, batches in drawn.items()}
        total = np.zeros(canaries)
        for level in self.levels:
            plan, rows = self.designs.get(level.name), tables.get(level.name)
            if plan is None or rows is None or not rows.num_rows:
                continue
            found = {c.name: rows.column(c.name) for c in level.columns}
            types = plan.encoder.types
            one = pa.table({f.name: found[f.name].cast(f.type) for f in types}).combine_chunks()
            total += of_counts(plan, one.to_batches())[:canaries]
        return total


def learnt_in(shape: Shape) -> Schema:
    """The columns that are learnt of all tables."""
    return Schema(tuple(c for level in walk(root_level(shape)) for c in level.columns))


def attack_units(
    training: PrivateTraining, canaries: int, rows: int, grid: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Train the family once: how sure an attacker is of each canary, and whether it was in, shape (canaries,) each."""
    import tempfile

    from synthkit.generators import registry
    from synthkit.generators.base import silent

    generator = registry.trained(training.generator)
    assert training.shape is not None
    assert generator.related is not None
    with tempfile.TemporaryDirectory(prefix="synthkit-attack-") as folder:
        said: dict[str, Any] = {"canaries": canaries, "rows": rows, "grid": grid}
        units = Units.of(training.shape, **said, random=random, folder=Path(folder))
        inside = random.random(canaries) < 0.5
        tables = units.tables(inside, random, Path(folder))
        chance, draw = (int(random.integers(2**31)) for _ in range(2))
        model = generator.related.fit(
            tables,
            generator.params.model_validate(dict(training.params)),
            budget=replace(training.budget, insecure_seed=chance),
            seed=draw,
            device=training.device,
            progress=silent,
        )
        drawn: dict[str, list[pa.RecordBatch]] = {}
        wanted = max(1, DRAWN // max(1, sum(t.rows for n, t in tables.members.items() if n not in tables.kept)))
        units_drawn = min(DRAWN, wanted * tables.members[tables.root].rows)
        for name, batch in generator.related.sample(model, units_drawn, conditions=(), seed=draw, progress=silent):
            drawn.setdefault(name, []).append(batch)
    return units.scores(drawn, canaries), inside


def _at_rest(name: str, columns: Mapping[str, pa.Array], schema: Schema, folder: Path) -> Table:
    """Rows as a table that a generator can learn from; what is neither a key nor learnt stays away."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    held: list[Column] = [c for c in schema.columns if c.name in columns]
    rows = pa.table({c.name: columns[c.name] for c in held})
    file = folder / f"{name}.parquet"
    pq.write_table(rows, file)
    return Table(replace(schema, columns=tuple(held)), (file,), rows.num_rows)
