"""Whether ``synth_meta`` has to be written: a hash of all that it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from synthkit.records.history import RunEntry
from synthkit.records.receipt import Receipt
from synthkit.store.meta import LAYOUT
from synthkit.store.target import TableInfo


def inputs_of(
    receipts: Mapping[str, Receipt], infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], shown: Sequence[str]
) -> str:
    """What ``synth_meta`` is made of, and which tables are ``shown`` beside it."""
    decides = {
        "layout": LAYOUT,
        "receipts": {name: receipt.to_json() for name, receipt in receipts.items()},
        "infos": {name: asdict(info) for name, info in infos.items()},
        "runs": [run.run_id for run in runs],
        "shown": list(shown),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()
