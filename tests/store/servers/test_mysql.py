"""Tables in MariaDB: all of one publication, or none of it; and what others gave them stays."""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

import synthkit
from synthkit.errors import BuildError
from synthkit.sql.mysql import type_of
from synthkit.sql.types import NoPlaceError
from synthkit.store.publications import OvertakenError
from synthkit.store.servers.databasetarget import _known
from synthkit.store.servers.mysql import replacing
from synthkit.store.servers.mysql.connection import server_of
from synthkit.store.servers.mysql.target import Mysql
from synthkit.store.target import Place
from tests.mysql_server import PASSWORD, Server, mysql
from tests.store.servers.publishing import family, killed_after, publication
from tests.store.test_objectstore import together
from tests.synth import SQL_PROJECT, make_project
from tests.typetable import SAMPLES, column, published

__all__ = ["mysql"]
pytestmark = pytest.mark.mysql
NUMBERS = itertools.count(1)
MARKS = "SELECT (SELECT MAX(mark) FROM {0}.customers), (SELECT MAX(mark) FROM {0}.orders), (SELECT COUNT(*) FROM {0}.orders)"
TEXT = str(SQL_PROJECT["models/customers.yml"])


@pytest.fixture
def schema(mysql: Server) -> Iterator[str]:
    name = f"fake{next(NUMBERS)}"
    yield name
    mysql.execute(f"DROP DATABASE IF EXISTS {name}", f"DROP DATABASE IF EXISTS {name}_synth_meta")


def somebodys(mysql: Server, schema: str, folder: Path) -> Mysql:
    """What another process has: nothing of it is shared."""
    server_of.cache_clear()
    _known.cache_clear()
    return Mysql(Place(folder / "receipts", folder / "none.duckdb", folder / "scratch", mysql.url, schema))


@pytest.fixture
def target(mysql: Server, schema: str, tmp_path: Path) -> Mysql:
    return somebodys(mysql, schema, tmp_path / "one")


def rows_of(target: Mysql) -> set[int]:
    return {r.rows for r in target.all_published().values()}


def left_behind(mysql: Server) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'synth%new%' OR table_name LIKE 'synth%old%'"
    return [name for (name,) in mysql.rows(query)]


def test_tables_have_types_keys_and_descriptions(target: Mysql, mysql: Server, schema: str, tmp_path: Path) -> None:
    assert target.all_published() == {}
    assert target.ready().endswith("answers")
    written = target.publish_all(family(tmp_path, 7))
    assert target.all_published() == written
    found = mysql.rows(f"SELECT * FROM {schema}.customers ORDER BY 1")
    assert found == [(n, f'Ann, "{n}"' if n % 3 else None, 7) for n in range(7)]
    keys = mysql.rows(
        "SELECT table_name, column_name, referenced_table_schema, referenced_table_name"
        f" FROM information_schema.key_column_usage WHERE table_schema = '{schema}' ORDER BY 1, 2, 4"
    )
    assert keys == [
        ("customers", "customer_id", None, None),
        ("orders", "customer_id", schema, "customers"),
        ("orders", "order_id", None, None),
    ]
    said = mysql.rows(
        f"SELECT table_comment, column_comment FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)"
        f" WHERE table_schema = '{schema}' AND table_name = 'customers' AND column_name = 'name'"
    )
    assert said == [("Who buys: it's synthetic", "of the customer")]
    assert not list(target.shown_otherwise(written["customers"], full=True))
    told = mysql.rows(f"SELECT `table`, columns, `references` FROM {schema}_synth_meta.`keys`")
    assert told == [("orders", '["customer_id"]', "customers")]
    assert left_behind(mysql) == []


