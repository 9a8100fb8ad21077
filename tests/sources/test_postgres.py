"""PostgreSQL, through a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.sources.ingest import ingest
from tests.postgres_server import PASSWORD, Server
from tests.sources.reading import Reader, kinds, rows, source, types, values

pytestmark = pytest.mark.postgres


@pytest.fixture
def reader(tmp_path: Path, postgres: Server) -> Reader:
    """A reader of an empty schema ``shop``."""
    postgres.execute("DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop")
    return Reader(tmp_path, pg={"type": "postgres", "url": postgres.url})


def test_types(reader: Reader, postgres: Server) -> None:
    postgres.execute(
        "CREATE TYPE shop.tier AS ENUM ('basic', 'pro')",
        "CREATE DOMAIN shop.age AS integer CHECK (VALUE > 0)",
        """CREATE TABLE shop.t (
            i2 smallint, i4 integer, i8 bigint, n numeric(9,2), free numeric, f4 real, f8 double precision, b boolean,
            s text, c char(5), d date, ts timestamp, tz timestamptz, t time, u uuid, j jsonb, e shop.tier, g shop.age,
            a integer[], iv interval)""",
        """INSERT INTO shop.t VALUES (1, 2, 9007199254740993, 1.20, 1.5, 0.1, 0.1, true, E'a\\n"b",c\\\\', 'ab', '2024-01-05',
            '2024-01-05 10:00:00.123456', '2024-01-05 10:00:00+02', '10:30', '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
            '{"k": [1, null]}', 'pro', 30, '{1,2}', '2 days'),
            (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    )
    split = reader.read(connection="pg", table="shop.t", columns={"j": "text", "a": "text"})
    assert types(split) == {
        "i2": "SMALLINT",
        "i4": "INTEGER",
        "i8": "BIGINT",
        "n": "DECIMAL(9,2)",
        "free": "DOUBLE",
        "f4": "FLOAT",
        "f8": "DOUBLE",
        "b": "BOOLEAN",
        "s": "VARCHAR",
        "c": "VARCHAR",
        "d": "DATE",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "t": "TIME",
        "u": "VARCHAR",
        "j": "VARCHAR",
        "e": "VARCHAR",
        "g": "INTEGER",
        "a": "VARCHAR",
        "iv": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i2"] is None)
    assert set(empty.values()) == {None}
    assert filled | {"f4": None} == {
        "i2": 1,
        "i4": 2,
        "i8": 9007199254740993,
        "n": Decimal("1.20"),
        "free": 1.5,
        "f4": None,
        "f8": 0.1,
        "b": True,
        "s": 'a\n"b",c\\',
        "c": "ab",
        "d": date(2024, 1, 5),
        "ts": datetime(2024, 1, 5, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, tzinfo=UTC),
        "t": time(10, 30),
        "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "j": '{"k": [1, null]}',
        "e": "pro",
        "g": 30,
        "a": "{1,2}",
        "iv": "2 days",
    }


def test_the_same_content_in_another_order_gives_the_same_bytes(reader: Reader, postgres: Server) -> None:
    create = "CREATE TABLE shop.t AS SELECT i AS k, 's' || i % 7 AS s FROM generate_series(1, 500) i ORDER BY "
    postgres.execute(create + "i")
    first_hash = reader.hash(connection="pg", table="shop.t")
    first = reader.read(connection="pg", table="shop.t", holdout=0.2)
    postgres.execute("DROP TABLE shop.t", create + "i DESC")
    assert reader.hash(connection="pg", table="shop.t") == first_hash
    other = Reader(reader.root / "elsewhere")
    other.root.mkdir()
    other.connections = reader.connections
    again = other.read(connection="pg", table="shop.t", holdout=0.2)
    assert again.directory != first.directory
    assert again.train.paths[0].read_bytes() == first.train.paths[0].read_bytes()
    postgres.execute("UPDATE shop.t SET s = 'x' WHERE k = 250")
    assert reader.hash(connection="pg", table="shop.t") != first_hash


def test_rows_come_in_the_order_of_the_key_or_of_the_query(reader: Reader, postgres: Server) -> None:
    postgres.execute("CREATE TABLE shop.t AS SELECT (i * 7) % 12 AS k FROM generate_series(0, 11) i")
    by_key = reader.read(connection="pg", table="shop.t", primary_key=["k"])
    assert values(by_key, "k") == list(range(12))
    query = "SELECT k FROM shop.t WHERE k > 0 ORDER BY abs((k - 6)), k; "
    assert values(reader.read(connection="pg", query=query), "k")[:4] == [6, 5, 7, 4]
    windowed = "SELECT k, row_number() OVER (ORDER BY k DESC) AS r FROM shop.t -- a comment"
    assert values(reader.read(connection="pg", query=windowed, primary_key=["k"]), "r") == list(range(12, 0, -1))


def test_a_renamed_or_retyped_column_is_other_content(reader: Reader, postgres: Server) -> None:
    postgres.execute("CREATE TABLE shop.t AS SELECT 1 AS a")
    first = reader.hash(connection="pg", table="shop.t")
    postgres.execute("ALTER TABLE shop.t RENAME a TO b")
    renamed = reader.hash(connection="pg", table="shop.t")
    postgres.execute("ALTER TABLE shop.t ALTER b TYPE text")
    assert len({first, renamed, reader.hash(connection="pg", table="shop.t")}) == 3


def test_the_digest_does_not_depend_on_the_users_settings(reader: Reader, postgres: Server) -> None:
    postgres.execute("CREATE TABLE shop.t AS SELECT timestamptz '2024-01-05 10:00Z' AS a, 0.1::float8 + 0.2 AS b")
    first, first_rows = reader.hash(connection="pg", table="shop.t"), rows(reader.read(connection="pg", table="shop.t"))
    try:
        for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'", "extra_float_digits = 0"):
            postgres.execute(f"ALTER ROLE tester SET {setting}")
        assert reader.hash(connection="pg", table="shop.t") == first
        assert rows(reader.read(connection="pg", table="shop.t", row_count=1)) == first_rows
        assert first_rows[0]["b"] == 0.1 + 0.2
    finally:
        postgres.execute("ALTER ROLE tester RESET ALL")


def test_more_rows_than_a_batch(reader: Reader, postgres: Server) -> None:
    postgres.execute(
        "CREATE TABLE shop.t AS SELECT i AS customer_id, i % 2 = 0 AS even FROM generate_series(1, 45000) i"
    )
    split = reader.read(connection="pg", table="shop.t", primary_key=["customer_id"], holdout=0.2)
    assert split.rows == 45_000
    assert kinds(split) == {"customer_id": "id", "even": "boolean"}
    assert values(split, "customer_id") == sorted(values(split, "customer_id"))


def test_odd_numbers(reader: Reader, postgres: Server) -> None:
    postgres.execute(
        "CREATE TABLE shop.t (n numeric(5,1), f float8)", "INSERT INTO shop.t VALUES ('NaN', 'NaN'), (1.5, 2)"
    )
    split = reader.read(connection="pg", table="shop.t")
    assert sorted((str(r["n"]), str(r["f"])) for r in rows(split)) == [("1.5", "2.0"), ("None", "None")]
    assert split.notes == tuple(f"column {c!r}: 1 NaN became missing values" for c in "nf")
    postgres.execute("INSERT INTO shop.t VALUES (1, '-Infinity')")
    assert reader.read(connection="pg", table="shop.t").infinite == {"f": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("date 'infinity'", r"holds 1 values that no table can publish \(infinite, .*'infinity' in row 1"),
        ("timestamp '-infinity'", "holds 1 values that no table can publish"),
        ("timestamptz '12345-01-01'", "holds 1 values that no table can publish"),
        ("time '24:00'", r"holds 1 values that no table can publish \(24:00\)"),
        ("date '0044-03-15 BC'", r"no table can publish .*: '0044-03-15 \(BC\)' in row 1"),
        ("timestamp '0044-03-15 10:00 BC'", r"1 values are no TIMESTAMP \(first: '0044-03-15 10:00:00 \(BC\)'"),
        ("timestamptz '0044-03-15 10:00 BC'", "1 values are no TIMESTAMP WITH TIME ZONE"),
    ],
)
def test_moments_that_not_every_way_out_has(reader: Reader, postgres: Server, value: str, message: str) -> None:
    postgres.execute(f"CREATE TABLE shop.t AS SELECT {value} AS d")
    with pytest.raises(BuildError, match=f"column 'd'.*{message}"):
        reader.read(connection="pg", table="shop.t")


