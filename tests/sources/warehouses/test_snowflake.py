"""Snowflake, by its own connector over HTTP, against a stand-in for the service (fakesnow)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import ConnectionSpec
from synthkit.sources.behind import table_behind
from synthkit.sources.bounding import Declared
from synthkit.sources.describe import typed
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from synthkit.sources.warehouses import snowflake as snowflake_reader
from tests.postgres_server import PASSWORD, free_port
from tests.relay import relayed
from tests.snowflake_server import Server
from tests.sources.reading import Reader, rows, source, types, values
from tests.sources.warehouses.same import check_same
from tests.synth import Project, run_synth

pytestmark = pytest.mark.snowflake


@pytest.fixture
def reader(tmp_path: Path, snowflake: Server) -> Reader:
    return Reader(tmp_path, sf={"type": "snowflake", "url": snowflake.url})


TYPES = """CREATE TABLE t (id INT, n NUMBER(9,2), w NUMBER(5,0), f FLOAT, b BOOLEAN, s VARCHAR(20), c CHAR(3), d DATE,
    ti TIME, tn TIMESTAMP_NTZ, tl TIMESTAMP_LTZ, tz TIMESTAMP_TZ, v VARIANT, a ARRAY, o OBJECT)"""
VALUES = """INSERT INTO t SELECT 1, 1.25, 12345, 0.1, true, 'a "b"', 'bb', '2024-01-05', '10:11:12.123456',
    '2024-01-05 10:00:00.123456', '2024-01-05 10:00:00', '2024-01-05T10:00:00+02:00'::TIMESTAMP_TZ,
    PARSE_JSON('{"k": 1}'), ARRAY_CONSTRUCT(1, 2), OBJECT_CONSTRUCT('k', 1)"""


def test_types(reader: Reader, snowflake: Server) -> None:
    snowflake.execute(TYPES, VALUES, f"INSERT INTO t SELECT {', '.join(['NULL'] * 15)}")
    split = reader.read(connection="sf", table="t", columns={"V": "text", "A": "text", "O": "text"})
    assert types(split) == {
        "ID": "BIGINT",
        "N": "DECIMAL(9,2)",
        "W": "BIGINT",
        "F": "DOUBLE",
        "B": "BOOLEAN",
        "S": "VARCHAR",
        "C": "VARCHAR",
        "D": "DATE",
        "TI": "TIME",
        "TN": "TIMESTAMP",
        "TL": "TIMESTAMP WITH TIME ZONE",
        "TZ": "TIMESTAMP WITH TIME ZONE",
        "V": "VARCHAR",
        "A": "VARCHAR",
        "O": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["ID"] is None)
    assert set(empty.values()) == {None}
    assert filled == {
        "ID": 1,
        "N": Decimal("1.25"),
        "W": 12345,
        "F": 0.1,
        "B": True,
        "S": 'a "b"',
        "C": "bb",
        "D": date(2024, 1, 5),
        "TI": time(10, 11, 12, 123456),
        "TN": datetime(2024, 1, 5, 10, 0, 0, 123456),
        "TL": datetime(2024, 1, 5, 10, tzinfo=UTC),
        "TZ": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "V": '{"k":1}',
        "A": "[1,2]",
        "O": '{"k":1}',
    }


@pytest.mark.parametrize("column", ["V", "A", "O"])
def test_documents_are_refused_unless_they_are_declared(reader: Reader, snowflake: Server, column: str) -> None:
    snowflake.execute(TYPES, VALUES)
    with pytest.raises(BuildError, match=f"column {column!r} holds objects or lists"):
        reader.read(connection="sf", query=f"SELECT id, {column} FROM t")


def test_names_are_as_snowflake_reads_them(reader: Reader, snowflake: Server) -> None:
    snowflake.execute(
        "CREATE TABLE orders (id INT)",
        "INSERT INTO orders SELECT 1",
        'CREATE TABLE "my orders" (id INT)',
        'INSERT INTO "my orders" SELECT 2',
        "CREATE SCHEMA other",
        "CREATE TABLE other.t (id INT)",
        "INSERT INTO other.t SELECT 3",
    )
    for table, wanted in (("orders", 1), ("ORDERS", 1), ("my orders", 2), ('"my orders"', 2), ("other.t", 3)):
        assert values(reader.read(connection="sf", table=table), "ID") == [wanted]
    assert values(reader.read(connection="sf", name="orders"), "ID") == [1]
    with pytest.raises(SynthError, match="has no table 'ordres'") as caught:
        reader.read(connection="sf", table="ordres")
    assert caught.value.hint == "did you mean 'ORDERS'?"


def test_a_query_names_columns_and_rows(reader: Reader, snowflake: Server) -> None:
    snowflake.execute("CREATE TABLE t (id INT, a INT, b INT)")
    snowflake.execute("INSERT INTO t SELECT seq4(), 1, 2 FROM TABLE(GENERATOR(ROWCOUNT => 50))")
    query = "SELECT id, a + b AS c FROM t WHERE id < 20 -- only these\n"
    split = reader.read(connection="sf", query=query)
    assert types(split) == {"ID": "BIGINT", "C": "BIGINT"}
    assert sorted(values(split, "ID")) == list(range(20))
    for wrong, message in (
        ("DELETE FROM t", "must be one SELECT"),
        ("SELECT 1; SELECT 2", "must be one SELECT"),
        ("SELECT 1) AS t; DROP TABLE t; --", "does not read as Snowflake's SQL"),
        ("SELECT nothing FROM t", "Snowflake: "),
    ):
        with pytest.raises(SynthError, match=message):
            reader.read(connection="sf", query=wrong)


def test_the_digest_tells_every_change_and_nothing_else(reader: Reader, snowflake: Server) -> None:
    snowflake.execute(
        "CREATE TABLE t (id INT, f FLOAT, s VARCHAR)", "INSERT INTO t VALUES (1, 0.1, 'a'), (2, 0.2, NULL)"
    )
    first = reader.hash(connection="sf", table="t")
    assert reader.hash(connection="sf", query="SELECT * FROM t ORDER BY id DESC") == first
    snowflake.execute("UPDATE t SET f = 0.10000000000000002 WHERE id = 1")
    second = reader.hash(connection="sf", table="t")
    snowflake.execute("INSERT INTO t VALUES (2, 0.2, NULL)")
    third = reader.hash(connection="sf", table="t")
    snowflake.execute("ALTER TABLE t RENAME COLUMN s TO u")
    assert len({first, second, third, reader.hash(connection="sf", table="t")}) == 4


def test_the_same_rows_give_the_same_bytes_in_whatever_order(reader: Reader, snowflake: Server) -> None:
    snowflake.execute("CREATE TABLE t (id INT, s VARCHAR)", "CREATE TABLE u (id INT, s VARCHAR)")
    snowflake.execute(
        "INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c')", "INSERT INTO u VALUES (3, 'c'), (1, 'a'), (2, NULL)"
    )
    found = [rows(reader.read(connection="sf", table=t, name=n)) for t, n in (("t", "one"), ("u", "two"))]
    assert found[0] == found[1]


def test_what_changes_while_it_is_read_is_not_kept(reader: Reader, snowflake: Server) -> None:
    snowflake.execute("CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1), (2)")
    spec = source(connection="sf", table="t")
    with pytest.raises(BuildError, match="source table 't' changed while it was read"):
        ingest(
            spec,
            root=reader.root,
            connections=reader.connections,
            holdout=0.0,
            directory=reader.root / "splits",
            source_hash="0" * 64,
        )


def test_under_a_budget_no_value_stops_the_others(reader: Reader, snowflake: Server) -> None:
    snowflake.execute("CREATE TABLE t (id INT, moment TIMESTAMP_NTZ, day VARCHAR)")
    snowflake.execute(
        "INSERT INTO t SELECT 1, '2024-01-05 10:00:00', '2024-01-05'", "INSERT INTO t SELECT 2, NULL, 'never'"
    )
    spec = source(
        connection="sf",
        table="t",
        columns={"ID": {"type": "integer"}, "MOMENT": {"type": "datetime"}, "DAY": {"type": "date"}},
    )
    declared = Declared(typed(spec, {"ID": "BIGINT", "MOMENT": "TIMESTAMP", "DAY": "VARCHAR"}), 1)
    given = {"root": reader.root, "connections": reader.connections}
    split = ingest(
        spec,
        holdout=0.0,
        directory=reader.root / "splits",
        source_hash=content_hash(spec, cache=None, **given),
        declared=declared,
        **given,
    )
    assert sorted(values(split, "DAY"), key=str) == [date(2024, 1, 5), None]
    with pytest.raises(BuildError, match="column 'DAY': 1 of 2 values are not date"):
        reader.read(connection="sf", table="t", columns={"DAY": "date"})


def test_a_budget_asks_for_rows_of_one_table(reader: Reader, snowflake: Server) -> None:
    snowflake.execute(
        "CREATE TABLE t (id INT, s VARCHAR)",
        "CREATE VIEW few AS SELECT id, upper(s) AS s FROM t WHERE id > 1",
        "CREATE VIEW counts AS SELECT s, count(*) AS n FROM t GROUP BY s",
    )
    given = {"root": reader.root, "connections": reader.connections, "cache": None}
    for asked in ({"table": "t"}, {"table": "few"}, {"query": "SELECT id FROM few WHERE s <> 'x'"}):
        assert table_behind(source(connection="sf", **asked), **given) == ("PUBLIC", "T")
    for asked in (
        {"table": "counts"},
        {"query": "SELECT s, count(*) AS n FROM t GROUP BY s"},
        {"query": "SELECT a.id FROM t a JOIN t b ON a.id = b.id"},
    ):
        with pytest.raises(SynthError, match=r"GROUP BY|a join"):
            table_behind(source(connection="sf", **asked), **given)


@pytest.mark.parametrize(
    ("url", "message"),
    [("snowflake://u:{p}@/db", "names no account"), ("snowflake://u:{p}@account", "names no database"),
     ("snowflake://u:{p}@account/db?warhouse=w", "did you mean 'warehouse'"), ("snowflake://u:{p}@account:x/db", "cannot be parsed"),
     ("postgresql://u:{p}@account/db", "does not begin with snowflake://"), ("snowflake://u:12/{p}@account/db", "cannot be parsed"),
     ("snowflake://u:12?{p}=1@account/db", "cannot be parsed")],
)  # fmt: skip
def test_no_message_shows_a_secret(tmp_path: Path, url: str, message: str) -> None:
    reader = Reader(tmp_path, sf={"type": "snowflake", "url": url.format(p="pa55word")})
    with pytest.raises(SynthError, match=message) as caught:
        reader.hash(connection="sf", table="t")
    assert "pa55word" not in str(caught.value) + str(caught.value.hint)


def test_a_server_that_is_not_there_or_goes_away(
    tmp_path: Path, snowflake: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthkit.sources.warehouses.snowflake.LOGIN_TIMEOUT", 1)
    monkeypatch.setattr("synthkit.sources.warehouses.snowflake.PATIENCE", 1)
    nobody = Reader(tmp_path, sf={"type": "snowflake", "url": Server(free_port()).url})
    with pytest.raises(SynthError, match=r"cannot reach Snowflake \(sf\)") as caught:
        nobody.hash(connection="sf", table="t")
    assert PASSWORD not in str(caught.value)
    snowflake.execute("CREATE TABLE t AS SELECT seq4() AS id FROM TABLE(GENERATOR(ROWCOUNT => 20000))")
    with relayed(snowflake.port, after=30_000) as port:
        cut = Reader(tmp_path, sf={"type": "snowflake", "url": Server(port, snowflake.database).url})
        with pytest.raises(BuildError, match=r"the connection to Snowflake \(sf\) broke"):
            cut.read(connection="sf", table="t")


def test_the_catalogue_becomes_yaml(tmp_path: Path, snowflake: Server) -> None:
    snowflake.execute(
        "CREATE TABLE people (nr INT PRIMARY KEY, tier VARCHAR, age INT NOT NULL)",
        "CREATE TABLE policies (nr INT PRIMARY KEY, holder INT)",
        "COMMENT ON TABLE people IS 'Who: is insured'",
        *(f"INSERT INTO people SELECT {i}, '{'ab'[i % 2]}', {20 + i}" for i in range(1, 9)),
        *(f"INSERT INTO policies SELECT {i}, {1 + i % 8}" for i in range(1, 9)),
    )
    done = run_synth(tmp_path, "init", "p", "--from", snowflake.url)
    assert done.returncode == 0, done.stderr
    project, name = Project(tmp_path / "p"), snowflake.database.lower()
    (file,) = (project.root / "models").glob("*.yml")
    people, policies = yaml.safe_load(file.read_text())["sources"][0]["tables"]
    assert (people["name"], people["table"], people["primary_key"]) == ("people", "PEOPLE", "NR")
    assert people["description"] == "Who: is insured"
    assert [c["nullable"] for c in people["columns"] if c["name"] == "AGE"] == [False]
    assert (policies["name"], policies["table"]) == ("policies", "POLICIES")
    assert f"env_var('{name.upper()}_URL')" in (project.root / "synth_project.yml").read_text()
    for one in project.root.rglob("*.yml"):
        assert PASSWORD not in one.read_text()
        assert quote(PASSWORD, safe="") not in one.read_text()
    project.ok("compile", env={f"{name.upper()}_URL": snowflake.url})


class Shown:
    """What Snowflake's SHOW statements give, as they are documented: the stand-in forgets keys that lead elsewhere."""

    def shown(self, query: str) -> list[dict[str, object]]:
        kind = query.split()[1]
        if kind == "IMPORTED":
            to = {
                "pk_schema_name": "PUBLIC",
                "pk_table_name": "PEOPLE",
                "fk_schema_name": "PUBLIC",
                "fk_table_name": "VISITS",
            }
            pairs = [("NO", "PERSON_NO", 2), ("CITY", "PERSON_CITY", 1)]
            return [
                {**to, "pk_column_name": p, "fk_column_name": f, "fk_name": "FK", "key_sequence": n}
                for p, f, n in pairs
            ]
        keys = {"PRIMARY": [("PEOPLE", "CITY", 1), ("PEOPLE", "NO", 2)], "UNIQUE": [("VISITS", "CODE", 1)]}[kind]
        own = {"schema_name": "PUBLIC", "constraint_name": "C"}
        return [{**own, "table_name": t, "column_name": c, "key_sequence": n} for t, c, n in keys]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        if "information_schema.tables" in query:
            return [("PUBLIC", "PEOPLE", ""), ("PUBLIC", "VISITS", "of people"), ("OTHER", "visits", None)]
        return [("PUBLIC", "VISITS", "CODE", "a comment", "NO")]


