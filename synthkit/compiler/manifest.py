"""What the compiler makes of a project: nodes whose every name is resolved, and the graph over them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from synthkit.compiler.declared import Constraint, DeclaredRule, learnt_under
from synthkit.compiler.familynode import FamilyNode as FamilyNode
from synthkit.errors import Fault
from synthkit.files import write_text_atomic
from synthkit.generators.base import Budget, Generator, Query
from synthkit.graph.dag import Dag
from synthkit.graph.selection import Selectable
from synthkit.privacy.disclosure import Disclosure
from synthkit.privacy.guarantee import Account, Guarantee
from synthkit.project.decides import What, deciding
from synthkit.project.exposures import ExposureSpec
from synthkit.project.holdout import holdout_of
from synthkit.project.lookups import Rendering
from synthkit.project.size import Size
from synthkit.project.types import KeyPath, ModelSpec, Relation, Row, SourceTableSpec
from synthkit.records.joins import Join
from synthkit.records.parts import KeyRecord
from synthkit.schema import Schema

if TYPE_CHECKING:
    from synthkit.audits.runner import BoundAudit
    from synthkit.project.project import Project


BUILT: tuple[What, ...] = ("rows", "split", "train", "sample", "audit")  # whatever makes other rows, or judges them


@dataclass(frozen=True)
class SourceNode:
    """A real table. ``schema`` has provisional logical types: the rows have not been read."""

    relation: Relation
    spec: SourceTableSpec
    schema: Schema

    @property
    def id(self) -> str:
        return self.relation.id


@dataclass(frozen=True)
class Lineage:
    """What a table's rows descend from: the real sources, and whether real rows are in it as they are.

    ``through`` is the path of node ids from this table up to the first real rows it contains.
    """

    sources: frozenset[str] = frozenset()
    contains_real_rows: bool = False
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class GivenTable:
    """Rows of a unit test under the quoted name of the table that they stand in for; ``types`` as far as known."""

    sql: str
    rows: tuple[Row, ...]
    types: Mapping[str, str]


@dataclass(frozen=True)
class UnitTest:
    """A rendered query, the tables that it reads, and the rows that it must give.

    ``subject`` says what is tested ("model x"), ``location`` is a file of the project with line and column.
    """

    name: str
    subject: str
    sql: str
    given: tuple[GivenTable, ...]
    expect: tuple[Row, ...]
    location: str


def audit_keys(names: Iterable[str]) -> list[str]:
    """A key for each audit of a model, wherever the others stand: its name, with a count where several have it."""
    seen: Counter[str] = Counter()
    keys = []
    for name in names:
        seen[name] += 1
        keys.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return keys


def made_from(
    generator: Generator | None, source: Relation | None, sql_relations: tuple[Relation, ...]
) -> tuple[Relation, ...]:
    """What a model's rows are made from: what its query reads, else what its generator learns from."""
    if generator is not None and isinstance(generator, Query):
        return sql_relations
    return () if source is None else (source,)


