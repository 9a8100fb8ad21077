"""Keys between the tables of a group, and the order of rows: what is declared must lead somewhere, and one way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from synthkit.compiler.draft import Draft
from synthkit.errors import Location, did_you_mean
from synthkit.project.holdout import holdout_of
from synthkit.project.ownership import TablesByName, above, circle, keys_of, owner_key, owners, unit_of
from synthkit.project.types import ForeignKeySpec, Relation, SourceSpec, SourceTableSpec
from synthkit.schema import NUMERIC, TEMPORAL, Column, Schema
from synthkit.sources.types import provisional_type


def check_foreign_keys(draft: Draft) -> None:
    """Each key names rows of a table of its group, and whose rows a table's are follows from one key."""
    for source in draft.project.sources:
        tables = {t.name: t for t in source.tables}
        if not any(t.foreign_keys or t.public for t in source.tables):
            continue
        for table in source.tables:
            for index, key in enumerate(keys_of(table)):
                _Checked(draft, source, tables, table, key, index).check()
            _check_owners(draft, tables, table)
            _check_public(draft, table)
        _check_circle(draft, tables)


@dataclass(frozen=True)
class _Checked:
    """One key, and where it stands."""

    draft: Draft
    source: SourceSpec
    tables: TablesByName
    table: SourceTableSpec
    key: ForeignKeySpec
    index: int

    def at(self, *keys: str) -> Location:
        return self.table.origin.at("foreign_keys", self.index, *keys)

    @property
    def columns_at(self) -> Location:
        return self.at("column" if self.key.column is not None else "columns")

    def fault(self, message: str, where: Location, value: object, hint: str) -> None:
        self.draft.fault(f"{self.source.name}.{self.table.name}: {message}", where, value, hint)

    def check(self) -> None:
        key, tables = self.key, self.tables
        parent = tables.get(key.references)
        if parent is None:
            hint = did_you_mean(key.references, tables, "a table of the group")
            self.fault(f"a key names no table {key.references!r}", self.at("references"), key.references, hint)
            return
        if not parent.primary_key:
            message = f"{parent.name} has no primary_key, so nothing names its rows"
            self.fault(message, self.at("references"), parent.name, f"add primary_key: to {parent.name}")
        elif len(parent.primary_key) != len(key.names):
            listed = ", ".join(parent.primary_key)
            many = f"{len(parent.primary_key)} column{'s' * (len(parent.primary_key) != 1)}"
            message = f"a row of {parent.name} is named by {many} ({listed}), "
            message += f"not by {len(key.names)}"
            hint = "write columns: [...], one for each of them, in their order"
            self.fault(message, self.columns_at, ", ".join(key.names), hint)
        else:
            self._check_types(parent)
        self._check_kind(parent)

    def _check_kind(self, parent: SourceTableSpec) -> None:
        key, own = self.key, self.table
        if key.owner and parent.name == own.name:
            hint = "drop owner: true; a tree within a table is kept by its key"
            self.fault("a table does not own itself", self.at("owner"), True, hint)
        elif key.owner and key.cut:
            hint = "cut another key of the circle, or drop owner: true here"
            self.fault(
                "the key to the owner cannot be cut: rows are made after those that own them",
                self.at("cut"),
                True,
                hint,
            )
        elif key.cut and parent.name == own.name:
            hint = "drop cut: true; a tree within a table is no circle of tables, and its depth is kept"
            self.fault("a key within its own table has nothing to cut", self.at("cut"), True, hint)
        elif key.cut and own.name not in above(self.tables, parent.name):
            message = f"nothing leads from {parent.name} back to {own.name}, so the key has no circle to cut"
            self.fault(message, self.at("cut"), True, "drop cut: true; its rows are made after those that it names")
        if key.owner and parent.public:
            message = f"{parent.name} is public, its rows are nobody's, so none belongs to them"
            self.fault(message, self.at("owner"), True, f"drop owner: true, or public: true of {parent.name}")
        elif own.public and not parent.public:
            message = f"it is public, but names rows of {parent.name}, which is not"
            self.fault(message, self.at("references"), parent.name, f"drop public: true, or make {parent.name} public")

    def _check_types(self, parent: SourceTableSpec) -> None:
        """Values that are to be equal are of one kind: 7 and '7' are not, in the tables that are made."""
        ours, theirs = self._schema(self.table), self._schema(parent)
        if ours is None or theirs is None:
            return
        for column, named in zip(self.key.names, parent.primary_key, strict=True):
            one, other = ours.by_name.get(column), theirs.by_name.get(named)
            if one is None or other is None or kind_of(one) == kind_of(other):
                continue
            message = f"{column} is {one.sql_type}, and {parent.name}.{named}, which it names, {other.sql_type}"
            hint = "declare the same type on both, under columns: (type: text takes everything)"
            self.fault(message, self.columns_at, column, hint)

    def _schema(self, table: SourceTableSpec) -> Schema | None:
        return self.draft.schema_of(Relation(table.name, self.source.name))


