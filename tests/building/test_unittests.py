"""Unit tests of SQL models, custom audits and macros: given rows → expected rows, before anything is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synthkit.building.unittests import run_unit_tests
from synthkit.compiler import compile_project
from synthkit.compiler.manifest import GivenTable, UnitTest
from synthkit.errors import ConfigurationError
from synthkit.project.project import load_project
from synthkit.project.yamlfile import Document, parse_text
from synthkit.scaffold.schemas import schema
from tests.synth import SQL_PROJECT, Project, make_project

MACROS = "{% macro cents(column) %}cast(round({{ column }} * 100) as bigint){% endmacro %}\n"
TESTS = """
    version: 1
    unit_tests:
      - name: cents_are_rounded
        query: "select id, {{ cents('price') }} as cents from {{ ref('prices') }}"
        given:
          - {input: "ref('prices')", rows: [{id: 1, price: 1.005}, {id: 2, price: 0.999}, {id: 3, price: null}]}
        expect: {rows: [{id: 3, cents: null}, {id: 2, cents: 100}, {id: 1, cents: 100}]}
      - name: tiers_are_counted
        model: by_tier
        given:
          - input: "{{ ref('customers') }}"
            rows: [{tier: plus}, {tier: basic}, {tier: plus}]
        expect: {rows: [{tier: plus, n: 2}, {tier: basic, n: 1}]}
      - name: children_are_found
        audit: no_children
        params: {age: 18}
        given:
          - {input: this, rows: [{age: 17, born: "2009-01-31"}, {age: 18, born: "2008-01-31"}], types: {born: DATE}}
          - {input: "source('crm', 'customers')", rows: []}
        expect: {rows: [{born: "2009-01-31"}]}
"""
AUDIT = """
    select * from {{ this }}
    where age < {{ age }} and born > date '2000-01-01' and age not in (select age from {{ source('crm', 'customers') }})
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    files = {"macros/money.sql": MACROS, "models/tests.yml": TESTS, "audits/no_children.sql": AUDIT}
    return make_project(tmp_path / "shop", {**SQL_PROJECT, **files})


def test_the_verb(shop: Project) -> None:
    lines = shop.ok("test").splitlines()
    assert lines[0] == "ok    cents_are_rounded: query (models/tests.yml:3:11)"
    assert lines[-1] == "3 of 3 passed"
    shop.write({"macros/money.sql": MACROS.replace("round(", "floor(")})
    text = shop.fails("test", "--select", "cents*")
    assert "FAIL  cents_are_rounded" in text
    assert "        missing    {id: 2, cents: 100}\n        unexpected {id: 2, cents: 99}" in text
    assert "0 of 1 passed" in text
    assert "1 of 1 passed" in shop.ok("test", "-s", "by_tier")
    assert "there are: cents_are_rounded" in shop.fails("test", "-s", "nothing", code=2)


def test_a_failing_one_stops_a_build_before_anything_is_run(shop: Project) -> None:
    shop.write({"macros/money.sql": MACROS.replace("* 100", "* 10")})
    text = shop.fails("build")
    assert "1 of 3 unit tests fails, so nothing was run" in text
    assert "unexpected {id: 1, cents: 10}" in text
    assert not (shop.root / "target/run_results.json").exists()
    shop.write({"macros/money.sql": MACROS})
    shop.ok("build")


