"""Trino, by its own client over HTTP, against a stand-in that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.errors import BuildError, SynthError
from synthkit.sources.behind import table_behind
from synthkit.sources.bounding import Declared
from synthkit.sources.describe import typed
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from synthkit.sources.warehouses.engine import NoTypeError
from synthkit.sources.warehouses.trino import _described, field_of
from tests.postgres_server import free_port
from tests.relay import relayed
from tests.sources.reading import Reader, rows, source, types, values
from tests.sources.test_file_kinds import TABLE
from tests.sources.warehouses.same import check_same
from tests.synth import Project, run_synth
from tests.trino_server import Server


@pytest.fixture
def reader(tmp_path: Path, trino: Server) -> Reader:
    return Reader(tmp_path, tr={"type": "trino", "url": trino.url})


TYPES = """CREATE TABLE t (b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INTEGER, i8 BIGINT, r REAL, f DOUBLE, n DECIMAL(38,10),
    s VARCHAR, d DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ, u UUID, a BIGINT[], j JSON, o STRUCT(k BIGINT))"""
VALUES = """INSERT INTO t VALUES (true, -128, 32767, -2147483648, 9223372036854775807, 0.1, 0.1,
    1234567890123456789012345678.0123456789, 'a "b"', '0001-01-01', '10:11:12.123456', '9999-12-31 10:00:00.123456',
    '2024-01-05 10:00:00+02', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', [1, 2], '{"k": 1}', {'k': 1})"""
NESTED = {"a": "text", "j": "text", "o": "text"}


def test_types(reader: Reader, trino: Server) -> None:
    trino.execute(TYPES, VALUES, f"INSERT INTO t VALUES ({', '.join(['NULL'] * 17)})")
    split = reader.read(connection="tr", table="t", columns=NESTED)
    assert types(split) == {
        "b": "BOOLEAN",
        "i1": "TINYINT",
        "i2": "SMALLINT",
        "i4": "INTEGER",
        "i8": "BIGINT",
        "r": "FLOAT",
        "f": "DOUBLE",
        "n": "DECIMAL(38,10)",
        "s": "VARCHAR",
        "d": "DATE",
        "ti": "TIME",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "u": "VARCHAR",
        "a": "VARCHAR",
        "j": "VARCHAR",
        "o": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i8"] is None)
    assert set(empty.values()) == {None}
    assert filled.pop("r") == pytest.approx(0.1, abs=1e-8)
    assert {k: v.replace(" ", "") if k in NESTED else v for k, v in filled.items()} == {
        "b": True,
        "i1": -128,
        "i2": 32767,
        "i4": -2147483648,
        "i8": 9223372036854775807,
        "f": 0.1,
        "n": Decimal("1234567890123456789012345678.0123456789"),
        "s": 'a "b"',
        "d": date(1, 1, 1),
        "ti": time(10, 11, 12, 123456),
        "ts": datetime(9999, 12, 31, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "a": "[1,2]",
        "j": '{"k":1}',
        "o": '{"k":1}',
    }


def test_the_same_rows_give_the_same_table_as_files(reader: Reader, trino: Server) -> None:
    trino.database.register("rows_of_files", TABLE)
    trino.database.execute("CREATE TABLE memory.shop.t AS SELECT * FROM rows_of_files")
    check_same(reader, connection="tr", table="t", primary_key=["id"])


@pytest.mark.parametrize("kind", ["varbinary", "interval day to second", "HyperLogLog", "Geometry"])
def test_types_that_no_table_holds(kind: str) -> None:
    column = _described("x", kind)
    if kind == "varbinary":
        assert field_of(column).sql_type == "BLOB"
    else:
        with pytest.raises(NoTypeError):
            field_of(column)


@pytest.mark.parametrize(
    ("kind", "sql_type", "fetched"),
    [
        ("char(5)", "VARCHAR", "RTRIM(CAST(c AS VARCHAR))"),
        ("decimal(12,2)", "DECIMAL(12,2)", "CAST(c AS VARCHAR)"),
        ("timestamp(12) with time zone", "TIMESTAMP WITH TIME ZONE",
         "CAST(CAST(c AT TIME ZONE 'UTC' AS TIMESTAMP(12)) AS VARCHAR) || '+00'"),
        ("time(3) with time zone", "VARCHAR", "CAST(c AS VARCHAR)"),
        ("map(varchar, row(a bigint))", "JSON", "JSON_FORMAT(CAST(c AS JSON))"),
        ("number", "NUMERIC", "CAST(c AS VARCHAR)"),
    ],
)  # fmt: skip
def test_how_types_are_fetched(kind: str, sql_type: str, fetched: str) -> None:
    found = field_of(_described("x", kind))
    assert (found.sql_type, found.fetched("c")) == (sql_type, fetched)


def test_what_is_finer_than_microseconds_is_said(reader: Reader, trino: Server, tmp_path: Path) -> None:
    trino.execute("CREATE TABLE t (id BIGINT, ts TIMESTAMP_NS)")
    trino.execute("INSERT INTO t VALUES (1, '2024-01-05 10:00:00.123456789'), (2, '2024-01-05 10:00:00.123')")
    split = reader.read(connection="tr", table="t")
    assert sorted(values(split, "ts"))[1] == datetime(2024, 1, 5, 10, 0, 0, 123456)
    assert any("column 'ts': 1 values are finer than microseconds" in note for note in split.notes)


def test_the_digest_tells_every_change_and_rows_come_in_one_order(reader: Reader, trino: Server) -> None:
    trino.execute(
        "CREATE TABLE t (id BIGINT, f DOUBLE, s VARCHAR)", "INSERT INTO t VALUES (1, 0.1, 'a'), (2, 0.2, NULL)"
    )
    trino.execute("CREATE TABLE u AS SELECT * FROM t ORDER BY id DESC")
    first = reader.hash(connection="tr", table="t")
    assert reader.hash(connection="tr", table="u") == first
    one, two = (rows(reader.read(connection="tr", table=t, name=t)) for t in "tu")
    assert one == two
    for change in (
        "UPDATE t SET f = 0.10000000000000002 WHERE id = 1",
        "INSERT INTO t VALUES (2, 0.2, NULL)",
        "ALTER TABLE t RENAME COLUMN s TO v",
    ):
        trino.execute(change)
        now = reader.hash(connection="tr", table="t")
        assert now != first
        first = now
    spec = source(connection="tr", table="t")
    with pytest.raises(BuildError, match="changed while it was read"):
        ingest(
            spec,
            root=reader.root,
            connections=reader.connections,
            holdout=0.0,
            directory=reader.root,
            source_hash="0" * 64,
        )


def test_queries_and_names(reader: Reader, trino: Server) -> None:
    trino.execute("CREATE TABLE orders AS SELECT range AS id, range % 3 AS a FROM range(3000)")
    split = reader.read(connection="tr", query="SELECT id, a + 1 AS b FROM orders WHERE id < 2500 -- some")
    assert sorted(values(split, "id")) == list(range(2500))
    assert not any("orders" in q and "2500" not in q for q in trino.queries)
    with pytest.raises(SynthError, match="has no table 'ordres'") as caught:
        reader.read(connection="tr", table="ordres")
    assert caught.value.hint == "did you mean 'orders'?"
    for wrong, message in (("DELETE FROM orders", "must be one SELECT"), ("SELECT nothing FROM orders", "Trino: ")):
        with pytest.raises(SynthError, match=message):
            reader.read(connection="tr", query=wrong)


def test_under_a_budget_no_value_stops_the_others(reader: Reader, trino: Server) -> None:
    trino.execute("CREATE TABLE t (id BIGINT, d VARCHAR, since TIMESTAMP)")
    trino.execute("INSERT INTO t VALUES (1, 'never', NULL), (2, '2024-01-05', '2024-01-05 10:00:00')")
    columns = {"id": "integer", "d": "date", "since": "datetime"}
    spec = source(connection="tr", table="t", columns=columns)
    declared = Declared(typed(spec, {"id": "BIGINT", "d": "VARCHAR", "since": "TIMESTAMP"}), 1)
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections}
    hashed = content_hash(spec, cache=None, **given)
    split = ingest(spec, holdout=0.0, directory=reader.root / "s", source_hash=hashed, declared=declared, **given)
    assert sorted(values(split, "d"), key=str) == [date(2024, 1, 5), None]
    assert sorted(values(split, "since"), key=str) == [datetime(2024, 1, 5, 10), None]
    with pytest.raises(BuildError, match="column 'd': 1 of 2 values are not date"):
        reader.read(connection="tr", table="t", columns=columns)


@pytest.mark.parametrize(
    "odd", ["NULL, NULL, NULL, NULL", "'x', -1, '9999-12-31', 'NaN'", "'7', 99999.99, '0001-01-01', 'inf'"]
)
def test_under_a_budget_no_row_changes_another(reader: Reader, trino: Server, odd: str) -> None:
    columns = {"id": "integer", "code": "integer", "n": {"type": "decimal", "decimals": 2}, "d": "date", "f": "float"}
    spec = source(connection="tr", table="t", columns=columns)
    found = {"id": "BIGINT", "code": "VARCHAR", "n": "DECIMAL(9,2)", "d": "DATE", "f": "DOUBLE"}
    declared = Declared(typed(spec, found), 1)
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections}

    def sides() -> list[list[dict[str, Any]]]:
        hashed = content_hash(spec, cache=None, **given)
        split = ingest(spec, holdout=0.4, directory=reader.root / "s", source_hash=hashed, declared=declared, **given)
        assert split.holdout is not None
        return [[r for r in t.to_arrow().to_pylist() if r["id"] < 40] for t in (split.train, split.holdout)]

    trino.execute("CREATE TABLE t (id BIGINT, code VARCHAR, n DECIMAL(9,2), d DATE, f DOUBLE)")
    trino.execute(
        "INSERT INTO t SELECT range, range % 3, range / 4, DATE '2024-01-01' + range::INT, range / 8 FROM range(40)"
    )
    before = sides()
    assert [len(side) > 5 for side in before] == [True, True]
    trino.execute(f"INSERT INTO t VALUES (77, {odd})")
    assert sides() == before


def test_a_budget_asks_for_rows_of_one_table(reader: Reader, trino: Server) -> None:
    trino.execute(
        "CREATE TABLE t (id BIGINT, s VARCHAR)",
        "CREATE VIEW few AS SELECT id, upper(s) AS s FROM shop.t WHERE id > 1",
        "CREATE VIEW counts AS SELECT s, count(*) AS n FROM shop.t GROUP BY s",
        "CREATE TABLE made (id BIGINT)",
        "CREATE VIEW bare AS SELECT id FROM t",
    )
    given: Mapping[str, Any] = {"root": reader.root, "connections": reader.connections, "cache": None}
    for asked in ({"table": "t"}, {"table": "few"}, {"query": "SELECT id FROM few WHERE s <> 'x'"}):
        assert table_behind(source(connection="tr", **asked), **given) == ("shop", "t")
    for asked, message in (
        ({"table": "counts"}, "GROUP BY"),
        ({"query": "SELECT a.id FROM t a JOIN t b ON a.id = b.id"}, "a join"),
        ({"table": "made"}, "a materialized view"),
        ({"table": "bare"}, "does not say of which schema its table is"),
    ):
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="tr", **asked), **given)
    trino.execute("UPDATE metadata.catalogs SET connector_name = 'postgresql'")
    with pytest.raises(SynthError, match="a table of the connector postgresql: what is behind it cannot be seen"):
        table_behind(source(connection="tr", table="t"), **given)