def test_numbers_without_a_precision(reader: Reader, postgres: Server) -> None:
    """A DOUBLE where it keeps all digits; else an error, or what is declared."""
    postgres.execute(
        "CREATE TABLE shop.t (n numeric, wide numeric(50, 10))", "INSERT INTO shop.t VALUES (123456.789, 1e39)"
    )
    assert rows(reader.read(connection="pg", table="shop.t")) == [{"n": 123456.789, "wide": 1e39}]
    postgres.execute("INSERT INTO shop.t VALUES (12345678901234567.01, 1), (12345678901234567.02, 1)")
    with pytest.raises(
        BuildError, match=r"column 'n' is numeric .* 2 values have more digits .*12345678901234567\.01"
    ) as caught:
        reader.read(connection="pg", table="shop.t")
    assert "cast it in query: (n::numeric(38, 4), or ::text)" in (caught.value.hint or "")
    query = "SELECT n::numeric(38, 4) AS n, wide::text AS wide FROM shop.t"
    assert len(set(values(reader.read(connection="pg", query=query), "n"))) == 3
    declared = reader.read(connection="pg", query="SELECT n FROM shop.t", columns={"n": "text"})
    assert sorted(values(declared, "n")) == ["123456.789", "12345678901234567.01", "12345678901234567.02"]


