"""What a receipt and the records of audits say, as OpenLineage facets; and two facets of synthkit's own.

Nothing is decided here about what may be told of a private table: receipts and results come in as they are published
(:mod:`synthkit.privacy.disclosure`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attr
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    documentation_dataset,
    documentation_job,
    job_type_job,
    output_statistics_output_dataset,
    processing_engine_run,
    schema_dataset,
    source_code_location_job,
    sql_job,
    test_run,
)

from synthkit import __version__
from synthkit.privacy.guarantee import promised
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import AuditedTable, Receipt

PRODUCER = f"urn:synthkit:{__version__}"
_TYPES = {
    "table": ("TABLE", None),
    "view": ("VIEW", None),
    "parquet": ("FILE", None),
    "ephemeral": ("TABLE", "TEMPORARY"),
}


@attr.define
class SynthkitRunFacet(RunFacet):
    """The run in synthkit's own terms: its id (as in ``synth_meta.runs``), and of a model what was done and why."""

    run: str
    command: str
    target: str
    action: str | None = None
    reason: str | None = None
    fingerprints: dict[str, str] | None = None

    @staticmethod
    def _get_schema() -> str:
        return "urn:synthkit:facet:run:1"


@attr.define
class SynthkitPrivacyFacet(DatasetFacet):
    """What a published table may reveal: its own ε and δ, its guarantees by account, whether it holds real rows."""

    epsilon: float | None
    delta: float | None
    real_rows: bool
    guarantees: list[dict[str, Any]]

    @staticmethod
    def _get_schema() -> str:
        return "urn:synthkit:facet:privacy:1"


def engine() -> RunFacet:
    return processing_engine_run.ProcessingEngineRunFacet(version=__version__, name="synthkit")


def job_facets(kind: str, description: str | None, source: Mapping[str, str] | None) -> dict[str, JobFacet]:
    """``kind`` is BUILD, AUDIT or MODEL; ``source``: url, path and version of the code."""
    found: dict[str, JobFacet] = {"jobType": job_type_job.JobTypeJobFacet("BATCH", "SYNTHKIT", kind)}
    if description:
        found["documentation"] = documentation_job.DocumentationJobFacet(description)
    if source is not None:
        found["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git",
            url=source["url"],
            repoUrl=source["url"],
            path=source["path"],
            version=source["version"],
        )
    return found


def query(sql: str) -> JobFacet:
    return sql_job.SQLJobFacet(sql, "duckdb")


def schema_of(columns: Mapping[str, str], descriptions: Mapping[str, str] | None = None) -> DatasetFacet:
    """Of columns by name with their SQL types."""
    known = descriptions or {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name, type=kind, description=known.get(name), ordinal_position=i)
        for i, (name, kind) in enumerate(columns.items(), 1)
    ]
    return schema_dataset.SchemaDatasetFacet(fields=fields)


def version(text: str) -> DatasetFacet:
    return dataset_version_dataset.DatasetVersionDatasetFacet(text)


def kind_of(materialized: str) -> DatasetFacet:
    kind, sub = _TYPES[materialized]
    return dataset_type_dataset.DatasetTypeDatasetFacet(kind, sub)


def published(table: AuditedTable) -> tuple[dict[str, DatasetFacet], dict[str, OutputDatasetFacet]]:
    """What the receipt says of the table, and of this writing of it (rows, bytes, files)."""
    facets: dict[str, DatasetFacet] = {
        "schema": schema_of({c.name: c.type for c in table.columns}, table.column_descriptions),
        "version": version(table.version),
        "synthkit_privacy": _privacy(table),
    }
    if table.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(table.description)
    file = table if isinstance(table, Receipt) else None
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=table.rows, size=None if file is None else file.bytes, fileCount=None if file is None else 1
    )
    return facets, {"outputStatistics": statistics}


def _privacy(table: AuditedTable) -> DatasetFacet:
    epsilon, delta = promised(table) or (None, None)
    return SynthkitPrivacyFacet(
        epsilon=epsilon,
        delta=delta,
        real_rows=table.contains_real_rows,
        guarantees=[{"account": g.account, "epsilon": g.epsilon, "delta": g.delta} for g in table.guarantees or ()],
    )


def assertions(
    records: Sequence[AuditRecord], kinds: Sequence[str]
) -> data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet:
    """The audits as assertions about the table. One that was skipped asserted nothing.

    Args:
        kinds: the audits' own names (their records may bear names of the project's), ``custom_sql`` for SQL.
    """
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[
            data_quality_assertions_dataset.Assertion(
                assertion=kind,
                success=record.status == "pass",
                column=record.column,
                severity=_severity(record),
                name=record.name,
                expected=record.threshold,
                actual=_text(record.value),
                params={"status": record.status},
            )
            for record, kind in zip(records, kinds, strict=True)
            if record.status != "skipped"
        ]
    )


def tests(records: Sequence[AuditRecord], kinds: Sequence[str]) -> RunFacet:
    """The audits as tests of the run, those that were skipped, too."""
    return test_run.TestRunFacet(
        tests=[
            test_run.TestExecution(
                name=record.name,
                status={"pass": "pass", "skipped": "skip"}.get(record.status, "fail"),
                severity=_severity(record),
                type=kind,
                expected=record.threshold,
                actual=_text(record.value),
                params={"status": record.status},
            )
            for record, kind in zip(records, kinds, strict=True)
        ]
    )


def _severity(record: AuditRecord) -> str:
    """Too few rows to tell warns, whatever the audit's severity; an audit that broke blocks at any."""
    if record.status in ("warn", "inconclusive"):
        return "warn"
    return "error" if record.status == "error" else record.severity


def _text(value: float | None) -> str | None:
    return None if value is None else repr(value)
