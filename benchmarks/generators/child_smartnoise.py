"""A child process, under the peer's own interpreter: fit smartnoise-synth's DP-CTGAN and draw from it.

The job is that of :mod:`.child_dpmm`. Ranges and values are declared, so that no budget goes into finding them;
its numbers come back as floats, and are rounded where the column's are whole.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, peak_mib, versions, write_record


def main() -> None:
    job = job_from_arguments()
    warnings.simplefilter("ignore")
    record: dict[str, Any] = {"job": job}
    import numpy as np
    import pandas as pd
    import torch
    from snsynth import Synthesizer
    from snsynth.transform import (
        ChainTransformer,
        LabelTransformer,
        MinMaxTransformer,
        OneHotEncoder,
        TableTransformer,
    )

    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    np.random.seed(job["seed"])
    record |= {"threads": torch.get_num_threads(), "imports_peak_mib": peak_mib()}
    frame = pd.read_parquet(job["train"])
    steps, whole = [], []
    for name, known in json.loads(Path(job["declared"]).read_text("utf-8")).items():
        if "values" in known:
            steps.append(ChainTransformer([LabelTransformer(nullable=known["nullable"]), OneHotEncoder()]))
        else:
            low, high = known["bounds"]
            steps.append(MinMaxTransformer(lower=low, upper=high, nullable=known["nullable"]))
            if pd.api.types.is_integer_dtype(frame[name].dtype):
                whole.append(name)
    epochs = {} if job["epochs"] is None else {"epochs": job["epochs"]}
    model = Synthesizer.create("dpctgan", epsilon=job["epsilon"], delta=job["delta"], verbose=False, **epochs)
    with measured(record, "fit"):
        model.fit(frame, transformer=TableTransformer(steps), preprocessor_eps=0.0)
    if job["rows"]:
        with measured(record, "sample"):
            drawn = model.sample(job["rows"])
            drawn[whole] = drawn[whole].round().astype("int64")
            drawn.to_parquet(job["sample"])
            record["rows"] = len(drawn)
    record |= {"params": {}, "versions": versions("smartnoise-synth", "opacus", "torch")}
    write_record(job["record"], record)


if __name__ == "__main__":
    main()
