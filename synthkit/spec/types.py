"""The frozen specs that the YAML files become: what was declared, before any name is resolved.

Every spec remembers where it was written (:class:`Origin`), so that any later pass can point at the
very key. Names of generators, audits and their parameters are checked by ``synthkit/compiler``, which
knows the registries; here is only the shape of the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from synthkit.errors import Location
from synthkit.schema import LogicalType
from synthkit.uses import Uses

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


UNPLACED = Origin(Path("?"))


class Spec(BaseModel):
    """Base of all specs: frozen, unknown keys forbidden. ``uses``: what the values below it were rendered with."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    _origin: Origin = PrivateAttr(default_factory=lambda: UNPLACED)  # a default would be copied for each
    _uses: Mapping[KeyPath, Uses] = PrivateAttr(default_factory=dict)

    @property
    def origin(self) -> Origin:
        return self._origin

    @property
    def uses(self) -> Mapping[KeyPath, Uses]:
        return self._uses


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


class PeriodSpec(Spec):
    """A length of time, as dbt writes it: ``{count: 12, period: hour}``."""

    count: int = Field(ge=1)
    period: Literal["minute", "hour", "day"]

    @property
    def length(self) -> timedelta:
        return timedelta(**{f"{self.period}s": self.count})

    def __str__(self) -> str:
        return f"{self.count} {self.period}{'' if self.count == 1 else 's'}"


class FreshnessSpec(Spec):
    """How old a source may be; ``filter`` is a SQL condition on the rows whose ``loaded_at_field`` counts."""

    warn_after: PeriodSpec | None = None
    error_after: PeriodSpec | None = None
    filter: str | None = None

    @model_validator(mode="after")
    def _limits(self) -> FreshnessSpec:
        if self.warn_after is None and self.error_after is None:
            raise ValueError("give warn_after, error_after, or both")
        if self.warn_after and self.error_after and self.warn_after.length > self.error_after.length:
            raise ValueError(f"warn_after {self.warn_after} is later than error_after {self.error_after}")
        return self


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
    max_rows_per_unit: int | None = Field(default=None, ge=1)
    population: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    part: str | None = None  # of the population: nobody in it is in a table that names another part
    row_count: int | None = Field(default=None, ge=0)
    sensitive: bool = False  # no row of it goes to a third party, as none of a table with a privacy budget does
    allow_external: bool = False  # unless this says so
    holdout: str | float | None = None
    loaded_at_field: str | None = None  # the column that says when a row was loaded; default: the file's time
    freshness: FreshnessSpec | None = None
    columns: tuple[ColumnSpec, ...] = ()
    constraints: Constraints = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


class SourceSpec(Spec):
    """A named group of real tables."""

    name: str
    description: str | None = None
    connection: str | None = None
    loaded_at_field: str | None = None  # of the tables that name none
    freshness: FreshnessSpec | None = None
    tables: tuple[SourceTableSpec, ...]
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


AUTO = "auto"  # a generator's name that leaves the choice to the compiler


class GeneratorSpec(Spec):
    """A generator by name, with whatever parameters were written beside it."""

    name: str
    params: Mapping[str, Any] = {}


class PrivacyRequirement(Spec):
    """What a table or whoever depends on it demands: at most this ε against every real source, composed."""

    max_epsilon: float = Field(gt=0, allow_inf_nan=False)


# max_epsilon bounds what the rows may reveal; synthetic_only forbids real rows alone.
Requirement = PrivacyRequirement | Literal["synthetic_only"]


DEFAULT_SET = "set: default"  # stands among a model's audits for those that a model without any has


class AuditSpec(Spec):
    """One required audit: ``{ks: {max: 0.1, severity: warn}}`` or just the name of a custom SQL audit."""

    audit: str
    params: Mapping[str, Any] = {}
    name: str | None = None  # what reports call it; default: the audit's own name
    severity: Literal["error", "warn"] = "error"
    where: str | None = None
    warn_if: str | None = None
    error_if: str | None = None
    store_failures: bool = False  # keep failing rows, for a look at them
    failures_limit: int = Field(default=1000, ge=1)  # how many at most
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
    epsilon: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    delta: float | None = Field(default=None, gt=0, lt=1)
    insecure_seed: int | None = Field(default=None, ge=0)  # of the privacy noise: for tests alone
    privacy: Requirement | None = None
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


class GivenSpec(Spec):
    """Rows that stand in for a table in a unit test.

    ``input`` is a ``ref()`` or ``source()``, or ``this``: the table that a custom audit judges. ``types`` (column →
    SQL type) says what neither the rows nor the table that they stand in for do.
    """

    input: Relation | Literal["this"]
    rows: tuple[Mapping[str, Any], ...]
    types: Mapping[str, str] = {}


class ExpectSpec(Spec):
    """The rows that a query must give, in any order; columns that are not named are not compared."""

    rows: tuple[Mapping[str, Any], ...]


class UnitTestSpec(Spec):
    """``given`` rows → ``expect`` rows, for an SQL model, a custom audit, or a query that calls macros."""

    name: str
    model: str | None = None
    audit: str | None = None
    query: str | None = None
    params: Mapping[str, Any] = {}  # of a custom audit
    given: tuple[GivenSpec, ...] = ()
    expect: ExpectSpec
    description: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _one(self) -> UnitTestSpec:
        if sum(k is not None for k in (self.model, self.audit, self.query)) != 1:
            raise ValueError("give one of model, audit and query: what is tested")
        return self


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
    privacy: Requirement | None = None
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


class BudgetSpec(Spec):
    """How much may ever be spent of one population's or source table's privacy."""

    epsilon: float = Field(gt=0, allow_inf_nan=False)
    delta: float | None = Field(default=None, gt=0, lt=1)


class PrivacySpec(Spec):
    """Privacy budgets by population or source table (``group.table``), and one for those that are not named."""

    budgets: Mapping[str, BudgetSpec] = {}
    default_budget: BudgetSpec | None = None


class ReportsSpec(Spec):
    """What the site of ``synth docs generate`` may show: pictures of real rows, or (``show_real: false``) none."""

    show_real: bool = True


class LineageSpec(Spec):
    """Where the OpenLineage events of builds go: appended to a file, or posted to a server.

    Args:
        path: of the file, seen from the project; one JSON event a line.
        url, endpoint: of the server, to which ``endpoint`` is appended.
        api_key: is sent as a bearer token.
        timeout: seconds that one event may take.
        namespace: of jobs and tables; default: the project's name.
    """

    transport: Literal["file", "http"]
    path: str | None = None
    url: str | None = None
    endpoint: str | None = None
    api_key: SecretStr | None = None
    timeout: float = Field(default=5.0, gt=0, le=60)
    namespace: str | None = Field(default=None, min_length=1)
    enabled: bool = True


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
    privacy: PrivacySpec = PrivacySpec()
    audit_sets: Mapping[str, Any] = {}  # name → a list of audits, for models to take as {set: name}
    reports: ReportsSpec = ReportsSpec()
    lineage: LineageSpec | None = None
    models: Mapping[str, Any] = {}  # folder-level defaults: +key, or folder → the same again
