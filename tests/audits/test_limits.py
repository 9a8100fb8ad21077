"""Every audit takes every value that a source's type can hold, and what it finds lies in its stated range."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.measures.exact import above, floats, origin_of
from synthkit.audits.runner import AuditRecord, BoundAudit, run_audits
from tests.audits.sides import context, run
from tests.limits import (
    BEYOND_DOUBLE,
    KINDS,
    Values,
    arrow_table,
    at_limits,
    constants,
    empty_columns,
    logical,
    with_sentinels,
)

ROWS = 120
SOME = ("bigint", "double", "decimal_38_0", "date", "category")
TRAINS = {
    "demographic_parity", "detection", "query_workload", "singling_out",
    "trts", "tstr", "alpha_precision", "beta_recall", "attribute_inference", "linkability",
}  # fmt: skip
# read no values of the columns that are tried here
ELSEWHERE = {"empirical_epsilon", "max_cost", "max_seconds", "relationships", "schema"}
ALIKE = {"augmentation", "equalised_odds", "feature_importance"}  # read their rows as tstr and demographic_parity do
COLUMNS = tuple(KINDS)
PARAMS: dict[str, list[dict[str, Any]]] = {
    "accepted_range": [{"column": c, "min": 0, "max": 10} for c in COLUMNS if logical(c) in ("integer", "decimal", "float")],
    "accepted_values": [{"column": c, "values": ["0"]} for c in ("bigint", "ubigint", "decimal_38_38", "category")],
    "demographic_parity": [{"target": "target", "groups": ["bigint"]}],
    "expression": [{"sql": "plain IS NOT NULL"}],
    "inequality": [
        {"low": "bigint", "high": "ubigint"}, {"low": "decimal_38_0", "high": "decimal_38_38"},
        {"low": "decimal_38_0", "high": "double"}, {"low": "timestamp", "high": "timestamp_ns"},
        {"low": "date", "high": "timestamp"}, {"low": 10, "high": "decimal_38_38"},
    ],
    "k_anonymity": [{"quasi_identifiers": list(COLUMNS)}],
    "k_map": [{"quasi_identifiers": list(COLUMNS)}],
    "l_diversity": [{"quasi_identifiers": ["target"], "sensitive": c} for c in COLUMNS],
    "t_closeness": [{"quasi_identifiers": ["target"], "sensitive": c} for c in COLUMNS],
    "membership_inference": [{"attack": a} for a in ("distance", "density", "classifier")],
    "not_null": [{"columns": list(COLUMNS)}],
    "query_workload": [{"queries": 20}],
    "rebalance": [{"target": "target"}],
    "representation": [{"groups": [c]} for c in COLUMNS],
    "row_count": [{"min": 1}],
    "singling_out": [{"attacks": 60}],
    "trts": [{"target": "decimal_38_0"}],
    "tstr": [{"target": "double"}],
    "unique": [{"columns": list(COLUMNS)}],
}  # fmt: skip
AUDITS = sorted(n for n in registry.names() if registry.get(n).family != "text" and n not in ELSEWHERE | ALIKE)


def rows_of(columns: dict[str, Values], seed: int) -> pa.Table:
    """The columns beside two ordinary ones."""
    table, r = arrow_table(columns), random.Random(seed)
    table = table.append_column("target", pa.array([r.choice(["yes", "no"]) for _ in range(table.num_rows)]))
    return table.append_column("plain", pa.array([r.gauss(0, 1) for _ in range(table.num_rows)]))


def alike(seed: int) -> dict[str, Values]:
    """Columns of several kinds that are constant, constant but for one row, empty, or a third one sentinel."""
    made = {
        "constant": constants(ROWS, 1),
        "near": constants(ROWS, seed, others=1, nulls=2),
        "empty": empty_columns(ROWS),
        "sentinel": with_sentinels(ROWS, seed),
    }
    return {f"{how}_{c}": columns[c] for how, columns in made.items() for c in SOME if c in columns}


@pytest.fixture(scope="module")
def extreme(tmp_path_factory: pytest.TempPathFactory) -> AuditContext:
    sides = [rows_of(at_limits(ROWS, seed), seed) for seed in (1, 2, 3)]
    return context(tmp_path_factory.mktemp("extreme"), *sides, types={c: logical(c) for c in COLUMNS})


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> AuditContext:
    sides = [rows_of(alike(seed), seed) for seed in (1, 2, 3)]
    types = {c: logical(c.partition("_")[2]) for c in alike(1)}
    return context(tmp_path_factory.mktemp("constant"), *sides, types=types)


def marked(audits: list[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in TRAINS else name for name in audits]


@pytest.mark.parametrize("audit", marked(AUDITS))
def test_values_at_the_limits_of_their_type(audit: str, extreme: AuditContext) -> None:
    for params in PARAMS.get(audit, [{}]):
        sound(audit, params, extreme)


@pytest.mark.parametrize("audit", marked([a for a in AUDITS if a not in PARAMS and a != "detection"]))
def test_columns_in_which_nearly_all_values_are_alike(audit: str, constant: AuditContext) -> None:
    sound(audit, {}, constant)


def sound(audit: str, params: dict[str, Any], ctx: AuditContext) -> AuditRecord:
    """The audit does not break, and value and interval lie in its range, the value in the interval."""
    declared = registry.get(audit)
    [record] = run_audits(ctx, [BoundAudit(audit, audit, None, params)], lambda *_a, **_k: None)
    assert record.status != "error", f"{audit} {params}: {record.message}"
    low, high = declared.between
    found = [(record.value, record.ci), *((c.value, (c.ci_low, c.ci_high)) for c in record.columns)]
    for value, ci in found:
        if value is None:
            continue
        assert low <= value <= high, (audit, params, value)
        ends = [e for e in ci or () if e is not None]
        assert all(low <= e <= high for e in ends), (audit, params, ci)
        if len(ends) == 2:
            assert ends[0] - 1e-9 <= value <= ends[1] + 1e-9, (audit, params, value, ci)
    return record


def test_whole_numbers_beyond_2_53_are_told_apart(tmp_path: Path) -> None:
    """Half of the rows are copies: a float64 holds none of the differences between the numbers."""
    train, fresh, held = ({"n": [BEYOND_DOUBLE + 2 * i + k for i in range(600)]} for k in (0, 10_000, 20_000))
    rows = {"n": train["n"][:300] + fresh["n"][:300]}
    ctx = context(tmp_path, rows, train, held)
    found = run("exact_match", ctx)
    assert (found.status, found.value) == ("fail", pytest.approx(0.5, abs=0.01))
    assert run("membership_inference", ctx).status != "pass"


def test_unsigned_numbers_beyond_2_63_are_told_apart(tmp_path: Path) -> None:
    """Two columns without a value in common, 2,048 apart at most: in floats they were one."""
    rows = {"n": pa.array([2**63 + 2**40 + i for i in range(600)], pa.uint64())}
    held = {"n": pa.array([2**63 + 2**40 + 600 + i for i in range(600)], pa.uint64())}
    assert run("ks", context(tmp_path, rows, rows, held)).value == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), st.integers(-(2**63), 2**63 - 1))
def test_differences_are_rounded_once(values: list[int], origin: int) -> None:
    found = above(np.array(values, dtype=np.int64), origin)
    assert found.tolist() == [float(v - origin) for v in values]


def test_unsigned_numbers_and_decimals_too() -> None:
    wide = pa.chunked_array([pa.array([2**64 - 1, 2**64 - 2, None, 2**64 - 3], pa.uint64())])
    assert origin_of(wide) == 2**64 - 2
    assert floats(wide, 2**64 - 2).tolist()[:2] == [1.0, 0.0]
    assert np.isnan(floats(wide, 2**64 - 2)[2])
    small = pa.chunked_array([pa.array([1, 2, 3])])
    assert origin_of(small) == 0
    assert floats(small).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("association", [0, 0.3])
def test_a_pair_with_a_constant_has_no_score(tmp_path: Path, association: float) -> None:
    """A constant date of this century: numbers so large that there are no ten bins about one of them."""
    import datetime as dt

    def some(seed: int) -> dict[str, Any]:
        r = random.Random(seed)
        k = [r.choice("abc") for _ in range(300)]
        return {"day": [dt.date(2024, 5, 17)] * 300, "k": k, "x": [ord(v) + r.gauss(0, 0.1) for v in k]}

    found = run("pair_trends", context(tmp_path, some(1), some(2), some(3)), association=association)
    assert [c.column for c in found.columns] == ["k × x"]
    assert found.status == "pass"
