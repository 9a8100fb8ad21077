"""The frozen specs that the YAML files become: what was declared, before any name is resolved.

Every spec remembers where it was written (:class:`Origin`), so that any later pass can point at the
very key. Names of generators, audits and their parameters are checked by ``synthkit/compiler``, which
knows the registries; here is only the shape of the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from synthkit.errors import Location
from synthkit.schema import LogicalType

Materialization = Literal["table", "view", "parquet", "ephemeral"]
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Relation:
    """What ``source('crm', 'customers')`` or ``ref('model')`` stands for; ``source`` is None for a ref."""

    name: str
    source: str | None = None

    @property
    def id(self) -> str:
        """The node of the graph: ``source:crm.customers`` or ``model:name``."""
        return f"source:{self.source}.{self.name}" if self.source is not None else f"model:{self.name}"

    @property
    def sql(self) -> str:
        """The quoted name under which SQL finds it: ``"crm"."customers"`` or ``"name"``."""
        parts = (self.name,) if self.source is None else (self.source, self.name)
        return ".".join('"' + p.replace('"', '""') + '"' for p in parts)

    def __str__(self) -> str:
        return f"source({self.source!r}, {self.name!r})" if self.source is not None else f"ref({self.name!r})"


@dataclass(frozen=True)
class Origin:
    """Where a spec was written: a file, the path of keys down to it, and all marks of that file."""

    file: Path
    path: KeyPath = ()
    marks: Mapping[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    key_marks: Mapping[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    elsewhere: Mapping[str, Origin] = field(default_factory=dict, repr=False)  # keys that a default gave

    def at(self, *keys: str | int, key: bool = False) -> Location:
        """The place of a value (or with ``key`` of the key itself) below this spec.

        Where the exact path was not written (a default), the nearest written parent answers.
        """
        if keys and isinstance(keys[0], str) and keys[0] in self.elsewhere:
            return self.elsewhere[keys[0]].at(*keys[1:], key=key)
        path = (*self.path, *keys)
        table = self.key_marks if key else self.marks
        while path and path not in table:
            path = path[:-1]
            table = self.marks
        line, column = table.get(path, (1, 1))
        return Location(self.file, line, column)


class Spec(BaseModel):
    """Base of all specs: frozen, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    _origin: Origin = PrivateAttr(default=Origin(Path("?")))

    @property
    def origin(self) -> Origin:
        return self._origin


Constraints = Annotated[
    tuple[str, ...],
    Field(description='comparisons that hold in every row: "start <= end", "age >= 18", "joined < 2026-01-01"'),
]


class ColumnSpec(Spec):
    """A column of a source (public knowledge about it) or of a model (its description)."""

    name: str
    type: LogicalType | None = None
    description: str | None = None
    nullable: bool | None = None
    pii: str | None = None
    bounds: tuple[Any, Any] | None = None
    values: tuple[Any, ...] | None = None
    decimals: int | None = Field(default=None, ge=0, le=18)
    meta: Mapping[str, Any] = {}


class SourceTableSpec(Spec):
    """A real table: a file or glob, or a table or query behind a connection."""

    name: str
    path: str | None = None
    format: Literal["csv", "parquet", "jsonl"] | None = None
    connection: str | None = None
    table: str | None = None
    query: str | None = None
    options: Mapping[str, Any] = {}  # of the reader: delimiter, header, encoding, nullstr, …
    description: str | None = None
    primary_key: tuple[str, ...] = ()
    privacy_unit: str | None = None
    row_count: int | None = Field(default=None, ge=0)
    holdout: str | float | None = None
    columns: tuple[ColumnSpec, ...] = ()
    constraints: Constraints = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


class SourceSpec(Spec):
    """A named group of real tables."""

    name: str
    description: str | None = None
    connection: str | None = None
    tables: tuple[SourceTableSpec, ...]
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


AUTO = "auto"  # a generator's name that leaves the choice to the compiler


class GeneratorSpec(Spec):
    """A generator by name, with whatever parameters were written beside it."""

    name: str
    params: Mapping[str, Any] = {}


class AuditSpec(Spec):
    """One required audit: ``{ks: {max: 0.1, severity: warn}}`` or just the name of a custom SQL audit."""

    audit: str
    params: Mapping[str, Any] = {}
    name: str | None = None  # what reports call it; default: the audit's own name
    severity: Literal["error", "warn"] = "error"
    where: str | None = None
    warn_if: str | None = None
    error_if: str | None = None
    enabled: bool = True
    description: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


Size = Annotated[str | int, Field(description="rows: 50000, or of the source: 2x, 50%")]


class ModelSpec(Spec):
    """A synthetic table. ``source``, ``generator``, ``epsilon``, ``size`` and ``audits`` are the language."""

    name: str
    description: str | None = None
    source: Relation | None = None
    generator: GeneratorSpec | None = None
    epsilon: float | None = Field(default=None, gt=0)
    delta: float | None = Field(default=None, gt=0, lt=1)
    size: Size | None = None
    holdout: str | float | None = None
    conditions: Mapping[str, Any] = {}
    constraints: Constraints = ()  # besides those of the source
    materialized: Materialization = "table"
    seed: int | None = None
    enabled: bool = True
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}
    columns: tuple[ColumnSpec, ...] = ()
    audits: tuple[AuditSpec, ...] | None = None  # None: the default set; (): none, on purpose


class OwnerSpec(Spec):
    name: str | None = None
    email: str | None = None


class ExposureSpec(Spec):
    """Somebody who depends on tables: a dashboard, a notebook, a team."""

    name: str
    type: Literal["dashboard", "notebook", "analysis", "ml", "application"] = "application"
    owner: OwnerSpec
    description: str | None = None
    url: str | None = None
    depends_on: tuple[Relation, ...] = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


class ConnectionSpec(Spec):
    """How to reach a database: type and, by type, a file path or a PostgreSQL connection URL."""

    type: Literal["duckdb", "sqlite", "postgres"]
    path: str | None = None
    url: str | None = None


class TargetSpec(Spec):
    """A place to publish to, and defaults for building there."""

    warehouse: str | None = None  # directory; default warehouse/<target>
    database: str | None = None  # DuckDB file; default warehouse/<target>.duckdb
    threads: int | None = Field(default=None, ge=1)
    device: str | None = None
    vars: Mapping[str, Any] = {}


class PathsSpec(Spec):
    models: tuple[str, ...] = ("models",)
    audits: tuple[str, ...] = ("audits",)
    macros: tuple[str, ...] = ("macros",)


class ProjectSpec(Spec):
    """``synth_project.yml``."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    version: str | int | float = 1
    description: str | None = None
    paths: PathsSpec = PathsSpec()
    target: str = "dev"  # the default target
    targets: Mapping[str, TargetSpec] = {"dev": TargetSpec()}
    connections: Mapping[str, ConnectionSpec] = {}
    vars: Mapping[str, Any] = {}
    seed: int = 0
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    model_threads: int = Field(default=1, ge=1)  # CPU threads inside one training; part of its hash
    holdout: str | float = "20%"
    models: Mapping[str, Any] = {}  # folder-level defaults: +key, or folder → the same again
