"""BigQuery, by Google's own client over HTTP, against a stand-in for its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import ConnectionSpec
from synthkit.sources.behind import table_behind
from synthkit.sources.projection import NotRowwise, projection
from synthkit.sources.warehouses import bigquery as bigquery_reader
from synthkit.sources.warehouses.bigquery import field_of
from synthkit.sources.warehouses.engine import Described, NoTypeError
from synthkit.sources.warehouses.rows import derived
from tests.bigquery_server import PROJECT, BigQuery
from tests.sources.reading import Reader, rows, source, types
from tests.synth import run_synth


@pytest.fixture
def reader(tmp_path: Path, bigquery: BigQuery) -> Reader:
    return Reader(tmp_path, bq={"type": "bigquery", "url": bigquery.url})


@pytest.fixture
def given(reader: Reader) -> Mapping[str, Any]:
    return {"root": reader.root, "connections": reader.connections, "cache": None}


TYPES = """CREATE TABLE t (b BOOLEAN, i BIGINT, f DOUBLE, n DECIMAL(38,9), m DECIMAL(12,2), w DECIMAL(38,20), s VARCHAR,
    d DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, a BIGINT[], j JSON, o STRUCT(k BIGINT))"""
VALUES = """INSERT INTO t VALUES (true, -9223372036854775808, 0.1, 12345678901234567890123456789.123456789, 1.25,
    123456789012345678.01234567890123456789, 'a "b"', '0001-01-01', '10:11:12.123456', '9999-12-31 10:00:00.123456',
    '2024-01-05 10:00:00+02', [1, 2], '{"k": 1}', {'k': 1})"""
NESTED = {"a": "text", "j": "text", "o": "text"}


def test_types(reader: Reader, bigquery: BigQuery) -> None:
    bigquery.execute(TYPES, VALUES, f"INSERT INTO t VALUES ({', '.join(['NULL'] * 14)})")
    split = reader.read(connection="bq", table="t", columns=NESTED)
    assert types(split) == {
        "b": "BOOLEAN",
        "i": "BIGINT",
        "f": "DOUBLE",
        "n": "DECIMAL(38,9)",
        "m": "DECIMAL(12,2)",
        "w": "DECIMAL(38,20)",
        "s": "VARCHAR",
        "d": "DATE",
        "ti": "TIME",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "a": "VARCHAR",
        "j": "VARCHAR",
        "o": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i"] is None)
    assert set(empty.values()) == {None}
    assert {k: v.replace(" ", "") if k in NESTED else v for k, v in filled.items()} == {
        "b": True,
        "i": -9223372036854775808,
        "f": 0.1,
        "n": Decimal("12345678901234567890123456789.123456789"),
        "m": Decimal("1.25"),
        "w": Decimal("123456789012345678.01234567890123456789"),
        "s": 'a "b"',
        "d": date(1, 1, 1),
        "ti": time(10, 11, 12, 123456),
        "ts": datetime(9999, 12, 31, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "a": "[1,2]",
        "j": '{"k":1}',
        "o": '{"k":1}',
    }


@pytest.mark.parametrize(
    ("query", "sql_type"),
    [
        ("SELECT * FROM t", "DECIMAL(12,2)"),
        ("SELECT * FROM `our-shop.shop.t` WHERE m > 0", "DECIMAL(12,2)"),
        ("SELECT * REPLACE (m * 1000 AS m) FROM t", "DECIMAL(38,9)"),
        ("SELECT m FROM t", "DECIMAL(38,9)"),
        ("SELECT * FROM t CROSS JOIN (SELECT 1 AS x)", "DECIMAL(38,9)"),
        ("SELECT * FROM shop.INFORMATION_SCHEMA.odd", "DECIMAL(12,2)"),
    ],
)
def test_digits_are_a_tables_own(reader: Reader, bigquery: BigQuery, query: str, sql_type: str) -> None:
    bigquery.execute("CREATE TABLE t (m DECIMAL(12,2))", 'CREATE TABLE "INFORMATION_SCHEMA.odd" AS FROM t')
    assert reader.describe(connection="bq", query=query).columns[0].sql_type == sql_type


@pytest.mark.parametrize("kind", ["GEOGRAPHY", "INTERVAL", "FOREIGN"])
def test_types_that_no_table_holds(kind: str) -> None:
    with pytest.raises(NoTypeError):
        field_of(Described("x", kind))


@pytest.mark.parametrize(
    ("column", "sql_type"),
    [
        (Described("x", "NUMERIC"), "DECIMAL(38,9)"),
        (Described("x", "BIGNUMERIC"), "NUMERIC"),
        (Described("x", "BIGNUMERIC", 50, 20), "NUMERIC"),
        (Described("x", "BIGNUMERIC", 38, 20), "DECIMAL(38,20)"),
        (Described("x", "RANGE"), "VARCHAR"),
        (Described("x", "BYTES"), "BLOB"),
    ],
)
def test_what_becomes_of_types(column: Described, sql_type: str) -> None:
    assert field_of(column).sql_type == sql_type


def test_columns_are_asked_for_without_a_query_that_costs(reader: Reader, bigquery: BigQuery) -> None:
    bigquery.execute("CREATE TABLE t (id BIGINT)")
    reader.describe(connection="bq", table="t")
    assert {str(rows) for _, rows in bigquery.jobs.values()} == {"[(1,)]"}  # SELECT 1 alone ran


def test_the_server_says_what_is_one_query(reader: Reader, bigquery: BigQuery) -> None:
    bigquery.execute("CREATE TABLE t (id BIGINT)")
    bigquery.statement = "SCRIPT"
    with pytest.raises(SynthError, match="BigQuery: it must be one SELECT statement"):
        reader.hash(connection="bq", query="SELECT id FROM t")
    assert {str(rows) for _, rows in bigquery.jobs.values()} == {"[(1,)]"}  # SELECT 1 alone ran


def test_no_name_ends_its_quotes() -> None:
    engine = bigquery_reader.READER.open.args[0]  # type: ignore[attr-defined]
    table = r"a\` ) AS t; DROP TABLE t; -- "
    assert derived(engine, source(connection="bq", table=table)) == (
        "(\nSELECT * FROM " + r"`a\\\` ) AS t; DROP TABLE t; -- `" + "\n) AS t"
    )


def test_a_value_that_is_none_of_its_type_is_said(
    reader: Reader, bigquery: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    bigquery.execute("CREATE TABLE t AS SELECT 1.234::DECIMAL(12,3) AS m")
    monkeypatch.setattr(bigquery_reader, "_described", lambda one, _: Described(one.name, "NUMERIC", 12, 1))
    with pytest.raises(BuildError, match=r"'m': the server says NUMERIC\(12,1\), and sends what does not fit it"):
        reader.read(connection="bq", table="t")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("MATERIALIZED_VIEW", "a materialized view"),
        ("EXTERNAL", "an external table"),
        ("SNAPSHOT", "a snapshot, whose rows are another table's"),
        ("MODEL", "a model: what is behind it cannot be seen"),
    ],
)
def test_what_is_not_a_table_of_its_own(
    reader: Reader, bigquery: BigQuery, given: Mapping[str, Any], kind: str, message: str
) -> None:
    bigquery.execute("CREATE TABLE t (id BIGINT)")
    bigquery.kinds["t"] = kind
    with pytest.raises(SynthError, match=message):
        table_behind(source(connection="bq", table="t"), **given)


def test_what_cannot_be_followed_under_a_budget(reader: Reader, bigquery: BigQuery, given: Mapping[str, Any]) -> None:
    bigquery.execute("CREATE TABLE t (id BIGINT)", "CREATE VIEW far AS SELECT id FROM shop.t")
    for query, message in (
        ("SELECT id FROM `theirs.shop.t`", "of another database"),
        ("SELECT id FROM `t*`", "neither a table nor a view"),
        ("SELECT id, _PARTITIONTIME AS p FROM t", "no column of t"),
        ("SELECT id FROM shop.INFORMATION_SCHEMA.t", "neither a table nor a view"),
    ):
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="bq", query=query), **given)
    assert table_behind(source(connection="bq", query="SELECT id FROM `T`"), **given) == ("shop", "t")
    bigquery.clones = {"t"}
    with pytest.raises(SynthError, match="a clone, whose rows are another table's"):
        table_behind(source(connection="bq", table="t"), **given)
    bigquery.clones, bigquery.lent = set(), True
    with pytest.raises(SynthError, match=r"of a dataset that is another's \(linked, or external\)"):
        table_behind(source(connection="bq", table="t"), **given)


def test_a_view_of_another_project_is_none_of_ours() -> None:
    for own in ("`our-shop.shop.t`", "`our-shop`.shop.t", "our-shop.shop.t AS q"):
        assert projection(f"SELECT id FROM {own}", "bigquery", PROJECT).table == ("shop", "t")
    for other in ("`our-shop2.shop.t`", "`our.our-shop.shop.t`", "`our-shop.shop.t`, shop.u"):
        with pytest.raises(NotRowwise):
            projection(f"SELECT id FROM {other}", "bigquery", PROJECT)


def test_a_name_in_a_text_is_no_name() -> None:
    said = '"FROM our-shop.shop.u"'
    view = f"SELECT {said} AS a, {said} AS b, id FROM `our-shop.shop.t` WHERE id <> {said}"
    assert projection(view, "bigquery", PROJECT).table == ("shop", "t")


def test_projects_are_of_one_service() -> None:
    urls = ("bigquery://one/shop", "bigquery://two/shop?token=x")
    one, two = (bigquery_reader.READER.database(ConnectionSpec(type="bigquery", url=url), Path()) for url in urls)
    assert one is not None
    assert two is not None
    assert (one[0], one[1], two[1]) == (two[0], "BigQuery's one", "BigQuery's two")


def test_keys_of_the_catalogue_become_yaml(tmp_path: Path, bigquery: BigQuery) -> None:
    bigquery.execute(
        "CREATE TABLE people AS SELECT range AS nr, 20 + range AS age FROM range(50)",
        "CREATE TABLE visits AS SELECT range AS nr, range % 50 AS person FROM range(200)",
        "CREATE VIEW few AS SELECT * FROM shop.people",
    )
    bigquery.keys["people"] = {"primaryKey": {"columns": ["nr"]}}
    bigquery.keys["visits"] = {
        "primaryKey": {"columns": ["nr"]},
        "foreignKeys": [
            {
                "name": "visits.fk",
                "referencedTable": {"projectId": PROJECT, "datasetId": "shop", "tableId": "people"},
                "columnReferences": [{"referencingColumn": "person", "referencedColumn": "nr"}],
            }
        ],
    }
    done = run_synth(tmp_path, "init", "p", "--from", bigquery.url)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "p" / "models").glob("*.yml")
    people, visits = yaml.safe_load(file.read_text())["sources"][0]["tables"]
    assert (people["name"], people["primary_key"]) == ("people", "nr")
    assert (visits["name"], visits["primary_key"]) == ("visits", "nr")
    (key,) = visits["foreign_keys"]
    assert (key["column"], "people" in str(key)) == ("person", True)
