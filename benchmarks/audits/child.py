"""One timed run in a process of its own: a part of the suite, or SDMetrics' two reports, over the same files.

The job is the only argument, as JSON: ``{"what": one of PARTS | "sdmetrics", "sides": {…}, "record":
path}``. ``same`` is what SDMetrics' reports cover, no more; ``same as mostlyai`` what the report of mostlyai-qa does.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, write_record

PARTS = {
    "same": ("column_shapes", "pair_trends", "coverage"),
    "same as mostlyai": ("column_shapes", "column_pairs", "correlation", "detection", "exact_match", "dcr", "nndr"),
    "fidelity": (),
}


def main() -> None:
    """Run the job and write its record."""
    job = job_from_arguments()
    record = sdmetrics(job) if job["what"] == "sdmetrics" else ours(job)
    write_record(job["record"], record)


def ours(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the audits, each and together, reading the files included."""
    import time
    from dataclasses import replace

    import pyarrow.parquet as pq

    from benchmarks.audits.contexts import judged, run, table_of
    from synthkit.audits.context import AuditContext

    sides = {}
    for name, path in job["sides"].items():
        sides[name] = table_of(pq.read_table(path).slice(0, 1), Path(job["record"]).parent / f"{name}.one.parquet")
    tables = {n: replace(t, paths=(Path(job["sides"][n]),)) for n, t in sides.items()}
    names = PARTS[job["what"]]
    audits, _ = judged(list(names), "")
    record: dict[str, Any] = {"audits": {}, "status": {}}
    with measured(record, "all"):
        context = AuditContext(tables["synthetic"].schema, tables["synthetic"], tables["train"], tables["holdout"], 1)
        for name, (found, params) in audits.items():
            if not names and found.family != "fidelity":
                continue
            started = time.perf_counter()
            record["status"][name] = run(found, params, context).status
            record["audits"][name] = time.perf_counter() - started
    return record


def sdmetrics(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the quality report and the diagnostic report, reading the files included."""
    import pandas as pd
    from sdmetrics.reports.single_table import DiagnosticReport, QualityReport

    record: dict[str, Any] = {}
    with measured(record, "all"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        real, synthetic = (pd.read_parquet(job["sides"][n]) for n in ("holdout", "synthetic"))
        metadata = {"columns": {c: {"sdtype": _sdtype(real[c])} for c in real.columns}}
        for report in (QualityReport(), DiagnosticReport()):
            report.generate(real, synthetic, metadata, verbose=False)
    return record


def _sdtype(column: Any) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_datetime64_any_dtype(column):
        return "datetime"
    return "numerical" if types.is_numeric_dtype(column) else "categorical"


if __name__ == "__main__":
    main()
