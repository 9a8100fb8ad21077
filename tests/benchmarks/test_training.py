"""The bars of a large training, and its made-up rows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.training import Took, people, report


@pytest.mark.parametrize(
    ("cpu", "memory", "wrong"), [(20.0, 1.9, False), (30.0, 1.9, True), (20.0, 2.1, True)], ids=["good", "slow", "big"]
)
def test_the_bars_are_of_memory_and_of_how_time_grows(cpu: float, memory: float, wrong: bool) -> None:
    reading = Took("ingest", 90.0, 0.1)
    assert report({1_000: [reading, Took("train", 10.0, 1.0)], 2_000: [reading, Took("train", cpu, memory)]}) is wrong


def test_rows_are_those_of_the_seed_and_fifteen_columns_beside_a_key() -> None:
    first, second = (pa.Table.from_batches(list(people(20, seed))) for seed in (1, 1))
    assert first.equals(second)
    assert first.shape == (20, 16)
    assert first.column("person").to_pylist() == list(range(1, 21))
