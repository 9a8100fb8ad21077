"""Trainings that an audit repeats: whoever carries them out, it finds the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthkit.audits.context import AuditContext
from synthkit.audits.repeats import carried_out, carry_out
from synthkit.schema import Schema, Table


def test_what_is_not_there_is_computed_by_the_audit(tmp_path: Path) -> None:
    """Not carried out, damaged, of another part, or none that could be kept (objects of somebody else's audit)."""
    rows = Table(Schema(()), (), 0)
    alone = AuditContext(schema=rows.schema, synthetic=rows, train=None, holdout=None, seed=1)
    called = list[int]()

    def of(number: int, values: Any) -> Callable[[], Mapping[str, Any]]:
        def compute() -> Mapping[str, Any]:
            called.append(number)
            if number == 3:
                raise ValueError("too few rows")
            return {"labels": values}

        return compute

    said = [np.array(["a", "bc"]), np.array([0.1, np.nan]), np.array(["a", None], dtype=object), np.zeros(1), [1, 2]]
    trainings = [((number, "x"), of(number, values)) for number, values in enumerate(said)]
    assert carry_out(tmp_path, trainings, 0, 2) == 2  # 0 and 4: objects cannot be kept
    assert carry_out(tmp_path, trainings, 1, 2) == 1  # 1: number 3 comes to nothing
    assert called == [0, 2, 4, 1, 3]
    assert carry_out(tmp_path, trainings[:1], 0, 1) == 1  # again, as its worker was lost: it is there
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 3
    kept[0].write_bytes(kept[0].read_bytes()[:-40])
    called.clear()
    beside = replace(alone, repeats=tmp_path)
    for number in (0, 1, 2, 4):
        found, own = (carried_out(one, *trainings[number])["labels"] for one in (beside, alone))
        np.testing.assert_array_equal(found, own)
        assert np.asarray(found).dtype == np.asarray(own).dtype
    assert len(called) == 4 + 2  # the damaged one and the objects, beside those of the audit alone
