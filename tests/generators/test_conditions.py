"""Conditions become exact numbers of rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.errors import SynthError
from synthkit.generators.conditions import check_conditions, quotas, share, typed_value
from synthkit.schema import Column, Schema

SCHEMA = Schema(
    (
        Column("churn", "categorical", "VARCHAR"),
        Column("plan", "categorical", "VARCHAR", values=("a", "b", "c")),
        Column("flag", "boolean", "BOOLEAN"),
        Column("n", "integer", "BIGINT"),
        Column("id", "id", "VARCHAR"),
    )
)


def test_shares_of_one_column() -> None:
    found = quotas({"churn": {"yes": "50%", "no": "50%"}}, 301, SCHEMA)
    assert {q.values["churn"]: q.rows for q in found} == {"yes": 151, "no": 150}


def test_one_value_for_all_rows() -> None:
    (only,) = quotas({"churn": "yes"}, 10, SCHEMA)
    assert (dict(only.values), only.rows) == ({"churn": "yes"}, 10)


def test_shares_of_two_columns_multiply() -> None:
    found = quotas({"churn": {"yes": "25%", "no": "75%"}, "flag": {"true": 0.5, "no": 0.5}}, 80, SCHEMA)
    assert {(q.values["churn"], q.values["flag"]): q.rows for q in found} == {
        ("yes", True): 10,
        ("yes", False): 10,
        ("no", True): 30,
        ("no", False): 30,
    }


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=3), st.integers(1, 100_000))
def test_rows_add_up_and_are_within_one_of_their_share(weights: list[int], rows: int) -> None:
    total = sum(weights)
    wanted = {v: w / total for v, w in zip("abc", weights, strict=False)}
    found = quotas({"plan": wanted}, rows, SCHEMA)
    assert sum(q.rows for q in found) == rows
    for q in found:
        assert abs(q.rows - wanted[q.values["plan"]] * rows) < 1 + 1e-6


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"chrun": "yes"}, "no column 'chrun'"),
        ({"churn": {"yes": "50%", "no": "40%"}}, "add up to 90%"),
        ({"churn": {"yes": "half", "no": "50%"}}, "not a share"),
        ({"churn": {"yes": "150%"}}, "not between"),
        ({"plan": {"d": "100%"}}, "no declared value"),
        ({"flag": "perhaps"}, "neither true nor false"),
        ({"n": "many"}, "integer"),
        ({"id": "C-1"}, "not modelled"),
    ],
)
def test_what_is_wrong_is_said(conditions: dict[str, object], message: str) -> None:
    problems = check_conditions(conditions, SCHEMA)
    assert problems
    assert message in problems[0][1]
    with pytest.raises(SynthError, match="conditions"):
        quotas(conditions, 10, SCHEMA)


def test_values_take_the_columns_type() -> None:
    assert typed_value("3", SCHEMA.by_name["n"]) == 3
    assert typed_value("yes", SCHEMA.by_name["flag"]) is True
    assert typed_value("1.50", Column("d", "decimal", "DECIMAL(10,2)")) == Decimal("1.50")
    assert share("12.5%") == 0.125
