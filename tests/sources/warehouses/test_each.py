"""What holds of each warehouse that is read through its maker's driver, against a stand-in that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import ConnectionSpec
from synthkit.sources.behind import table_behind
from synthkit.sources.bounding import Declared
from synthkit.sources.describe import typed
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from synthkit.sources.readers import reader_of
from synthkit.sources.warehouses.address import Address
from synthkit.sources.warehouses.rows import _reason
from tests.postgres_server import free_port
from tests.relay import relayed
from tests.sources.reading import Reader, rows, source, values
from tests.sources.test_file_kinds import TABLE
from tests.sources.warehouses.same import check_same
from tests.stand_in import SECRET, Server
from tests.synth import Project, run_synth

KINDS = ("trino", "bigquery", "databricks", "sqlserver")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(kind)


@pytest.fixture
def reader(tmp_path: Path, kind: str, server: Server) -> Reader:
    return Reader(tmp_path, w={"type": kind, "url": server.url})


@pytest.fixture
def given(reader: Reader) -> Mapping[str, Any]:
    return {"root": reader.root, "connections": reader.connections}


def test_the_same_rows_give_the_same_table_as_files(reader: Reader, server: Server) -> None:
    server.database.register("rows_of_files", TABLE)
    server.database.execute("CREATE TABLE memory.shop.t AS SELECT * FROM rows_of_files")
    check_same(reader, connection="w", table="t", primary_key=["id"])


def test_the_digest_tells_every_change_and_rows_come_in_one_order(
    reader: Reader, server: Server, given: Mapping[str, Any]
) -> None:
    server.execute(
        "CREATE TABLE t (id BIGINT, f DOUBLE, s VARCHAR)", "INSERT INTO t VALUES (1, 0.1, 'a'), (2, 0.2, NULL)"
    )
    server.execute("CREATE TABLE u AS SELECT * FROM t ORDER BY id DESC")
    first = reader.hash(connection="w", table="t")
    assert reader.hash(connection="w", table="u") == first
    one, two = (rows(reader.read(connection="w", table=t, name=t)) for t in "tu")
    assert one == two
    for change in (
        "UPDATE t SET f = 0.10000000000000002 WHERE id = 1",
        "INSERT INTO t VALUES (2, 0.2, NULL)",
        "ALTER TABLE t RENAME COLUMN s TO v",
    ):
        server.execute(change)
        now = reader.hash(connection="w", table="t")
        assert now != first
        first = now
    spec = source(connection="w", table="t")
    with pytest.raises(BuildError, match="changed while it was read"):
        ingest(spec, holdout=0.0, directory=reader.root, source_hash="0" * 64, **given)


def test_a_value_is_told_from_its_neighbours_and_from_none(reader: Reader, server: Server) -> None:
    server.execute("CREATE TABLE t (a VARCHAR, b VARCHAR)")
    found = set()
    told = ("'x', 'y'", "'xy', 'z'", "'x', 'yz'", "'x', NULL", "NULL, 'x'", "'NULL', 'x'", "'-', 'x'", "'null', 'x'")
    for pair in told:
        server.execute("DELETE FROM t", f"INSERT INTO t VALUES ({pair})")
        found.add(reader.hash(connection="w", table="t"))
    assert len(found) == len(told)


def test_queries_and_names(reader: Reader, server: Server) -> None:
    server.execute("CREATE TABLE orders AS SELECT range AS id, range % 3 AS a FROM range(3000)")
    split = reader.read(connection="w", query="SELECT id, a + 1 AS b FROM orders WHERE id < 2500 -- some")
    assert sorted(values(split, "id")) == list(range(2500))
    assert not any("orders" in q and "2500" not in q for q in server.queries)
    with pytest.raises(SynthError, match="has no table 'ordres'") as caught:
        reader.read(connection="w", table="ordres")
    assert caught.value.hint == "did you mean 'orders'?"
    for wrong, message in (
        ("DELETE FROM orders", "must be one SELECT"),
        ("SELECT 1; SELECT 2", "must be one SELECT"),
        ("SELECT 1) AS t; DROP TABLE orders; --", "does not read as"),
        ("SELECT nothing FROM orders", ": "),
        ("SELECT id FROM orders --\r WHERE id <> '\n'", "a carriage return alone"),
    ):
        with pytest.raises(SynthError, match=message):
            reader.read(connection="w", query=wrong)


def test_a_table_without_rows(reader: Reader, server: Server) -> None:
    server.execute("CREATE TABLE t (id BIGINT, s VARCHAR, d DATE)")
    assert reader.hash(connection="w", table="t") == reader.hash(connection="w", query="SELECT * FROM t")
    with pytest.raises(BuildError, match="source table 't' has no rows"):
        reader.read(connection="w", table="t")


def test_binary_data_is_refused_by_name(reader: Reader, server: Server) -> None:
    server.execute("CREATE TABLE t (id BIGINT, photo BLOB)", "INSERT INTO t VALUES (1, NULL)")
    with pytest.raises(BuildError, match="'photo'"):
        reader.read(connection="w", table="t")
    assert reader.read(connection="w", query="SELECT id FROM t").schema.columns[0].sql_type == "BIGINT"


def test_under_a_budget_no_value_stops_the_others(reader: Reader, server: Server, given: Mapping[str, Any]) -> None:
    server.execute("CREATE TABLE t (id BIGINT, d VARCHAR, since TIMESTAMP)")
    server.execute("INSERT INTO t VALUES (1, 'never', NULL), (2, '2024-01-05', '2024-01-05 10:00:00')")
    columns = {"id": "integer", "d": "date", "since": "datetime"}
    spec = source(connection="w", table="t", columns=columns)
    declared = Declared(typed(spec, {"id": "BIGINT", "d": "VARCHAR", "since": "TIMESTAMP"}), 1)
    hashed = content_hash(spec, cache=None, **given)
    split = ingest(spec, holdout=0.0, directory=reader.root / "s", source_hash=hashed, declared=declared, **given)
    assert sorted(values(split, "d"), key=str) == [date(2024, 1, 5), None]
    assert sorted(values(split, "since"), key=str) == [datetime(2024, 1, 5, 10), None]
    with pytest.raises(BuildError, match="column 'd': 1 of 2 values are not date"):
        reader.read(connection="w", table="t", columns=columns)


@pytest.mark.parametrize(
    "odd", ["NULL, NULL, NULL, NULL", "'x', -1, '9999-12-31', 'NaN'", "'7', 99999.99, '0001-01-01', 'inf'"]
)
def test_under_a_budget_no_row_changes_another(
    reader: Reader, server: Server, given: Mapping[str, Any], odd: str
) -> None:
    columns = {"id": "integer", "code": "integer", "n": {"type": "decimal", "decimals": 2}, "d": "date", "f": "float"}
    spec = source(connection="w", table="t", columns=columns)
    found = {"id": "BIGINT", "code": "VARCHAR", "n": "DECIMAL(9,2)", "d": "DATE", "f": "DOUBLE"}
    declared = Declared(typed(spec, found), 1)

    def sides() -> list[list[dict[str, Any]]]:
        hashed = content_hash(spec, cache=None, **given)
        split = ingest(spec, holdout=0.4, directory=reader.root / "s", source_hash=hashed, declared=declared, **given)
        assert split.holdout is not None
        return [[r for r in t.to_arrow().to_pylist() if r["id"] < 40] for t in (split.train, split.holdout)]

    server.execute("CREATE TABLE t (id BIGINT, code VARCHAR, n DECIMAL(9,2), d DATE, f DOUBLE)")
    server.execute(
        "INSERT INTO t SELECT range, range % 3, range / 4, DATE '2024-01-01' + range::INT, range / 8 FROM range(40)"
    )
    before = sides()
    assert [len(side) > 5 for side in before] == [True, True]
    server.execute(f"INSERT INTO t VALUES (77, {odd})")
    assert sides() == before


def test_a_budget_asks_for_rows_of_one_table(reader: Reader, server: Server, given: Mapping[str, Any]) -> None:
    server.execute(
        "CREATE TABLE t (id BIGINT, s VARCHAR)",
        "CREATE VIEW few AS SELECT id, upper(s) AS s FROM shop.t WHERE id > 1",
        "CREATE VIEW counts AS SELECT s, count(*) AS n FROM shop.t GROUP BY s",
    )
    for asked in ({"table": "t"}, {"table": "few"}, {"query": "SELECT id FROM few WHERE s <> 'x'"}):
        assert table_behind(source(connection="w", **asked), cache=None, **given) == ("shop", "t")
    for asked, message in (
        ({"table": "counts"}, "GROUP BY"),
        ({"table": "nowhere"}, "neither a table nor a view"),
        ({"query": "SELECT a.id FROM t a JOIN t b ON a.id = b.id"}, "a join"),
        ({"query": "SELECT nothing FROM t"}, "nothing, which is no column of t"),
    ):
        with pytest.raises(SynthError, match=message):
            table_behind(source(connection="w", **asked), cache=None, **given)


def test_a_function_that_users_made_is_none_that_is_known(
    kind: str, reader: Reader, server: Server, given: Mapping[str, Any]
) -> None:
    if kind in ("trino", "sqlserver"):
        pytest.skip("its functions read no table, or their names have two parts")
    server.execute(
        "CREATE TABLE t (id BIGINT)",
        "CREATE MACRO strip_accents(x) AS (SELECT count(*) FROM t)",
        "CREATE VIEW counts AS SELECT strip_accents(id) AS n FROM shop.t",
    )
    for one in ({"query": "SELECT strip_accents(id) AS n FROM t"}, {"table": "counts"}):
        with pytest.raises(SynthError, match="read with strip_accents, which is a function of the database"):
            table_behind(source(connection="w", **one), cache=None, **given)
    assert table_behind(source(connection="w", query="SELECT id FROM t"), cache=None, **given) == ("shop", "t")


def test_the_catalogue_becomes_yaml(tmp_path: Path, server: Server) -> None:
    server.execute(
        "CREATE TABLE people (nr BIGINT, tier VARCHAR NOT NULL)",
        "INSERT INTO people SELECT range, 'abc'[1 + range % 3] FROM range(50)",
        "COMMENT ON TABLE people IS 'Who: is insured'",
        "COMMENT ON COLUMN people.tier IS 'how much'",
    )
    server.secret = SECRET
    url = server.url_of(SECRET)
    done = run_synth(tmp_path, "init", "p", "--from", url)
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "p")
    (file,) = (project.root / "models").glob("*.yml")
    (people,) = yaml.safe_load(file.read_text())["sources"][0]["tables"]
    assert (people["name"], people["description"]) == ("people", "Who: is insured")
    assert [c.get("description") for c in people["columns"]] == [None, "how much"]
    assert people["columns"][1]["nullable"] is False
    for one in project.root.rglob("*.yml"):
        assert SECRET not in one.read_text()
    (variable,) = {
        line.split("'")[1]
        for line in (project.root / "synth_project.yml").read_text().splitlines()
        if "env_var('" in line
    }
    project.ok("compile", env={variable: url})


def test_keys_of_the_catalogue_become_yaml(tmp_path: Path, kind: str, server: Server) -> None:
    if kind in ("trino", "bigquery"):
        pytest.skip("it has no keys, or they are no part of what DuckDB holds: see its own tests")
    server.execute(
        "CREATE TABLE people (nr BIGINT, city VARCHAR, code VARCHAR UNIQUE, PRIMARY KEY (city, nr))",
        "CREATE TABLE visits (no BIGINT PRIMARY KEY, person BIGINT, town VARCHAR,"
        " FOREIGN KEY (town, person) REFERENCES people (city, nr))",
        "INSERT INTO people SELECT range, 'city' || range % 3, 'c' || range FROM range(60)",
        "INSERT INTO visits SELECT range, range % 60, 'city' || range % 3 FROM range(120)",
    )
    chosen = ConnectionSpec(type=kind, url=server.url)
    listing = reader_of(chosen).listing
    assert listing is not None
    people, visits = sorted(listing(chosen, tmp_path), key=lambda one: one.name)
    assert (people.primary, people.unique) == (("city", "nr"), (("code",),))
    assert (visits.primary, visits.foreign) == (("no",), ((("town", "person"), "people", ("city", "nr")),))
    done = run_synth(tmp_path, "init", "p", "--from", server.url)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "p" / "models").glob("*.yml")
    tables = {one["name"]: one for one in yaml.safe_load(file.read_text())["sources"][0]["tables"]}
    assert tables["visits"]["primary_key"] == "no"


def test_a_secret_and_what_goes_wrong(tmp_path: Path, kind: str, server: Server) -> None:
    server.execute("CREATE TABLE t AS SELECT range AS id, repeat('x', 100) AS s FROM range(5000)")
    server.secret = SECRET
    given = {"type": kind, "url": server.url_of(SECRET)}
    assert len(values(Reader(tmp_path, w=given).read(connection="w", table="t"), "id")) == 5000
    with pytest.raises(SynthError, match=r"cannot reach .* \(w\)") as caught:
        Reader(tmp_path, w={"type": kind, "url": server.url_of("wr0ng")}).hash(connection="w", table="t")
    assert "wr0ng" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("trino://u:{p}@h", "names no catalog"),
        ("trino://u:{p}@h/lake?http_scheme=ftp", "it is http or https"),
        ("trino://u:{p}@h/lake?verfy=no", "did you mean 'verify'"),
        ("trino://u:12/{p}@h/lake", "cannot be parsed"),
        ("trino://u:12#{p}@h/lake", "cannot be parsed"),
        ("databricks://token:{p}@h?http_path=/x", "names no catalog"),
        ("databricks://token:{p}@h/lake", "says no http_path"),
        ("databricks://h/lake?http_path=/x", "has no token"),
        ("databricks://token:{p}@h/lake?http_path=/x&http_scheme=ftp", "it is http or https"),
        ("sqlserver://u:{p}@h", "names no database"),
        ("sqlserver://u:{p}@h\\EXPRESS/shop", "names an instance"),
        ("mssql://u:{p}@/shop", "names no host"),
        ("sqlserver://u:{p}@h/shop?encrypt=maybe", "it is yes or no"),
        ("bigquery:///shop?token={p}", "names no project"),
        ("bigquery://u:{p}@our-shop/shop", "names a user"),
        ("bigquery://our-shop/a/b?token={p}", "more than 1 names"),
        ("bigquery://our-shop/a?maximum_bytes_billed=1GB&token={p}", "no whole number"),
        ("bigquery://our-shop/a?tocken={p}", "did you mean 'token'"),
    ],
)
def test_a_url_that_says_too_little_or_too_much(tmp_path: Path, url: str, message: str) -> None:
    scheme = url.partition(":")[0]
    given = {"type": {"mssql": "sqlserver"}.get(scheme, scheme), "url": url.format(p=SECRET)}
    with pytest.raises(SynthError, match=message) as caught:
        Reader(tmp_path, w=given).hash(connection="w", table="t")
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_what_was_opened_is_closed_where_the_first_statement_fails(
    kind: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = import_module(f"synthkit.sources.warehouses.{kind}")._Session
    close, closed = session.close, []
    monkeypatch.setattr(session, "close", lambda self: closed.append(close(self)))
    monkeypatch.setattr(session, "begin", lambda self: self.rows("SELECT nothing FROM nowhere"))
    with pytest.raises(SynthError, match=r"cannot reach .* \(w\)"):
        reader.hash(connection="w", table="t")
    assert closed == [None]


def test_no_part_of_a_secret_is_shown() -> None:
    address = Address("h", None, "u", SECRET, (), {})
    for before in range(490, 502):
        assert SECRET[:3] not in _reason(ValueError("." * before + SECRET), address)


def test_a_server_that_is_not_there_or_goes_away(
    tmp_path: Path, kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONNECT_PATIENCE", "PATIENCE", "LOGIN_TIMEOUT"):
        monkeypatch.setattr(f"synthkit.sources.warehouses.{kind}.{name}", 0.1, raising=False)
    server.execute("CREATE TABLE t AS SELECT range AS id, repeat('x', 100) AS s FROM range(5000)")
    nobody = Reader(tmp_path, w={"type": kind, "url": server.url_of(SECRET, port=free_port())})
    with pytest.raises(SynthError, match=r"cannot reach .* \(w\)") as caught:
        nobody.hash(connection="w", table="t")
    assert SECRET not in f"{caught.value} {caught.value.hint}"
    with relayed(server.port, after=200_000) as port:
        cut = Reader(tmp_path / "cut", w={"type": kind, "url": server.url_of(port=port)})
        with pytest.raises(BuildError, match=r"the connection to .* \(w\) broke"):
            cut.read(connection="w", table="t")