@pytest.mark.parametrize("value", ["'{1,2}'::int[]", "row(1, 'x')::shop.pair", "'{\"a\": 1}'::jsonb", "'[1]'::json"])
def test_nested_values_are_refused_unless_they_are_declared(reader: Reader, postgres: Server, value: str) -> None:
    postgres.execute(
        "CREATE TYPE shop.pair AS (a int, b text)", f"CREATE TABLE shop.t AS SELECT {value} AS odd, 1 AS n"
    )
    with pytest.raises(BuildError, match="column 'odd' holds objects or lists, which no generator learns") as caught:
        reader.describe(connection="pg", table="shop.t")
    assert "{name: odd, type: text}" in (caught.value.hint or "")
    assert types(reader.read(connection="pg", table="shop.t", columns={"odd": "text"}))["odd"] == "VARCHAR"


def test_names_are_quoted(reader: Reader, postgres: Server) -> None:
    postgres.execute('CREATE TABLE shop."Odd ""T" ("select" int, "a ""b" int, "ü %s" int)')
    postgres.execute('INSERT INTO shop."Odd ""T" VALUES (1, 2, 3)')
    assert rows(reader.read(connection="pg", table='shop.Odd "T')) == [{"select": 1, 'a "b': 2, "ü %s": 3}]


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"table": "shop.custmers"}, "has no table 'shop.custmers'", "did you mean 'customers'?"),
        ({"query": "SELECT nope FROM shop.customers"}, 'column "nope" does not exist', "mend the query"),
        ({"query": "DELETE FROM shop.customers"}, "syntax error", "mend the query"),
        ({"query": "SELECT a, A FROM shop.customers"}, "column 'a' is there twice", "rename one"),
        ({"query": 'SELECT a, a AS "A" FROM shop.customers'}, "differ only in case", "rename one"),
        ({"query": "SELECT '\\x00'::bytea AS photo"}, "column 'photo' holds binary data", "leave it out"),
    ],
)
def test_faults(reader: Reader, postgres: Server, given: dict[str, str], message: str, hint: str) -> None:
    postgres.execute("CREATE TABLE shop.customers (a int)")
    with pytest.raises(SynthError, match=message) as caught:
        reader.describe(connection="pg", **given)
    assert (caught.value.hint or "").startswith(hint)


