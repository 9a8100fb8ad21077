"""Running bound audits: severities, conditions, custom SQL, errors, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthkit.audits import contract as base
from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditParams, AuditResult, ColumnResult, audit
from synthkit.audits.defaults import default_audits
from synthkit.audits.runner import AuditRecord, BoundAudit, check_condition, passed, run_audits
from synthkit.generators.circuit.generator import CIRCUIT
from synthkit.generators.sql import SQL
from synthkit.schema import Column, Schema
from tests.audits.sides import context


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    pass


def bound(audit: str | None, sql: str | None = None, **options: Any) -> BoundAudit:
    return BoundAudit(options.pop("name", audit or "custom"), audit, sql, **options)


def one(ctx: AuditContext, audit: str | None, sql: str | None = None, **options: Any) -> AuditRecord:
    return run_audits(ctx, [bound(audit, sql, **options)], quiet)[0]


@pytest.fixture
def rows(tmp_path: Path) -> AuditContext:
    return context(
        tmp_path,
        {"age": [17, 30, 45, 200, None], "tier": ["a", "b", "c", "c", None]},
        relations={'"crm"."people"': {"age": [1, 2], "secret": ["Anna Real", "Bert Real"]}, '"other"': {"age": [17]}},
    )


@pytest.fixture
def declared() -> Iterator[None]:
    registry.names()
    before = dict(base._declared)
    yield
    base._declared.clear()
    base._declared.update(before)


class Nothing(AuditParams):
    pass


AGES = {"column": "age", "min": 18, "max": 100}  # two rows break it


# -- severity, warn_if, error_if -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "fail"),
        ({"severity": "warn"}, "warn"),
        ({"error_if": "> 2"}, "warn"),  # fails by its own rule, but not badly enough
        ({"error_if": "> 1"}, "fail"),
        ({"error_if": ">= 2"}, "fail"),
        ({"warn_if": "> 1"}, "fail"),
        ({"warn_if": "> 1", "error_if": "> 10"}, "warn"),
        ({"warn_if": "> 5", "error_if": "> 10"}, "pass"),
        ({"warn_if": "!= 0", "error_if": "> 1"}, "fail"),
        ({"severity": "warn", "warn_if": "> 5"}, "pass"),
        ({"severity": "warn", "warn_if": "== 2"}, "warn"),
        ({"severity": "warn", "error_if": "> 1"}, "warn"),
    ],
)
def test_severity_and_conditions(rows: AuditContext, options: dict[str, Any], status: str) -> None:
    record = one(rows, "accepted_range", params=AGES, **options)
    assert record.status == status
    assert record.value == 2
    assert passed([record]) == (status != "fail")


def test_conditions_also_make_a_passing_audit_fail(rows: AuditContext) -> None:
    params = {"columns": ["age"], "max_share": 0.5}
    assert one(rows, "not_null", params=params).status == "pass"
    assert one(rows, "not_null", params=params, error_if=">= 1").status == "fail"
    warned = one(rows, "not_null", params=params, warn_if=">= 1")
    assert (warned.status, warned.threshold) == ("warn", "warn_if >= 1")


def test_conditions_leave_alone_what_has_no_value(rows: AuditContext) -> None:
    record = one(rows, "not_null", params={"columns": ["age"]}, where="age > 1000", error_if=">= 0")
    assert record.status == "skipped"


def test_a_warning_shows_in_its_columns(rows: AuditContext) -> None:
    record = one(rows, "accepted_range", params=AGES, severity="warn")
    assert [c.status for c in record.columns] == ["warn"]


@pytest.mark.parametrize("text", ["> 10", "!= 0", ">=0.05", "<1e-3", "= -2", " == +3 ", "<> 1.", "<= .5"])
def test_conditions_that_are_understood(text: str) -> None:
    check_condition(text)


@pytest.mark.parametrize(
    "text", ["", "10", "> ten", "> 10 rows", "=> 1", "> 1; drop", "> nan", "> inf", "> 1e999", ">"]
)
def test_conditions_that_are_not(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message names the text
        check_condition(text)


def test_what_conditions_mean() -> None:
    assert check_condition(">= 0.05")(0.05)
    assert not check_condition("> 0.05")(0.05)
    assert check_condition("<> 3")(4)
    assert check_condition("= 3")(3.0)


# -- custom SQL ----------------------------------------------------------------------------------------


def test_custom_sql_selects_failing_rows(rows: AuditContext) -> None:
    record = one(rows, None, 'select * from "model" where age > 100 -- too old', name="no_ancients")
    assert (record.name, record.status, record.value) == ("no_ancients", "fail", 1)
    assert record.message == "1 row fails: {age: 200, tier: 'c'}"
    assert one(rows, None, "select * from synthetic where age > 1000;").status == "pass"


def test_custom_sql_obeys_where_under_both_names(rows: AuditContext) -> None:
    for name in ("synthetic", '"model"'):
        query = f"select * from {name} where age is not null"
        assert one(rows, None, query, where="tier = 'c'").value == 2
        assert one(rows, None, query).value == 4


def test_custom_sql_sees_other_tables_whole_but_never_held_out_rows(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"k": [1, 2]}, {"k": [3]}, {"k": [4]}, relations={'"other"': {"k": [1, 5]}})
    query = 'select * from "model" anti join "other" using (k)'
    assert one(ctx, None, query).value == 1
    assert one(ctx, None, 'select * from "other"', where="k = 1").value == 2
    leaking = one(ctx, None, "select * from holdout")
    assert leaking.status == "error"
    assert "holdout does not exist" in leaking.message


def test_a_model_may_be_called_like_a_side(tmp_path: Path) -> None:
    for name in ("synthetic", "train", "holdout"):
        ctx = context(tmp_path / name, {"k": [1, 2]}, {"k": [3]}, {"k": [4]}, own=f'"{name}"')
        assert one(ctx, None, f'select * from "{name}"', where="k = 1").value == 1
        assert one(ctx, "row_count", params={"equals": 2}).status == "pass"
        assert ctx.scalar("select min(k) from holdout") == 4


def test_rows_of_a_source_are_counted_but_never_shown(rows: AuditContext) -> None:
    record = one(rows, None, 'select * from "crm"."people"')
    assert record.value == 2
    assert "Real" not in json.dumps(record.to_json())
    assert "not shown" in record.message


def test_custom_sql_shows_five_rows_of_many(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"n": range(30_000)})
    record = one(ctx, None, "select n from synthetic where n >= 5 order by n")
    assert record.value == 29_995
    assert record.message == "29,995 rows fail: {n: 5}; {n: 6}; {n: 7}; {n: 8}; {n: 9}"


def test_custom_sql_must_be_one_statement(rows: AuditContext) -> None:
    assert "must be one SELECT" in one(rows, None, "select 1; select 2").message
    assert one(rows, None, "-- nothing").status == "error"


# -- errors --------------------------------------------------------------------------------------------


def test_an_audit_that_breaks_is_an_error_and_the_others_run(rows: AuditContext) -> None:
    records = run_audits(
        rows,
        [
            bound("not_null", params={"columns": ["aeg"]}, severity="warn"),
            bound("no_such_audit"),
            bound("row_count", params={"min": "many"}),
            bound(None, "select * from synthetic where"),
            bound("row_count", params={"equals": 5}),
        ],
        quiet,
    )
    assert [r.status for r in records] == ["error", "error", "error", "error", "pass"]
    assert "no column 'aeg' (fix: did you mean 'age'?)" in records[0].message
    assert "there is no audit 'no_such_audit'" in records[1].message
    assert records[2].message.startswith("parameter min:")
    assert "syntax error" in records[3].message
    assert not passed(records)
    assert passed(records[4:])


def test_any_exception_is_caught(rows: AuditContext, declared: None) -> None:
    @audit("explodes", Nothing, family="test")
    def explodes(ctx: AuditContext, params: Nothing) -> AuditResult:
        raise ZeroDivisionError("by nought")

    record = one(rows, "explodes")
    assert (record.status, record.message) == ("error", "ZeroDivisionError: by nought")


def test_a_rule_may_use_columns_that_the_real_rows_lack(tmp_path: Path) -> None:
    ctx = context(tmp_path, {"k": [1, None], "is_new": [True, False]}, train={"k": [1]}, holdout={"k": [2]})
    assert one(ctx, "not_null", params={"columns": ["k"]}, where="is_new").status == "pass"
    compared = one(ctx, "ks", where="is_new")
    assert compared.status == "error"
    assert "is_new" in compared.message


# -- records -------------------------------------------------------------------------------------------


def test_records_and_bound_audits_survive_json(rows: AuditContext) -> None:
    before = bound("accepted_range", params=AGES, where="age > 0", warn_if="> 1", hash="x", location="a.yml:1:2")
    again = BoundAudit.from_json(json.loads(json.dumps(before.to_json())))
    assert again == before
    record = run_audits(rows, [again], quiet)[0]
    text = json.dumps(record.to_json(), allow_nan=False)
    assert AuditRecord.from_json(json.loads(text)).to_json() == json.loads(text)
    assert set(record.to_json()) == {
        "name", "column", "value", "ci", "threshold", "floor", "severity", "status", "message", "seconds", "columns",
        "details", "limit", "better", "decide", "compares",
    }  # fmt: skip
    assert record.column == "age"
    assert record.ci == (2, 2)
    assert record.seconds >= 0


def test_nothing_that_is_not_a_number_gets_into_json(rows: AuditContext, declared: None) -> None:
    @audit("odd_numbers", Nothing, family="test")
    def odd(ctx: AuditContext, params: Nothing) -> AuditResult:
        return AuditResult(
            np.float64(0.5),
            "pass",
            ci_low=-math.inf,
            ci_high=math.nan,
            floor=np.float32(0.25),
            columns=(ColumnResult("a", math.nan, "pass", floor=math.inf),),
            details={"m": np.array([1.0, math.nan]), 3: (np.int64(4), {"x": math.inf}), "o": Path("p")},
        )

    record = json.loads(json.dumps(one(rows, "odd_numbers").to_json(), allow_nan=False))
    assert (record["value"], record["ci"], record["floor"]) == (0.5, None, 0.25)
    assert record["columns"][0]["value"] is None
    assert record["details"] == {"m": [1.0, None], "3": [4, {"x": None}], "o": "p"}


def test_a_value_that_is_not_a_number_passes_nothing(rows: AuditContext, declared: None) -> None:
    @audit("not_a_number", Nothing, family="test")
    def nan(ctx: AuditContext, params: Nothing) -> AuditResult:
        return AuditResult(math.nan, "pass")

    assert one(rows, "not_a_number").status == "error"


def test_progress_counts_audits(rows: AuditContext) -> None:
    seen: list[tuple[int, int, str, str]] = []
    run_audits(
        rows,
        [bound("row_count", params={"min": 1}), bound("not_null", params={"columns": ["tier"]})],
        lambda done, total, unit, note="": seen.append((done, total, unit, note)),
    )
    assert seen == [(0, 2, "audits", "row_count"), (1, 2, "audits", "not_null"), (2, 2, "audits", "")]


def test_no_audits_pass() -> None:
    assert passed([])


# -- defaults ------------------------------------------------------------------------------------------


def test_the_default_set_follows_generator_and_schema() -> None:
    columns = (Column("id", "id", "BIGINT"), Column("age", "integer", "BIGINT", nullable=False))
    schema = Schema(columns, primary_key=("id",))
    named = [s.name or s.audit for s in default_audits(CIRCUIT, schema, True)]
    assert named == [
        "row_count", "unique", "not_null", "ks", "ks_each_column", "chi_square", "chi_square_each_column",
        "column_pairs", "coverage", "detection", "membership_inference", "exact_match", "value_reuse",
    ]  # fmt: skip
    assert [s.audit for s in default_audits(CIRCUIT, schema, False)] == ["row_count", "unique", "not_null"]
    assert [s.audit for s in default_audits(SQL, Schema(columns[:1]), True)] == ["row_count"]
    assert {s.severity for s in default_audits(CIRCUIT, schema, True) if s.name} == {"warn"}


def test_the_default_sets_parameters_are_valid() -> None:
    schema = Schema((Column("id", "id", "BIGINT"),), primary_key=("id",))
    for spec in default_audits(CIRCUIT, schema, True):
        if spec.audit in registry.names():
            registry.get(spec.audit).params.model_validate(dict(spec.params))
