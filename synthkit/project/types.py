"""The frozen specs that the YAML files become: what was declared, before any name is resolved.

Every spec remembers where it was written (:class:`Origin`), so that any later pass can point at the
very key. Names of generators, audits and their parameters are checked by ``synthkit/compiler``, which
knows the registries; here is only the shape of the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from synthkit.project.decides import AUDIT, CONTENT, DECLARED, LEARNT, NOTHING, ROWS, SAMPLE, SPLIT, TRAIN
from synthkit.project.spec import UNPLACED, KeyPath, Origin, Relation, Spec
from synthkit.schema import LogicalType

__all__ = ["UNPLACED", "KeyPath", "Origin", "Relation", "Spec"]  # of base, as every spec needs them

Materialization = Literal["table", "view", "parquet", "ephemeral"]


Constraints = Annotated[
    tuple[str, ...],
    Field(description='comparisons that hold in every row: "start <= end", "age >= 18", "joined < 2026-01-01"'),
]


class ColumnSpec(Spec):
    """A column of a source (public knowledge about it) or of a model (its description)."""

    name: Annotated[str, LEARNT]
    type: Annotated[LogicalType | None, LEARNT] = None
    description: Annotated[str | None, NOTHING] = None
    nullable: Annotated[bool | None, DECLARED] = None
    pii: Annotated[str | None, LEARNT] = None
    bounds: Annotated[tuple[Any, Any] | None, DECLARED] = None
    values: Annotated[tuple[Any, ...] | None, DECLARED] = None
    decimals: Annotated[int | None, DECLARED] = Field(default=None, ge=0, le=18)
    meta: Annotated[Mapping[str, Any], NOTHING] = {}


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

    name: Annotated[str, ROWS]
    path: Annotated[str | None, ROWS] = None
    format: Annotated[Literal["csv", "parquet", "jsonl"] | None, ROWS] = None
    connection: Annotated[str | None, ROWS] = None
    table: Annotated[str | None, ROWS] = None
    query: Annotated[str | None, ROWS] = None
    options: Annotated[Mapping[str, Any], ROWS] = {}  # of the reader: delimiter, header, encoding, nullstr, …
    description: Annotated[str | None, NOTHING] = None
    primary_key: Annotated[tuple[str, ...], ROWS] = ()
    privacy_unit: Annotated[str | None, SPLIT] = None
    max_rows_per_unit: Annotated[int | None, TRAIN] = Field(default=None, ge=1)
    population: Annotated[str | None, NOTHING] = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    # Of the population: nobody in it is in a table that names another part.
    part: Annotated[str | None, NOTHING] = None
    # Names of tables (group.table) that were these rows before: what the ledger was charged for them is spent here.
    was: Annotated[tuple[Annotated[str, Field(pattern=r"^[^.]+\..+$")], ...] | None, NOTHING] = Field(
        default=None,
        description="earlier names (group.table) of these rows: what was spent of those is spent here; []: none",
    )
    row_count: Annotated[int | None, TRAIN] = Field(default=None, ge=0)
    # No row of it goes to a third party, as none of a table with a privacy budget does, unless allow_external says so.
    sensitive: Annotated[bool, NOTHING] = False
    allow_external: Annotated[bool, NOTHING] = False
    holdout: Annotated[str | float | None, SPLIT] = None
    # The column that says when a row was loaded; default: the file's time.
    loaded_at_field: Annotated[str | None, NOTHING] = None
    freshness: Annotated[FreshnessSpec | None, NOTHING] = None
    columns: Annotated[tuple[ColumnSpec, ...], ROWS] = ()
    constraints: Annotated[Constraints, SAMPLE] = ()
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}


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


# What an audit that cannot tell comes to: nothing, a warning, or a failure that keeps the table from being published.
OnInconclusive = Annotated[
    Literal["ignore", "warn", "fail"],
    Field(description="what an audit that cannot tell comes to: ignore (it stays so), warn, or fail, which blocks"),
]


class AuditSpec(Spec):
    """One required audit: ``{ks: {max: 0.1, severity: warn}}`` or just the name of a custom SQL audit."""

    audit: Annotated[str, AUDIT]
    params: Annotated[Mapping[str, Any], AUDIT] = {}
    name: Annotated[str | None, AUDIT] = None  # what reports call it; default: the audit's own name
    severity: Annotated[Literal["error", "warn"], AUDIT] = "error"
    where: Annotated[str | None, AUDIT] = None
    warn_if: Annotated[str | None, AUDIT] = None
    error_if: Annotated[str | None, AUDIT] = None
    on_inconclusive: Annotated[OnInconclusive | None, AUDIT] = None  # default: the model's, or else the project's
    store_failures: Annotated[bool, AUDIT] = False  # keep failing rows, for a look at them
    failures_limit: Annotated[int, AUDIT] = Field(default=1000, ge=1)  # how many at most
    enabled: Annotated[bool, AUDIT] = True
    description: Annotated[str | None, NOTHING] = None
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}


Size = Annotated[str | int, Field(description="rows: 50000, or of the source: 2x, 50%")]


class ModelSpec(Spec):
    """A synthetic table. ``source``, ``generator``, ``epsilon``, ``size`` and ``audits`` are the language."""

    name: Annotated[str, TRAIN]
    description: Annotated[str | None, NOTHING] = None
    source: Annotated[Relation | None, TRAIN] = None
    generator: Annotated[GeneratorSpec | None, TRAIN] = None
    epsilon: Annotated[float | None, TRAIN] = Field(default=None, gt=0, allow_inf_nan=False)
    delta: Annotated[float | None, TRAIN] = Field(default=None, gt=0, lt=1)
    insecure_seed: Annotated[int | None, TRAIN] = Field(default=None, ge=0)  # of the privacy noise: for tests alone
    privacy: Annotated[Requirement | None, NOTHING] = None
    size: Annotated[Size | None, SAMPLE] = None
    holdout: Annotated[str | float | None, TRAIN] = None
    conditions: Annotated[Mapping[str, Any], SAMPLE] = {}
    constraints: Annotated[Constraints, SAMPLE] = ()  # besides those of the source
    materialized: Annotated[Materialization, NOTHING] = "table"
    seed: Annotated[int | None, TRAIN] = None
    enabled: Annotated[bool, NOTHING] = True
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}
    columns: Annotated[tuple[ColumnSpec, ...], TRAIN] = ()
    audits: Annotated[tuple[AuditSpec, ...] | None, AUDIT] = None  # None: the default set; (): none, on purpose
    on_inconclusive: Annotated[OnInconclusive | None, AUDIT] = None  # of its audits; default: the project's


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

    type: Annotated[Literal["duckdb", "sqlite", "postgres"], CONTENT]
    path: Annotated[str | None, CONTENT] = None
    url: Annotated[str | None, CONTENT] = None


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
    """``synth_project.yml``. What names models, their values or their audits decides where they use it."""

    name: Annotated[str, NOTHING] = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    version: Annotated[str | int | float, NOTHING] = 1
    description: Annotated[str | None, NOTHING] = None
    paths: Annotated[PathsSpec, NOTHING] = PathsSpec()
    target: Annotated[str, NOTHING] = "dev"  # the default target
    targets: Annotated[Mapping[str, TargetSpec], NOTHING] = {"dev": TargetSpec()}
    connections: Annotated[Mapping[str, ConnectionSpec], CONTENT] = {}
    vars: Annotated[Mapping[str, Any], NOTHING] = {}
    seed: Annotated[int, TRAIN] = 0
    device: Annotated[str, TRAIN] = "auto"
    threads: Annotated[int | None, NOTHING] = Field(default=None, ge=1)
    model_threads: Annotated[int, TRAIN] = Field(default=1, ge=1)  # CPU threads inside one training; part of its hash
    holdout: Annotated[str | float, SPLIT] = "20%"
    privacy: Annotated[PrivacySpec, NOTHING] = PrivacySpec()
    audit_sets: Annotated[Mapping[str, Any], NOTHING] = {}  # name → a list of audits, for models to take as {set: name}
    on_inconclusive: Annotated[OnInconclusive, AUDIT] = "ignore"  # of all audits
    reports: Annotated[ReportsSpec, NOTHING] = ReportsSpec()
    lineage: Annotated[LineageSpec | None, NOTHING] = None
    models: Annotated[Mapping[str, Any], NOTHING] = {}  # folder-level defaults: +key, or folder → the same again
