"""Every type of DuckDB out of an SQL model: the same type and value by every way out, or a fault that names the cast."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

import synthkit
from synthkit.errors import BuildError
from synthkit.sql.types import RULES, NoPlaceError, publishable, rule_of
from tests.synth import Project
from tests.typetable import ODD_VALUES, SAMPLES, column, documented, lines, published

Rows = list[tuple[Any, ...]]
WAYS = ("table", "view", "parquet")


def _rule(sample_type: str) -> Any:
    with duckdb.connect(":memory:") as connection:
        return publishable(connection.sql(f"select cast(null as {sample_type}) as c"))


def _is_published(sample_type: str) -> bool:
    try:
        _rule(sample_type)
    except NoPlaceError:
        return False
    return True


KEPT = [s for s in SAMPLES if _is_published(s.sql_type)]
REFUSED = [s for s in SAMPLES if s not in KEPT]
QUERY = "select " + ", ".join(f"{column(s)} as c{i}" for i, s in enumerate(KEPT))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """All types that are published, in a table, a view and a Parquet file."""
    root = tmp_path_factory.mktemp("types")
    models = [
        {"name": f"by_{w}", "materialized": w, "audits": [], "generator": {"name": "sql", "query": QUERY}} for w in WAYS
    ]
    found = Project(root).write(
        {"synth_project.yml": "name: types\n", "models/m.yml": json.dumps({"version": 1, "models": models})}
    )
    found.ok("build")
    return found


@pytest.fixture(scope="module")
def original() -> Rows:
    """The values of the query as DuckDB writes them, before anything was published; points in time in UTC."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return in_words(connection.sql(QUERY))


def in_words(relation: duckdb.DuckDBPyRelation) -> Rows:
    texts = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in relation.columns)
    return relation.project(texts).fetchall()


def of_arrow(table: pa.Table) -> Rows:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return in_words(connection.from_arrow(table))


def test_every_type_of_duckdb_is_tried() -> None:
    rows = duckdb.connect(":memory:").execute("SELECT DISTINCT logical_type FROM duckdb_types()").fetchall()
    assert {r[0] for r in rows} == {s.logical for s in SAMPLES}


def test_every_rule_is_tried() -> None:
    with duckdb.connect(":memory:") as connection:
        tried = {rule_of(connection.sql(f"select cast(null as {s.sql_type})").types[0]) for s in SAMPLES}
    assert tried == set(RULES.values())


@pytest.mark.parametrize("way", WAYS)
def test_in_duckdb(project: Project, original: Rows, way: str) -> None:
    """Values, and the types that the receipt tells."""
    reader = synthkit.open(project.root)
    assert of_arrow(reader.query(f"select * from by_{way}")) == original
    receipt = reader.table(f"by_{way}").receipt
    with reader._connect({f"by_{way}": receipt}) as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM by_{way}").fetchall()
    assert [(r[0], r[1]) for r in described] == [(c["name"], c["type"]) for c in receipt["columns"]]
    relation = reader.table(f"by_{way}").to_duckdb()
    assert in_words(relation) == original
    assert [str(t) for t in relation.types] == [c["type"] for c in receipt["columns"]]


def test_in_arrow_pandas_and_polars(project: Project, original: Rows) -> None:
    table = synthkit.open(project.root).table("by_parquet")
    arrow = table.to_arrow()
    assert of_arrow(arrow) == original
    assert pa.Table.from_pandas(table.to_pandas(), schema=arrow.schema, preserve_index=False).equals(arrow)
    assert of_arrow(pl.read_parquet(table.path).to_arrow()) == original


@pytest.mark.parametrize("style", ["csv", "json"])
def test_in_text(project: Project, original: Rows, style: str) -> None:
    """What `synth query` writes says the same to whoever reads it with the types of the receipt."""
    said = project.ok("query", "select * from by_table", "--format", style)
    types = [c["type"] for c in synthkit.open(project.root).table("by_table").receipt["columns"]]
    rows = _csv(said, original) if style == "csv" else _json(said)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for row, expected in zip(rows, original, strict=True):
            for value, sql_type, wanted in zip(row, types, expected, strict=True):
                nested = sql_type.endswith("]") or sql_type.startswith(("STRUCT", "MAP"))
                cast = f"CAST({'CAST(? AS JSON)' if nested else '?'} AS {sql_type})"
                found = connection.execute(f"SELECT CAST({cast} AS VARCHAR)", [value]).fetchone()
                assert found == (wanted,), (sql_type, value)