def test_an_empty_table(reader: Reader, postgres: Server) -> None:
    postgres.execute("CREATE TABLE shop.t (a int)")
    assert reader.describe(connection="pg", table="shop.t").names == ("a",)
    with pytest.raises(BuildError, match="has no rows"):
        reader.read(connection="pg", table="shop.t")


def test_a_table_without_columns(reader: Reader, postgres: Server) -> None:
    postgres.execute("CREATE TABLE shop.t ()", "INSERT INTO shop.t DEFAULT VALUES")
    with pytest.raises(SynthError, match="source table 't' has no columns"):
        reader.read(connection="pg", table="shop.t")


def test_no_error_shows_the_password(tmp_path: Path, postgres: Server) -> None:
    wrong = "other-s3cret"
    urls = {
        "user": postgres.url.replace("tester:", "nobody:"),
        "password": f"host=127.0.0.1 port={postgres.port} user=tester password={wrong} dbname=postgres",
        "database": postgres.url.replace("/postgres", f"/{wrong}").replace(
            "postgresql://tester:", "postgresql://tester:"
        ),
        "closed": f"postgresql://tester:{wrong}@127.0.0.1:1/postgres",
        "broken": f"postgresql:/tester:{wrong}@127.0.0.1/postgres",
        "port": f"postgresql://tester:{wrong}@127.0.0.1:port/postgres",
    }
    for name, url in urls.items():
        reader = Reader(tmp_path, pg={"type": "postgres", "url": url})
        with pytest.raises(SynthError, match=r"cannot reach PostgreSQL \(pg\)|cannot be parsed") as caught:
            reader.describe(connection="pg", table="t")
        told = f"{caught.value} {caught.value.__cause__}"
        assert PASSWORD not in told, name
        if name != "database":  # there it is the name of a database, which may be shown
            assert wrong not in told, name
    with pytest.raises(SynthError, match="has no url"):
        Reader(tmp_path, pg={"type": "postgres"}).describe(connection="pg", table="t")


@pytest.mark.parametrize("what", ["describe", "hash"])
def test_a_query_cannot_end_and_begin_another(reader: Reader, postgres: Server, what: str) -> None:
    """Out of the parenthesis that it is put into, and out of the transaction that only reads."""
    query = "select 1 as a) AS t; COMMIT; BEGIN READ WRITE; CREATE TABLE shop.planted (a int); COMMIT; SELECT * FROM (select 1 as a"
    with pytest.raises(SynthError, match="PostgreSQL: cannot insert multiple commands"):
        getattr(reader, what)(connection="pg", query=query)
    assert postgres.rows("SELECT to_regclass('shop.planted') IS NULL") == [(True,)]


def test_rows_are_of_the_snapshot_that_is_digested(
    reader: Reader, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed by somebody else while rows stream, a row is in neither; before that, it is in both, and refused."""
    from synthkit.sources import postgres as module

    postgres.execute("CREATE TABLE shop.t AS SELECT g AS a FROM generate_series(1, 50) AS g")
    real = module._lines
    digest = reader.hash(connection="pg", table="shop.t")

    def interrupted(*given: Any) -> Iterator[Any]:
        for batch in real(*given):
            postgres.execute("INSERT INTO shop.t VALUES (1000)")
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(module, "_lines", interrupted)
        assert reader.read(connection="pg", table="shop.t").rows == 50
    assert reader.hash(connection="pg", table="shop.t") != digest
    spec = source(connection="pg", table="shop.t")
    given: dict[str, Any] = {"root": reader.root, "connections": reader.connections, "holdout": 0.0}
    with pytest.raises(BuildError, match="changed while it was read"):
        ingest(spec, **given, directory=reader.root / "other", source_hash=digest)
    assert list((reader.root / "other").iterdir()) == []
