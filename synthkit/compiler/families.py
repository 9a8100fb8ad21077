"""A family becomes one model for each of its tables, so that every later pass sees models as it knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from synthkit.compiler.auto import TOGETHER
from synthkit.compiler.draft import Draft, FamilyDraft, ModelDraft
from synthkit.compiler.rules import FOUND, NONE
from synthkit.errors import Fault, did_you_mean
from synthkit.generators import registry
from synthkit.generators.base import Generator, Trained
from synthkit.generators.tables import Key
from synthkit.project.load import check_name
from synthkit.project.members import default_name
from synthkit.project.ownership import keys_of, ordered, owners, root_of
from synthkit.project.types import MemberSpec, ModelSpec, Origin, Relation, SourceTableSpec
from synthkit.project.usage import over

# Keys of a family that stand with its tables instead, or that no family has.
_OF_TABLES = ("columns", "constraints")
_UNSAID: tuple[object, ...] = (None, (), {})


def expand_families(draft: Draft) -> None:
    """Put a model for each member in the place of each family; ``draft.families`` keeps what they have in common."""
    found: dict[str, ModelDraft] = {}
    taken = {name.lower(): name for name in draft.models} | {m.name.lower(): m.name for m in draft.project.disabled}
    for name, model in draft.models.items():
        if model.spec.group is not None:
            members = list(_Family(draft, model.spec, taken).members())
            found |= {member.spec.name: member for member in members}
            if not members:  # it has faults of its own, and what refers to its tables has none
                draft.unmade[name] = {m.name for m in model.spec.tables or () if m.name is not None}
            continue
        if model.spec.tables is not None:
            where = model.spec.origin.at("tables", key=True)
            hint = "name the group alone, source: \"{{ source('group') }}\", or drop tables"
            draft.fault(f"{name!r} is one table, so it takes no tables:", where, hint=hint)
        found[name] = model
    draft.models = found
    draft.order = list(found)


@dataclass
class _Family:
    """The expansion of one family."""

    draft: Draft
    spec: ModelSpec
    taken: dict[str, str]
    entries: dict[str, tuple[int, MemberSpec]] = field(default_factory=dict)

    def members(self) -> Iterator[ModelDraft]:
        self._refuse_keys()
        tables = self._tables()
        order = ordered(tables)
        root = root_of(tables, order)
        if root is None:
            self._refuse_rootless(tables)
            return
        names = {name: self._name(name) for name in order}
        kept = tuple(n for n in order if tables[n].public)
        self._check_left_out(tables)
        self.draft.families[self.spec.name] = FamilyDraft(
            self.spec,
            members=names,
            keys=tuple(_keys(tables, order)),
            kept=kept,
            root=root,
            conditions={n: c for n in order if (c := self._conditions(n, root))},
            at_least={n: m for n in order if (m := self._entry(n).at_least)},
            at_most={n: m for n in order if (m := self._entry(n).at_most) is not None},
        )
        for name in order:
            self._check_entry(name, tables[name])
            made = self._member(tables[name], names[name], root)
            where = made.origin.at("name")
            check_name(made, self.draft.faults)
            if made.name.lower() in self.taken:
                message = f"{made.name!r}, of the family {self.spec.name!r}, is the name of another model or family"
                self.draft.fault(message, where, made.name, f"give it another: tables: [{{table: {name}, name: NAME}}]")
                continue
            self.taken[made.name.lower()] = made.name
            listed = self._entry(name).audits is None and self.spec.audits is not None
            yield ModelDraft(made, family=self.spec.name, kept=name in kept, listed=listed)

    def _refuse_rootless(self, tables: Mapping[str, SourceTableSpec]) -> None:
        """Of the tables that are made, each belongs to another, so none is drawn first."""
        made = [name for name, table in tables.items() if not table.public]
        where, name = self.spec.origin.at("source"), self.spec.name
        if tables and not made:
            message = f"every table of {name!r} is public, so there is nothing to make"
            self.draft.fault(message, where, hint="drop public from what is to be made")
        elif made:
            self._check_left_out(tables)
            message = f"no table of {name!r} can be drawn first: each of {', '.join(made)} belongs to another"
            self.draft.fault(message, where, hint="one must belong to none: drop owner: true there, or add its owner")

    def _refuse_keys(self) -> None:
        spec, draft = self.spec, self.draft
        for key in _OF_TABLES:
            if getattr(spec, key) not in _UNSAID:
                message = f"{key} of a family are those of one of its tables"
                hint = f"write them there: tables: [{{table: NAME, {key}: …}}]"
                draft.fault(message, spec.origin.at(key, key=True), hint=hint)
        for index, rule in enumerate(spec.rules or ()):
            if rule not in (FOUND, NONE):
                hint = "write a rule of one table with it (tables: [{table: NAME, rules: …}]), one across tables with "
                message = "rules of a family are found or none"
                draft.fault(message, spec.origin.at("rules", index), rule, f"{hint}their source (rules: of the group)")

    def _tables(self) -> dict[str, SourceTableSpec]:
        """Those of the group that the family is of, as they were declared; what is wrong with the choice is a fault."""
        spec, draft, sources = self.spec, self.draft, self.draft.project.sources
        group = next((s for s in sources if s.name == spec.group), None)
        if group is None:
            hint = did_you_mean(str(spec.group), [s.name for s in sources], "a source")
            draft.fault(f"there is no source {spec.group!r}", spec.origin.at("source"), spec.group, hint)
            return {}
        every = {t.name: t for t in group.tables}
        for index, entry in enumerate(spec.tables or ()):
            where = entry.origin.at("table")
            if entry.table not in every:
                hint = did_you_mean(entry.table, every, "a table")
                draft.fault(f"source {spec.group!r} has no table {entry.table!r}", where, entry.table, hint)
            elif entry.table in self.entries:
                draft.fault(f"the table {entry.table!r} is named twice", where, entry.table, "keep one")
            else:
                self.entries[entry.table] = (index, entry)
        if spec.tables is None:
            return every
        return {n: t for n, t in every.items() if n in self.entries and self._entry(n).enabled}

    def _check_left_out(self, tables: Mapping[str, SourceTableSpec]) -> None:
        """A table stays with its owner, where the family has some other table above it."""
        group = next(s for s in self.draft.project.sources if s.name == self.spec.group)
        every = {t.name: t for t in group.tables}
        for name in tables:
            way = [step.owner.name for step in owners(every, name)]
            if way and way[0] not in tables and set(way) & tables.keys():
                _, entry = self.entries[name]
                message = f"{name!r} belongs to {way[0]!r}, which the family leaves out, and so to nothing in it"
                self.draft.fault(message, entry.origin.at("table"), name, f"add {way[0]}, or leave {name} out, too")

    def _check_entry(self, name: str, table: SourceTableSpec) -> None:
        entry = self._entry(name)
        if table.public:
            for key in ("conditions", "at_least", "at_most", "constraints", "rules"):
                if getattr(entry, key) not in _UNSAID:
                    message = f"{name!r} is public, and published as it is: nothing of it is drawn"
                    hint = f"drop {key}, or public: true of the source table"
                    self.draft.fault(message, entry.origin.at(key, key=True), hint=hint)
        if entry.materialized == "ephemeral" or (entry.materialized is None and self.spec.materialized == "ephemeral"):
            message = "the tables of a family are published together: none is ephemeral"
            origin = self.spec.origin if entry.materialized is None else entry.origin
            self.draft.fault(message, origin.at("materialized"), "ephemeral", "write parquet, view or table")

    def _entry(self, name: str) -> MemberSpec:
        return self.entries[name][1] if name in self.entries else MemberSpec(table=name)

    def _name(self, table: str) -> str:
        return self._entry(table).name or default_name(self.spec.name, table)

    def _conditions(self, table: str, root: str) -> dict[str, object]:
        own = dict(self._entry(table).conditions)
        return {**self.spec.conditions, **own} if table == root else own

    def _member(self, table: SourceTableSpec, name: str, root: str) -> ModelSpec:
        spec, entry = self.spec, self._entry(table.name)
        given = {
            k: v for k in ("materialized", "audits", "on_inconclusive", "rules") if (v := getattr(entry, k)) is not None
        }
        made = spec.model_copy(
            update={
                **given,
                "name": name,
                "description": entry.description or table.description,
                "source": Relation(table.name, spec.group),
                "tables": None,
                "conditions": self._conditions(table.name, root),
                "constraints": entry.constraints,
                "columns": entry.columns,
                "tags": tuple(dict.fromkeys((*spec.tags, *entry.tags))),
                "meta": {**spec.meta, **entry.meta},
                "usage": over(spec.usage, entry.usage),
                **(dict.fromkeys(("epsilon", "delta", "insecure_seed")) if table.public else {}),  # nobody's
                "holdout": 0 if table.public else spec.holdout,
                "rules": (NONE,) if table.public else given.get("rules", spec.rules),
            }
        )
        made._group = None
        made._uses = {**spec.uses, **entry.uses}
        made._origin = self._origin(entry, {*entry.model_fields_set} if table.name in self.entries else None)
        return made

    def _origin(self, entry: MemberSpec, own: set[str] | None) -> Origin:
        """Where a key of the member stands: with its table where that says it, else with the family."""
        family = self.spec.origin
        if own is None:
            return family
        above = {
            key: family.elsewhere.get(key) or replace(family, path=(*family.path, key), elsewhere={})
            for key in ModelSpec.model_fields
            if key not in own
        }
        return replace(entry.origin, elsewhere={**above, **entry.origin.elsewhere})


def _keys(tables: Mapping[str, SourceTableSpec], order: tuple[str, ...]) -> Iterator[Key]:
    """The keys between the family's tables, in their order."""
    for name in order:
        for key in keys_of(tables[name]):
            if key.references in tables:
                yield Key(
                    name, key.names, key.references, key.owner, key.max_per_parent, key.orphans == "keep", key.cut
                )