def _csv(said: str, original: Rows) -> Rows:
    """CSV has one word for nothing and for an empty text: what is empty is read as the original says."""
    rows = list(csv.reader(io.StringIO(said)))[1:]
    return [
        tuple(None if cell == "" and was is None else cell for cell, was in zip(r, o, strict=True))
        for r, o in zip(rows, original, strict=True)
    ]


def _json(said: str) -> Rows:
    rows: list[dict[str, Any]] = json.loads(said, parse_float=str, parse_int=str)
    return [tuple(_back(v) for v in row.values()) for row in rows]


def _back(value: Any) -> Any:
    """Numbers came as their text; nested values go back into JSON, in which DuckDB takes a number for its text."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def test_in_an_aligned_table(project: Project) -> None:
    """The cells of a table are those of CSV, but for what is too long."""
    said = project.ok("query", "select * from by_table", "--format", "csv")
    shown = project.ok("query", "select c4, c9, c12, c17, c24 from by_table", "--format", "table").splitlines()
    for line, row in zip(shown[1:], list(csv.DictReader(io.StringIO(said))), strict=True):
        assert re.split(r"\s{2,}", line.strip())[0] == row["c4"] or row["c4"] == ""
        assert all(row[c] in line for c in ("c4", "c9", "c12", "c17", "c24"))


def test_what_is_refused_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    queries = [f"select cast({s.values[0]} as {s.sql_type}) as odd" for s in REFUSED]
    models = [{"name": f"m{i}", "generator": {"name": "sql", "query": q}} for i, q in enumerate(queries)]
    project = Project(tmp_path).write(
        {"synth_project.yml": "name: types\n", "models/m.yml": json.dumps({"version": 1, "models": models})}
    )
    text = " ".join(project.fails("build", code=2).split())
    for i in range(len(REFUSED)):
        assert re.search(rf"'m{i}': the query's column 'odd' (is|holds) .*? which no published table holds", text)
    assert text.count("no published table holds") == len(REFUSED)
    assert not (tmp_path / "warehouse").exists()


@pytest.mark.parametrize("sql_type", ODD_VALUES)
def test_values_that_not_every_way_out_has_are_refused(sql_type: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"column 'odd' (is|holds)") as caught:
        published(f"select {ODD_VALUES[sql_type]} as odd", tmp_path)
    told = f"{caught.value.message} {caught.value.hint}"
    assert "odd::VARCHAR" in told


@pytest.mark.parametrize("refused", [s.sql_type for s in REFUSED])
def test_the_cast_that_is_named_works(refused: str) -> None:
    sample = next(s for s in REFUSED if s.sql_type == refused)
    with duckdb.connect(":memory:") as connection:
        query = f"select cast({sample.values[0]} as {sample.sql_type}) as odd"
        with pytest.raises(NoPlaceError) as caught:
            publishable(connection.sql(query))
        casts = re.sub(r" \([^)]*\)(?=,|$)", "", caught.value.hint.removeprefix("write "))
        if sample.sql_type == "BIGNUM":
            casts = "odd::VARCHAR"  # the other holds 38 digits
        if sample.sql_type == "BLOB":
            casts = "hex(odd)"  # decode is of UTF-8
        for cast in re.split(r", or |(?<=\)), (?=\w+\()", casts):
            publishable(connection.sql(f"select {cast} as odd from ({query})")).fetchall()


def test_nan_is_a_missing_value_also_inside(tmp_path: Path) -> None:
    sql = (
        "select 'nan'::double as a, {'x': 'nan'::float, 'y': 1} as s, [1, 'nan'::double, 2] as l,"
        " map {'k': 'nan'::double} as m, [{'z': ['nan'::double]}] as d, 'inf'::double as i"
    )
    _, table = published(f"{sql} union all select 1.5, null, null, null, null, 2", tmp_path)
    assert table.to_pylist()[0] == {
        "a": None,
        "s": {"x": None, "y": 1},
        "l": [1.0, None, 2.0],
        "m": [("k", None)],
        "d": [{"z": [None]}],
        "i": float("inf"),
    }
    assert table.to_pylist()[1] == {"a": 1.5, "s": None, "l": None, "m": None, "d": None, "i": 2.0}


def test_nan_and_wide_sums_are_told(tmp_path: Path) -> None:
    query = "select 'nan'::double as a, sum(range::bigint) as s from range(10)"
    models = [{"name": "m", "audits": [], "generator": {"name": "sql", "query": query}}]
    files = {"synth_project.yml": "name: types\n", "models/m.yml": json.dumps({"version": 1, "models": models})}
    project = Project(tmp_path).write(files)
    done = project.synth("build")
    assert done.returncode == 0, done.stderr
    assert "column 'a': 1 NaN became missing values" in done.stdout + done.stderr
    assert project.query("select typeof(s) as t, s from m") == [{"t": "BIGINT", "s": 45}]
    wide = query.replace("range::bigint", "9223372036854775807")
    project.write({"models/m.yml": json.dumps({"version": 1, "models": [{**models[0], "generator": {"name": "sql", "query": wide}}]})})  # fmt: skip
    text = " ".join(project.fails("build").split())
    assert "the query's column 's' is HUGEINT and holds 92233720368547758070, which BIGINT cannot hold" in text
    assert project.query("select s from m") == [{"s": 45}]


def test_a_question_may_give_any_type(project: Project) -> None:
    """Types that Arrow lacks come as DuckDB's text, and no value is rounded."""
    asked = ", ".join(f"cast({s.values[0]} as {s.sql_type}) as c{i}" for i, s in enumerate(REFUSED))
    row = project.query(f"select {asked}")[0]
    words = duckdb.sql(
        f"select {', '.join(f'cast(c{i} as varchar)' for i in range(len(REFUSED)))} from (select {asked})"
    )
    expected = dict(zip(row, words.fetchall()[0], strict=True))
    expected |= {f"c{i}": [1] for i, s in enumerate(REFUSED) if s.sql_type == "HUGEINT[]"}
    assert row == expected
    odd = "select date 'infinity' as a, time '24:00' as b, timestamp '0044-03-15 (BC)' as c, 170141183460469231731687303715884::hugeint as d"
    assert project.query(odd) == [
        {"a": "infinity", "b": "24:00:00", "c": "0044-03-15 (BC) 00:00:00", "d": 170141183460469231731687303715884}
    ]
    text = project.fails("query", "select md5_number('a') as m", code=2)
    assert "column 'm' is UHUGEINT and holds 1291348448675905613156" not in text or "cannot hold" in text
    assert "m::VARCHAR" in project.fails(
        "query", "select 340282366920938463463374607431768211455::uhugeint as m", code=2
    )