def test_keys_that_lead_elsewhere() -> None:
    address = snowflake_reader._parsed("snowflake://u@account/shop")
    people, visits, other = snowflake_reader._listed(Shown(), address)
    assert (people.name, people.primary, people.comment) == ("PEOPLE", ("CITY", "NO"), None)
    assert visits.foreign == ((("PERSON_CITY", "PERSON_NO"), "PEOPLE", ("CITY", "NO")),)
    assert visits.unique == (("CODE",),)
    assert visits.comment == "of people"
    assert [(c.name, c.comment, c.nullable) for c in visits.columns] == [("CODE", "a comment", False)]
    assert other.name == 'OTHER."visits"'


class Catalogue:
    """What Snowflake's catalogue says of objects that the stand-in cannot make."""

    def rows(self, query: str) -> list[tuple[object, ...]]:
        if "INFORMATION_SCHEMA.VIEWS" in query:
            return [("PUBLIC", "few", 'CREATE VIEW "few" AS SELECT id FROM t')] if "few" in query else []
        if "INFORMATION_SCHEMA.TABLES" in query:
            return [("PUBLIC", "FEW" if "few" in query else "MADE", "BASE TABLE")]
        return [("ID",)]

    def shown(self, query: str) -> list[dict[str, object]]:
        if query == "SHOW USER FUNCTIONS":
            return [{"name": "STRFTIME"}]
        return [{"TABLE_NAME": "MADE", "IS_DYNAMIC": "YES"}]


