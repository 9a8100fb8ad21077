"""What counts as declared, what has to be paid for, and types that follow from declarations alone."""

from __future__ import annotations

import datetime as dt

import pytest

from synthkit.privacy.knowledge import bounds_fault, declared_schema, parse_bound, unknown
from synthkit.schema import Column, Schema


def column(name: str, kind: str, **more: object) -> Column:
    return Column(name, kind, "VARCHAR", **more)  # type: ignore[arg-type]


SCHEMA = Schema(
    (
        column("id", "id"),
        column("age", "integer", bounds=(0, 99)),
        column("income", "float"),
        column("tier", "categorical", values=("a", "b")),
        column("town", "categorical"),
        column("grade", "categorical", values=(1, 2, 3)),
        column("rate", "categorical", values=(0, 0.25, 0.5)),
        column("member", "boolean"),
        column("note", "text"),
        column("email", "categorical", pii="email"),
        column("level", "integer", values=(1, 5)),
        column("joined", "date"),
        column("paid", "decimal", bounds=(0, 10), decimals=3),
    ),
    ("id",),
)


def test_what_is_not_declared_is_named_with_the_yaml_that_declares_it() -> None:
    typed = set(SCHEMA.names) - {"town", "note"}
    found = unknown(SCHEMA, typed)
    assert [(u.column.name, u.what) for u in found] == [
        ("income", ("bounds",)),
        ("town", ("type", "values")),
        ("note", ("type",)),
        ("joined", ("bounds",)),
    ]
    assert [u.estimable for u in found] == [True, False, False, True]
    assert found[1].yaml == "{name: town, type: categorical, values: [A, B]}"
    assert found[3].yaml == '{name: joined, type: date, bounds: ["2000-01-01", "2030-12-31"]}'


def test_types_that_were_read_off_rows_give_way_to_declared_ones() -> None:
    found = {c.name: c.sql_type for c in declared_schema(SCHEMA, sniffed=True).columns}
    assert found == {
        "id": "BIGINT",
        "age": "BIGINT",
        "income": "DOUBLE",
        "tier": "VARCHAR",
        "town": "VARCHAR",
        "grade": "BIGINT",
        "rate": "DOUBLE",
        "member": "BOOLEAN",
        "note": "VARCHAR",
        "email": "VARCHAR",
        "level": "BIGINT",
        "joined": "DATE",
        "paid": "DECIMAL(18,3)",
    }
    assert declared_schema(SCHEMA, sniffed=False) is SCHEMA


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        (column("x", "integer", bounds=(0, 5)), None),
        (column("x", "integer", bounds=(5, 5)), None),
        (column("x", "float", bounds=("a", 5)), "bounds: 'a' is no number"),
        (column("x", "float", bounds=(0, float("inf"))), "bounds: inf is no finite number"),
        (column("x", "boolean", bounds=(0, 1)), "bounds: on a column of type boolean, which has no order"),
        (column("x", "date", bounds=("2020-01-01", "2020-02-30")), "bounds: '2020-02-30' is no date"),
        (column("x", "date", bounds=("2020-01-02", "2020-01-01")), "bounds: 2020-01-02 is greater than"),
        (column("x", "categorical", values=()), "values: names none"),
        (column("x", "categorical", values=("a", "b", "a")), "values: names 'a' twice"),
    ],
)
def test_wrong_declarations_are_said(declared: Column, fault: str | None) -> None:
    found = bounds_fault(declared)
    assert found is None if fault is None else found is not None and found.startswith(fault)


def test_bounds_are_read_in_the_column_s_kind() -> None:
    assert parse_bound(column("x", "date"), "2020-01-31") == dt.date(2020, 1, 31)
    assert parse_bound(column("x", "datetime"), "2020-01-31 10:00") == dt.datetime(2020, 1, 31, 10)
    assert parse_bound(column("x", "time"), dt.time(9)) == dt.time(9)
    assert str(parse_bound(column("x", "decimal"), 0.1)) == "0.1"