def kind_of(column: Column) -> str:
    """What a key's values are: numbers, text (a UUID among it), or what their type says."""
    kind = provisional_type(column.sql_type)
    if column.format is not None:
        return f"{column.sql_type} {column.format}"
    if kind in NUMERIC:
        return "number"
    return "text" if kind in ("categorical", "text", "id") else kind


def _check_public(draft: Draft, table: SourceTableSpec) -> None:
    """What is nobody's needs no protection, and what is protected is somebody's."""
    for key in ("sensitive", "entity", "population", "max_rows_per_unit", "privacy_unit"):
        if getattr(table, key) and table.public:
            message = (
                f"{table.name!r} is public, so anyone may see its rows, and says {key}, as if they were somebody's"
            )
            draft.fault(message, table.origin.at(key), getattr(table, key), f"drop {key}, or public: true")
            return


def _check_owners(draft: Draft, tables: TablesByName, table: SourceTableSpec) -> None:
    """A table has one owner; and its unit and its holdout are those of whom it belongs to."""
    owning = [i for i, k in enumerate(keys_of(table)) if k.owner]
    for index in owning[1:]:
        where = table.origin.at("foreign_keys", index, "owner")
        first = keys_of(table)[owning[0]].references
        message = f"{table.name!r} has two owners: {first} and {keys_of(table)[index].references}"
        draft.fault(message, where, True, "keep owner: true on the one whose rows these are; others are looked up")
    if not owning:
        _check_unowned(draft, tables, table)
        return
    if table.public:
        message = f"{table.name!r} is public, its rows are nobody's, but a key of it names an owner"
        draft.fault(message, table.origin.at("public"), True, "drop public: true, or owner: true")
    if table.entity is not None:
        message = f"the rows of {table.name!r} are the history of its owner, so it has no entity"
        draft.fault(message, table.origin.at("entity"), table.entity, "drop entity, or owner: true of the key")
    for key in ("population", "part"):
        top = owners(tables, table.name)
        said = getattr(table, key)
        if top and said is not None and said != getattr(top[-1].owner, key):
            message = f"{table.name!r} is about the people of {top[-1].owner.name!r}, which has another {key}"
            draft.fault(message, table.origin.at(key), said, f"give both the same {key}")
    _check_unit(draft, tables, table)
    _check_holdout(draft, tables, table)


def _check_unit(draft: Draft, tables: TablesByName, table: SourceTableSpec) -> None:
    steps = owners(tables, table.name)
    if not steps or table.privacy_unit is None or table.privacy_unit == unit_of(tables, table):
        return
    top = steps[-1].owner
    whose = top.privacy_unit or ", ".join(top.primary_key)
    message = f"{table.name!r} belongs to {steps[0].owner.name!r}, so its unit is that of {top.name!r}: {whose}"
    draft.fault(message, table.origin.at("privacy_unit"), table.privacy_unit, "drop privacy_unit: the owner says it")


def _check_unowned(draft: Draft, tables: TablesByName, table: SourceTableSpec) -> None:
    """A table that names rows of people is theirs, or public, or its own: that is said where a unit is declared."""
    said = any((*table.origin.path, key) in table.origin.marks for key in ("privacy_unit", "entity"))
    if table.public or said:  # a unit that follows from the table's own key was not said
        return
    for index, key in enumerate(keys_of(table)):
        parent = tables.get(key.references)
        if parent is None or parent.name == table.name or parent.public:
            continue
        steps = owners(tables, parent.name)
        top = steps[-1].owner if steps else parent
        unit = top.privacy_unit if top.name != table.name else None  # a key into what belongs to it is its own
        if unit is not None:
            message = (
                f"{table.name!r} names rows of {parent.name!r}, which are somebody's ({unit}), but belongs to nobody"
            )
            where = table.origin.at("foreign_keys", index, "references")
            hint = "add owner: true to the key that says whose row it is, or privacy_unit: if it is somebody else's"
            draft.fault(message, where, parent.name, hint)
            return


