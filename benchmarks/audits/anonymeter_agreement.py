"""The risks of singling out, linkability and inference beside those of ``anonymeter`` on the same tables.

    python3.11 -m venv ../anonymeter && ../anonymeter/bin/pip install anonymeter==1.1.0
    python -m benchmarks.audits.anonymeter_agreement ../anonymeter/bin/python [rows]

anonymeter needs NumPy below 1.27, so it runs in an environment of its own. Its draws have no seed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.audits.people import context, people
from synthkit.audits import registry

LEFT = ["age", "number0", "number2", "number4", "category0", "category2", "category4"]
RIGHT = ["number1", "number3", "number5", "number6", "number7", "category1", "category3", "category5"]
SECRET = "category3"
ATTACKS = 1_000
AUDITS: dict[str, dict[str, Any]] = {
    "singling_out": {"attacks": ATTACKS},
    "linkability": {"attacks": ATTACKS, "left": LEFT, "right": RIGHT},
    "attribute_inference": {"attacks": ATTACKS, "secrets": [SECRET]},
}
CHILD = """
import json, sys, numpy as np, pandas as pd
from anonymeter.evaluators.singling_out_evaluator import SinglingOutEvaluator
from anonymeter.evaluators.linkability_evaluator import LinkabilityEvaluator
from anonymeter.evaluators.inference_evaluator import InferenceEvaluator
asked = json.loads(sys.argv[1])
s, t, h = (pd.read_parquet(f"{asked['folder']}/{n}.parquet") for n in ("synthetic", "train", "holdout"))
np.random.seed(0)
n, found = asked["attacks"], {}
made = {
    "singling_out": SinglingOutEvaluator(ori=t, syn=s, control=h, n_attacks=n, n_cols=3, seed=0),
    "linkability": LinkabilityEvaluator(ori=t, syn=s, control=h, n_attacks=n, aux_cols=(asked["left"], asked["right"])),
    "attribute_inference": InferenceEvaluator(
        ori=t, syn=s, control=h, n_attacks=n, secret=asked["secret"],
        aux_cols=[c for c in s.columns if c != asked["secret"]]),
}
for name, evaluator in made.items():
    try:
        risk = evaluator.evaluate().risk()
        found[name] = [risk.value, *risk.ci]
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


def main() -> int:
    if len(sys.argv) < 2:
        print("give the Python of an environment with anonymeter; see this file's first lines")
        return 2
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 3_000
    rng = np.random.default_rng(1)
    train, holdout, fresh = (people(rows, rng).fillna(0.0) for _ in range(3))
    half = pd.concat([fresh[: rows // 2], train[: rows // 2]], ignore_index=True)
    tables = {"independent": fresh, "half copied": half, "copied": train.sample(frac=1, random_state=1)}
    print("| table | audit | synthkit | anonymeter | intervals meet |\n| --- | --- | ---: | ---: | --- |")
    apart = False
    for name, synthetic in tables.items():
        with tempfile.TemporaryDirectory() as folder:
            over = context(Path(folder), synthetic, train, holdout)
            asked = {"folder": folder, "attacks": ATTACKS, "left": LEFT, "right": RIGHT, "secret": SECRET}
            command = [sys.argv[1], "-W", "ignore", "-c", CHILD, json.dumps(asked)]
            theirs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            for audit_name, params in AUDITS.items():
                audit = registry.get(audit_name)
                ours = audit.run(over, audit.params.model_validate(params))
                own = f"{ours.value:.3f} ({ours.ci_low:.3f} to {ours.ci_high:.3f})"
                other = theirs[audit_name]
                if isinstance(other, str):
                    print(f"| {name} | `{audit_name}` | {own} | {other} | |", flush=True)
                    continue
                assert ours.ci_low is not None
                assert ours.ci_high is not None
                meet = ours.ci_low <= other[2] and other[1] <= ours.ci_high
                apart |= not meet
                shown = f"{other[0]:.3f} ({other[1]:.3f} to {other[2]:.3f})"
                print(f"| {name} | `{audit_name}` | {own} | {shown} | {'yes' if meet else 'no'} |", flush=True)
    return int(apart)


if __name__ == "__main__":
    sys.exit(main())