@pytest.mark.parametrize(
    ("name", "query", "says"),
    [
        ("few", "", "one of several whose names differ in case only"),
        ("made", "", "a dynamic table: what"),
        ("made", "SELECT strftime(id) AS d FROM made", "read with STRFTIME, which is a function of the database"),
    ],
)
def test_what_is_not_sure_to_be_a_table(name: str, query: str, says: str) -> None:
    address = snowflake_reader._parsed("snowflake://u@account/shop")
    found = snowflake_reader._looked_up(Catalogue(), address, (None, name), query)
    assert found is not None
    assert str(found.kind).startswith(says)


def test_one_account_is_one_whatever_its_url_spells_out() -> None:
    urls = ("snowflake://u@Acme/shop", "snowflake://v:p@acme.snowflakecomputing.com:443/SHOP/other")
    one, two = (snowflake_reader.READER.database(ConnectionSpec(type="snowflake", url=url), Path()) for url in urls)
    assert one == two


SAME = """CREATE TABLE t AS SELECT i::NUMBER(18, 0) AS id,
    CASE i % 7 WHEN 0 THEN 'a' WHEN 1 THEN 'b "c"' WHEN 2 THEN 'd,e' WHEN 3 THEN 'f\ng' WHEN 4 THEN 'ü🐘' WHEN 5 THEN '007' END AS name,
    CASE WHEN i % 11 > 0 THEN ((i * 137 % 99999) / 100)::NUMBER(12, 2) END AS amount, i::FLOAT / 8 AS share,
    DATEADD(day, i % 900, '2020-01-01'::DATE)::DATE AS day,
    DATEADD(microsecond, i, DATEADD(minute, i, '2024-01-01 12:00:00'::TIMESTAMP_NTZ)) AS "at",
    DATEADD(hour, i % 5000, '2024-01-01 12:00:00'::TIMESTAMP_NTZ)::TIMESTAMP_TZ AS moment,
    CASE WHEN i % 13 > 0 THEN i % 2 = 0 END AS ok
FROM (SELECT SEQ4() AS i FROM TABLE(GENERATOR(ROWCOUNT => 10000)))"""


def test_the_same_rows_give_the_same_table_as_files(reader: Reader, snowflake: Server) -> None:
    snowflake.execute(SAME)
    check_same(reader, connection="sf", table="t", primary_key=["ID"])