def test_the_catalogue_becomes_yaml(tmp_path: Path, trino: Server) -> None:
    trino.execute(
        "CREATE TABLE people (nr BIGINT, tier VARCHAR NOT NULL)",
        "INSERT INTO people SELECT range, 'abc'[1 + range % 3] FROM range(50)",
        "COMMENT ON TABLE people IS 'Who: is insured'",
        "COMMENT ON COLUMN people.tier IS 'how much'",
    )
    done = run_synth(tmp_path, "init", "p", "--from", trino.url)
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    (file,) = (project.root / "models").glob("*.yml")
    (people,) = yaml.safe_load(file.read_text())["sources"][0]["tables"]
    assert (people["name"], people["description"]) == ("people", "Who: is insured")
    assert [c.get("description") for c in people["columns"]] == [None, "how much"]
    assert people["columns"][1]["nullable"] is False
    project.ok("compile")


def test_a_password_and_what_goes_wrong(tmp_path: Path, trino: Server) -> None:
    trino.execute("CREATE TABLE t AS SELECT range AS id, repeat('x', 100) AS s FROM range(5000)")
    trino.secret = "pa55word"
    given = {"type": "trino", "url": trino.url_of("pa55word", "?http_scheme=http")}
    assert len(values(Reader(tmp_path, tr=given).read(connection="tr", table="t"), "id")) == 5000
    for url, message in (
        (trino.url_of("wr0ng", "?http_scheme=http"), r"cannot reach Trino \(tr\)"),
        (trino.url_of("wr0ng", "?http_scheme=ftp"), "it is http or https"),
        (trino.url_of("wr0ng", "?verfy=no"), "did you mean 'verify'"),
        (trino.url_of("wr0ng", "?http_scheme=http", free_port()), r"cannot reach Trino \(tr\)"),
        (f"trino://u:wr0ng@localhost:{trino.port}", "names no catalog"),
        (f"trino://u:12/wr0ng@localhost:{trino.port}/lake", "cannot be parsed"),
        (f"trino://u:12#wr0ng@localhost:{trino.port}/lake", "cannot be parsed"),
    ):
        with pytest.raises(SynthError, match=message) as caught:
            Reader(tmp_path, tr={"type": "trino", "url": url}).hash(connection="tr", table="t")
        assert "wr0ng" not in f"{caught.value} {caught.value.hint}"
    trino.secret = None
    with relayed(trino.port, after=200_000) as port:
        cut = Reader(tmp_path / "cut", tr={"type": "trino", "url": trino.url_of(port=port)})
        with pytest.raises(BuildError, match=r"the connection to Trino \(tr\) broke"):
            cut.read(connection="tr", table="t")
