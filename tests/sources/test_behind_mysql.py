"""The table behind a source of a MySQL server: what its catalogue says of views, and what could look at many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec
from synthkit.sources.address import tables_read
from synthkit.sources.behind import table_behind
from synthkit.sources.readers import reader_of
from tests.mysql_server import Server
from tests.sources.reading import source

pytestmark = pytest.mark.mysql
SETUP = (
    "CREATE TABLE t (n int, w text)",
    "CREATE TABLE T2 (N int)",
    "CREATE VIEW plain AS SELECT n, upper(w) AS w FROM t WHERE n > 3",
    "CREATE VIEW over_ AS SELECT n FROM plain",
    "CREATE VIEW counted AS SELECT count(*) AS n FROM t",
    "CREATE VIEW joined AS SELECT a.n FROM t a JOIN t b ON a.n = b.n",
    "CREATE FUNCTION starts_with(a TEXT, b TEXT) RETURNS INT READS SQL DATA RETURN (SELECT count(*) FROM t)",
    "CREATE VIEW started AS SELECT starts_with(w, 'x') AS n FROM t",
    "CREATE TABLE left_ (n int) ENGINE = MyISAM",
    "CREATE TABLE merged (n int) ENGINE = MERGE UNION = (left_)",
    "CREATE SEQUENCE s",
)


def behind(server: Server, url: str | None = None, **given: Any) -> tuple[str, str]:
    connection = ConnectionSpec.model_validate({"type": "mysql", "url": url or server.url})
    return table_behind(source(connection="my", **given), root=Path(), connections={"my": connection}, cache=None)


def test_of_mysql(mysql: Server) -> None:
    mysql.empty()
    mysql.execute(*SETUP)
    assert behind(mysql, table="t") == ("shop", "t")
    assert behind(mysql, table="shop.t") == ("shop", "t")
    assert behind(mysql, query="select N from T2 where n < 9") == ("shop", "T2")
    for name in ("plain", "over_"):
        assert behind(mysql, table=name) == ("shop", "t")
    assert behind(mysql, query="select t.n, upper(w) as w from shop.t where n < 9") == ("shop", "t")
    for said, given in {
        "an aggregate": {"table": "counted"},
        "a join|a subquery": {"table": "joined"},
        "starts_with, which": {"table": "started"},
        "read with starts_with, which is a function of the database": {
            "query": "select starts_with(w, 'x') as n from t"
        },
        "a table of the engine MRG_MyISAM": {"table": "merged"},
        "neither a table nor a view": {"table": "s"},
        "which is no column of t": {"query": "select t.nope from t"},
        "which is neither a table nor a view": {"query": "select n from absent"},
    }.items():
        with pytest.raises(SynthError, match=said):
            behind(mysql, **given)


def test_a_view_whose_text_is_not_shown(mysql: Server) -> None:
    mysql.empty()
    mysql.execute(
        *SETUP[:3],
        "DROP USER IF EXISTS reader",
        "CREATE USER reader IDENTIFIED BY 'x'",
        "GRANT SELECT ON shop.* TO reader",
    )
    with pytest.raises(SynthError, match="a view whose SELECT this user may not see: grant SHOW VIEW"):
        behind(mysql, mysql.url_of("reader", "x"), table="plain")


def test_one_server_is_one_place(mysql: Server) -> None:
    """A database is a schema of it: a table is the same by whatever database the url names."""
    mysql.empty()
    mysql.execute("CREATE TABLE t (n int)", "CREATE VIEW v AS SELECT n FROM t")
    shop = ConnectionSpec.model_validate({"type": "mysql", "url": mysql.url})
    other = ConnectionSpec.model_validate(
        {"type": "mariadb", "url": mysql.url_of(database="mysql").replace("127.0.0.1", "localhost")}
    )
    assert reader_of(shop).database(shop, Path()) == reader_of(other).database(other, Path())
    for opened in (True, False):
        here = tables_read(source(connection="my", table="t"), shop, Path(), opened=opened)
        assert here == tables_read(source(connection="my", query="select n from shop.t"), other, Path(), opened=opened)
    assert tables_read(source(connection="my", table="v"), shop, Path(), opened=True) == {("shop", "v"), ("shop", "t")}