def test_whoever_reads_finds_tables_of_one_publication(
    target: Mysql, mysql: Server, schema: str, tmp_path: Path
) -> None:
    """In one statement, and in one transaction of several. A reader may be told to try again, and never finds a mixture."""
    target.publish_all(family(tmp_path, 1))
    ended, seen, mixed = threading.Event(), Counter[int](), list[Any]()

    def read(together: bool) -> None:
        with mysql.connect(autocommit=together) as connection, connection.cursor() as cursor:
            while not ended.is_set():
                try:
                    queries = (
                        [MARKS.format(schema)]
                        if together
                        else [f"SELECT MAX(mark) FROM {schema}.{t}" for t in ("customers", "orders")]
                    )
                    found: list[int] = []
                    for query in queries:
                        cursor.execute(query)
                        found.extend(cursor.fetchone())
                    connection.commit()
                except pymysql.err.OperationalError as error:
                    if error.args[0] not in (1213, 1412):  # a deadlock; a table that is younger than the snapshot
                        mixed.append(error)
                    connection.rollback()
                    continue
                seen[found[0]] += 1
                mixed.extend([found] if len(set(found)) != 1 else [])

    threads = [threading.Thread(target=read, args=(one,)) for one in (True, False)]
    for thread in threads:
        thread.start()
    for rows in range(2, 8):
        target.publish_all(family(tmp_path, rows))
    ended.set()
    for thread in threads:
        thread.join()
    assert not mixed
    assert len(seen) > 3


def counted(step: Callable[[], None]) -> None:
    """Call ``step`` before every statement of this process."""
    plain = pymysql.Connection.query

    def stepping(self: Any, *arguments: Any, **more: Any) -> Any:
        step()
        return plain(self, *arguments, **more)

    pymysql.Connection.query = stepping  # type: ignore[method-assign]


@pytest.mark.slow
def test_a_publication_that_is_killed_at_any_statement_leaves_old_tables_or_new_ones(
    target: Mysql, mysql: Server, schema: str, tmp_path: Path
) -> None:
    target.publish_all(family(tmp_path, 1))
    size, left = 1, Counter[str]()
    for step in itertools.count(1, 2):  # every other: the statements between are of one kind
        killed = killed_after(step, counted, somebodys(mysql, schema, tmp_path / "killed"), family(tmp_path, size + 1))
        ((first, second, count),) = mysql.rows(MARKS.format(schema))
        assert first == second == count
        target = somebodys(mysql, schema, tmp_path / "after")
        assert rows_of(target) == {count}
        left["new" if count > size else "old"] += 1
        size = count
        target.mend()  # as each build begins
        assert left_behind(mysql) == []
        if not killed:
            break
    assert left["old"] > 15
    assert left["new"] > 2
    target.publish_all(family(tmp_path, size + 1))
    assert all(not list(target.shown_otherwise(r, full=True)) for r in target.all_published().values())
    numbers = [entry.number for entry in target.entries()]
    assert numbers == sorted(numbers, reverse=True)


def test_of_publishers_that_began_at_one_state_one_publishes(mysql: Server, schema: str, tmp_path: Path) -> None:
    somebodys(mysql, schema, tmp_path / "first").publish_all(family(tmp_path, 1))
    builders = [somebodys(mysql, schema, tmp_path / f"b{n}") for n in range(3)]
    for builder in builders:
        builder.mend()
    publications = [family(tmp_path, 10 + n) for n in range(3)]
    told = together([lambda b=b, p=p: b.publish_all(p) for b, p in zip(builders, publications, strict=True)])
    (winner,) = [n for n, what in enumerate(told) if not isinstance(what, BuildError)]
    assert all(isinstance(what, OvertakenError) for n, what in enumerate(told) if n != winner)
    assert mysql.rows(MARKS.format(schema)) == [(10 + winner,) * 3]
    assert rows_of(somebodys(mysql, schema, tmp_path / "reader")) == {10 + winner}
    assert left_behind(mysql) == []


