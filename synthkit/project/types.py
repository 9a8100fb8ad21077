"""The frozen specs that the YAML files become: what was declared, before any name is resolved.

Every spec remembers where it was written (:class:`Origin`), so that any later pass can point at the
very key. Names of generators, audits and their parameters are checked by ``synthkit/compiler``, which
knows the registries; here is only the shape of the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from synthkit.project.auditspec import DEFAULT_SET, AuditSpec, OnInconclusive
from synthkit.project.columnspec import ColumnSpec, Constraints, Rules
from synthkit.project.connections import Kind
from synthkit.project.decides import AUDIT, CONTENT, KEYS, NOTHING, ROWS, SAMPLE, SPLIT, TRAIN
from synthkit.project.familyspec import ForeignKeySpec, MemberSpec
from synthkit.project.resources import UNASKED, Resources
from synthkit.project.spec import UNPLACED, Conditions, KeyPath, Options, Origin, Relation, Row, Spec, Tree
from synthkit.project.usage import UNSAID, UsageSpec
from synthkit.records.receipt import Materialized

# what every spec needs, and the specs of parts that have files of their own
__all__ = [
    "DEFAULT_SET",
    "UNPLACED",
    "AuditSpec",
    "ColumnSpec",
    "Conditions",
    "Constraints",
    "ForeignKeySpec",
    "KeyPath",
    "MemberSpec",
    "OnInconclusive",
    "Options",
    "Origin",
    "Relation",
    "Row",
    "Rules",
    "Spec",
    "Tree",
]


class PeriodSpec(Spec):
    """A length of time, as dbt writes it: ``{count: 12, period: hour}``.

    Args:
        count: how many of them.
        period: minute, hour or day.
    """

    count: int = Field(ge=1)
    period: Literal["minute", "hour", "day"]

    @property
    def length(self) -> timedelta:
        return timedelta(**{f"{self.period}s": self.count})

    def __str__(self) -> str:
        return f"{self.count} {self.period}{'' if self.count == 1 else 's'}"


class FreshnessSpec(Spec):
    """How old a source may be.

    Args:
        warn_after: the age from which on `synth freshness` and builds warn.
        error_after: the age from which on they fail.
        filter: a SQL condition on the rows whose ``loaded_at_field`` counts.
    """

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


Format = Literal["csv", "parquet", "jsonl", "arrow", "avro", "excel", "delta", "iceberg"]


class SourceTableSpec(Spec):
    """A real table: a file or glob, or a table or query behind a connection.

    Args:
        name: under which ``source('group', 'name')`` finds it.
        path: a file, a glob, or the folder of a table, seen from the project.
        format: of the file; default: what its name ends in.
        connection: a name of ``connections:`` in synth_project.yml; then ``table`` or ``query`` says what is read.
        table: behind the connection, also ``schema.table``.
        query: a SELECT behind the connection.
        options: of the reader: delimiter, header, encoding, nullstr, …
        description: for people.
        primary_key: the column, or columns, that name a row. A key is made up, never learnt.
        privacy_unit: the column that says whose row it is: all rows of one are held out, and protected, together.
            Default: each row is somebody's own.
        foreign_keys: columns that name rows of other tables of the group.
        order_by: the column by which rows of one owner, or of one ``entity``, follow one another: they are a sequence.
        entity: the column that says whose history a row is part of, where that has no table of its own. It is the
            privacy unit, too.
        public: the rows are nobody's, and anyone may see them: a family publishes them as they are.
        max_rows_per_unit: of a unit with more rows, so many are learnt from under ``epsilon``.
        population: the people that the rows are about, where several tables are about the same: they share a budget.
        part: of the population: nobody in it is in a table that names another part.
        was: earlier names (``group.table``) of these rows: what was spent of those is spent here; ``[]``: none.
        row_count: how many rows there are, as anyone may know; under ``epsilon``, sizes and noise go by it.
        sensitive: no row of it goes to a third party, as none of a table with a privacy budget does.
        allow_external: lets rows go to a third party all the same.
        holdout: the share that no model reads, for the audits; default: the project's. 0 holds nothing out.
        loaded_at_field: the column that says when a row was loaded; default: the file's time.
        freshness: how old the rows may be.
        columns: what is declared of columns; the rest is inferred.
        constraints: comparisons that hold in every row: ``start <= end``, ``age >= 18``, ``joined < 2026-01-01``.
        rules: what holds between columns, and so in every generated row: ``total = net + tax``, ``zip -> city``.
            Without the key, or with ``found`` among them, what the training rows show is kept too; ``none``: nothing.
        tags: words to select it by: ``tag:nightly``.
        meta: anything else, for people.
    """

    name: Annotated[str, ROWS]
    path: Annotated[str | None, ROWS] = None
    format: Annotated[Format | None, ROWS] = None
    connection: Annotated[str | None, ROWS] = None
    table: Annotated[str | None, ROWS] = None
    query: Annotated[str | None, ROWS] = None
    options: Annotated[Mapping[str, Any], ROWS] = {}
    description: Annotated[str | None, NOTHING] = None
    primary_key: Annotated[tuple[str, ...], ROWS] = ()
    privacy_unit: Annotated[str | None, SPLIT] = None
    foreign_keys: Annotated[tuple[ForeignKeySpec, ...] | None, SPLIT] = None
    order_by: Annotated[str | None, ROWS] = None
    entity: Annotated[str | None, ROWS] = None
    public: Annotated[bool | None, TRAIN] = None
    max_rows_per_unit: Annotated[int | None, TRAIN] = Field(default=None, ge=1)
    population: Annotated[str | None, KEYS] = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    part: Annotated[str | None, NOTHING] = None
    was: Annotated[tuple[Annotated[str, Field(pattern=r"^[^.]+\..+$")], ...] | None, NOTHING] = None
    row_count: Annotated[int | None, TRAIN] = Field(default=None, ge=0)
    sensitive: Annotated[bool, KEYS] = False
    allow_external: Annotated[bool, NOTHING] = False
    holdout: Annotated[str | float | None, SPLIT] = None
    loaded_at_field: Annotated[str | None, NOTHING] = None
    freshness: Annotated[FreshnessSpec | None, NOTHING] = None
    columns: Annotated[tuple[ColumnSpec, ...], ROWS] = ()
    constraints: Annotated[Constraints, SAMPLE] = ()
    rules: Annotated[Rules | None, TRAIN] = None
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}

    @model_validator(mode="before")
    @classmethod
    def _entity_is_the_unit(cls, data: Any) -> Any:
        """Whose history it is, is whose row it is, unless it is said otherwise."""
        if isinstance(data, Mapping) and data.get("entity") is not None and data.get("privacy_unit") is None:
            return {**data, "privacy_unit": data["entity"]}
        return data


class SourceSpec(Spec):
    """A named group of real tables.

    Args:
        name: the first word of ``source('name', 'table')``.
        description: for people.
        connection: of the tables that name none.
        loaded_at_field: of the tables that name none.
        freshness: of the tables that say nothing of it.
        tables: of the group.
        rules: what holds across its tables, in a family: ``orders.total = sum(lines.price * lines.quantity)``,
            ``payments.customer_id = payments.rental_id.customer_id``, ``orders.day >= orders.customer_id.joined``.
        tags: words of your own; what is selected by ``tag:`` are its tables, by theirs.
        meta: anything else, for people.
    """

    name: str
    description: str | None = None
    connection: str | None = None
    loaded_at_field: str | None = None
    freshness: FreshnessSpec | None = None
    tables: tuple[SourceTableSpec, ...]
    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}


AUTO = "auto"  # a generator's name that leaves the choice to the compiler


class GeneratorSpec(Spec):
    """A generator by name, with whatever parameters were written beside it.

    Args:
        name: of a built-in generator, of an installed package's, or ``auto``.
        params: of that generator.
    """

    name: str
    params: Mapping[str, Any] = {}


class PrivacyRequirement(Spec):
    """What a table or whoever depends on it demands.

    Args:
        max_epsilon: at most this ε against every real source, composed over all that the table is made from.
    """

    max_epsilon: float = Field(gt=0, allow_inf_nan=False)


# max_epsilon bounds what the rows may reveal; synthetic_only forbids real rows alone.
Requirement = PrivacyRequirement | Literal["synthetic_only"]


Keys = Literal["own", "fresh", "continue"]


class ModelSpec(Spec):
    """A synthetic table, or a family of them. ``source``, ``generator``, ``epsilon``, ``size`` and ``audits`` are the
    language.

    Args:
        name: of the published table.
        description: for people.
        source: the table to learn from: ``{{ source('group', 'table') }}`` or ``{{ ref('model') }}``; or, in one word,
            all tables of a group, together: ``{{ source('group') }}`` makes a family of tables that join.
        tables: of a family, those that are made, and what is said of each; default: all of the group.
        generator: by name, or ``{name: …, parameters}``. Default: ``auto``, which chooses by epsilon and row count.
        epsilon: the ε of differential privacy that the table, and all that is made from it, keeps towards its source.
        delta: the δ beside it; default: chosen by the declared number of rows.
        insecure_seed: makes the privacy noise repeatable, and so guessable: for tests alone.
        privacy: ``{max_epsilon: …}`` or ``synthetic_only``: what the table must keep, checked before anything is run.
        size: rows: 50000, or of the source: 2x, 50%. Default: as many as the source has. Of a family: of its root.
        holdout: the share of the source's rows that no model reads, of this model alone.
        partition_rows: rows of a partition, at most: a table of more is drawn in parts that know nothing of each other.
            Default: 1000000.
        conditions: column → value, or value → share (``{churned: {yes: 50%, no: 50%}}``): kept exactly.
        constraints: comparisons that hold in every row, besides those of the source.
        rules: what holds between columns, besides the rules of the source; ``found`` and ``none`` as there.
        keys: what made-up keys are: own (1, 2, …, whatever the real ones are), fresh (none that a real row has, for
            rows that are appended to real ones) or continue (after the largest real one).
        materialized: table: Parquet, and a table in DuckDB; view: a view there; parquet: no more than the file;
            ephemeral: for other models, not published.
        seed: of its random numbers; default: the project's, with the model's name.
        enabled: false leaves it out of every build.
        tags: words to select it by: ``tag:nightly``.
        meta: anything else, for people and programs that read the manifest.
        usage: what the table may be used for, its owner, licence, retention and contact; it goes where the table goes.
        resources: what its jobs ask of the machine: ``{cpus: 4, memory: 16GiB, gpus: 1, accelerator: A100}``.
        columns: descriptions, and what is said otherwise than at the source.
        audits: what it must pass before it is published. Default: the default set; ``[]``: none, on purpose.
        on_inconclusive: what an audit of it that cannot tell comes to: ignore, warn, or fail, which blocks. Default:
            the project's.
    """

    name: Annotated[str, TRAIN]
    description: Annotated[str | None, NOTHING] = None
    source: Annotated[Relation | None, TRAIN] = None
    tables: Annotated[tuple[MemberSpec, ...] | None, NOTHING] = None
    generator: Annotated[GeneratorSpec | None, TRAIN] = None
    epsilon: Annotated[float | None, TRAIN] = Field(default=None, gt=0, allow_inf_nan=False)
    delta: Annotated[float | None, TRAIN] = Field(default=None, gt=0, lt=1)
    insecure_seed: Annotated[int | None, TRAIN] = Field(default=None, ge=0)
    privacy: Annotated[Requirement | None, NOTHING] = None
    size: Annotated[str | int | None, SAMPLE] = None
    partition_rows: Annotated[int | None, SAMPLE] = Field(default=None, ge=1)
    holdout: Annotated[str | float | None, TRAIN] = None
    conditions: Annotated[Mapping[str, Any], SAMPLE] = {}
    constraints: Annotated[Constraints, SAMPLE] = ()
    rules: Annotated[Rules | None, TRAIN] = None
    keys: Annotated[Keys | None, SAMPLE] = None
    materialized: Annotated[Materialized, NOTHING] = "table"
    seed: Annotated[int | None, TRAIN] = None
    enabled: Annotated[bool, NOTHING] = True
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}
    usage: Annotated[UsageSpec, NOTHING] = UNSAID
    resources: Annotated[Resources, NOTHING] = UNASKED
    columns: Annotated[tuple[ColumnSpec, ...], TRAIN] = ()
    audits: Annotated[tuple[AuditSpec, ...] | None, AUDIT] = None
    on_inconclusive: Annotated[OnInconclusive | None, AUDIT] = None
    _group: str | None = PrivateAttr(default=None)

    @property
    def group(self) -> str | None:
        """Of a family, the group of real tables that it is made from."""
        return self._group

    @property
    def ephemeral(self) -> bool:
        """Whether its rows are for models that read it alone, and no table is published."""
        return self.materialized == "ephemeral"


class ConnectionSpec(Spec):
    """How to reach a database.

    Args:
        type: of the database: duckdb, sqlite, postgres, mysql, mariadb, snowflake, trino, bigquery, databricks,
            sqlserver, or what an installed package brings.
        path: of a DuckDB or SQLite file, seen from the project.
        url: of a server: postgresql://user:password@host/database, or mysql://…, snowflake://…, best from
            ``env_var('…')``.
    """

    type: Annotated[Kind, CONTENT]
    path: Annotated[str | None, CONTENT] = None
    url: Annotated[str | None, CONTENT] = None
