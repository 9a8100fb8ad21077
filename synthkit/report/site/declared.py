"""What a site reads of the manifest: its nodes as the project declares them, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from synthkit.records.joins import Join
from synthkit.records.parts import Holdout, Promise
from synthkit.records.record import NamedTexts, Number, Record, Several
from synthkit.records.usage import UNSAID, Usage
from synthkit.schema import MADE_UP


class DeclaredColumn(Record):
    """A column of a source or a model; ``bounds``, ``values`` and the like are what the YAML says."""

    name: str
    type: str
    sql_type: str
    nullable: bool = True
    pii: str | None = None
    bounds: Several[Any] | None = None
    values: Several[Any] | None = None
    description: str | None = None

    @property
    def made_up(self) -> bool:
        return self.type in MADE_UP


class DeclaredColumns(Record):
    columns: Several[DeclaredColumn]


class DeclaredGenerator(Record):
    """``reason`` is why the compiler chose it, where the model names none."""

    name: str
    params: Mapping[str, Any]
    reason: str | None = None


class DeclaredLineage(Record):
    contains_real_rows: bool


class DeclaredAudit(Record):
    name: str


class DeclaredModel(Record):
    """A model as it is compiled; ``reads`` are the nodes that its rows are made from, ``keys`` lead to other models."""

    file: str
    family: str | None = None
    keys: Several[Join] = ()
    description: str | None
    source: str | None
    reads: Several[str]
    generator: DeclaredGenerator
    epsilon: Number | None
    guarantees: Several[Promise]
    size: str
    judges: Holdout | None
    conditions: Mapping[str, Any]
    constraints: Several[str]
    materialized: str
    tags: Several[str]
    meta: Mapping[str, Any]
    usage: Usage = UNSAID
    table_schema: DeclaredColumns = Field(alias="schema")
    lineage: DeclaredLineage
    audits: Several[DeclaredAudit]

    @property
    def columns(self) -> tuple[DeclaredColumn, ...]:
        return self.table_schema.columns


class DeclaredFamily(Record):
    """Tables that are made together: ``members`` are source table → model, in the order in which keys name them."""

    file: str
    description: str | None = None
    source: str
    root: str
    members: NamedTexts
    kept: Several[str]
    size: str


class DeclaredSource(Record):
    file: str
    path: str | None
    description: str | None
    table_schema: DeclaredColumns = Field(alias="schema")

    @property
    def columns(self) -> tuple[DeclaredColumn, ...]:
        return self.table_schema.columns


class Owner(Record):
    name: str | None = None
    email: str | None = None

    def __str__(self) -> str:
        return " · ".join(v for v in (self.name, self.email) if v)


class DeclaredExposure(Record):
    type: str | None = None
    description: str | None = None
    url: str | None = None
    owner: Owner
    depends_on: Several[str]


class DeclaredAccount(Record):
    sources: Several[str]
    epsilon: Number | None


class DeclaredProject(Record):
    """``manifest.json``: the nodes by name (sources by id), what each reads, and whose privacy there is to spend.

    >>> found = {"sources": {}, "models": {}, "exposures": {}, "privacy": {}, "parents": {"model:a": ["source:b.c"]}}
    >>> DeclaredProject.from_json(found).parents
    {'model:a': ('source:b.c',)}
    """

    sources: Mapping[str, DeclaredSource]
    models: Mapping[str, DeclaredModel]
    exposures: Mapping[str, DeclaredExposure]
    families: Mapping[str, DeclaredFamily] = Field(default_factory=dict)
    privacy: Mapping[str, DeclaredAccount]
    parents: Mapping[str, Several[str]]
