"""A child process: fit one of SDV's own synthesizers and draw from it, called as SDV's users call it.

Metadata are detected from the frame, parameters are SDV's defaults but for the number of epochs where the job names it.
The job is a JSON object: ``generator`` (sdv.ctgan, say), ``train`` (a Parquet file), ``seed``, ``epochs``, ``device``,
``sample`` (where the rows go), ``rows`` (0: none are drawn), ``record``.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, peak_mib, versions, write_record

CLASSES = {"sdv.ctgan": "CTGANSynthesizer", "sdv.tvae": "TVAESynthesizer"}


def main() -> None:
    job = job_from_arguments()
    warnings.simplefilter("ignore")
    record: dict[str, Any] = {"job": job}
    import numpy as np
    import pandas as pd
    import sdv.single_table
    import torch
    from sdv.metadata import Metadata

    record |= {"threads": torch.get_num_threads(), "imports_peak_mib": peak_mib()}
    frame = pd.read_parquet(job["train"])
    metadata = Metadata.detect_from_dataframes({"table": frame})
    arguments = {} if job["epochs"] is None else {"epochs": job["epochs"]}
    synthesizer = getattr(sdv.single_table, CLASSES[job["generator"]])(
        metadata, enable_gpu=job["device"] != "cpu", **arguments
    )
    random.seed(job["seed"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    with measured(record, "fit"):
        synthesizer.fit({"table": frame})
    if job["rows"]:
        with measured(record, "sample"):
            drawn = synthesizer.sample(job["rows"])["table"]
            drawn.to_parquet(job["sample"])
            record["rows"] = len(drawn)
    if torch.cuda.is_initialized():
        record["device_peak"] = torch.cuda.max_memory_allocated()
    record |= {"params": synthesizer.get_parameters(), "versions": versions("sdv", "ctgan", "torch")}
    write_record(job["record"], record)


if __name__ == "__main__":
    main()
