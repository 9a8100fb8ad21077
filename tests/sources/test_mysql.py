"""MySQL and MariaDB, through a real MariaDB server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.sources.ingest import ingest
from tests.mysql_server import PASSWORD, Server
from tests.sources.reading import Reader, kinds, rows, source, types, values

pytestmark = pytest.mark.mysql


@pytest.fixture
def reader(tmp_path: Path, mysql: Server) -> Reader:
    """A reader of an empty database ``shop``."""
    mysql.empty()
    return Reader(tmp_path, my={"type": "mysql", "url": mysql.url})


TYPES = """CREATE TABLE t (
    i1 TINYINT, u1 TINYINT UNSIGNED, i2 SMALLINT, u2 SMALLINT UNSIGNED, i3 MEDIUMINT, i4 INT, u4 INT UNSIGNED,
    i8 BIGINT, u8 BIGINT UNSIGNED, z INT(8) UNSIGNED ZEROFILL, n DECIMAL(9,2), nu DECIMAL(38,10) UNSIGNED,
    wide DECIMAL(50,4), f4 FLOAT, f8 DOUBLE, b BOOLEAN, b1 BIT, b9 BIT(9), y YEAR, s VARCHAR(40), c CHAR(5), x LONGTEXT,
    l VARCHAR(9) CHARACTER SET latin1, d DATE, ts DATETIME(6), tz TIMESTAMP(3) NULL, t TIME(2),
    e ENUM('basic','pro, "x"'), st SET('a','b'), j JSON, u UUID, ip INET6)"""
VALUES = """INSERT INTO t VALUES (-128, 255, -32768, 65535, -8388608, -2147483648, 4294967295,
    -9223372036854775808, 18446744073709551615, 42, -1.20, 1234567890123456789012345678.0123456789,
    1.5, 0.1, 0.1, true, b'1', b'100000001', 2024, 'a\\n"b",c\\\\ 🐘', 'ab ', '', 'ä€', '2024-01-05',
    '2024-01-05 10:00:00.123456', '2024-01-05 10:00:00.5', '10:30:00.25', 'pro, "x"', 'a,b', '{"k": [1, null]}',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301', '::1')"""


def test_types(reader: Reader, mysql: Server) -> None:
    with mysql.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+02:00'")
        cursor.execute(TYPES)
        cursor.execute(VALUES)
    mysql.execute(f"INSERT INTO t VALUES ({', '.join(['NULL'] * 32)})")
    split = reader.read(connection="my", table="t", columns={"j": "text"})
    assert types(split) == {
        "i1": "TINYINT",
        "u1": "UTINYINT",
        "i2": "SMALLINT",
        "u2": "USMALLINT",
        "i3": "INTEGER",
        "i4": "INTEGER",
        "u4": "UINTEGER",
        "i8": "BIGINT",
        "u8": "UBIGINT",
        "z": "UINTEGER",
        "n": "DECIMAL(9,2)",
        "nu": "DECIMAL(38,10)",
        "wide": "DOUBLE",
        "f4": "FLOAT",
        "f8": "DOUBLE",
        "b": "BOOLEAN",
        "b1": "BOOLEAN",
        "b9": "UBIGINT",
        "y": "SMALLINT",
        "s": "VARCHAR",
        "c": "VARCHAR",
        "x": "VARCHAR",
        "l": "VARCHAR",
        "d": "DATE",
        "ts": "TIMESTAMP",
        "tz": "TIMESTAMP WITH TIME ZONE",
        "t": "TIME",
        "e": "VARCHAR",
        "st": "VARCHAR",
        "j": "VARCHAR",
        "u": "VARCHAR",
        "ip": "VARCHAR",
    }
    filled, empty = sorted(rows(split), key=lambda r: r["i2"] is None)
    assert set(empty.values()) == {None}
    f4 = filled.pop("f4")
    assert f4 == pytest.approx(0.1, abs=1e-8)
    assert filled == {
        "i1": -128,
        "u1": 255,
        "i2": -32768,
        "u2": 65535,
        "i3": -8388608,
        "i4": -2147483648,
        "u4": 4294967295,
        "i8": -9223372036854775808,
        "u8": 18446744073709551615,
        "z": 42,
        "n": Decimal("-1.20"),
        "nu": Decimal("1234567890123456789012345678.0123456789"),
        "wide": 1.5,
        "f8": 0.1,
        "b": True,
        "b1": True,
        "b9": 257,
        "y": 2024,
        "s": 'a\n"b",c\\ 🐘',
        "c": "ab",
        "x": "",
        "l": "ä€",
        "d": date(2024, 1, 5),
        "ts": datetime(2024, 1, 5, 10, 0, 0, 123456),
        "tz": datetime(2024, 1, 5, 8, 0, 0, 500000, tzinfo=UTC),
        "t": time(10, 30, 0, 250000),
        "e": 'pro, "x"',
        "st": "a,b",
        "j": '{"k": [1, null]}',
        "u": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "ip": "::1",
    }


def test_what_may_be_read_in_two_ways_is_read_as_declared(reader: Reader, mysql: Server) -> None:
    """A TINYINT(1) that is no boolean, a TIME that is a duration, a number of more digits than DuckDB has."""
    mysql.execute(
        "CREATE TABLE t (stars TINYINT(1), took TIME, big DECIMAL(50,2))",
        "INSERT INTO t VALUES (4, '101:30:00', '123456789012345678901234567890123456789012345.01'), (1, '-00:10:00', 1)",
    )
    for column, said in {
        "stars": "1 values are no BOOLEAN (first: '4')",
        "took": "2 values are no TIME",
        "big": "is numeric .* 1 values have more digits than a DOUBLE keeps",
    }.items():
        with pytest.raises(BuildError, match=f"column '{column}'.*{said.replace('(', '.').replace(')', '.')}"):
            reader.read(connection="my", query=f"SELECT {column} FROM t")
    declared = reader.read(connection="my", table="t", columns={"stars": "integer", "took": "text", "big": "text"})
    assert sorted((r["stars"], r["took"], r["big"][:3]) for r in rows(declared)) == [
        (1, "-00:10:00", "1.0"),
        (4, "101:30:00", "123"),
    ]
    assert reader.hash(connection="my", table="t") == reader.hash(
        connection="my", table="t", columns={"stars": "integer"}
    )


def test_zero_dates_are_missing_values(reader: Reader, mysql: Server) -> None:
    mysql.execute(
        "CREATE TABLE t (d DATE, ts DATETIME(3), tz TIMESTAMP NULL)",
        "SET SESSION sql_mode = ''",
        "INSERT INTO t VALUES ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'), ('2024-01-05', NULL, NULL)",
    )
    split = reader.read(connection="my", table="t")
    assert sorted(str(r["d"]) for r in rows(split)) == ["2024-01-05", "None"]
    assert split.notes == tuple(f"column {c!r}: 1 zero dates became missing values" for c in ("d", "ts", "tz"))
    mysql.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'", "INSERT INTO t VALUES ('2024-02-31', NULL, NULL)")
    with pytest.raises(BuildError, match=r"column 'd': 1 values are no DATE \(first: '2024-02-31'\)"):
        reader.read(connection="my", table="t")


def test_the_same_content_in_another_order_gives_the_same_bytes(reader: Reader, mysql: Server) -> None:
    create = "CREATE TABLE t AS SELECT seq AS k, CONCAT('s', seq % 7) AS s FROM seq_1_to_500 ORDER BY "
    mysql.execute(create + "seq")
    first_hash = reader.hash(connection="my", table="t")
    first = reader.read(connection="my", table="t", holdout=0.2)
    mysql.execute("DROP TABLE t", create + "seq DESC")
    assert reader.hash(connection="my", table="t") == first_hash
    other = Reader(reader.root / "elsewhere")
    other.root.mkdir()
    other.connections = reader.connections
    again = other.read(connection="my", table="t", holdout=0.2)
    assert again.train.paths[0].read_bytes() == first.train.paths[0].read_bytes()
    mysql.execute("UPDATE t SET s = 'x' WHERE k = 250")
    assert reader.hash(connection="my", table="t") != first_hash


def test_rows_come_in_the_order_of_the_key_or_of_the_query(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t AS SELECT (seq * 7) % 12 AS k FROM seq_0_to_11")
    assert values(reader.read(connection="my", table="t", primary_key=["k"]), "k") == list(range(12))
    query = "SELECT k FROM t WHERE k > 0 ORDER BY abs(CAST(k AS SIGNED) - 6), k; "
    assert values(reader.read(connection="my", query=query), "k")[:4] == [6, 5, 7, 4]
    assert values(reader.read(connection="my", query="SELECT k FROM t ORDER BY k DESC LIMIT 3"), "k") == [11, 10, 9]
    windowed = "SELECT k, row_number() OVER (ORDER BY k DESC) AS r FROM t -- a comment"
    assert values(reader.read(connection="my", query=windowed, primary_key=["k"]), "r") == list(range(12, 0, -1))


def test_a_renamed_or_retyped_column_is_other_content(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t AS SELECT 1 AS a")
    first = reader.hash(connection="my", table="t")
    mysql.execute("ALTER TABLE t CHANGE a b INT")
    renamed = reader.hash(connection="my", table="t")
    mysql.execute("ALTER TABLE t MODIFY b TEXT")
    assert len({first, renamed, reader.hash(connection="my", table="t")}) == 3


def test_the_digest_does_not_depend_on_the_servers_settings(reader: Reader, mysql: Server) -> None:
    mysql.execute(
        "CREATE TABLE t (a TIMESTAMP NULL, b DOUBLE, c CHAR(5))",
        "SET SESSION time_zone = '+00:00'",
        "INSERT INTO t VALUES ('2024-01-05 10:00', 0.1e0 + 0.2e0, 'x')",
    )
    first, found = reader.hash(connection="my", table="t"), rows(reader.read(connection="my", table="t"))
    try:
        mysql.execute(
            "SET GLOBAL time_zone = '+09:00'",
            "SET GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
            "SET GLOBAL div_precision_increment = 9",
        )
        assert reader.hash(connection="my", table="t") == first
        assert rows(reader.read(connection="my", table="t", row_count=1)) == found
        assert found[0]["b"] == 0.1 + 0.2
        assert found[0]["a"] == datetime(2024, 1, 5, 10, tzinfo=UTC)
    finally:
        mysql.execute(*(f"SET GLOBAL {s} = DEFAULT" for s in ("time_zone", "sql_mode", "div_precision_increment")))


def test_more_rows_than_a_batch(reader: Reader, mysql: Server) -> None:
    mysql.execute(
        "CREATE TABLE t AS SELECT seq AS customer_id, seq % 2 AS even, REPEAT('ü\\n', 60) AS s FROM seq_1_to_45000"
    )
    split = reader.read(connection="my", table="t", primary_key=["customer_id"], holdout=0.2)
    assert split.rows == 45_000
    assert kinds(split)["customer_id"] == "id"
    assert values(split, "customer_id") == sorted(values(split, "customer_id"))
    assert set(values(split, "s")) == {"ü\n" * 60}


def test_documents_are_refused_unless_they_are_declared(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t (odd JSON, n INT)", "INSERT INTO t VALUES ('[1]', 1)")
    with pytest.raises(BuildError, match="column 'odd' holds objects or lists, which no generator learns"):
        reader.describe(connection="my", table="t")
    assert values(reader.read(connection="my", table="t", columns={"odd": "text"}), "odd") == ["[1]"]


def test_names_are_quoted(reader: Reader, mysql: Server) -> None:
    mysql.execute(
        'CREATE TABLE `Odd ``T` (`select` int, `a "``b` int, `ü %s` int)', "INSERT INTO `Odd ``T` VALUES (1, 2, 3)"
    )
    assert rows(reader.read(connection="my", table="Odd `T")) == [{"select": 1, 'a "`b': 2, "ü %s": 3}]


def test_a_column_alone_and_its_missing_and_empty_texts(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t (a VARCHAR(9))", "INSERT INTO t VALUES (NULL), (''), ('NULL'), ('a,b')")
    assert sorted(map(str, values(reader.read(connection="my", table="t")))) == ["", "NULL", "None", "a,b"]


def test_a_row_that_is_longer_than_the_server_writes(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t (k INT, a LONGTEXT)", "INSERT INTO t VALUES (1, REPEAT('x', 900000)), (2, 'y')")
    try:
        mysql.execute("SET GLOBAL max_allowed_packet = 524288")
        first = reader.hash(connection="my", table="t")
        with pytest.raises(BuildError, match="longer than the server puts into one text") as caught:
            reader.read(connection="my", table="t")
        assert "max_allowed_packet" in (caught.value.hint or "")
        mysql.execute("DELETE FROM t WHERE k = 1")
        assert reader.hash(connection="my", table="t") != first
    finally:
        mysql.execute("SET GLOBAL max_allowed_packet = DEFAULT")


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"table": "custmers"}, "has no table 'custmers'", "did you mean 'customers'?"),
        ({"query": "SELECT nope FROM customers"}, "Unknown column 'nope'", "mend the query"),
        ({"query": "DELETE FROM customers"}, "error in your SQL syntax", "mend the query"),
        ({"query": "SELECT a, A FROM customers"}, "Duplicate column name 'A'", "mend the query"),
        ({"query": "SELECT x'00' AS photo"}, "column 'photo' holds binary data", "leave it out"),
        ({"query": "SELECT 1 AS a) AS t; DROP TABLE customers; SELECT * FROM (SELECT 1 AS a"}, "SQL syntax", "mend"),
    ],
)
def test_faults(reader: Reader, mysql: Server, given: dict[str, str], message: str, hint: str) -> None:
    mysql.execute("CREATE TABLE customers (a int)")
    for what in ("describe", "hash"):
        with pytest.raises(SynthError, match=message) as caught:
            getattr(reader, what)(connection="my", **given)
        assert (caught.value.hint or "").startswith(hint)
    assert mysql.rows("SELECT COUNT(*) FROM customers") == [(0,)]


def test_an_empty_table(reader: Reader, mysql: Server) -> None:
    mysql.execute("CREATE TABLE t (a int)")
    assert reader.describe(connection="my", table="t").names == ("a",)
    with pytest.raises(BuildError, match="has no rows"):
        reader.read(connection="my", table="t")


def test_a_query_cannot_write(reader: Reader, mysql: Server) -> None:
    mysql.execute(
        "CREATE TABLE t (a INT)",
        "CREATE FUNCTION plant() RETURNS INT BEGIN INSERT INTO t VALUES (1); RETURN 1; END",
    )
    with pytest.raises(SynthError, match="READ ONLY transaction"):
        reader.read(connection="my", query="SELECT plant() AS a")
    assert mysql.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_no_error_shows_the_password(tmp_path: Path, mysql: Server) -> None:
    wrong = "other-s3cret"
    urls = {
        "user": mysql.url_of(user="nobody"),
        "password": mysql.url_of(password=wrong),
        "database": mysql.url_of(database="nowhere"),
        "closed": f"mysql://tester:{wrong}@127.0.0.1:1/shop",
        "broken": f"mysql:/tester:{wrong}@127.0.0.1/shop",
        "port": f"mysql://tester:{wrong}@127.0.0.1:port/shop",
        "option": mysql.url_of(password=wrong, more="?ssl_moed=required"),
        "mode": mysql.url_of(password=wrong, more="?ssl_mode=maybe"),
    }
    for name, url in urls.items():
        reader = Reader(tmp_path, my={"type": "mysql", "url": url})
        with pytest.raises(SynthError, match=r"cannot reach MySQL \(my\)|the url of connection 'my'") as caught:
            reader.describe(connection="my", table="t")
        told = f"{caught.value} {caught.value.__cause__} {caught.value.hint}"
        assert PASSWORD not in told, name
        assert wrong not in told, name
    with pytest.raises(SynthError, match="has no url"):
        Reader(tmp_path, my={"type": "mysql"}).describe(connection="my", table="t")


@pytest.mark.parametrize(
    ("mode", "host", "reads"),
    [("disabled", "127.0.0.1", True), ("required", "127.0.0.1", True), ("verify_ca", "127.0.0.1", True),
     ("verify_identity", "localhost", True), ("verify_identity", "127.0.0.1", False), (None, "127.0.0.1", True)],
)  # fmt: skip
def test_tls(tmp_path: Path, mysql: Server, mode: str | None, host: str, reads: bool) -> None:
    mysql.empty()
    more = f"?ssl_mode={mode}" if mode else "?"
    more += f"&ssl_ca={mysql.folder / 'ca.pem'}" if mode and mode.startswith("verify") else ""
    url = mysql.url_of(more=more.rstrip("?")).replace("127.0.0.1", host)
    reader = Reader(tmp_path, my={"type": "mariadb", "url": url})
    query = (
        "SELECT VARIABLE_VALUE <> '' AS tls FROM information_schema.session_status WHERE VARIABLE_NAME = 'Ssl_cipher'"
    )
    if not reads:
        with pytest.raises(SynthError, match="cannot reach MySQL"):
            reader.describe(connection="my", query=query)
        return
    assert values(reader.read(connection="my", query=query), "tls") == [mode != "disabled"]


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, mysql: Server) -> None:
    reader = Reader(tmp_path, my={"type": "mysql", "url": mysql.url_of(more="?ssl_mode=verify_ca")})
    with pytest.raises(SynthError, match="cannot reach MySQL"):
        reader.describe(connection="my", query="SELECT 1 AS a")


def test_rows_are_of_the_snapshot_that_is_digested(
    reader: Reader, mysql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed by somebody else while rows stream, a row is in neither; before that, it is in both, and refused."""
    from synthkit.sources import mysql as module

    mysql.execute("CREATE TABLE t AS SELECT seq AS a FROM seq_1_to_50")
    real = module._Rows.lines
    digest = reader.hash(connection="my", table="t")

    def interrupted(self: Any) -> Iterator[bytes]:
        for batch in real(self):
            mysql.execute("INSERT INTO t VALUES (1000)")
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(module._Rows, "lines", interrupted)
        assert reader.read(connection="my", table="t").rows == 50
    assert reader.hash(connection="my", table="t") != digest
    given: dict[str, Any] = {"root": reader.root, "connections": reader.connections, "holdout": 0.0}
    with pytest.raises(BuildError, match="changed while it was read"):
        ingest(source(connection="my", table="t"), **given, directory=reader.root / "other", source_hash=digest)
    assert list((reader.root / "other").iterdir()) == []
