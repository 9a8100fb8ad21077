"""Tables in PostgreSQL: all of one publication, or none of it; and what others gave them stays."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from synthkit.errors import BuildError
from synthkit.store.publications import OvertakenError
from synthkit.store.servers.databasetarget import _known
from synthkit.store.servers.postgres import replacing
from synthkit.store.servers.postgres import target as module
from synthkit.store.servers.postgres.connection import server_of
from synthkit.store.servers.postgres.target import Postgres
from synthkit.store.target import Place
from tests.postgres_server import Server, postgres
from tests.store.servers.publishing import family, killed_after, publication
from tests.store.test_objectstore import together
from tests.synth import SQL_PROJECT

__all__ = ["postgres"]
pytestmark = pytest.mark.postgres
NUMBERS = itertools.count(1)
MARKS = "SELECT (SELECT max(mark) FROM {0}.customers), (SELECT max(mark) FROM {0}.orders), (SELECT count(*) FROM {0}.orders)"
TEXT = str(SQL_PROJECT["models/customers.yml"])


@pytest.fixture
def schema(postgres: Server) -> Iterator[str]:
    name = f"shop{next(NUMBERS)}"
    yield name
    postgres.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE", f"DROP SCHEMA IF EXISTS {name}_synth_meta CASCADE")


def somebodys(postgres: Server, schema: str, folder: Path) -> Postgres:
    """What another process has: nothing of it is shared."""
    server_of.cache_clear()
    _known.cache_clear()
    return Postgres(Place(folder / "receipts", folder / "none.duckdb", folder / "scratch", postgres.url, schema))


@pytest.fixture
def target(postgres: Server, schema: str, tmp_path: Path) -> Postgres:
    return somebodys(postgres, schema, tmp_path / "one")


def rows_of(target: Postgres) -> set[int]:
    return {r.rows for r in target.all_published().values()}


def test_tables_have_types_keys_and_descriptions(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path
) -> None:
    assert target.all_published() == {}
    assert target.ready().endswith("answers")
    written = target.publish_all(family(tmp_path, 7))
    assert target.all_published() == written
    found = postgres.rows(f"SELECT * FROM {schema}.customers ORDER BY 1")
    assert found == [(n, f'Ann, "{n}"' if n % 3 else None, 7) for n in range(7)]
    keys = postgres.rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        f" WHERE connamespace = '{schema}'::regnamespace ORDER BY 1, 2"
    )
    assert [(name, text) for _, name, text in keys] == [
        ("customers_pkey", "PRIMARY KEY (customer_id)"),
        ("orders_customer_id_fkey", f"FOREIGN KEY (customer_id) REFERENCES {schema}.customers(customer_id)"),
        ("orders_pkey", "PRIMARY KEY (order_id)"),
    ]
    said = postgres.rows(
        f"SELECT obj_description('{schema}.customers'::regclass), col_description('{schema}.customers'::regclass, 2)"
    )
    assert said == [("Who buys: it's synthetic", "of the customer")]
    assert not list(target.shown_otherwise(written["customers"], full=True))
    told = postgres.rows(f'SELECT "table", columns, "references" FROM {schema}_synth_meta.keys')
    assert told == [("orders", ["customer_id"], "customers")]


def test_a_key_that_the_rows_break_is_none(target: Postgres, postgres: Server, schema: str, tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, 1], pa.int64())})
    drawn = {"name": "circuit", "params": {}, "version": 1}
    target.publish_all([publication(tmp_path, "t", table, {"a": "BIGINT"}, primary_key=["a"], generator=drawn)])
    assert postgres.rows(f"SELECT count(*) FROM {schema}.t") == [(2,)]
    assert postgres.rows(f"SELECT 1 FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace") == []


def test_whoever_reads_finds_tables_of_one_publication(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path
) -> None:
    """In one statement, and in one transaction of several, at the default level and at REPEATABLE READ."""
    target.publish_all(family(tmp_path, 1))
    ended, seen, mixed = threading.Event(), Counter[int](), list[Any]()

    def read(level: psycopg.IsolationLevel | None) -> None:
        with psycopg.connect(postgres.url, autocommit=level is None) as connection:
            connection.isolation_level = level
            while not ended.is_set():
                if level is None:
                    found: Any = connection.execute(MARKS.format(schema)).fetchone()
                else:
                    connection.execute("SELECT 1")  # its snapshot may be older than the tables that it finds
                    queries = [f"SELECT max(mark) FROM {schema}.{t}" for t in ("customers", "orders")]
                    queries.append(f"SELECT count(*) FROM {schema}.orders")
                    found = tuple(connection.execute(q).fetchone()[0] for q in queries)  # type: ignore[index]
                    connection.commit()
                seen[found[0]] += 1
                mixed.extend([found] if len(set(found)) != 1 else [])

    levels = (None, psycopg.IsolationLevel.READ_COMMITTED, psycopg.IsolationLevel.REPEATABLE_READ)
    threads = [threading.Thread(target=read, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for rows in range(2, 10):
        target.publish_all(family(tmp_path, rows))
    ended.set()
    for thread in threads:
        thread.join()
    assert not mixed
    assert len(seen) > 3


def counted(step: Callable[[], None]) -> None:
    """Call ``step`` before every statement, COPY and COMMIT of this process."""
    for kind, name in ((psycopg.Connection, "execute"), (psycopg.Connection, "commit"), (psycopg.Cursor, "copy")):
        plain = getattr(kind, name)

        def stepping(self: Any, *arguments: Any, _plain: Any = plain, **more: Any) -> Any:
            step()
            return _plain(self, *arguments, **more)

        setattr(kind, name, stepping)


@pytest.mark.slow
def test_a_publication_that_is_killed_at_any_statement_leaves_old_tables_or_new_ones(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path
) -> None:
    target.publish_all(family(tmp_path, 1))
    postgres.execute(f"CREATE VIEW {schema}.seen AS SELECT name FROM {schema}.customers")  # its rows are replaced, then
    size, left = 1, Counter[str]()
    for step in itertools.count(1):
        killed = killed_after(
            step, counted, somebodys(postgres, schema, tmp_path / "killed"), family(tmp_path, size + 1)
        )
        ((first, second, count),) = postgres.rows(MARKS.format(schema))
        assert first == second == count
        target = somebodys(postgres, schema, tmp_path / "after")
        assert rows_of(target) == {count}
        assert all(not list(target.shown_otherwise(r, full=True)) for r in target.all_published().values())
        assert not [n for (n,) in postgres.rows("SELECT relname FROM pg_class") if n.startswith("synth_new")]
        left["new" if count > size else "old"] += 1
        size = count
        if not killed:
            break
    assert left["old"] > 20
    assert left["new"] >= 1


def test_of_publishers_that_began_at_one_state_one_publishes(postgres: Server, schema: str, tmp_path: Path) -> None:
    somebodys(postgres, schema, tmp_path / "first").publish_all(family(tmp_path, 1))
    builders = [somebodys(postgres, schema, tmp_path / f"b{n}") for n in range(3)]
    for builder in builders:
        builder.mend()
    publications = [family(tmp_path, 10 + n) for n in range(3)]
    told = together([lambda b=b, p=p: b.publish_all(p) for b, p in zip(builders, publications, strict=True)])
    (winner,) = [n for n, what in enumerate(told) if not isinstance(what, BuildError)]
    assert all(isinstance(what, OvertakenError) for n, what in enumerate(told) if n != winner)
    assert postgres.rows(MARKS.format(schema)) == [(10 + winner,) * 3]
    assert rows_of(somebodys(postgres, schema, tmp_path / "reader")) == {10 + winner}


def test_publishers_of_different_tables_do_not_hinder_each_other(postgres: Server, schema: str, tmp_path: Path) -> None:
    builders = [somebodys(postgres, schema, tmp_path / f"b{n}") for n in range(4)]
    for builder in builders:
        builder.mend()
    table = pa.table({"a": pa.array([1], pa.int64())})
    ones = [publication(tmp_path, f"t{n}", table, {"a": "BIGINT"}) for n in range(4)]
    told = together([lambda b=b, p=p: b.publish_all([p]) for b, p in zip(builders, ones, strict=True)])
    assert not [what for what in told if isinstance(what, BuildError)], told
    assert somebodys(postgres, schema, tmp_path / "reader").names() == ["t0", "t1", "t2", "t3"]


def test_nobody_sees_a_table_before_it_is_published(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.publish_all(family(tmp_path, 2))
    seen = []

    def looked(*arguments: Any) -> None:
        seen.append(
            postgres.rows(
                f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' ORDER BY 1"
            )
        )
        seen.append(postgres.rows(MARKS.format(schema)))
        raise BuildError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace", looked)
        with pytest.raises(BuildError, match="stopped"):
            target.publish_all(family(tmp_path, 3))
    assert seen == [[("customers",), ("orders",)], [(2, 2, 2)]]
    assert rows_of(target) == {2}


def test_grants_owners_and_indexes_stay(target: Postgres, postgres: Server, schema: str, tmp_path: Path) -> None:
    target.publish_all(family(tmp_path, 2))
    reader, owner = f"reader_{schema}", f"owner_{schema}"
    table = f"{schema}.customers"
    postgres.execute(
        f'CREATE ROLE {reader}; CREATE ROLE "{owner} x"; GRANT USAGE, CREATE ON SCHEMA {schema} TO {reader}, "{owner} x"',
        f"GRANT SELECT ON {table} TO {reader} WITH GRANT OPTION; GRANT UPDATE (name) ON {table} TO {reader}",
        f'GRANT SELECT ON {schema}.orders TO PUBLIC; ALTER TABLE {table} OWNER TO "{owner} x"',
        f'CREATE INDEX "by Name" ON {table} (lower(name)) WHERE mark > 0; CREATE UNIQUE INDEX once ON {table} (customer_id)',
        f"GRANT USAGE ON SCHEMA {schema}_synth_meta TO {reader}; GRANT SELECT ON {schema}_synth_meta.tables TO {reader}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT INSERT ON TABLES TO {reader}",  # for tables to come alone
    )
    asked = f"SELECT relname, relacl::text, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace IN ('{schema}'::regnamespace, '{schema}_synth_meta'::regnamespace) AND relkind = 'r' ORDER BY 1"
    columns = f"SELECT attname, attacl::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
    indexes = f"SELECT indexdef FROM pg_indexes WHERE schemaname = '{schema}' ORDER BY 1"
    before = [postgres.rows(query) for query in (asked, columns, indexes)]
    for rows in (3, 4):
        target.publish_all(family(tmp_path, rows))
        assert [postgres.rows(query) for query in (asked, columns, indexes)] == before
    assert postgres.rows(MARKS.format(schema)) == [(4, 4, 4)]
    postgres.execute(f"CREATE UNIQUE INDEX one_mark ON {schema}.orders ((mark / mark)) WHERE order_id = 0")
    target.publish_all(family(tmp_path, 5))
    postgres.execute(f"DROP INDEX {schema}.one_mark; DELETE FROM {schema}.orders WHERE order_id > 0")
    postgres.execute(f"CREATE UNIQUE INDEX one_mark ON {schema}.orders (mark)")
    with pytest.raises(BuildError, match="do not fit the unique index 'one_mark' that somebody made"):
        target.publish_all(family(tmp_path, 6))
    assert rows_of(target) == {5}
    postgres.execute(f'DROP OWNED BY {reader}, "{owner} x" CASCADE')
    postgres.execute(f'DROP ROLE {reader}; DROP ROLE "{owner} x"')


MADE = {
    "a view": "CREATE VIEW {0}.of_others AS SELECT name, mark FROM {0}.customers",
    "a materialized view": "CREATE MATERIALIZED VIEW {0}.of_others AS SELECT name FROM {0}.customers",
    "a function": "CREATE FUNCTION {0}.of_others() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT max(mark) FROM {0}.customers; END",
    "a policy": "ALTER TABLE {0}.customers ENABLE ROW LEVEL SECURITY; CREATE POLICY of_others ON {0}.customers USING (mark > 0)",
    "a trigger": "CREATE FUNCTION {0}.of_others() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    " CREATE TRIGGER t AFTER INSERT ON {0}.customers FOR EACH ROW EXECUTE FUNCTION {0}.of_others()",
    "a row type": "CREATE TABLE {0}.of_others (who {0}.customers)",
    "statistics": "CREATE STATISTICS {0}.of_others ON name, mark FROM {0}.customers",
    "a publication": "CREATE PUBLICATION of_{0} FOR TABLE {0}.customers",
    "its options": "ALTER TABLE {0}.customers SET (fillfactor = 90)",
}


@pytest.mark.parametrize("what", MADE)
def test_what_others_made_of_a_table_stays_and_shows_the_new_rows(
    what: str, target: Postgres, postgres: Server, schema: str, tmp_path: Path
) -> None:
    target.publish_all(family(tmp_path, 2))
    postgres.execute(MADE[what].format(schema))
    oid = postgres.rows(f"SELECT '{schema}.customers'::regclass::oid::bigint")
    target.publish_all(family(tmp_path, 3))
    assert postgres.rows(f"SELECT '{schema}.customers'::regclass::oid::bigint") == oid
    assert postgres.rows(MARKS.format(schema)) == [(3, 3, 3)]
    if what == "a view":
        assert postgres.rows(f"SELECT max(mark) FROM {schema}.of_others") == [(3,)]
    keys = postgres.rows(
        f"SELECT contype::text FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace ORDER BY 1"
    )
    assert keys == [("f",), ("p",), ("p",)]
    assert rows_of(target) == {3}
    postgres.execute(f"DROP PUBLICATION IF EXISTS of_{schema}")


def test_a_change_that_something_of_others_does_not_bear_is_refused_by_name(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path
) -> None:
    table, types = pa.table({"a": pa.array([1], pa.int64())}), {"a": "BIGINT"}
    target.publish_all([publication(tmp_path, "t", table, types)])
    postgres.execute(f"CREATE VIEW {schema}.seen AS SELECT a FROM {schema}.t")
    more, known = pa.table({"b": pa.array(["x"], pa.string())}), {"b": "VARCHAR"}
    said = rf"{schema}.t lacks b, has a besides, and view {schema}.seen needs it as it is"
    with pytest.raises(BuildError, match=said):
        target.publish_all([publication(tmp_path, "t", more, known)])
    assert postgres.rows(f"SELECT a FROM {schema}.seen") == [(1,)]
    with pytest.raises(BuildError, match=rf"{schema}.t cannot go: view {schema}.seen needs it"):
        target.remove("t")
    assert target.names() == ["t"]
    postgres.execute(f"DROP VIEW {schema}.seen")
    target.publish_all([publication(tmp_path, "t", more, known)])
    assert postgres.rows(f"SELECT b FROM {schema}.t") == [("x",)]
    target.remove("t")
    assert (target.names(), postgres.rows(f"SELECT to_regclass('{schema}.t')")) == ([], [(None,)])


def test_readers_that_do_not_end_are_named(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.publish_all(family(tmp_path, 2))
    monkeypatch.setenv("SYNTH_LOCK_TIMEOUT", "0.1")
    monkeypatch.setattr(replacing, "PAUSE", 0.05)
    with psycopg.connect(postgres.url) as reader:
        reader.execute(f"SELECT * FROM {schema}.customers")
        with pytest.raises(BuildError, match=r"others go on reading the tables .*: tester \(process \d+\)") as caught:
            target.publish_all(family(tmp_path, 3))
        assert "customers" not in str(caught.value)  # what others ask may hold values of real rows
        assert reader.execute(f"SELECT max(mark) FROM {schema}.orders").fetchone() == (2,)  # nobody is in its way
    target.publish_all(family(tmp_path, 3))
    assert rows_of(target) == {3}


def test_the_answer_to_the_end_of_the_transaction_may_be_lost(
    target: Postgres, postgres: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.publish_all(family(tmp_path, 2))
    commit, broken = psycopg.Connection.commit, []

    def lost(self: Any) -> None:
        commit(self)
        if broken:
            broken.clear()
            raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(psycopg.Connection, "commit", lost)
    tell = module.tell
    monkeypatch.setattr(module, "tell", lambda *a: (tell(*a), broken.append(1))[0])
    target.publish_all(family(tmp_path, 3))
    assert rows_of(target) == {3}

    def late(self: Any) -> None:
        """The server has not ended it yet when its client no longer hears of it."""
        if not broken:
            return commit(self)
        broken.clear()
        threading.Timer(0.3, commit, [self]).start()
        raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(psycopg.Connection, "commit", late)
    target.publish_all(family(tmp_path, 4))
    assert rows_of(target) == {4}