def check_families(draft: Draft) -> None:
    """What all members have in common: a generator that learns tables together, and one holdout."""
    for name, family in draft.families.items():
        ours = ((n, draft.models.get(n)) for n in family.members.values())
        members = [m for _, m in ours if m is not None and m.family == name]
        made = [m for m in members if not m.kept]
        generator = next((m.generator for m in made if m.generator is not None), None)
        if generator is not None:
            _check_generator(draft, family, generator)
        shares = {m.spec.source.name: m.holdout for m in made if m.spec.source is not None}
        if len(set(shares.values())) > 1:
            listed = ", ".join(f"{table} {share:g}" for table, share in shares.items())
            message = f"the tables of {name!r} hold out other shares ({listed}), though their rows belong together"
            hint = "say one holdout: of the project, or of the family"
            draft.fault(message, family.spec.origin.at("source"), hint=hint)


def _check_generator(draft: Draft, family: FamilyDraft, generator: Generator) -> None:
    """It learns these tables together, under epsilon where that is asked for."""
    spec, related = family.spec, generator.related if isinstance(generator, Trained) else None
    where = spec.origin.at("generator") if spec.generator is not None else spec.origin.at("source")
    if related is None:
        able = registry.related_names() if spec.epsilon is None else registry.related_private_names()
        hint = f"choose {', '.join(able)}" if able else "give each table a model of its own"
        message = f"generator {generator.name!r} learns one table alone, and {spec.name!r} is a family of tables"
        draft.fault(message, where, generator.name, hint)
    elif spec.epsilon is not None and related.mechanisms is None:
        able = registry.related_private_names()
        message = f"generator {generator.name!r} honours no epsilon of tables that hang together"
        draft.fault(message, spec.origin.at("epsilon"), spec.epsilon, f"choose {', '.join(able)}, or drop epsilon")
    elif spec.epsilon is None and related.budgeted:
        message = f"generator {generator.name!r} learns under epsilon alone"
        draft.fault(message, spec.origin.at("generator"), generator.name, f"add epsilon, or choose {TOGETHER}")
    elif (why := related.refuses(tuple(family.members), family.keys, family.kept)) is not None:
        hint = f"choose {TOGETHER}, or narrow the family by tables:"
        draft.fault(f"generator {generator.name!r} {why}", where, generator.name, hint)


def deduplicated(faults: list[Fault]) -> list[Fault]:
    """Each fault once: what is wrong with a family would be told of each of its members."""
    return list(dict.fromkeys(faults))
