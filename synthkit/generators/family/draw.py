"""Tables of a fitted family: the root in blocks, each with all that hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Codes
from synthkit.encoding.fill import pa_schema
from synthkit.encoding.numbers import beyond, from_raw
from synthkit.encoding.values import array_of
from synthkit.generators.conditional.columns import Context
from synthkit.generators.exact.conditions import of_shares
from synthkit.generators.family.choosing import Shares, rows_with
from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.entities import everybody, rows_of
from synthkit.generators.family.free import free_rows
from synthkit.generators.family.identity import dealt_labels, texts
from synthkit.generators.family.keys import Numbering
from synthkit.generators.family.links import owner_of, phases
from synthkit.generators.family.matching import find_cut
from synthkit.generators.family.model import Family, Link, Member, Plan
from synthkit.generators.family.naming import name_rows
from synthkit.generators.functions import Asked, Progress, Quota
from synthkit.project.counts import Between

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

EACH = 31  # draws of how many rows name each row that is looked up,
STEADY = 60_000  # of all its rows together, at most
BLOCK = 25_000  # rows of the root drawn at once, with all that hangs on them


class Drawing:
    """Draws a family once."""

    def __init__(
        self,
        family: Family,
        rows: int,
        seed: int,
        asked: Mapping[str, Asked] | None = None,
        before: Mapping[tuple[str, str], Numbering] | None = None,
    ) -> None:
        """Args:
        before: where the keys of an earlier drawing ended, of which this one goes on.
        """
        self.family, self.rows, self.seed = family, rows, seed
        self.asked = asked or {}
        self.shares = {n: Shares(family.member(n), a.shares) for n, a in self.asked.items() if a.shares}
        self.numbering: dict[tuple[str, str], Numbering] = dict(before or {})
        self.cut = any(link.kind == "cut" for m in family.members for link in m.links)
        self.once: dict[tuple[str, int], Array] = {}  # by table and key: rows that earlier blocks named
        links = {m.name: m.links for m in family.members}
        kept = {m.name for m in family.members if m.kept is not None}
        self.early, self.hanging, self.late = phases(links, kept, family.root)
        share = rows / max(1, family.member(family.root).count)
        for member in family.members:
            kinds = pa_schema(member.arrow)
            most = int(4 * member.count * max(1.0, share)) + 100_000
            for column, rule in zip(member.key, member.makers, strict=True):
                assert rule is not None
                if (member.name, column) in self.numbering:
                    continue
                self.numbering[member.name, column] = Numbering(rule, kinds.field(column).type, most, seed)

    def tables(self, conditions: Sequence[Quota], progress: Progress) -> Iterator[tuple[str, pa.RecordBatch]]:
        """(table, rows), a row after those that its keys name; memory is bounded by a block and what is looked up."""

        known: dict[str, Drawn] = {}
        for name in self.early:
            known[name] = self.table(name, known, 0, self.family.member(name).count, ())
            if not self.cut and self.family.member(name).kept is None:
                yield name, self.batch(name, known[name])
        size = self.rows if self.late or self.cut else min(BLOCK, max(1, self.rows))
        labels = _labels(conditions, self.rows, self.seed)
        for number, start in enumerate(range(0, max(1, self.rows), size)):
            count = min(size, self.rows - start)
            block = dict(known)
            wanted = [] if labels is None else [conditions[i] for i in labels[start : start + count].tolist()]
            for name in self.hanging:
                block[name] = self.table(name, block, number, count if name == self.family.root else -1, wanted)
                if not self.cut:
                    yield name, self.batch(name, block[name])
            progress(start + count, self.rows, "rows")
            if self.late or self.cut:
                known = block
        for name in self.late:
            known[name] = self.table(name, known, 0, -1, ())
            if not self.cut:
                yield name, self.batch(name, known[name])
        if self.cut:
            self._close(known)
            yield from ((m.name, self.batch(m.name, known[m.name])) for m in self.family.members if m.kept is None)

    def _close(self, known: Mapping[str, Drawn]) -> None:
        """Find the rows that keys name which were cut, as their parents stood behind them."""
        import numpy as np

        for index, member in enumerate(self.family.members):
            rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, index, 1])))
            for key, link in enumerate(member.links):
                if link.kind == "cut":
                    drawn, there = known[member.name], known[link.references]
                    drawn.named[key] = find_cut(member, key, drawn, self.family, known, rng)
                    self._write_key(link, drawn, drawn.named[key], there, pa_schema(member.arrow), rng)

    def table(self, name: str, known: Mapping[str, Drawn], block: int, count: int, wanted: Sequence[Quota]) -> Drawn:
        """Draw a table.

        Args:
            known: tables that its keys name.
            count: rows, of a table without an owner.
            wanted: what each row of the root must have.
        """
        import numpy as np

        member = self.family.member(name)
        index = [m.name for m in self.family.members].index(name)
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, block, index])))
        if member.kept is not None:
            return _kept(member, rng)
        owner = owner_of(member.links)
        if owner is None:
            drawn = free_rows(member, count, rng, self._wanted(name, count, wanted), self._owned(member))
            for i, link in enumerate(member.links):
                if link.kind == "looked":
                    taken = self.once.get((name, i))
                    drawn.named[i] = find_cut(member, i, drawn, self.family, known, rng, taken)
        else:
            drawn = self._owned_rows(member, owner, known, rng)
        if member.short is not None:
            drawn.labels = dealt_labels(member, drawn, known, rng)
        fixed: set[int] = set()
        for i, link in enumerate(member.links):
            if link.once and link.kind == "looked" and link.references in self.early:
                self.once[name, i] = np.append(self.once.get((name, i), np.zeros(0, np.int64)), drawn.named[i])
        for plan in member.plans:
            if self._is_load(plan):
                loads = _loads(plan, drawn, rng)
                if plan.listing is not None and owner is None and fixed.isdisjoint(plan.listing.columns):
                    loads = drawn.listed(plan.listing, loads, rng)
                    fixed |= {*plan.listing.columns}
                drawn.loads[plan.child, plan.key] = loads
        name_rows(member, self.family, drawn, known, rng)
        for column in member.key:
            drawn.keys[column] = self.numbering[name, column].take(len(drawn))
        kinds = pa_schema(member.arrow)
        for copy in member.copies:
            values = self._of_named(member, drawn, known, copy.key, copy.other)
            drawn.copied[member.fields[copy.column].name] = values
        for echo in member.echoes:
            values = self._of_named(member, drawn, known, echo.key, echo.other)
            drawn.echoed[member.fields[echo.column].name] = (echo, values)
        for i, link in enumerate(member.links):
            if link.kind not in ("self", "cut"):
                self._write_key(link, drawn, drawn.named[i], known[link.references], kinds, rng)
        for i, link in enumerate(member.links):
            if link.kind == "self":
                self._write_key(link, drawn, drawn.named[i], drawn, kinds, rng)
        return drawn

    def _of_named(self, member: Member, drawn: Drawn, known: Mapping[str, Drawn], key: int, other: int) -> pa.Array:
        """A column of the rows that a key names, row by row; missing where it names none."""
        import numpy as np
        import pyarrow as pa

        there, rows = self.family.member(member.links[key].references), drawn.named[key]
        values = self.column(there.name, known[there.name], there.fields[other].name)
        return values.take(pa.array(np.maximum(rows, 0), mask=rows < 0))

    def _wanted(self, name: str, count: int, of_root: Sequence[Quota]) -> Sequence[Quota]:
        """What each row of a table without an owner must have."""
        if name == self.family.root:
            return of_root
        quotas = of_shares(self.shares[name].shares, count) if name in self.shares else ()
        labels = _labels(quotas, count, self.seed)
        return () if labels is None else [quotas[i] for i in labels.tolist()]

    def _owned(self, member: Member) -> dict[str, tuple[Member, Plan, Between]]:
        """What is planned of the tables whose rows belong to a table's, and how many each row is to have."""
        found = {}
        for plan in member.plans:
            if not self._is_load(plan):
                asked = self.asked.get(plan.child, Asked())
                found[plan.child] = (self.family.member(plan.child), plan, asked.owned)
        return found

    def _owned_rows(self, member: Member, owner: int, known: Mapping[str, Drawn], rng: np.random.Generator) -> Drawn:
        import numpy as np

        plan, asked = self.plan(member, owner), self.asked.get(member.name, Asked())
        taken = {key: rows for (name, key), rows in self.once.items() if name == member.name}
        wanted = replace(everybody(member, owner, plan, known, rng), owned=asked.owned, taken=taken)
        if member.name in self.shares:
            drawn = rows_with(member, owner, plan, known, rng, wanted, self.shares[member.name], self.family)
        else:
            drawn = rows_of(member, owner, plan, known, rng, wanted, self.family)[0]
        parent = known[member.links[owner].references]
        assert drawn.plan is not None
        parent.plans[member.name, owner] = drawn.plan.take(np.arange(len(parent)))
        return drawn

    def plan(self, member: Member, key: int) -> Plan:
        """What is planned of a row that a key of the table names."""
        plans = self.family.member(member.links[key].references).plans
        return next(p for p in plans if (p.child, p.key) == (member.name, key))

    def _is_load(self, plan: Plan) -> bool:
        return self.family.member(plan.child).links[plan.key].kind != "owner"

    def _write_key(
        self, link: Link, drawn: Drawn, rows: Array, there: Drawn, kinds: pa.Schema, rng: np.random.Generator
    ) -> None:
        """Put the key of the row that is named into the columns that name it."""
        import numpy as np
        import pyarrow as pa

        primary = self.family.member(link.references).primary
        for column, other in zip(link.columns, primary, strict=True):
            values = there.keys.get(other)
            if values is None:
                values = self.column(link.references, there, other)
            kind = kinds.field(column).type
            if not len(values):
                found = pa.nulls(len(rows), kind)
            else:
                found = values.take(pa.array(np.maximum(rows, 0), mask=rows < 0)).cast(kind)
            lost = np.flatnonzero((rows < 0) & (rng.random(len(rows)) < link.lost)) if link.lost else np.zeros(0, int)
            if len(lost) and (link.references, other) in self.numbering:
                found = _put(found, lost, self.numbering[link.references, other].take(len(lost)).cast(kind))
            drawn.keys.setdefault(column, found)

    def column(self, name: str, drawn: Drawn, column: str) -> pa.Array:
        """A column that is learnt."""
        batch = self.batch(name, drawn)
        return batch.column(column)

    def batch(self, name: str, drawn: Drawn) -> pa.RecordBatch:
        """The rows of a table in its columns and types."""
        import numpy as np
        import pyarrow as pa

        member = self.family.member(name)
        kinds = pa_schema(member.arrow)
        columns: dict[str, pa.Array] = {}
        if member.encoder is not None:
            encoder = member.encoder
            places = np.minimum(drawn.places, np.nextafter(np.float32(1), np.float32(0)))
            residuals = places[:, list(encoder.continuous)].astype(np.float32)
            found = encoder.decode(Codes(drawn.cells.astype(np.uint16), residuals))
            columns = {n: found.column(n) for n in found.schema.names}
            counters = {c.column for c in member.climbers if not (c.time or c.bounded)}
            columns |= drawn.copied | {n: echo.of(columns[n], v) for n, (echo, v) in drawn.echoed.items()}
            for j, positions in drawn.positions.items():
                codec = encoder.columns[j]
                assert codec.grid is not None
                missing = np.isnan(positions)
                positions = np.where(missing, 0.0, positions)
                free = j in counters or j in drawn.wider
                raw = beyond(codec.grid, positions) if free else codec.grid.raw(positions)
                columns[codec.name] = from_raw(raw, missing, kinds.field(codec.name).type)
        for rows, quota in drawn.asked:
            columns |= {n: _with_value(columns[n], rows, v, n) for n, v in quota.values.items()}
        counted, there = member.counted, {**drawn.keys, **columns}
        if counted is not None and {counted.column, *counted.within} <= there.keys():
            columns[counted.column] = counted.apart(there)
        arrays = []
        for column in member.names:
            values = columns.get(column, drawn.keys.get(column))
            kind = kinds.field(column).type
            arrays.append(pa.nulls(len(drawn), kind) if values is None else values.cast(kind))
        return pa.record_batch(arrays, schema=pa.schema([kinds.field(n) for n in member.names]))