def _check_holdout(draft: Draft, tables: TablesByName, table: SourceTableSpec) -> None:
    """Rows that belong together are held out together, and so at one share."""
    steps = owners(tables, table.name)
    if not steps:
        return
    top, project = steps[-1].owner, draft.project.spec
    ours, origin = holdout_of(project, table)
    theirs, _ = holdout_of(project, top)
    if str(ours) != str(theirs):
        key = table if table.holdout is not None else top
        message = (
            f"{table.name!r} belongs to {top.name!r}, and holds out {ours}, not {theirs}: then rows of one held-out "
        )
        message += "row would be learnt from"
        draft.fault(message, key.origin.at("holdout"), ours, f"say holdout: once, at {top.name}, or at the project")
    del origin


def _check_circle(draft: Draft, tables: TablesByName) -> None:
    way = circle(tables)
    if not way:
        return
    where, value, hint = next(_cuttable(tables, way))
    path = " → ".join([*way, way[0]])
    draft.fault(f"keys run in a circle: {path}", where, value, hint)


def _cuttable(tables: TablesByName, way: tuple[str, ...]) -> Iterator[tuple[Location, str, str]]:
    """The keys of a circle, those first that can be cut."""
    found = []
    for name, following in zip(way, (*way[1:], way[0]), strict=True):
        for index, key in enumerate(keys_of(tables[name])):
            if key.references == following and not key.cut:
                where = tables[name].origin.at("foreign_keys", index)
                hint = f"add cut: true to this key of {name}: it is matched when both tables are there"
                if key.owner:
                    hint = "a table cannot belong to what belongs to it: drop owner: true from one of these keys"
                found.append((key.owner, (where, following, hint)))
    yield from (entry for _, entry in sorted(found, key=lambda f: f[0]))


def check_private_owners(draft: Draft) -> None:
    """ε protects whom a row belongs to: of a table that is learnt alone, that must be a column of it."""
    for model in draft.models.values():
        spec = model.spec
        if spec.epsilon is None or spec.source is None or spec.source.id not in draft.tables or model.family:
            continue
        _, table = draft.tables[spec.source.id]
        tables = {t.name: t for s in draft.project.sources if s.name == spec.source.source for t in s.tables}
        steps = owners(tables, table.name)
        if not steps:
            continue
        top, where = steps[-1].owner, spec.origin.at("epsilon")
        if unit_of(tables, table) is None:
            message = (
                f"epsilon protects a row of {top.name!r} with all that is its own, and no column of {table.name!r} "
            )
            message += "says whose a row is"
            hint = (
                f"learn it together with {top.name}: source: \"{{{{ source('{spec.source.source}') }}}}\" is a family"
            )
            hint += "; or read a view of the database that has that column"
            draft.fault(message, where, spec.epsilon, hint)


def check_sequences(draft: Draft) -> None:
    """``order_by`` has an order and somebody's rows to put in it; an ``entity`` is always there."""
    for id_, (_, table) in draft.tables.items():
        node = draft.sources.get(id_)
        declared = {c.name: c for c in table.columns}
        if table.order_by is not None:
            where = table.origin.at("order_by")
            if table.entity is None and owner_key(table) is None:
                message = f"{table.name!r} is in an order, but nothing says whose rows follow one another"
                hint = "add entity: the column that says whose history it is; or owner: true to the key that does"
                draft.fault(message, where, table.order_by, hint)
            column = None if node is None else node.schema.by_name.get(table.order_by)
            if column is not None and not _has_order(column):
                message = f"{table.order_by!r} is {column.sql_type}, whose values have no order in time"
                hint = (
                    "name a column of dates, times or numbers; of text that is one, declare how it is written (format:)"
                )
                draft.fault(message, where, table.order_by, hint)
            if table.order_by in (table.entity, *(n for k in keys_of(table) if k.owner for n in k.names)):
                message = f"{table.order_by!r} says whose rows they are, not in which order"
                draft.fault(message, where, table.order_by, "name another column")
        said = declared.get(table.entity or "")
        if said is not None and (said.nullable or said.pii is not None):
            key = "nullable" if said.nullable else "pii"
            message = (
                f"{table.entity!r} says whose history a row is part of, so it is never missing, and is made up as a key"
            )
            draft.fault(message, said.origin.at(key), hint=f"drop {key}")


def _has_order(column: Column) -> bool:
    kind = column.type if column.format is not None else provisional_type(column.sql_type)
    return kind in NUMERIC | TEMPORAL
