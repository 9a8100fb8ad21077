"""The frozen specs of ``synth_project.yml``: the project, its targets and folders, its budgets, what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from synthkit.project.addresses import LocalPath, scheme_of
from synthkit.project.decides import AUDIT, CONTENT, KEYS, NOTHING, SPLIT, TRAIN
from synthkit.project.prices import PricesSpec
from synthkit.project.runners import RunnerSpec
from synthkit.project.spec import Spec
from synthkit.project.targets import SERVERS, TargetKind, kind_at
from synthkit.project.types import ConnectionSpec, OnInconclusive


class TargetSpec(Spec):
    """A place to publish to, and defaults for building there.

    Args:
        type: local, files and a DuckDB file; objects, an object store; delta or iceberg, tables of a lake in a folder
            or an object store; postgres or mysql, a database; or what an installed package brings. Default: what
            publishes to the address in ``warehouse``, else local.
        warehouse: the directory of the published files, an address (``s3://bucket/prefix``,
            ``postgresql://user:password@host/database``, ``mysql://…``, best from ``env_var('…')``), or what its type
            has there; default: ``warehouse/<target>``.
        connection: the name of a connection, whose database is published to, in place of ``warehouse``.
        schema_name: of the tables in a database, or their namespace in the catalogue of an Iceberg lake.
        catalog: of an Iceberg lake: a name that pyiceberg is configured for; default: a file in the warehouse's folder.
        database: the DuckDB file of a local one; default: ``warehouse/<target>.duckdb``.
        runner: where jobs run: by name, or ``{name: …, options}``.
        threads: how many models are built at a time.
        device: where generators train; default: the project's.
        vars: variables that win over the project's.
        prices: of its machines; what is not here is as the project has it.
    """

    type: TargetKind | None = None
    warehouse: str | None = None
    connection: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    catalog: str | None = None
    database: LocalPath | None = None
    runner: RunnerSpec = RunnerSpec()
    threads: int | None = Field(default=None, ge=1)
    device: str | None = None
    vars: Mapping[str, Any] = {}
    prices: PricesSpec = PricesSpec()

    @property
    def address(self) -> str | None:
        """Its warehouse, where that is an address and no folder."""
        return self.warehouse if scheme_of(self.warehouse) is not None else None

    @property
    def kind(self) -> str:
        return self.type or kind_at(scheme_of(self.warehouse))

    def over(self, connections: Mapping[str, ConnectionSpec]) -> TargetSpec:
        """With the URL of its connection for its warehouse, where there is one of that name."""
        chosen = connections.get(self.connection or "")
        if chosen is None or self.warehouse is not None:
            return self
        return self.model_copy(
            update={"warehouse": chosen.url, "type": self.type or SERVERS.get(chosen.type, chosen.type)}
        )


class PathsSpec(Spec):
    """Where files are looked for, seen from the project.

    Args:
        models: folders of YAML files with sources, models, exposures and unit tests.
        audits: folders of custom audits, one SQL file each.
        macros: folders of Jinja macros.
    """

    models: tuple[LocalPath, ...] = ("models",)
    audits: tuple[LocalPath, ...] = ("audits",)
    macros: tuple[LocalPath, ...] = ("macros",)


class BudgetSpec(Spec):
    """How much may ever be spent of one population's or source table's privacy.

    Args:
        epsilon: of all releases together.
        delta: at which they are added up; default: chosen by the declared number of rows.
    """

    epsilon: float = Field(gt=0, allow_inf_nan=False)
    delta: float | None = Field(default=None, gt=0, lt=1)


class PrivacySpec(Spec):
    """Privacy budgets. A build that would go over one is refused before it trains.

    Args:
        budgets: population or source table (``group.table``) → its budget.
        default_budget: of those that are not named.
    """

    budgets: Mapping[str, BudgetSpec] = {}
    default_budget: BudgetSpec | None = None


class ReportsSpec(Spec):
    """What the site of ``synth docs generate`` may show.

    Args:
        show_real: pictures of real rows beside synthetic ones; false: none.
    """

    show_real: bool = True


class LineageSpec(Spec):
    """Where the OpenLineage events of builds go: appended to a file, or posted to a server.

    Args:
        transport: file or http.
        path: of the file, seen from the project; one JSON event a line.
        url: of the server.
        endpoint: is appended to the server's url.
        api_key: is sent as a bearer token.
        timeout: seconds that one event may take.
        namespace: of jobs and tables; default: the project's name.
        enabled: false tells nothing.
    """

    transport: Literal["file", "http"]
    path: str | None = None
    url: str | None = None
    endpoint: str | None = None
    api_key: SecretStr | None = None
    timeout: float = Field(default=5.0, gt=0, le=60)
    namespace: str | None = Field(default=None, min_length=1)
    enabled: bool = True


class TelemetrySpec(Spec):
    """Where builds are told to as OpenTelemetry traces and metrics, and as a file for Prometheus.

    Args:
        url: of an OTLP/HTTP receiver; ``/v1/traces`` and ``/v1/metrics`` are appended.
        headers: name → value, sent with each request.
        timeout: seconds that sending may take when the build ends.
        prometheus: a file in Prometheus' text format, seen from the project, replaced by each build.
        enabled: false tells nothing.
    """

    url: str | None = None
    headers: Mapping[str, SecretStr] = {}
    timeout: float = Field(default=5.0, gt=0, le=60)
    prometheus: LocalPath | None = None
    enabled: bool = True


class ProjectSpec(Spec):
    """``synth_project.yml``. What names models, their values or their audits decides where they use it.

    Args:
        name: of the project.
        version: of the project, for people.
        description: for people.
        paths: where files are looked for.
        target: the one that is built where ``--target`` names none.
        targets: name → a place to publish to.
        connections: name → a database that sources are read from.
        vars: name → value, for ``var('name')`` in any file; ``--vars`` wins.
        seed: of all random numbers but privacy noise.
        device: where generators train: auto, cpu, cuda or cuda:N.
        threads: how many models are built at a time; default: one per processor core.
        model_threads: CPU threads inside one training; part of its hash, as they decide the bytes.
        holdout: the share of each source that no model reads, for the audits.
        privacy: budgets.
        audit_sets: name → a list of audits, for models to take as ``{set: name}``.
        on_inconclusive: what an audit that cannot tell comes to: ignore (it stays so), warn, or fail, which blocks.
        reports: what reports may show.
        lineage: where OpenLineage events go; without it nothing is told.
        prices: of machines, for what builds say of money.
        telemetry: where traces and metrics of builds go; without it nothing is told.
        models: defaults by folder: ``+key`` applies here; another key is a folder, or a model, with the same again.
    """

    name: Annotated[str, NOTHING] = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    version: Annotated[str | int | float, NOTHING] = 1
    description: Annotated[str | None, NOTHING] = None
    paths: Annotated[PathsSpec, NOTHING] = PathsSpec()
    target: Annotated[str, NOTHING] = "dev"
    targets: Annotated[Mapping[str, TargetSpec], NOTHING] = {"dev": TargetSpec()}
    connections: Annotated[Mapping[str, ConnectionSpec], CONTENT] = {}
    vars: Annotated[Mapping[str, Any], NOTHING] = {}
    seed: Annotated[int, TRAIN] = 0
    device: Annotated[str, TRAIN] = "auto"
    threads: Annotated[int | None, NOTHING] = Field(default=None, ge=1)
    model_threads: Annotated[int, TRAIN] = Field(default=1, ge=1)
    holdout: Annotated[str | float, SPLIT] = "20%"
    privacy: Annotated[PrivacySpec, KEYS] = PrivacySpec()
    audit_sets: Annotated[Mapping[str, Any], NOTHING] = {}
    on_inconclusive: Annotated[OnInconclusive, AUDIT] = "ignore"
    reports: Annotated[ReportsSpec, NOTHING] = ReportsSpec()
    lineage: Annotated[LineageSpec | None, NOTHING] = None
    prices: Annotated[PricesSpec, NOTHING] = PricesSpec()
    telemetry: Annotated[TelemetrySpec | None, NOTHING] = None
    models: Annotated[Mapping[str, Any], NOTHING] = {}
