"""A child process, under the peer's own interpreter: fit TabularARGN with its defaults and draw from it.

The four steps that mostlyai-engine documents for one flat table (split, analyze, encode, train) are its fit.
The job is a JSON object: ``train`` (a Parquet file), ``seed``, ``epochs``, ``device``, ``workspace`` (a folder),
``sample`` (where the rows go), ``rows`` (0: none are drawn), ``record``; ``epsilon`` and ``delta`` under a budget.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, peak_mib, versions, write_record


def main() -> None:
    job = job_from_arguments()
    record: dict[str, Any] = {"job": job}
    import pandas as pd
    import torch
    from mostlyai import engine

    record |= {"threads": torch.get_num_threads(), "imports_peak_mib": peak_mib()}
    engine.set_random_state(job["seed"])
    frame, workspace = pd.read_parquet(job["train"]), Path(job["workspace"])
    shutil.rmtree(workspace, ignore_errors=True)
    arguments = {} if job["epochs"] is None else {"max_epochs": job["epochs"]}
    private = {}
    if job.get("epsilon") is not None:
        from mostlyai.engine.domain import DifferentialPrivacyConfig

        budget = DifferentialPrivacyConfig(max_epsilon=job["epsilon"], delta=job["delta"])
        private = {"differential_privacy": budget}
    try:
        with measured(record, "fit"):
            engine.split(workspace_dir=workspace, tgt_data=frame, model_type="TABULAR")
            engine.analyze(workspace_dir=workspace, **private)
            engine.encode(workspace_dir=workspace)
            engine.train(workspace_dir=workspace, device=job["device"], **arguments, **private)
        if job["rows"]:
            with measured(record, "sample"):
                engine.generate(workspace_dir=workspace, sample_size=job["rows"], device=job["device"])
                drawn = pd.read_parquet(workspace / "SyntheticData")
                drawn.to_parquet(job["sample"])
                record["rows"] = len(drawn)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    record |= {"params": arguments, "versions": versions("mostlyai-engine", "torch")}
    write_record(job["record"], record)


if __name__ == "__main__":
    main()