FAULTS = """
version: 1
unit_tests:
  - name: one
    model: by_teir
    expect: {rows: []}
  - name: two
    model: by_tier
    expect: {rows: []}
  - name: three
    model: by_tier
    given: [{input: ref('customers'), rows: [{teir: a}]}, {input: ref('others'), rows: []}]
    expect: {rows: []}
  - name: four
    query: "select {{ cent('x') }}"
    expect: {rows: []}
  - name: five
    model: by_tier
    query: select 1
    expect: {rows: []}
  - name: six
    audit: no_childern
    expect: {rows: []}
  - name: six
    query: select 1
    expcet: {rows: []}
    expect: {rows: []}
  - name: seven
    model: drawn
    expect: {rows: []}
  - name: eight
    query: select 1 as a
    given: [{input: this, rows: []}]
    expect: {rows: []}
models:
  - name: drawn
    source: "{{ source('crm', 'customers') }}"
    generator: sdv.gaussian_copula
    audits: []
"""
EXPECTED = {
    (4, "there is no model 'by_teir'"): "'by_tier'",
    (6, "unit test 'two' reads ref('customers'), of which no rows are given"): "- {input: ref('customers'), rows: []}",
    (11, "ref('customers') has no column 'teir'"): "'tier'",
    (11, "unit test 'three' does not read ref('others')"): "",
    (14, "unit test 'four': undefined in Jinja: 'cent' is undefined"): "'cents'",
    (16, "unit test 'five': give one of model, audit and query: what is tested"): "",
    (21, "there is no custom audit 'no_childern'"): "'no_children'",
    (23, "unit test 'six' is declared twice: first on line 20"): "",
    (25, "unknown key 'expcet' in unit test 'six'"): "'expect'",
    (28, "'drawn' is no SQL model: its rows are drawn, not computed"): "",
    (32, "'this' is what a custom audit judges"): "",
}


def test_faults(shop: Project) -> None:
    shop.write({"models/tests.yml": FAULTS})
    with pytest.raises(ConfigurationError) as raised:
        compile_project(load_project(shop.root))
    found = {(f.where.line, f.message): f.hint or "" for f in raised.value.faults if f.where}
    for (line, message), hint in EXPECTED.items():
        assert (line, message) in found
        assert hint in found[line, message]
    assert len(found) == len(EXPECTED), found


def one(sql: str, given: list[dict[str, Any]], expect: list[dict[str, Any]], types: Any = None) -> tuple[str, ...]:
    test = UnitTest("t", "query", sql, (GivenTable('"x"', tuple(given), types or {}),), tuple(expect), "t.yml:1:1")
    return run_unit_tests([test])[0].differences


@pytest.mark.parametrize(
    ("sql", "given", "expect"),
    [
        ("select a + 0.2::double as b from x", [{"a": 0.1}], [{"b": 0.3}]),  # to twelve digits
        ("select cast(a as date) as d from x", [{"a": "2026-01-31"}], [{"d": "2026-01-31"}]),
        ("select a, count(*) as n from x group by a", [{"a": True}, {"a": True}, {"a": None}], [{"a": None}, {"a": True}]),  # n is not named, so not compared
        ("select * from x order by a desc", [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        ("select a from x where a > 5", [{"a": 1}], []),
        ("select 'nan'::double as a, [1, 2] as b", [], [{"a": "nan", "b": [1, 2]}]),
    ],
)  # fmt: skip
def test_what_is_equal(sql: str, given: list[dict[str, Any]], expect: list[dict[str, Any]]) -> None:
    assert one(sql, given, expect) == ()


@pytest.mark.parametrize(
    ("sql", "expect", "differences"),
    [
        ("select a from x", [{"a": 1}], ("unexpected {a: 1}",)),  # a row too many: rows are counted
        ("select a from x", [], ("unexpected {a: 1} (2×)",)),
        ("select a from x", [{"a": 1}, {"a": 1}, {"a": None}], ("missing    {a: null}",)),
        ("select a from x", [{"b": 1}], ("the result has no column 'b': it has a",)),
        ("select a from x; select 1", [], ("it must be one SELECT statement",)),
    ],
)
def test_what_differs(sql: str, expect: list[dict[str, Any]], differences: tuple[str, ...]) -> None:
    assert one(sql, [{"a": 1}, {"a": 1}], expect) == differences


def test_errors_of_the_database_are_differences() -> None:
    assert "nothing" in one("select nothing from x", [{"a": 1}], [])[0]
    assert "Could not convert" in one("select a from x", [{"a": 1}], [{"a": "one"}])[0]
    assert "Cannot access file" in one("select * from read_csv('/etc/hostname')", [{"a": 1}], [])[0]
    many = [{"a": i} for i in range(30)]
    assert one("select a from x", many, [])[-1] == "unexpected … and 20 more rows"


def test_the_json_schema_knows_them() -> None:
    value = parse_text(TESTS, Document(Path("x.yml"))).value
    validator = jsonschema.Draft202012Validator(schema("models"))
    assert validator.is_valid(value)
    value["unit_tests"][0]["expected"] = {}
    assert not validator.is_valid(value)