@dataclass(frozen=True)
class ModelNode:
    """A synthetic table, ready to be planned.

    Args:
        budget: under what it is trained, with the resolved δ; None without ``epsilon``.
        declared: under a budget, its columns as they are declared: nothing in it depends on a row.
        guarantees: what it may reveal, by account; empty where it descends from no real table.
        disclosure: what may be told of it in public (:mod:`synthkit.privacy.disclosure`).
        generator_reason: why the compiler chose the generator; empty where the model names one.
        constraints: what holds in every row, those of the source included.
        rules: what holds between columns beside comparisons, those of the source included.
        rules_found: whether rules that the training rows show are kept, too.
        source: what the generator learns from, and what audits compare with; None for a bare SQL model.
        parents: every relation that must exist first (source, SQL references, audits' references).
        sql: the rendered SELECT of an SQL model.
        schema: its columns (for a generated model those of its source, logical types provisional).
        holdout: share of the source kept from training, 0 to 1.
        judged_through: where the source is an SQL model that takes a real source's rows one by one, the way up from it
            to that source, both included: the source's held-out rows, put through the same queries, are the holdout.
        divided_because: why the rows of the model that it learns from are divided anew instead.
        uses: what its values were rendered with, by their keys in the YAML; of an SQL model's query as ``query``, of
            audits below ``audits`` and their key (:func:`audit_keys`), where a custom one has its SQL as ``sql``.
        family: the family that it is a table of.
        kept: whether it is a public table, whose rows the family publishes as they are.
        keys: of a table that is drawn, or kept, those of its source; None of others.
    """

    spec: ModelSpec
    generator: Generator
    params: BaseModel
    source: Relation | None
    parents: tuple[Relation, ...]
    sql: str | None
    sql_relations: tuple[Relation, ...]
    schema: Schema
    size: Size
    holdout: float
    audits: tuple[BoundAudit, ...]
    audit_relations: tuple[Relation, ...]
    lineage: Lineage
    path: str
    constraints: tuple[Constraint, ...] = ()
    rules: tuple[DeclaredRule, ...] = ()
    rules_found: bool = False
    generator_reason: str = ""
    budget: Budget | None = None
    declared: Schema | None = None
    guarantees: tuple[Guarantee, ...] = ()
    disclosure: Disclosure = "open"
    judged_through: tuple[Relation, ...] = ()
    divided_because: str = ""
    uses: Mapping[KeyPath, Rendering] = field(default_factory=dict)
    family: str | None = None
    kept: bool = False
    keys: tuple[KeyRecord, ...] | None = None

    @property
    def protected(self) -> bool:
        """Whether the table promises to reveal no more than some ε: its own, or that of all it descends from."""
        descends = bool(self.guarantees) and not any(g.unprotected for g in self.guarantees)
        return self.spec.epsilon is not None or (descends and not self.lineage.contains_real_rows)

    @property
    def judges(self) -> dict[str, Any] | None:
        """Which held-out rows judge the table: {share, of, through or why}; None where there are none.

        ``of`` is the node whose rows are divided. ``through``: the SQL models that its held-out rows are put through,
        the first one first. ``why``: what speaks against holding out rows of a source.
        """
        if self.source is None or self.holdout == 0:
            return None
        found: dict[str, Any] = {"share": self.holdout, "of": self.source.id}
        if self.judged_through:
            *models, source = self.judged_through
            return {**found, "of": source.id, "through": [r.id for r in reversed(models)]}
        return {**found, "why": self.divided_because} if self.source.source is None else found

    @property
    def reads(self) -> tuple[Relation, ...]:
        """The relations that its rows are made from; other parents are read by its audits alone."""
        return made_from(self.generator, self.source, self.sql_relations)

    @property
    def learnt(self) -> Schema | None:
        """Under a budget, the columns that are learnt, as they are declared; the others are made up."""
        return None if self.declared is None else learnt_under(self.declared, self.rules)

    @property
    def delta(self) -> float | None:
        """The declared δ, or the default for the declared number of rows; None without ``epsilon``."""
        return None if self.budget is None else self.budget.delta

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def id(self) -> str:
        return f"model:{self.spec.name}"


