"""What holds of a table that is drawn in partitions: quotas, and all that is to be unique, over all of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.encoding.fill import ColumnPlan, plan_columns
from synthkit.encoding.keys import plan_key
from synthkit.encoding.permuting import Permutation
from synthkit.encoding.taken import Taken
from synthkit.errors import BuildError
from synthkit.generators.base import Params, Progress, Quota, Trained, silent
from synthkit.generators.exact.conditions import quotas, shared_out
from synthkit.generators.exact.drawing import draw, undivided
from synthkit.generators.exact.rejection import sample_quotas
from synthkit.project.partition import WHOLE, Partition
from synthkit.rules.inequality import parse_inequality
from synthkit.schema import Schema, Table
from tests.tables import make_table

TIERS = ("basic", "plus", "pro")


def rows_of(rows: int, seed: int) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    columns = {
        "tier": pa.array(np.array(TIERS)[rng.integers(3, size=rows)]),
        "low": pa.array(rng.integers(0, 100, size=rows)),
        "high": pa.array(rng.integers(0, 100, size=rows)),
        "day": pa.array(rng.integers(0, 20_000, size=rows)),
    }
    return pa.record_batch(columns)


def sample(
    model: None, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    if not conditions:
        yield rows_of(rows, seed)
        return
    seeds = iter(range(seed, 2**40))
    yield from sample_quotas(
        lambda n: rows_of(n, next(seeds)), conditions, rows, name="test", seed=seed, progress=progress
    )


def never(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("nothing is learnt here")


GENERATOR = Trained(
    name="test", version=1, params=Params, fit=never, sample=sample, save=never, load=never, partitions=True
)
REAL = 60


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ColumnPlan:
    """Every kind of column that is made up, beside learnt ones; (owner, line) is the primary key, ``day`` is unique."""
    import uuid

    learnt = {
        name: ("BIGINT" if name != "tier" else "VARCHAR", values)
        for name, values in zip(rows_of(0, 0).schema.names, rows_of(REAL, 3).columns, strict=True)
    }
    columns: dict[str, tuple[str, pa.Array]] = {
        "number": ("BIGINT", pa.array(range(REAL))),
        "code": ("VARCHAR", pa.array([f"C-{i:03d}" for i in range(REAL)])),
        "long": ("VARCHAR", pa.array([f"{i:08d}K{i:06d}" for i in range(REAL)])),
        "uuid": ("VARCHAR", pa.array([str(uuid.UUID(int=i * 2**60 + i)) for i in range(REAL)])),
        "owner": ("INTEGER", pa.array([i // 3 for i in range(REAL)], pa.int32())),
        "shop": ("VARCHAR", pa.array([f"S{i // 4:02d}" for i in range(REAL)])),
        "email": ("VARCHAR", pa.array([f"p{i}@example.org" for i in range(REAL)])),
        "note": ("VARCHAR", pa.array([f"the quick fox number {i} jumps" for i in range(REAL)])),
        "label": ("VARCHAR", pa.array([f"L{i:02d}{i % 7}" for i in range(REAL)])),
        **learnt,
    }
    kinds = dict.fromkeys(("number", "code", "long", "uuid", "owner", "shop"), "id") | {"note": "text", "label": "text"}
    folder = tmp_path_factory.mktemp("plan")
    table = make_table(folder / "t.parquet", columns, **kinds)  # type: ignore[arg-type]
    described = tuple(replace(c, pii="email") if c.name == "email" else c for c in table.schema.columns)
    table = Table(Schema(described, primary_key=("owner", "low")), table.paths, table.rows)
    found = plan_columns(table)
    key = plan_key(table, {}, ("day",))
    assert key is not None
    return replace(found, uniques=(replace(key, moves=(replace(key.moves[0], range=(0, 19_999, 1)),)),))


def drawn(plan: ColumnPlan, rows: int, partition: Partition, **asked: Any) -> pa.Table:
    given: dict[str, Any] = {"conditions": {}, "rules": (), "seed": 5, "progress": silent, **asked}
    return pa.Table.from_batches(list(draw(GENERATOR, None, plan, rows=rows, partition=partition, **given)))


UNIQUE = ("number", "code", "long", "uuid", "email", "note", "label", "day")


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(1, 9), st.booleans(), st.booleans(), st.randoms(use_true_random=False))
def test_all_partitions_together_are_the_table(
    plan: ColumnPlan, rows: int, of: int, conditions: bool, rules: bool, order: Any
) -> None:
    of = min(of, rows)
    asked: dict[str, Any] = {}
    if conditions:
        asked["conditions"] = {"tier": {"basic": "37%", "pro": "63%"}}
    if rules:
        asked["rules"] = (parse_inequality("low <= high"),)
    parts = [Partition(i, of) for i in range(of)]
    order.shuffle(parts)
    found = {p.index: drawn(plan, rows, p, **asked) for p in parts}
    again = order.choice(parts)
    assert found[again.index].equals(drawn(plan, rows, again, **asked))
    assert [found[i].num_rows for i in range(of)] == [Partition(i, of).rows(rows) for i in range(of)]
    whole = pa.concat_tables([found[i] for i in range(of)])
    assert whole.schema == drawn(plan, 3, WHOLE).schema
    for name in UNIQUE:
        values = [v for v in whole[name].to_pylist() if v is not None]
        assert len(set(values)) == len(values), name
    assert whole["number"].to_pylist() == list(range(1, rows + 1))
    keys = list(zip(whole["owner"].to_pylist(), whole["low"].to_pylist(), strict=True))
    assert len(set(keys)) == rows
    for name in ("owner", "shop"):
        holders = Counter(v for part in found.values() for v in set(part[name].to_pylist()))
        assert set(holders.values()) <= {1}, f"{name} crosses partitions"
    if conditions:
        tiers = Counter(whole["tier"].to_pylist())
        assert tiers == Counter({q.values["tier"]: q.rows for q in quotas(asked["conditions"], rows, plan.modelled)})
    if rules:
        assert all(a <= b for a, b in zip(whole["low"].to_pylist(), whole["high"].to_pylist(), strict=True))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any), st.integers(1, 12))
def test_quotas_are_shared_out_exactly(counts: list[int], of: int) -> None:
    wanted = [Quota({"tier": str(i)}, n) for i, n in enumerate(counts)]
    total = sum(counts)
    shares = [shared_out(wanted, Partition(i, of)) for i in range(of)]
    assert [sum(q.rows for q in share) for share in shares] == [Partition(i, of).rows(total) for i in range(of)]
    of_each = Counter({str(i): 0 for i in range(len(counts))})
    for share in shares:
        of_each.update({q.values["tier"]: q.rows for q in share})
        for quota in share:  # as even as whole numbers are: a row more or less than a share of its own rows
            exact = counts[int(quota.values["tier"])] / total * sum(q.rows for q in share)
            assert abs(quota.rows - exact) < 2
    assert [of_each[str(i)] for i in range(len(counts))] == counts


def test_one_partition_is_the_draw_of_before(plan: ColumnPlan) -> None:
    assert drawn(plan, 50, WHOLE).equals(drawn(plan, 50, Partition(0, 1)))


TAKEN = {"last": Taken(last=1_000), "random": Taken(random=True), "texts": Taken(texts=frozenset(["0" * 12]))}


@pytest.mark.parametrize(
    ("name", "how"),
    [("number", "last"), ("number", "random"), ("owner", "last"), ("uuid", "random"), ("uuid", "texts")],
)
def test_keys_beside_real_ones_differ_too(plan: ColumnPlan, name: str, how: str) -> None:
    taken = {name: TAKEN[how]}
    parts = [drawn(plan, 300, Partition(i, 5), taken=taken)[name].to_pylist() for i in range(5)]
    alone = [set(part) for part in parts]
    assert sum(map(len, alone)) == len(set().union(*alone))
    if how == "last":
        assert min(v for part in parts for v in part) > TAKEN[how].last


def test_ids_of_a_small_type_that_run_out_are_refused(tmp_path: Path) -> None:
    table = make_table(tmp_path / "t.parquet", {"k": ("INTEGER", pa.array([1, 1, 2, 2], pa.int8()))}, k="id")
    with pytest.raises(BuildError, match="has no more ids to give"):
        drawn(plan_columns(table), 1_000, Partition(199, 200))
    parts = [set(drawn(plan_columns(table), 1_000, Partition(i, 4))["k"].to_pylist()) for i in range(4)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 127


def test_what_cannot_be_divided_says_why(plan: ColumnPlan) -> None:
    def why(generator: Trained, plan: ColumnPlan, of: int = 9) -> str | None:
        return undivided(generator, plan, conditions={}, rules=(), partitions=of)

    assert why(GENERATOR, plan) is None
    alone = replace(GENERATOR, partitions=False)
    assert why(alone, plan, 1) is None
    assert why(alone, plan) == "test does not say that it draws partitions"
    (day,) = plan.uniques
    narrow = replace(day, moves=(replace(day.moves[0], range=(0, 99, 1)),))
    assert why(GENERATOR, replace(plan, uniques=(narrow,))) == "no two rows have the same day, which are learnt"
    fixed = undivided(GENERATOR, plan, conditions={"day": 3}, rules=(), partitions=9)
    assert fixed == "no two rows have the same day, which are learnt"


@given(st.integers(1, 3_000), st.text(max_size=5), st.data())
def test_a_permutation_gives_each_number_once(size: int, key: str, data: st.DataObject) -> None:
    order = Permutation(size, key)
    some = data.draw(st.sets(st.integers(0, size - 1), max_size=40))
    found = [order.at(n) for n in some]
    assert len(set(found)) == len(some)
    assert all(0 <= n < size for n in found)