def test_rights_views_and_indexes_stay_and_what_cannot_is_named(
    target: Mysql, mysql: Server, schema: str, tmp_path: Path
) -> None:
    target.publish_all(family(tmp_path, 2))
    mysql.execute(
        "CREATE USER reader IDENTIFIED BY 'x'",
        f"GRANT SELECT ON {schema}.customers TO reader",
        f"CREATE VIEW {schema}.seen AS SELECT mark FROM {schema}.customers",
        f"CREATE INDEX by_name ON {schema}.customers (name(10), mark)",
        f"CREATE UNIQUE INDEX once ON {schema}.orders (order_id)",
    )
    indexes = (
        "SELECT table_name, index_name, column_name, sub_part, non_unique FROM information_schema.statistics"
        f" WHERE table_schema = '{schema}' AND index_name NOT LIKE 'synth%' ORDER BY 1, 2, seq_in_index"
    )
    before = mysql.rows(indexes)
    target.publish_all(family(tmp_path, 3))
    assert mysql.rows(indexes) == before
    assert mysql.rows(f"SELECT MAX(mark) FROM {schema}.seen") == [(3,)]
    with mysql.connect(user="reader", password="x", database=None) as reader, reader.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {schema}.customers")
        assert cursor.fetchone() == (3,)
        cursor.execute("SHOW DATABASES")
        assert f"{schema}_synth_meta" not in {name for (name,) in cursor.fetchall()}  # where tables are loaded
    mysql.execute("DROP USER reader", f"CREATE UNIQUE INDEX one_mark ON {schema}.customers (mark, customer_id)")
    target.publish_all(family(tmp_path, 4))
    mysql.execute(
        f"DELETE FROM {schema}.orders WHERE order_id > 0", f"CREATE UNIQUE INDEX one ON {schema}.orders (mark)"
    )
    with pytest.raises(BuildError, match="do not fit the unique index 'one' that somebody made"):
        target.publish_all(family(tmp_path, 5))
    mysql.execute(
        f"DROP INDEX one ON {schema}.orders",
        f"CREATE TRIGGER {schema}.mine BEFORE INSERT ON {schema}.orders FOR EACH ROW SET NEW.mark = 0",
    )
    with pytest.raises(BuildError, match=f"the trigger mine on {schema}.orders does not outlive the table"):
        target.publish_all(family(tmp_path, 5))
    mysql.execute(
        f"DROP TRIGGER {schema}.mine",
        f"CREATE TABLE {schema}.mine (c bigint, FOREIGN KEY (c) REFERENCES customers (customer_id))",
    )
    with pytest.raises(BuildError, match=rf"a foreign key of {schema}.mine on {schema}.customers does not outlive"):
        target.publish_all(family(tmp_path, 5))
    assert rows_of(target) == {4}
    assert left_behind(mysql) == []