@dataclass(frozen=True)
class Manifest:
    """A whole compiled project."""

    project: Project
    sources: Mapping[str, SourceNode]  # by id
    models: Mapping[str, ModelNode]  # by name, in topological order
    exposures: Mapping[str, ExposureSpec]
    disabled: tuple[ModelSpec, ...]
    dag: Dag
    selectables: Mapping[str, Selectable]
    accounts: Mapping[str, Account] = field(default_factory=dict)  # by name
    unit_tests: tuple[UnitTest, ...] = ()
    unknown: frozenset[str] = frozenset()  # models whose columns are not known, as no source was opened
    absent: Mapping[str, str] = field(default_factory=dict)  # sources that could not be opened, by id, and why
    families: Mapping[str, FamilyNode] = field(default_factory=dict)  # by name
    apart: tuple[tuple[str, Fault], ...] = ()  # models whose tables will not join those that their keys name
    joins: Mapping[str, tuple[Join, ...]] = field(default_factory=dict)  # model → its keys that lead to models

    @property
    def warnings(self) -> list[Fault]:
        """What is worth a look. Parameters of generators are asked when it is shown, as that may import an SDK."""
        return [fault for _, fault in self.apart] + [
            Fault(text, model.spec.origin.at("generator"))
            for model in self.models.values()
            for text in model.generator.warnings(model.params)
        ]

    def account_of(self, source_id: str) -> Account:
        return next(a for a in self.accounts.values() if source_id in a.sources)

    def holdout_of(self, source_id: str) -> str | float:
        """The share of a source that is held out from who reads it without saying otherwise, as it is written."""
        return holdout_of(self.project.spec, self.sources[source_id].spec)[0]

    def tables_of(self, group: str) -> dict[str, SourceTableSpec]:
        """The tables of a source group, by name."""
        return {t.name: t for s in self.project.sources if s.name == group for t in s.tables}

    def declared_rows(self, model: ModelNode) -> int | None:
        """What a relative size is a factor of, where that is no look at rows: protected ones' declared number."""
        source = None if model.source is None else self.sources.get(model.source.id)
        if source is None or model.disclosure == "open" or model.size.rows is not None:
            return None
        return source.spec.row_count

    def known_rows(self, model: ModelNode) -> int | None:
        """How many rows a table is to have; None where that takes a look at its source's."""
        declared = self.declared_rows(model)
        return model.size.rows if declared is None else model.size.of(declared)

    def model(self, node_id: str) -> ModelNode:
        return self.models[node_id.removeprefix("model:")]

    def to_json(self) -> dict[str, Any]:
        root = self.project.root
        return {
            "project": self.project.spec.name,
            "target": self.project.target_name,
            "settings": {
                **deciding(self.project.spec, *BUILT),
                "seed": self.project.seed,  # of the command line, if it gave one
                "device": self.project.device,
            },
            "sources": {
                id_: {
                    "schema": s.schema.to_json(),
                    "description": s.spec.description,
                    "path": s.spec.path,
                    "declared": deciding(s.spec, *BUILT),
                    "file": _relative(s.spec.origin.file, root),
                }
                for id_, s in self.sources.items()
            },
            "models": {name: _model_json(m, self.joins.get(name, ())) for name, m in self.models.items()},
            **({"families": {name: f.to_json() for name, f in self.families.items()}} if self.families else {}),
            "exposures": {
                name: {
                    "type": e.type,
                    "description": e.description,
                    "url": e.url,
                    "owner": e.owner.model_dump(),
                    "depends_on": [r.id for r in e.depends_on],
                }
                for name, e in self.exposures.items()
            },
            "disabled": [m.name for m in self.disabled],
            "privacy": {
                name: {"sources": list(a.sources), "epsilon": a.epsilon, "delta": a.delta}
                for name, a in sorted(self.accounts.items())
            },
            "parents": {node: sorted(parents) for node, parents in sorted(self.dag.parents.items())},
        }

    def write_summary(self, directory: Path) -> dict[str, Any]:
        """Write ``manifest.json`` alone, and return what it holds."""
        data: dict[str, Any] = _plain(self.to_json())
        write_text_atomic(directory / "manifest.json", json.dumps(data, ensure_ascii=False) + "\n")
        return data

    def write(self, directory: Path) -> None:
        """Write ``manifest.json`` and, below ``compiled/``, rendered SQL and each YAML file's models as understood."""
        compiled = directory / "compiled"
        shutil.rmtree(compiled, ignore_errors=True)
        compiled.mkdir(parents=True, exist_ok=True)
        rendered = self.write_summary(directory)["models"]
        by_file: dict[str, list[dict[str, Any]]] = {}
        for name, model in self.models.items():
            if model.sql is not None:
                (compiled / f"{name}.sql").write_text(model.sql.rstrip() + "\n", "utf-8")
            by_file.setdefault(model.path, []).append(_said(rendered[name] | _brief(model)))
            for bound in model.audits:
                if bound.sql is not None:
                    (compiled / f"{name}.{bound.name}.sql").write_text(bound.sql.rstrip() + "\n", "utf-8")
        for path, models in by_file.items():
            file = compiled / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_yaml({"models": models}), "utf-8")


def _brief(model: ModelNode) -> dict[str, Any]:
    """The parts of a model that are shorter without their defaults."""
    params = _plain(model.params.model_dump(exclude_defaults=True))
    audits = [{b.name: _said(dict(b.params) | {"where": b.where})} for b in model.audits]
    return {"schema": None, "generator": {"name": model.generator.name, "params": params}, "audits": _plain(audits)}


def _said(value: Any) -> Any:
    """The value without what is empty: what somebody would have to write to say the same."""
    if not isinstance(value, dict):
        return value
    kept = {k: _said(v) for k, v in value.items()}
    return {k: v for k, v in kept.items() if v not in (None, "", [], {}, ())}


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _model_json(model: ModelNode, joins: tuple[Join, ...]) -> dict[str, Any]:
    spec = model.spec
    return {
        "name": spec.name,
        "file": model.path,
        **({"family": model.family} if model.family is not None else {}),
        **({"kept": True} if model.kept else {}),
        "description": spec.description,
        "source": None if model.source is None else model.source.id,
        "reads": sorted(r.id for r in model.reads),
        "generator": {
            "name": model.generator.name,
            "params": model.params.model_dump(),
            "reason": model.generator_reason or None,
        },
        **({"keys": [join.to_json() for join in joins]} if joins else {}),
        "epsilon": spec.epsilon,
        "delta": model.delta,
        "guarantees": [g.to_json() for g in model.guarantees],
        "size": str(model.size),
        "holdout": model.holdout,
        "judges": model.judges,
        "seed": spec.seed,
        "conditions": dict(spec.conditions),
        "constraints": [str(c.rule) for c in model.constraints],
        "rules": [str(r.rule) for r in model.rules],
        "rules_found": model.rules_found,
        "materialized": spec.materialized,
        "tags": list(spec.tags),
        "meta": dict(spec.meta),
        **spec.usage.said(),
        "schema": model.schema.to_json(),
        "lineage": {
            "sources": sorted(model.lineage.sources),
            "contains_real_rows": model.lineage.contains_real_rows,
            "through": list(model.lineage.through),
        },
        "audits": [b.to_json() for b in model.audits],
    }


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _yaml(value: dict[str, Any]) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True))
