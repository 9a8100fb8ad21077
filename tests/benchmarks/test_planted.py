"""The laws plant what they say, two seeds of one law say the same of it, and nothing of it is in columns by chance."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.planted import worlds
from benchmarks.planted.__main__ import tables_of

SMALL = {
    "pairs": worlds.pairs(400, 1.0),
    "shop": worlds.shop(400),
    "school": worlds.school(300),
    "office": worlds.office(500),
    "bank": worlds.bank(300),
}


@pytest.mark.parametrize("name", SMALL)
def test_each_dependence_is_in_each_sample_and_gone_where_columns_are_mixed(name):
    world = SMALL[name]
    one, other = world.make(1), world.make(2)
    rng = np.random.default_rng(3)
    mixed = {}
    for table, frame in one.items():
        keys = {c for k in world.keys if k.table == table for c in k.columns} | set(world.primary[table])
        mixed[table] = frame.assign(**{c: rng.permutation(frame[c].to_numpy()) for c in frame if c not in keys})
    for label, probe in world.probes.items():
        assert abs(probe(one)) > 0.06, label
        assert np.sign(probe(one)) == np.sign(probe(other)), label
        if "rows" not in label and "workers" not in label and "transfers" not in label:
            assert abs(probe(mixed)) < abs(probe(one)), label
    for label, probe in world.exact.items():
        assert probe(one) == 1.0, label


@pytest.mark.parametrize("name", SMALL)
def test_a_world_is_the_same_for_a_seed_and_its_tables_have_their_keys(name, tmp_path):
    world = SMALL[name]
    one, again = world.make(5), world.make(5)
    assert all(one[t].equals(again[t]) for t in one)
    tables = tables_of(world, one, tmp_path)
    assert list(tables.members) == list(one)
    assert {t: m.rows for t, m in tables.members.items()} == {t: len(f) for t, f in one.items()}
    for table, frame in one.items():
        assert not frame.duplicated(list(world.primary[table])).any()
