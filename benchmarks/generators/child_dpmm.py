"""A child process, under the peer's own interpreter: fit dpmm's AIM with its defaults and draw from it.

The job is a JSON object: ``train`` (a Parquet file), ``declared`` (a file: what is known of the columns), ``epsilon``,
``delta``, ``seed``, ``sample`` (where the rows go), ``rows`` (0: none are drawn), ``record``.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, peak_mib, versions, write_record

PROCESSING = 0.1  # of the budget for its binning, dpmm's default


def main() -> None:
    job = job_from_arguments()
    warnings.simplefilter("ignore")
    record: dict[str, Any] = {"job": job}
    import pandas as pd
    import torch
    from dpmm.pipelines import AIMPipeline

    record |= {"threads": torch.get_num_threads(), "imports_peak_mib": peak_mib()}
    frame = pd.read_parquet(job["train"])
    domain = {}
    for name, known in json.loads(Path(job["declared"]).read_text("utf-8")).items():
        if "values" in known:
            domain[name] = {"categories": known["values"]}
            frame[name] = frame[name].astype("category")
        else:
            domain[name] = {"lower": known["bounds"][0], "upper": known["bounds"][1]}
    share = PROCESSING * job["epsilon"]  # its two parts compose: together they are the budget
    model = job["epsilon"] - share
    pipeline = AIMPipeline(epsilon=model, proc_epsilon=share, delta=job["delta"], n_jobs=job["threads"])
    with measured(record, "fit"):
        pipeline.fit(frame, domain, random_state=job["seed"])
    if job["rows"]:
        with measured(record, "sample"):
            drawn = pipeline.generate(job["rows"], random_state=job["seed"] + 1)
            plain = {n: drawn[n].astype(object) for n in drawn if isinstance(drawn[n].dtype, pd.CategoricalDtype)}
            drawn.assign(**plain).to_parquet(job["sample"])
            record["rows"] = len(drawn)
    record |= {"params": {}, "versions": versions("dpmm", "torch")}
    write_record(job["record"], record)


if __name__ == "__main__":
    main()
