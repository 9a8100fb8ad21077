"""The compiler's working paper: one entry per model, filled in by the passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthkit.compiler.apart import apart, joined, recorded
from synthkit.compiler.declared import Constraint, DeclaredRule, FamilyRule, learnt_under
from synthkit.compiler.manifest import (
    FamilyNode,
    Lineage,
    Manifest,
    ModelNode,
    SourceNode,
    UnitTest,
    audit_keys,
    made_from,
)
from synthkit.errors import Fault, Location
from synthkit.generators.base import Trained
from synthkit.generators.tables import Key, Shape
from synthkit.graph.dag import Dag
from synthkit.graph.selection import Selectable
from synthkit.privacy.descent import Descent
from synthkit.privacy.disclosure import Disclosure
from synthkit.privacy.guarantee import Account, Guarantee
from synthkit.project.lookups import Rendering
from synthkit.project.size import Size
from synthkit.project.types import Conditions, KeyPath, ModelSpec, Relation, SourceTableSpec
from synthkit.records.parts import KeyRecord
from synthkit.schema import Schema

if TYPE_CHECKING:
    from pydantic import BaseModel

    from synthkit.audits.runner import BoundAudit
    from synthkit.generators.base import Budget, Generator
    from synthkit.project.project import Project


@dataclass
class ModelDraft:
    """What is known of one model so far; ``broken`` once something makes later checks of it pointless."""

    spec: ModelSpec
    generator: Generator | None = None
    generator_reason: str = ""
    params: BaseModel | None = None
    size: Size = field(default_factory=lambda: Size(factor=1.0))
    holdout: float = 0.2
    judged_through: tuple[Relation, ...] = ()
    divided_because: str = ""
    sql: str | None = None
    sql_uses: Rendering | None = None
    sql_relations: tuple[Relation, ...] = ()
    audit_relations: tuple[Relation, ...] = ()
    schema: Schema | None = None
    constraints: tuple[Constraint, ...] = ()
    rules: tuple[DeclaredRule, ...] = ()
    rules_found: bool = False
    audits: list[BoundAudit] = field(default_factory=list)
    audit_uses: list[Mapping[KeyPath, Rendering]] = field(default_factory=list)
    descent: Descent = field(default_factory=Descent)
    lineage: Lineage = field(default_factory=Lineage)
    budget: Budget | None = None
    declared: Schema | None = None
    guarantees: tuple[Guarantee, ...] = ()
    disclosure: Disclosure = "open"
    family: str | None = None
    kept: bool = False
    listed: bool = False  # its audits are those that the family lists for all its tables
    broken: bool = False

    @property
    def uses(self) -> Mapping[KeyPath, Rendering]:
        """What its values, query and audits were rendered with; see :class:`ModelNode`."""
        found = dict(self.spec.uses)
        if self.sql_uses is not None:
            found[("query",)] = self.sql_uses
        for key, uses in zip(audit_keys(a.name for a in self.audits), self.audit_uses, strict=True):
            found |= {("audits", key, *path): used for path, used in uses.items()}
        return found

    @property
    def learnt(self) -> Schema | None:
        """Under a budget, the columns that are learnt, as they are declared."""
        return None if self.declared is None else learnt_under(self.declared, self.rules)

    @property
    def reads(self) -> tuple[Relation, ...]:
        """The relations that its rows are made from."""
        return made_from(self.generator, self.spec.source, self.sql_relations)

    @property
    def parents(self) -> tuple[Relation, ...]:
        own = (self.spec.source,) if self.spec.source is not None else ()
        return tuple(dict.fromkeys((*own, *self.sql_relations, *self.audit_relations)))


@dataclass(frozen=True)
class FamilyDraft:
    """What the members of a family have in common; see :class:`FamilyNode`."""

    spec: ModelSpec
    members: Mapping[str, str]
    keys: tuple[Key, ...]
    kept: tuple[str, ...]
    root: str
    conditions: Mapping[str, Conditions]
    at_least: Mapping[str, int]
    at_most: Mapping[str, int]


class Draft:
    """The state that the passes share.

    Args:
        recorded: the sources' columns (name → SQL type) by id, where no source is to be opened: then a table that is
            not among them is unknown, and so are the columns of what reads it.
        opens: sources are opened, and ``recorded`` is for those that cannot be; ``absent`` says which, and why.
    """

    def __init__(
        self, project: Project, recorded: Mapping[str, Mapping[str, str]] | None = None, opens: bool = False
    ) -> None:
        self.project = project
        self.recorded = recorded
        self.opens = opens or recorded is None
        self.absent: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.models: dict[str, ModelDraft] = {}
        for spec in project.models:
            self.models.setdefault(spec.name, ModelDraft(spec))
        self.families: dict[str, FamilyDraft] = {}
        self.unmade: dict[str, set[str]] = {}  # families that have faults → names that they give their tables
        self.shapes: dict[str, Shape] = {}  # of families under epsilon
        self.family_rules: dict[str, tuple[FamilyRule, ...]] = {}
        self.tables: dict[str, tuple[Relation, SourceTableSpec]] = {}
        for source in project.sources:
            for table in source.tables:
                relation = Relation(table.name, source.name)
                self.tables.setdefault(relation.id, (relation, table))
        self.sources: dict[str, SourceNode] = {}
        self.accounts: dict[str, Account] = {}
        self.behind: dict[str, tuple[str, str]] = {}  # source id → schema and name of the table that its rows are of
        self.order: list[str] = list(self.models)
        self.dag = Dag({})
        self.selectables: dict[str, Selectable] = {}
        self.unit_tests: list[UnitTest] = []

    def fault(self, message: str, where: Location | None = None, value: object = None, hint: str | None = None) -> None:
        self.faults.append(Fault(message, where, None if value is None else str(value), hint))

    def is_unmade(self, name: str) -> bool:
        """Whether a table of that name may be one of a family that is not made, as it has faults of its own."""
        return any(name in given or name.startswith(f"{family}_") for family, given in self.unmade.items())

    def schema_of(self, relation: Relation) -> Schema | None:
        """The columns of a relation, or None where they could not be found out."""
        if relation.source is not None:
            node = self.sources.get(relation.id)
            return None if node is None else node.schema
        model = self.models.get(relation.name)
        return None if model is None else model.schema

    def manifest(self) -> Manifest:
        """The finished manifest; only called on a draft without faults."""
        models: dict[str, ModelNode] = {}
        for name in self.order:
            draft = self.models[name]
            assert draft.generator is not None
            assert draft.params is not None
            assert draft.schema is not None or self.recorded is not None
            models[name] = ModelNode(
                spec=draft.spec,
                generator=draft.generator,
                params=draft.params,
                source=draft.spec.source,
                parents=draft.parents,
                sql=draft.sql,
                sql_relations=draft.sql_relations,
                schema=draft.schema or Schema(()),
                size=draft.size,
                holdout=draft.holdout,
                judged_through=draft.judged_through,
                divided_because=draft.divided_because,
                audits=tuple(draft.audits),
                audit_relations=draft.audit_relations,
                lineage=draft.lineage,
                path=self.relative(draft.spec),
                constraints=draft.constraints,
                rules=draft.rules,
                rules_found=draft.rules_found,
                generator_reason=draft.generator_reason,
                budget=draft.budget,
                declared=draft.declared,
                guarantees=draft.guarantees,
                disclosure=draft.disclosure,
                uses=draft.uses,
                family=draft.family,
                kept=draft.kept,
                keys=self._keys(draft),
            )
        joins = joined(models)
        return Manifest(
            project=self.project,
            sources=self.sources,
            models=models,
            exposures={e.name: e for e in self.project.exposures},
            disabled=tuple(self.project.disabled),
            dag=self.dag,
            selectables=self.selectables,
            accounts=self.accounts,
            unit_tests=tuple(self.unit_tests),
            unknown=frozenset(n for n, m in self.models.items() if m.schema is None),
            absent=self.absent,
            families={name: self._family(name, f, models) for name, f in self.families.items()},
            apart=tuple(apart(self.sources, models, joins)),
            joins=joins,
        )

    def _keys(self, draft: ModelDraft) -> tuple[KeyRecord, ...] | None:
        source = None if draft.spec.source is None else self.sources.get(draft.spec.source.id)
        drawn = isinstance(draft.generator, Trained) or draft.kept
        return recorded(source) if source is not None and drawn else None

    def _family(self, name: str, found: FamilyDraft, models: Mapping[str, ModelNode]) -> FamilyNode:
        root = models[found.members[found.root]]
        return FamilyNode(
            name=name,
            spec=found.spec,
            members=found.members,
            keys=found.keys,
            kept=found.kept,
            root=found.root,
            generator=root.generator,
            params=root.params,
            size=root.size,
            conditions=found.conditions,
            at_least=found.at_least,
            at_most=found.at_most,
            rules=self.family_rules.get(name, ()),
            shape=self.shapes.get(name),
            path=self.relative(found.spec),
        )

    def relative(self, spec: ModelSpec | SourceTableSpec) -> str:
        file, root = spec.origin.file, self.project.root
        return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
