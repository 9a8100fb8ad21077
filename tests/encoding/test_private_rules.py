"""Rules under a budget: what is computed is not paid for, what goes together is learnt from noisy counts, and one row
more or less changes no release by more than one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.encoding.kept.choosing import keep_declared
from synthkit.encoding.kept.private import private_plan, refusals
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.kept.together import Counts
from synthkit.encoding.values import array_of
from synthkit.encoding.view import View
from synthkit.generators.base import Budget, silent
from synthkit.generators.marginals.fit import learn
from synthkit.generators.marginals.params import AimParams, MarginalParams, MstParams
from synthkit.generators.marginals.schedule import schedule
from synthkit.rules.language import parse_rule, violations
from synthkit.schema import Column, Schema, Table
from tests.generators.marginals.tables import Recorder, Replay

COLUMNS = (
    Column("net", "integer", "BIGINT", nullable=False, bounds=(0, 99)),
    Column("tax", "integer", "BIGINT", nullable=False, bounds=(0, 19)),
    Column("gross", "integer", "BIGINT", nullable=False, bounds=(0, 118)),
    Column("paid", "integer", "BIGINT", bounds=(0, 198)),
    Column("zip", "categorical", "BIGINT", nullable=False, values=(1, 2, 3)),
    Column("city", "categorical", "VARCHAR", values=("Bern", "Chur")),
    Column("tier", "categorical", "VARCHAR", nullable=False, values=("a", "b")),
)
TYPES = pa.schema([(c.name, pa.string() if c.sql_type == "VARCHAR" else pa.int64()) for c in COLUMNS])
SCHEMA = Schema(COLUMNS)
TEXTS = ("gross = net + tax", "paid = 2 * net", "zip -> city")
ROW = st.tuples(
    st.integers(-5, 120),
    st.integers(-5, 30),
    st.none() | st.integers(-5, 200),
    st.none() | st.integers(0, 300),
    st.sampled_from([1, 2, 3, 4]),
    st.none() | st.sampled_from(["Bern", "Chur", "Basel"]),
    st.sampled_from(["a", "b", "c"]),
)
PLANS: dict[str, MarginalParams] = {
    "aim": AimParams(rounds=4, sweeps=2, final_sweeps=3),
    "mst": MstParams(final_sweeps=3),
}


def step_of(*texts: str) -> KeptRules:
    return keep_declared(SCHEMA, TYPES, [parse_rule(text) for text in texts], array_of)


def learnt(folder: Path, step: KeptRules, rows: list[tuple[Any, ...]]) -> Table:
    folder.mkdir()
    arrays = [pa.array([r[i] for r in rows], TYPES.field(i).type) for i in range(len(COLUMNS))]
    pq.write_table(pa.table(arrays, schema=TYPES), folder / "rows.parquet")
    table = Table(SCHEMA, (folder / "rows.parquet",), len(rows))
    return View((step,)).learn(table, folder / "learnt.parquet")


def test_what_is_computed_is_not_paid_for() -> None:
    rules = [parse_rule(text) for text in TEXTS]
    found = private_plan(SCHEMA, rules).learnt(SCHEMA)
    assert found == step_of(*TEXTS).schema(SCHEMA)
    assert found.names == ("net", "tax", "paid", "tier", "zip & city")
    assert (found.by_name["paid"].type, found.by_name["paid"].nullable) == ("boolean", False)
    assert found.by_name["zip & city"].values == tuple(str(i) for i in range(3 * 3))
    budget = Budget(1.0, 1e-5)
    for params in (AimParams(), MstParams()):
        with_rules, without = (schedule(params, budget, s) for s in (found, SCHEMA))
        assert sum(with_rules.levels) < sum(without.levels)
        assert with_rules.rounds < without.rounds
        assert with_rules.first_sigma < without.first_sigma
        assert with_rules.sigma < without.sigma


@pytest.mark.parametrize("nulls", [(), ("gross",), ("net",), ("net", "gross")])
def test_what_may_be_missing_by_itself_is_learnt_for_that(nulls: tuple[str, ...]) -> None:
    columns = tuple(Column(c.name, c.type, c.sql_type, c.name in nulls, bounds=c.bounds) for c in COLUMNS[:3])
    rule = parse_rule("gross = net + tax")
    plan = private_plan(Schema(columns), [rule])
    assert (plan.dropped, plan.flagged) == (
        frozenset({"gross"} if not nulls else ()),
        frozenset({"gross"} if nulls == ("gross",) else ()),
    )
    said = private_plan(Schema(columns), [rule, parse_rule("nulls_together: [gross, net]")])
    assert said.dropped == plan.dropped | ({"gross"} if len(nulls) == 2 else set())
    assert not private_plan(Schema(columns), [parse_rule("gross = net / tax")]).dropped  # nothing over 0


@pytest.mark.parametrize("name", PLANS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, max_size=40), extra=ROW, at=st.integers(0, 1_000), seed=st.integers(0, 2**31))
def test_a_row_changes_each_release_by_one_at_most(
    name: str, rows: list[tuple[Any, ...]], extra: tuple[Any, ...], at: int, seed: int
) -> None:
    """Neighbouring tables, through the step and the training; rows that break what is declared among them."""
    more = [*rows[: at % (len(rows) + 1)], extra, *rows[at % (len(rows) + 1) :]]
    step = step_of(*TEXTS)
    one, params = Recorder(seed), PLANS[name]
    two = Replay(one)
    with tempfile.TemporaryDirectory() as folder:
        tables = [learnt(Path(folder) / str(i), step, these) for i, these in enumerate((rows, more))]
        plans = [schedule(params, Budget(20.0, 1e-2), table.schema) for table in tables]
        models = [
            learn(t, params, plan, answers, silent) for t, plan, answers in zip(tables, plans, (one, two), strict=True)
        ]
    assert plans[0].mechanisms == plans[1].mechanisms
    assert len(one.asked) == len(two.asked)
    for (kind, a, scale), (kind_b, b, scale_b) in zip(one.asked, two.asked, strict=True):
        assert (kind, scale, a.shape) == (kind_b, scale_b, b.shape)
        assert np.abs(a - b).max(initial=0.0) <= 1 if kind == "histogram" else scale + 1e-6
        if kind == "histogram":
            assert np.abs(a - b).sum() <= 1
    settled = [step.settled(lambda name, m=m: _counts(m, name)).to_json() for m in models]
    assert settled[0] == settled[1]  # under the same answers: no row decides otherwise what goes with what


def _counts(model: Any, name: str) -> Counts:
    from synthkit.generators.marginals.cuts import noisy_counts

    return Counts(*noisy_counts(model.encoder.axes, model.cuts, name))


def test_what_goes_together_is_what_most_rows_have() -> None:
    """Counts with noise: each zip keeps the city of most rows, each combination that noise alone explains goes."""
    step = step_of("zip -> city")
    (part,) = step.parts
    counts = [0.0] * 9  # (zip, city): Bern, Chur, missing of each of 1, 2, 3
    counts[0], counts[1], counts[5], counts[7], counts[6] = 50.0, 9.0, 40.0, 30.0, 29.0
    done = KeptRules.from_json(json.loads(json.dumps(step.settled(lambda _: Counts(tuple(counts))).to_json())))
    drawn = pa.record_batch([pa.array([str(i) for i in range(9)])], names=[part.outputs[0] + " & city"])
    columns = {"zip & city": drawn.column(0)}
    done.parts[0].restore(columns)
    pairs = list(zip(columns["zip"].to_pylist(), columns["city"].to_pylist(), strict=True))
    assert pairs == [(1, "Bern")] * 3 + [(2, None)] * 3 + [(3, "Chur")] * 3
    few = step_of("combination: [zip, city]").settled(lambda _: Counts(tuple(counts), noise=4.0))
    columns = {"zip & city": drawn.column(0)}
    few.parts[0].restore(columns)
    kept = set(zip(columns["zip"].to_pylist(), columns["city"].to_pylist(), strict=True))
    assert kept == {(1, "Bern"), (2, None), (3, "Bern"), (3, "Chur")}  # 9 < 4 * sqrt(2 log(9 / 0.01)) = 14.8


@pytest.mark.parametrize("seed", range(3))
def test_several_rules_over_the_same_columns_hold_together(seed: int) -> None:
    """A chain, a pair that names each other and a combination, whatever the counts are."""
    names = {"a": 4, "b": 3, "c": 3, "d": 2}
    columns = tuple(
        Column(n, "categorical", "VARCHAR", nullable=n == "d", values=tuple(f"{n}{i}" for i in range(k)))
        for n, k in names.items()
    )
    schema, types = Schema(columns), pa.schema([(n, pa.string()) for n in names])
    rules = [parse_rule(t) for t in ("a -> b", "b <-> c", "combination: [c, d]")]
    rng = np.random.default_rng(seed)
    step = keep_declared(schema, types, rules, array_of)
    size = 4 * 3 * 3 * 3
    step = step.settled(lambda _: Counts(tuple(rng.normal(0, 3, size).tolist()), noise=1.0))
    drawn = pa.record_batch([pa.array(rng.integers(0, size, 500).astype(str))], names=["a & b & c & d"])
    rows = pa.Table.from_batches([step.restore(drawn, rng)])
    assert rows.column_names == list(names)
    assert {str(r): int(violations(r, rows, rows).sum()) for r in rules} == {str(r): 0 for r in rules}
    assert len(set(rows["a"].to_pylist())) > 1


def test_what_cannot_be_kept_is_said() -> None:
    rules = [parse_rule(t) for t in ("zip -> tax", "gross = net + tax", "combination: [city, tier]")]
    (first, second) = refusals(SCHEMA, rules, counted=False)
    assert first == (
        rules[0],
        "which values go together is known from the rows alone, and no values of 'tax' are declared",
    )
    assert second == (rules[2], "the generator does not say how noisy its counts are")
    wide = tuple(Column(n, "categorical", "VARCHAR", values=tuple(range(40))) for n in "xy")
    ((_, why),) = refusals(Schema(wide), [parse_rule("x -> y")], counted=True)
    assert why == "x, y may have 1,681 combinations of their declared values, more than 1,000"


def test_rows_that_take_values_of_others_take_whole_combinations() -> None:
    rules = ("combination: [zip, city]", "when tier = 'a' then city = 'Bern'")
    step = step_of(*rules)
    many = Counts((30.0, 0.0, 0.0, 0.0, 30.0, 0.0, 0.0, 30.0, 0.0), noise=1.0)
    step = step.settled(lambda _: many)
    rng = np.random.default_rng(0)
    n = 300
    columns = [pa.array(rng.integers(0, 9, n)) for _ in range(4)]
    drawn = [*columns, pa.array(rng.choice(["a", "b"], n)), pa.array(rng.integers(0, 9, n).astype(str))]
    rows = step.restore(pa.record_batch(drawn, names=["net", "tax", "gross", "paid", "tier", "zip & city"]), rng)
    assert not violations(parse_rule(rules[1]), rows).any()
    assert set(zip(rows["zip"].to_pylist(), rows["city"].to_pylist(), strict=True)) == {
        (1, "Bern"),
        (2, "Chur"),
        (3, "Chur"),
    }