def test_readers_that_do_not_end_hold_a_publication_up_and_no_one_else(
    target: Mysql, mysql: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.publish_all(family(tmp_path, 2))
    monkeypatch.setenv("SYNTH_LOCK_TIMEOUT", "0.1")
    monkeypatch.setattr(replacing, "PAUSE", 0.05)
    with mysql.connect(autocommit=False) as reader, reader.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {schema}.customers")
        with pytest.raises(
            BuildError, match="others go on reading the tables that are to be replaced: customers, orders"
        ):
            target.publish_all(family(tmp_path, 3))
        cursor.execute(f"SELECT MAX(mark) FROM {schema}.orders")
        assert cursor.fetchone() == (2,)
    target.publish_all(family(tmp_path, 3))
    assert rows_of(target) == {3}


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_the_connection_may_be_lost_as_the_tables_take_their_names(
    seconds: float, target: Mysql, mysql: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who published learns that it did; ``seconds`` after the connection was lost the server does it."""
    target.publish_all(family(tmp_path, 2))
    rows = replacing.rows

    def lost(connection: Any, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
        if not query.startswith("RENAME TABLE"):
            return rows(connection, query, values)
        server = copy.copy(connection)  # goes on with what the client has lost
        connection._sock = connection._rfile = None

        def go_on() -> None:
            rows(server, query)
            server.close()

        if seconds:
            threading.Timer(seconds, go_on).start()
        else:
            go_on()
        raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(replacing, "rows", lost)
    target.publish_all(family(tmp_path, 3))
    assert rows_of(target) == {3}
    monkeypatch.undo()
    target.publish_all(family(tmp_path, 4))
    assert rows_of(target) == {4}
    assert left_behind(mysql) == []


def test_a_rename_that_the_connection_did_not_live_to_send_did_not_take_place(
    target: Mysql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.publish_all(family(tmp_path, 2))
    rows = replacing.rows

    def lost(connection: Any, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
        if not query.startswith("RENAME TABLE"):
            return rows(connection, query, values)
        connection._force_close()
        raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(replacing, "rows", lost)
    with pytest.raises(BuildError, match="Lost connection"):
        target.publish_all(family(tmp_path, 3))
    assert rows_of(target) == {2}


@pytest.mark.parametrize("loads", [True, False])
def test_every_type_of_a_published_table_comes_through(
    loads: bool, mysql: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = somebodys(mysql, schema, tmp_path / "one")
    found, refused = [], []
    for number, sample in enumerate(SAMPLES):
        try:
            types, table = published(f"SELECT {column(sample)} AS c", tmp_path)
            type_of(types["c"])
        except (BuildError, NoPlaceError):
            refused.append(sample.sql_type)
            continue
        if "float" in str(table.schema.field("c").type) or "double" in str(table.schema.field("c").type):
            import pyarrow.compute as pc

            table = table.filter(pc.or_kleene(pc.is_null(table["c"]), pc.is_finite(table["c"])))
        found.append(publication(tmp_path, f"t{number}", table, types))
    assert {"TIMESTAMP_NS", "TIMESTAMPTZ_NS"} <= {*refused}
    assert len(found) > 25
    if not loads:
        mysql.execute("SET GLOBAL local_infile = 0")
    try:
        written = target.publish_all(found)
    finally:
        mysql.execute("SET GLOBAL local_infile = 1")
    for receipt in written.values():
        assert list(target.shown_otherwise(receipt, full=True)) == [], receipt.columns
    limits = {r.columns[0].type: name for name, r in reversed(written.items())}
    assert mysql.rows(f"SELECT MAX(c), MIN(c) FROM {schema}.{limits['UBIGINT']}") == [(2**64 - 1, 0)]
    assert mysql.rows(f"SELECT c FROM {schema}.{limits['VARCHAR']} WHERE c IN ('', 'null')") == [("",), ("null",)]
    assert mysql.rows(f"SELECT COUNT(*) FROM {schema}.{limits['VARCHAR']} WHERE c IS NULL")[0][0] >= 1
    assert (
        str(mysql.rows(f"SELECT MIN(c) FROM {schema}.{limits['DECIMAL(38,2)']}")[0][0])
        == "-999999999999999999999999999999999999.99"
    )


def test_a_value_that_the_server_does_not_take_is_no_other_value(
    target: Mysql, mysql: Server, schema: str, tmp_path: Path
) -> None:
    table = pa.table({"a": pa.array([1.5, float("inf")])})
    with pytest.raises(BuildError, match="the server does not take a value of 't'"):
        target.publish_all([publication(tmp_path, "t", table, {"a": "DOUBLE"})])
    assert target.names() == []
    assert left_behind(mysql) == []


@pytest.mark.slow
def test_a_project_is_built_verified_compared_and_brought_back(
    mysql: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", mysql.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written = f"name: shop\nseed: 7\ntargets:\n  dev: {{warehouse: \"{{{{ env_var('WAREHOUSE_URL') }}}}\", schema: {schema}}}\n"
    shop = make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": written})
    assert PASSWORD not in shop.ok("build")
    asked = f"SELECT tier, n FROM {schema}.by_tier ORDER BY tier"
    old = mysql.rows(asked)
    assert [tuple(row.values()) for row in shop.query("select tier, n from by_tier order by tier")] == old
    assert mysql.rows(f"SELECT name, `rows` FROM {schema}_synth_meta.tables ORDER BY 1") == [
        ("by_tier", 3),
        ("customers", 315),
    ]
    assert "2 unchanged" in shop.ok("build")
    assert "verified: 2 models" in shop.ok("verify", "--full")
    mysql.execute(f"UPDATE {schema}.by_tier SET n = n + 1 WHERE tier = 'pro'")
    assert f"{schema}.by_tier is not as it was published: rows that are not its own: 1, missing: 1" in shop.fails(
        "verify", "--full"
    )
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    shop.ok("build")
    assert mysql.rows(asked) != old
    versions = [v["version"] for v in json.loads(shop.ok("versions", "by_tier", "--format", "json"))]
    shop.ok("rollback", "by_tier", versions[-1])
    assert mysql.rows(asked) == old
    tables = synthkit.open(f"{mysql.url}?schema={schema}")
    assert [(row["tier"], row["n"]) for row in tables.query("from by_tier order by tier").to_pylist()] == old
    assert "old versions" in shop.ok("gc", "--keep", "1")
    shop.write({"models/customers.yml": TEXT[: TEXT.index("          - name: by_tier")]})
    shop.ok("gc", "--removed")
    assert mysql.rows(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'") == [
        ("customers",)
    ]
    shop.write({"models/customers.yml": TEXT.replace("count(*) as n", "now()::timestamp_ns as n")})
    assert "target dev: the column 'n': MySQL has no nanoseconds (TIMESTAMP_NS)" in shop.fails("compile", code=2)