def test_the_zone_of_the_machine_changes_nothing(project: Project) -> None:
    query = ("query", "select timestamptz '2026-11-29 10:30:00+02' as t", "--format", "csv")
    assert project.ok(*query, env={"TZ": "Asia/Tokyo"}) == project.ok(*query) == "t\n2026-11-29 08:30:00+00:00\n"


def test_whole_numbers_beside_nulls_stay_whole_in_pandas(tmp_path: Path) -> None:
    from synthkit.store.publishedtable import exact_frame

    _, table = published("select unnest([9007199254740993, null]) as n, [9007199254740993, null] as l", tmp_path)
    frame = exact_frame(table)
    assert frame["n"][0] == 9007199254740993
    assert list(frame["l"][0]) == [9007199254740993, None]


def test_no_generator_learns_a_nested_column(tmp_path: Path) -> None:
    models: Sequence[Mapping[str, Any]] = (
        {"name": "a", "audits": [], "generator": {"name": "sql", "query": "select {'x': 1} as s, [1] as l, 2 as n"}},
        {"name": "b", "source": "{{ ref('a') }}", "generator": "circuit", "audits": []},
    )
    project = Project(tmp_path).write(
        {"synth_project.yml": "name: types\n", "models/m.yml": json.dumps({"version": 1, "models": list(models)})}
    )
    text = " ".join(project.fails("compile", code=2).split())
    assert "column 's' of model a is STRUCT(x INTEGER), and circuit learns single values" in text
    assert "s.x AS s_x for a field" in text


def test_the_docs_have_the_table_that_is_printed() -> None:
    assert documented() == list(lines())


def test_decimals_in_json_keep_their_digits() -> None:
    from synthkit.report.cells import as_json, as_text

    kind = pa.decimal128(38, 20)
    assert as_json(Decimal("123456789012345678.12345678901234567890"), kind) == "123456789012345678.1234567890123456789"
    assert as_text(Decimal("0.00000000000000000001"), kind) == "0.00000000000000000001"
