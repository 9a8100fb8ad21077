"""Rules that hold in every row: planted faults fail and are shown, odd types and names work."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.errors import SynthError
from synthkit.project.types import Relation
from tests.audits.sides import context

ODD = ("select", "two words", 'say "hi"', "größe", "it's", "a;b--c")


def run(audit: str, ctx: AuditContext, **params: Any) -> AuditResult:
    found = registry.get(audit)
    return found.run(ctx, found.params.model_validate(params))


@pytest.fixture
def people(tmp_path: Path) -> AuditContext:
    rows = {
        "id": [1, 2, 3, 3, None],
        "age": [17, 30, 45, 200, None],
        "tier": ["basic", "pro", "gold", "gold", None],
        "score": [0.5, 1.0, float("nan"), 2.5, None],
        "joined": [date(2020, 1, 1), date(2021, 5, 5), date(2030, 1, 1), None, date(2019, 12, 31)],
        "active": [True, False, None, True, True],
    }
    return context(tmp_path, rows)


# -- not_null ------------------------------------------------------------------------------------------


def test_not_null_counts_rows_and_columns(people: AuditContext) -> None:
    result = run("not_null", people, columns=["age", "score", "active"])
    assert result.status == "fail"
    assert result.value == 2  # rows 3 and 5
    assert (result.ci_low, result.ci_high) == (2, 2)
    assert [(c.column, c.value, c.status) for c in result.columns] == [
        ("score", 2, "fail"),  # NaN is a missing value
        ("age", 1, "fail"),
        ("active", 1, "fail"),
    ]
    assert "'score' in 2 rows (40.00%)" in result.message


def test_not_null_allows_a_share_per_column(people: AuditContext) -> None:
    assert run("not_null", people, columns=["age"], max_share=0.2).status == "pass"
    assert run("not_null", people, columns=["age"], max_share=0.19).status == "fail"
    mixed = run("not_null", people, columns=["age", "score"], max_share=0.2)
    assert [(c.column, c.status) for c in mixed.columns] == [("score", "fail"), ("age", "pass")]


def test_a_column_that_is_not_there_gets_the_nearest(people: AuditContext) -> None:
    with pytest.raises(SynthError, match="no column 'scores'") as caught:
        run("not_null", people, columns=["scores"])
    assert caught.value.hint == "did you mean 'score'?"


# -- unique --------------------------------------------------------------------------------------------


def test_unique_counts_every_row_of_a_duplicated_key(people: AuditContext) -> None:
    result = run("unique", people, columns=["id", "age"])
    assert (result.status, result.value) == ("fail", 2)
    assert [(c.column, c.value) for c in result.columns] == [("id", 2), ("age", 0)]
    assert "id = 3 (2×)" in result.message


def test_unique_together_and_nulls_are_never_equal(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"a": [1, 1, 2, None, None], "b": ["x", "y", "x", "z", "z"], "n": [1, 1, 1, 1, 1]})
    assert run("unique", ctx, together=["a", "b"]).status == "pass"
    assert run("unique", ctx, columns=["a"]).value == 2
    doubled = run("unique", ctx, together=["b", "n"])
    assert doubled.value == 4
    assert "b, n = 'x', 1 (2×)" in doubled.message


def test_unique_wants_one_of_its_two_ways() -> None:
    kind = registry.get("unique").params
    for params in ({}, {"columns": ["a"], "together": ["b"]}):
        with pytest.raises(ValidationError, match="one of the two"):
            kind.model_validate(params)


@given(st.lists(st.one_of(st.none(), st.integers(0, 6)), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unique_agrees_with_counting_by_hand(tmp_path: Path, values: list[int | None]) -> None:
    ctx = context(tmp_path, {"k": pa.array(values, pa.int64())})
    known = [v for v in values if v is not None]
    assert run("unique", ctx, columns=["k"]).value == sum(1 for v in known if known.count(v) > 1)


# -- accepted_values -----------------------------------------------------------------------------------


def test_accepted_values_shows_what_does_not_belong(people: AuditContext) -> None:
    result = run("accepted_values", people, column="tier", values=["basic", "pro"])
    assert (result.status, result.value) == ("fail", 2)
    assert result.message == "'tier' breaks the rule in 2 rows (40.00%): 'gold' (2×)"
    assert result.threshold == "one of 'basic', 'pro'"
    assert run("accepted_values", people, column="tier", values=["basic", "pro", "gold"]).status == "pass"


def test_accepted_values_may_forbid_nulls(people: AuditContext) -> None:
    values = ["basic", "pro", "gold"]
    assert run("accepted_values", people, column="tier", values=values, nulls=False).value == 1
    assert run("accepted_values", people, column="tier", values=[*values, None]).status == "pass"
    with pytest.raises(ValidationError, match="null is among the values"):
        run("accepted_values", people, column="tier", values=[None], nulls=False)


@pytest.mark.parametrize(
    ("data", "good", "bad"),
    [
        (pa.array([1, 2], pa.int32()), [1, 2], [1, 3]),
        (pa.array([1, 2], pa.int32()), ["1", "2"], ["1"]),
        (pa.array([1, 2], pa.int32()), [1.0, 2], [1, 1.5]),  # 1.5 must not round to 2
        (pa.array([0.1, 0.2], pa.float32()), [0.1, 0.2], [0.1]),
        (pa.array([Decimal("1.10"), Decimal("2.00")]), [1.1, 2], [1.1]),
        (pa.array([True, False]), [True, False], [True]),
        (pa.array([date(2020, 1, 1), date(2020, 1, 2)]), ["2020-01-01", date(2020, 1, 2)], ["2020-01-01"]),
        (pa.array(["1", "true"]), [1, "true"], [1]),
    ],
)
def test_values_are_compared_in_the_columns_own_type(
    tmp_path: Path, data: pa.Array, good: list[Any], bad: list[Any]
) -> None:
    ctx = context(tmp_path, {"c": data})
    assert run("accepted_values", ctx, column="c", values=good).status == "pass"
    assert (result := run("accepted_values", ctx, column="c", values=bad)).status == "fail"
    assert result.value == 1


def test_a_value_of_another_type_is_an_error_not_a_silent_mismatch(people: AuditContext) -> None:
    with pytest.raises(SynthError, match="'old' is no value of 'age', which is BIGINT"):
        run("accepted_values", people, column="age", values=["old"])
    with pytest.raises(SynthError, match="True is no value of 'tier'") as caught:
        run("accepted_values", people, column="tier", values=[True])
    assert caught.value.hint == "put text in quotes"
    with pytest.raises(SynthError, match=r"'1\.5' is no value of 'age'"):
        run("accepted_values", people, column="age", values=["1.5"])


# -- accepted_range ------------------------------------------------------------------------------------


def test_accepted_range_of_numbers(people: AuditContext) -> None:
    result = run("accepted_range", people, column="age", min=18, max=100)
    assert (result.status, result.value, result.threshold) == ("fail", 2, "min 18 max 100")
    assert "17, 200" in result.message
    assert run("accepted_range", people, column="age", min=17, max=200).status == "pass"
    assert run("accepted_range", people, column="age", min=17, max=200, strictly=True).value == 2
    assert run("accepted_range", people, column="age", min=17.5).value == 1


def test_nan_lies_in_no_range_and_null_passes(people: AuditContext) -> None:
    assert run("accepted_range", people, column="score", min=0).value == 1
    assert run("accepted_range", people, column="score", max=10).value == 1


def test_accepted_range_of_dates_and_times(tmp_path: Path, people: AuditContext) -> None:
    result = run("accepted_range", people, column="joined", min="2020-01-01", max=date(2025, 1, 1))
    assert result.value == 2
    assert "2019-12-31, 2030-01-01" in result.message
    ctx = context(tmp_path / "times", {"at": [datetime(2020, 1, 1, 12)], "hour": [time(8, 30)]})
    assert run("accepted_range", ctx, column="at", min="2020-01-01 11:00", max="2020-01-01 13:00").status == "pass"
    assert run("accepted_range", ctx, column="hour", max="08:00").status == "fail"
    with pytest.raises(SynthError, match="'soon' is no value of 'joined', which is DATE"):
        run("accepted_range", people, column="joined", min="soon")


def test_accepted_range_refuses_what_has_none(people: AuditContext) -> None:
    with pytest.raises(SynthError, match="'tier' is VARCHAR"):
        run("accepted_range", people, column="tier", min="a")
    for params in ({}, {"min": 2, "max": 1}, {"min": True}):
        with pytest.raises(ValidationError):
            registry.get("accepted_range").params.model_validate({"column": "age", **params})
    registry.get("accepted_range").params.model_validate({"column": "age", "min": "9", "max": "10"})


# -- expression ----------------------------------------------------------------------------------------


def test_expression_fails_where_false_and_passes_where_unknown(people: AuditContext) -> None:
    result = run("expression", people, sql="age < 100 -- nobody is older")
    assert (result.status, result.value) == ("fail", 1)
    assert "age: 200" in result.message
    assert "tier: 'gold'" in result.message
    assert run("expression", people, sql="age < 100", nulls="fail").value == 2
    assert run("expression", people, sql="age is null or age > 10").status == "pass"


def test_expression_may_use_windows_and_subqueries(people: AuditContext) -> None:
    assert run("expression", people, sql="age <= (select max(age) from synthetic)").status == "pass"


def test_expression_must_be_true_or_false(people: AuditContext) -> None:
    with pytest.raises(SynthError, match="gives BIGINT"):
        run("expression", people, sql="age + 1")


# -- row_count -----------------------------------------------------------------------------------------


def test_row_count_bounds(people: AuditContext) -> None:
    assert run("row_count", people, min=5, max=5).status == "pass"
    assert run("row_count", people, equals=5).status == "pass"
    low = run("row_count", people, min=6)
    assert (low.status, low.value) == ("fail", 5)
    assert low.message == "the table has 5 rows: min 6"
    assert run("row_count", people, max=4).status == "fail"
    assert run("row_count", people, equals=4).threshold == "equals 4"


def test_row_count_relative_to_the_source_counts_its_held_out_rows(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"a": range(20)}, train={"a": range(8)}, holdout={"a": range(2)})
    assert run("row_count", ctx, min_ratio=2, max_ratio=2).status == "pass"
    assert run("row_count", ctx, min_ratio=2.1).status == "fail"
    with pytest.raises(SynthError, match="the model has none"):
        run("row_count", context(tmp_path / "b", {"a": [1]}), max_ratio=2)


@pytest.mark.parametrize("params", [{}, {"min": 2, "max": 1}, {"equals": 1, "min": 1}, {"min": -1}])
def test_row_count_refuses_bounds_that_mean_nothing(params: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        registry.get("row_count").params.model_validate(params)


# -- relationships -------------------------------------------------------------------------------------


def test_relationships_finds_orphans(tmp_path: Path) -> None:
    source = Relation("customers", "crm")
    ctx = context(
        tmp_path, {"customer": [1, 2, 9, 9, None]}, relations={source.sql: {"id": [1, 2, 3, None], "name": ["a"] * 4}}
    )
    result = run("relationships", ctx, column="customer", to=source, field="id")
    assert (result.status, result.value) == ("fail", 2)
    assert "9 (2×)" in result.message
    assert result.threshold == "in source('crm', 'customers').id"
    with pytest.raises(SynthError, match="no column 'idd'") as caught:
        run("relationships", ctx, column="customer", to=source, field="idd")
    assert caught.value.hint == "did you mean 'id'?"
    with pytest.raises(SynthError, match=r"ref\('orders'\) is not at hand"):
        run("relationships", ctx, column="customer", to=Relation("orders"), field="id")


def test_relationships_to_a_model_that_is_called_like_a_side(tmp_path: Path) -> None:
    train = Relation("train")
    ctx = context(tmp_path, {"k": [1, 2]}, train={"k": [7]}, relations={train.sql: {"k": [1, 2]}})
    assert run("relationships", ctx, column="k", to=train, field="k").status == "pass"


def test_relationships_to_oneself_see_all_rows_when_narrowed(tmp_path: Path) -> None:
    own = Relation("staff")
    ctx = context(tmp_path, {"id": [1, 2, 3], "boss": [None, 1, 1], "old": [False, True, True]}, own=own.sql)
    assert run("relationships", ctx.narrowed("old"), column="boss", to=own, field="id").status == "pass"


def test_relationships_across_types(tmp_path: Path) -> None:
    other = Relation("other")
    ctx = context(tmp_path, {"k": ["1", "x"]}, relations={other.sql: {"k": [1, 2]}})
    assert run("relationships", ctx, column="k", to=other, field="k").value == 1


# -- edges ---------------------------------------------------------------------------------------------


def test_a_table_without_rows_is_skipped_not_passed(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"a": pa.array([], pa.int64())})
    for audit, params in (
        ("not_null", {"columns": ["a"]}),
        ("unique", {"columns": ["a"]}),
        ("accepted_values", {"column": "a", "values": [1]}),
        ("accepted_range", {"column": "a", "min": 1}),
        ("expression", {"sql": "a > 0"}),
    ):
        result = run(audit, ctx, **params)
        assert (result.status, result.value) == ("skipped", None), audit
    assert run("row_count", ctx, min=1).status == "fail"


def test_where_narrows(people: AuditContext) -> None:
    assert run("not_null", people.narrowed("age is not null"), columns=["age"]).status == "pass"
    assert run("not_null", people.narrowed("age > 1000"), columns=["age"]).status == "skipped"
    assert run("row_count", people.narrowed("tier = 'gold'"), equals=2).status == "pass"


@pytest.mark.parametrize("name", ODD)
def test_odd_names(tmp_path: Path, name: str) -> None:
    ctx = context(tmp_path, {name: [1, 2, 2, None]}, relations={'"other"': {name: [1]}})
    assert run("not_null", ctx, columns=[name]).value == 1
    assert run("unique", ctx, columns=[name]).value == 2
    assert run("accepted_values", ctx, column=name, values=[1]).value == 2
    assert run("accepted_range", ctx, column=name, max=1).value == 2
    assert run("relationships", ctx, column=name, to=Relation("other"), field=name).value == 2


def test_text_with_quotes_is_compared_and_shown(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"t": ["it's", "'; drop table synthetic; --", "x" * 100]})
    result = run("accepted_values", ctx, column="t", values=["it's"])
    assert result.value == 2
    assert "x" * 39 + "…" in result.message
    assert "x" * 41 not in result.message


def test_at_most_five_examples(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"n": range(100)})
    result = run("accepted_range", ctx, column="n", max=9)
    assert result.value == 90
    assert result.message.endswith(": 10, 11, 12, 13, 14")