def _labels(conditions: Sequence[Quota], rows: int, seed: int) -> Array | None:
    """The quota of each row of the root, in an order that the seed decides."""
    import numpy as np

    if not conditions:
        return None
    every = np.repeat(np.arange(len(conditions)), [q.rows for q in conditions])
    return np.random.default_rng(seed).permutation(every)[:rows]


def _with_value(column: pa.Array, rows: Array, value: Any, name: str) -> pa.Array:
    """The column with exactly this value in some rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    one = pa.nulls(1, column.type) if value is None else array_of([value], column.type, name)
    return pc.if_else(pa.array(mask), one[0], column)


def _put(column: pa.Array, rows: Array, values: pa.Array) -> pa.Array:
    """The column with other values in some rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), values)


def _kept(member: Member, rng: np.random.Generator) -> Drawn:
    """The rows of a table that is there already."""
    import numpy as np
    import pyarrow as pa

    assert member.kept is not None
    assert member.kept_keys is not None
    with pa.ipc.open_file(pa.py_buffer(member.kept_keys.tobytes())) as file:
        keys = file.read_all()
    columns = {n: keys.column(n).combine_chunks() for n in keys.column_names}
    places = np.asarray(rng.random(member.kept.shape))
    none = np.full(len(member.kept), -1)
    drawn = Drawn(member.fields, member.kept, places, {}, Context.of(member.fields, member.kept), {}, columns, none)
    drawn.labels = texts(keys, member.primary)
    for plan in member.plans:
        if plan.loads is not None:
            drawn.loads[plan.child, plan.key] = plan.loads
    return drawn


def _loads(plan: Plan, drawn: Drawn, rng: np.random.Generator) -> Array:
    """How many rows are to name each row. Few rows are looked up, often, so each is given what is likely for its place
    among them, not what chance deals: of thirty a third without any would be where a sixth is."""
    import numpy as np

    size = len(drawn)
    times = max(1, min(EACH, STEADY // max(1, size)))
    found = np.empty((times, size))
    for turn in range(times):
        cells, places, _ = plan.chain.draw(drawn.context, rng)
        found[turn] = np.nan_to_num(plan.chain.fields[0].numbers(cells[:, 0], places[:, 0]))
    order = np.lexsort((rng.random(size), found[0]))
    steady = np.empty(size)
    steady[order] = np.sort(found, axis=None)[times // 2 :: times]
    return steady
