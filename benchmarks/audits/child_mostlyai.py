"""A child process, under the peer's own interpreter: the report of mostlyai-qa over the same files.

The job is as in :mod:`benchmarks.audits.child`. The report needs columns of booleans as text, and days as times.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, versions, write_record


def main() -> None:
    job = job_from_arguments()
    record: dict[str, Any] = {}
    import pandas as pd
    from mostlyai import qa

    with tempfile.TemporaryDirectory() as folder, measured(record, "all"):
        sides = {name: _readable(pd.read_parquet(path)) for name, path in job["sides"].items()}
        qa.report(
            syn_tgt_data=sides["synthetic"],
            trn_tgt_data=sides["train"],
            hol_tgt_data=sides["holdout"],
            report_path=Path(folder) / "report.html",
        )
    record["versions"] = versions("mostlyai-qa", "pandas")
    write_record(job["record"], record)


def _readable(frame: Any) -> Any:
    import pandas as pd

    for name in frame.columns:
        if frame[name].dtype == bool:
            frame[name] = frame[name].map({True: "yes", False: "no"})
        elif name.startswith("day"):
            frame[name] = pd.to_datetime(frame[name])
    return frame


if __name__ == "__main__":
    main()
