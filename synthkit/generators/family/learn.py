"""From tables to a family: what each key is, then each table from its owner, its plan and the rows before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import serialised
from synthkit.generators.conditional.columns import Chain, Context, Field, fit_chain, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.conditional.settling import settled
from synthkit.generators.family.anchoring import Leading, anchored, unknown
from synthkit.generators.family.counting import counted_of
from synthkit.generators.family.entities import BESIDE
from synthkit.generators.family.identity import ITSELF, labelled, short_of
from synthkit.generators.family.inheriting import inherited
from synthkit.generators.family.keys import maker_of
from synthkit.generators.family.links import hung, levels, links_of, owner_of, phases, whom_of
from synthkit.generators.family.listing import Listing
from synthkit.generators.family.model import Climber, Family, Link, Member, Plan
from synthkit.generators.family.planning import Found, found_in, planned
from synthkit.generators.family.reading import Read, file_of, key_columns, read
from synthkit.generators.family.relative import Anchor, Copy
from synthkit.generators.family.roots import parts_of, roots_of
from synthkit.generators.family.rowmodel import Rows, Sorted
from synthkit.generators.family.sequences import learn_rows
from synthkit.generators.family.times import on_axis, spans_of
from synthkit.generators.functions import Progress
from synthkit.generators.tables import Key, Tables
from synthkit.rules.coding import rows_named

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Known:
    """What later tables are learnt from: a table's rows, their features, what each hangs on (:mod:`.roots`), and their
    plans, by (child, key)."""

    read: Read
    context: Context
    roots: Array
    plans: dict[tuple[str, int], Context]


def learn(
    tables: Tables, order: Mapping[str, str | None], params: ConditionalParams, seed: int, progress: Progress
) -> Family:
    """Learn a family.

    Args:
        order: table → the column that orders an owner's rows.
    """
    reads = {}
    for number, (name, table) in enumerate(tables.members.items()):
        unlearnt = key_columns(table.schema.names, table.schema.primary_key, tables.keys, name)
        reads[name] = read(table, unlearnt, params, seed + number)
        progress(number, 2 * len(tables.members), "tables", f"read {name}")
    named = {key: named_rows_of(tables, key, seed) for key in tables.keys if key.table not in tables.kept}
    known: dict[str, Known] = {}
    plans: dict[str, list[Plan]] = {name: [] for name in tables.members}
    members: list[Member] = []
    learners: dict[str, _Learner] = {}
    links = {name: links_of(name, tables, named, whom_of(name, tables, named)) for name in tables.members}
    drawn = phases(links, tables.kept, tables.root)
    for number, name in enumerate(tables.members):
        ready = [t for part in drawn[: 1 + next(i for i, part in enumerate(drawn) if name in part)] for t in part]
        learner = learners[name] = _Learner(
            name, tables, reads, named, known, links[name], order.get(name), params, seed + 1_000 * number, ready
        )
        members.append(learner.learn(plans))
        progress(len(reads) + number + 1, 2 * len(reads), "tables", f"learnt {name}")
    for learner in learners.values():
        for i, link in enumerate(learner.links):
            if link.kind == "cut":  # its parent stands behind it
                plans[link.references].append(learner.load(i, link))
    finished = tuple(
        Member(
            **{**vars(m), "plans": tuple(plans[m.name]), "short": short_of(m, reads[m.name], _told(m.name, learners))}
        )
        for m in members  # a parent's plans are learnt with its children
    )
    return Family(finished, tables.root)


def named_rows_of(tables: Tables, key: Key, seed: int) -> Array:
    """Which row of the parent each row names, as :func:`synthkit.rules.coding.rows_named` says it.

    A value that names no row, as that was held out, stays so (-2): what its row is like is not known, and is not learnt
    from (:func:`unknown`). In a tree within the table it stands for a row at its height (:func:`.links.hung`): held-out
    managers have people.
    """
    import numpy as np

    child = tables.members[key.table].to_arrow(list(key.columns))
    primary = tables.members[key.references].schema.primary_key
    parent = tables.members[key.references].to_arrow(list(primary))
    found = rows_named(child, parent)
    if not key.orphans and key.inner and parent.num_rows:
        found = hung(found, np.random.default_rng(seed))
        lost = np.flatnonzero(found == -2)
        found[lost] = np.random.default_rng(seed).integers(0, parent.num_rows, len(lost))
    return found


def _told(name: str, learners: Mapping[str, _Learner]) -> set[str]:
    """The labels by which tables tell the rows of one apart."""
    return set().union(*(one.told.get(name, set()) for one in learners.values()))


class _Learner:
    """Learns one table and adds its plan to its owner's, and its loads to what it looks up."""

    def __init__(
        self,
        name: str,
        tables: Tables,
        reads: Mapping[str, Read],
        named: Mapping[Key, Array],
        known: dict[str, Known],
        links: tuple[Link, ...],
        order_by: str | None,
        params: ConditionalParams,
        seed: int,
        ready: Sequence[str],
    ) -> None:
        self.ready = ready  # tables drawn no later than this one
        self.name, self.tables, self.reads, self.named, self.known = name, tables, reads, named, known
        self.links, self.order_by, self.params, self.seed = links, order_by, params, seed
        self.read = reads[name]
        self.keys = [] if name in tables.kept else [k for k in tables.keys if k.table == name]
        self.listings: dict[int, Listing] = {}
        self.told: dict[str, set[str]] = {}  # labels of the rows of short tables, as these rows name them
        self.leading = Leading(self.read, reads, links, self.keys, named)

    def learn(self, plans: dict[str, list[Plan]]) -> Member:
        import numpy as np

        looked = [(i, link) for i, link in enumerate(self.links) if link.kind in ("looked", "self", "cut")]
        cells, fields, row_of, lost = self._looked_fields(looked)
        owner = owner_of(self.links)
        own: Chain | None = None
        rows: Rows | None = None
        climbers: tuple[Climber, ...] = ()
        near: tuple[tuple[Anchor, ...], tuple[Copy, ...]] = ((), ())
        if owner is None:
            none = Context.nothing(len(self.read))
            apart, near, mine_cells, unsure = self._within_rows()
            every = (*apart, *fields)
            all_cells = np.concatenate([mine_cells, cells], axis=1)
            whole = np.concatenate([unsure, lost], axis=1)
            part = parts_of(np.arange(len(self.read)), self.seed)
            own = fit_chain(every, all_cells, none, part, self.params, unknown=whole, units=self.read.units)
            known = np.flatnonzero(~lost.any(axis=1))
            own = settled(own, none.take(known), all_cells[known], self.seed)
            row_columns: tuple[int, ...] = tuple(range(len(self.read.fields)))
            above, roots = none, np.arange(len(self.read))
        else:
            rows, climbers, row_columns, near, above = self._owned(owner, cells, fields, row_of, lost, plans)
            roots = roots_of(self.known[self.links[owner].references].roots, self.named[self.keys[owner]])
        echoes = self.leading.echoes(owner, {c.column for c in near[1]})
        mine = Context.join(Context.of(self.read.fields, self.read.cells), Context.of(fields, cells).without(lost))
        self.known[self.name] = Known(self.read, Context.join(mine, above), roots, {})
        for i, link in looked:
            if link.kind != "cut":
                plans[link.references].append(self.load(i, link))
        kept = self.name in self.tables.kept
        schema = self.read.table.schema
        made = tuple(n for n in schema.primary_key if len(schema.primary_key) == 1 and not self._foreign(n))
        return Member(
            self.name,
            schema.names,
            serialised(self.read.kinds),
            self.read.encoder,
            self.read.fields,
            schema.primary_key,
            self.links,
            own,
            rows,
            row_columns,
            tuple(row_of),
            climbers,
            (),
            made,
            tuple(maker_of(self.read.table, n) for n in made),
            self.tables.whole.get(self.name, len(self.read)),
            *near,
            echoes,
            self.read.cells if kept else None,
            file_of(self.read.keys) if kept else None,
            None if kept else counted_of(self.read.table, {c for k in self.keys for c in k.columns}),
            tuple((k.columns, k.references) for k in self.tables.keys if k.table == self.name),
        )

    def _within_rows(
        self,
    ) -> tuple[tuple[Field, ...], tuple[tuple[Anchor, ...], tuple[Copy, ...]], Array, Array]:
        """Of a table without an owner: the fields, dates as their distance from others of the row where they are near
        to them; which those are; the cells, and where they are not known."""
        import numpy as np

        alone, cells = replace(self.leading, links=(), keys=()), self.read.cells.copy()
        none, order = Found((), (), -1), np.arange(len(self.read))
        fields, anchors, unsure, _ = anchored(
            alone, none, order, -1, cells, self.read.values.copy(), self.params, self.seed
        )
        return fields, (anchors, ()), cells, unsure

    def _foreign(self, column: str) -> bool:
        return any(column in k.columns for k in self.keys)

    def _looked_fields(
        self, looked: Sequence[tuple[int, Link]]
    ) -> tuple[Array, list[Field], list[tuple[int, int]], Array]:
        """The cells of rows that are looked up: one field says whether there is one, then its own; (link, field); and
        where they are not known, shape (rows, fields)."""
        import numpy as np

        columns: list[Array] = []
        unseen: list[Array] = []
        fields: list[Field] = []
        of: list[tuple[int, int]] = []

        def add(i: int, part: int, field: Field, cells: Array, unsure: Array) -> None:
            fields.append(field)
            columns.append(cells)
            of.append((i, part))
            unseen.append(unsure)

        for i, link in looked:
            found = self.named[self.keys[i]]
            there = self.reads[link.references]
            learnt: Sequence[int] = range(len(there.fields))
            lost = unknown(self.keys[i], found)
            about: dict[int, tuple[str, Array]] = {}
            if link.kind == "self":
                learnt = inherited(there.fields, there.cells, found)
                about[-2] = f"level {i}", levels(found)
            elif ((found < 0) & ~lost).any() or not there.fields:
                about[-1] = f"key {i}", ((found >= 0) | lost).astype(float)
            for part, (name, numbers) in about.items():
                codecs, codes = numbers_encoded({name: numbers}, self.params, 0, units=self.read.units)
                add(i, part, Field(name, codecs[0]), codes[:, 0], np.zeros(len(found), dtype=bool))
            for part, labels in self.leading.labels(i, self.tables) if link.kind == "looked" else ():
                field, cells = labelled(f"{part} of key {i}", labels, self.params, self.seed)
                if part == ITSELF:
                    self.tell(link.references, labels)
                add(i, part, field, cells, np.zeros(len(found), dtype=bool) if part == ITSELF else lost)
            for j in learnt:
                add(i, j, there.fields[j], np.where(found >= 0, there.cells[np.maximum(found, 0), j], 0), lost)
        cells = np.stack(columns, axis=1) if columns else np.zeros((len(self.read), 0), dtype=np.int64)
        return cells, fields, of, np.stack(unseen, axis=1) if unseen else np.zeros(cells.shape, dtype=bool)

    def tell(self, table: str, labels: Array) -> None:
        """Take in how rows name those of a short table."""
        self.told.setdefault(table, set()).update(v for v in labels.tolist() if v is not None)

    def load(self, number: int, link: Link) -> Plan:
        """How many rows name each row that is looked up, given what it is."""
        import numpy as np

        there = self.known[link.references]
        found = self.named[self.keys[number]]
        load = np.bincount(found[found >= 0], minlength=len(there.read)).astype(np.float64)
        codecs, codes = numbers_encoded({"rows": load}, self.params, self.seed, units=there.read.units)
        field = Field("rows", codecs[0])
        part = parts_of(there.roots, self.seed)
        chain = fit_chain([field], codes, there.context, part, self.params, count=0, groups=(there.roots,))
        kept = link.references in self.tables.kept
        listing = None if kept else self.listings.get(number)
        return Plan(self.name, number, chain, loads=load if kept else None, listing=listing)

    def _owned(
        self,
        owner: int,
        looked_cells: Array,
        looked_fields: Sequence[Field],
        row_of: Sequence[tuple[int, int]],
        lost: Array,
        plans: dict[str, list[Plan]],
    ) -> tuple[Rows, tuple[Climber, ...], tuple[int, ...], tuple[tuple[Anchor, ...], tuple[Copy, ...]], Context]:
        import numpy as np

        link = self.links[owner]
        parent = self.known[link.references]
        found = self.named[self.keys[owner]]
        usable = (found > -2) | self.keys[owner].orphans
        orphan = np.flatnonzero((found < 0) & usable)
        entity = np.where(found >= 0, found, 0)
        entity[orphan] = len(parent.read) + np.arange(len(orphan))
        time = self.read.field(self.order_by) if self.order_by is not None else -1
        if time >= 0 and (not self.read.fields[time].numeric or np.isnan(self.read.values[:, time]).any()):
            time = -1
        by = self.read.values[:, time] if time >= 0 else np.zeros(len(entity))
        order = np.lexsort((np.arange(len(entity)), by, entity))
        order = order[usable[order]]
        size = len(parent.read) + len(orphan)
        count = np.bincount(entity[order], minlength=size)
        # Entities stand by their number of rows, most first; beyond max_rows some are left out.
        kept = self._within(count)
        by_rows = kept[np.argsort(-count[kept], kind="stable")]
        begins = np.append(0, np.cumsum(count))[:-1]
        count, begins = count[by_rows], begins[by_rows]
        inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        order = order[np.repeat(begins, count) + inside]
        starts = (np.cumsum(count) - count).astype(np.int64)
        cells, values = self.read.cells[order], self.read.values[order]
        who = np.repeat(np.arange(len(count)), count)
        what = found_in(self.read.fields, cells, values, who, time)
        copies = self.leading.copies(order, owner)
        what = what.without([c.column for c in copies])
        fields, anchors, unsure, self.listings = anchored(
            self.leading, what, order, owner, cells, values, self.params, self.seed
        )
        spans = spans_of(self.read, what, order[starts[count > 0]])
        what = what.spanned(tuple(spans))
        fields, axis, phase = on_axis(
            self.read, fields, time, order, starts, count, cells, values, self.params, self.seed, self.read.units[order]
        )
        nobody = parent.read.units.max(initial=-1) + 1 + np.arange(len(orphan))
        units = np.append(parent.read.units, nobody)[by_rows]
        plan = planned(fields, cells, values, starts, count, what, self.params, self.seed, units, phase, spans)
        beside = tuple(k for k in parent.plans if k[0] in self.ready)
        whole = Context.join(parent.context, *(parent.plans[k] for k in beside))
        owners = by_rows < len(parent.read)  # a row of nobody is one row, and tells of no owner how many it has
        context = whole.take(np.where(owners, by_rows, -1))
        root = roots_of(parent.roots, np.where(owners, by_rows, -1))
        part = parts_of(root, self.seed)
        chain = fit_chain(
            plan.fields, plan.cells, context, part, self.params, count=0, rows=count, counted=owners, groups=(root,)
        )
        chain = settled(chain, whole.take(by_rows[owners]), plan.cells[owners], self.seed)
        plans[link.references].append(
            Plan(
                self.name,
                owner,
                chain,
                plan.constants,
                plan.starts,
                len(orphan) / max(1, len(parent.read)),
                plan.first,
                plan.pace,
                plan.last,
                plan.visits,
                plan.to_end,
                plan.phase,
                plan.spans,
                plan.modes,
                beside=beside,
                usual=np.median(whole.codes[:, parent.context.codes.shape[1] :], axis=0).astype(np.uint8),
            )
        )
        mine = Context.of(plan.fields, plan.cells)
        at = np.full(len(parent.read), -1)
        at[by_rows[owners]] = np.flatnonzero(owners)
        parent.plans[self.name, owner] = mine.first(BESIDE).take(at)
        static = Context.join(context, mine)
        sorted_rows = Sorted(starts, cells, values, values[:, time] if time >= 0 else np.full(len(order), np.nan))
        rows, climbers, columns = learn_rows(
            plan,
            what,
            static,
            fields,
            sorted_rows,
            count,
            looked_cells[order],
            looked_fields,
            np.concatenate([lost[order], unsure], axis=1),
            row_of,
            self.links,
            root,
            part,
            self.params,
            self.seed,
            self.read.units[order],
            axis,
        )
        above = parent.context.take(np.where(found >= 0, found, -1))
        return rows, climbers, columns, (anchors, copies), above

    def _within(self, count: Array) -> Array:
        """The entities that are learnt from."""
        import numpy as np

        if count.sum() <= self.params.max_rows:
            return np.arange(len(count))
        mixed = np.random.default_rng(self.seed).permutation(len(count))
        upto = int(np.searchsorted(np.cumsum(count[mixed]), self.params.max_rows)) + 1
        return np.sort(mixed[:upto])
