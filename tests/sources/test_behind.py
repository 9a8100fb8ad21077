"""The table behind a source of a PostgreSQL server: what its catalogue says of views, and what could look at many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec
from synthkit.sources.behind import table_behind
from tests.postgres_server import Server
from tests.sources.reading import source

pytestmark = pytest.mark.postgres
SETUP = (
    "DROP SCHEMA IF EXISTS behind CASCADE",
    "CREATE SCHEMA behind",
    "CREATE TABLE behind.t (n int, w text)",
    "CREATE VIEW behind.plain AS SELECT n, upper(w) AS w FROM behind.t WHERE n > 3",
    "CREATE VIEW behind.over AS SELECT n FROM behind.plain",
    "CREATE MATERIALIZED VIEW behind.kept AS SELECT n, w FROM behind.t",
    "CREATE VIEW behind.counted AS SELECT count(*) AS n FROM behind.t",
    "CREATE VIEW behind.joined AS SELECT a.n FROM behind.t a JOIN behind.t b ON a.n = b.n",
    "CREATE MATERIALIZED VIEW behind.ranked AS SELECT n, row_number() OVER () AS r FROM behind.t",
    "CREATE TABLE behind.parts (n int, w text) PARTITION BY RANGE (n)",
    "CREATE TABLE behind.low PARTITION OF behind.parts FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE behind.guarded (n int)",
    "ALTER TABLE behind.guarded ENABLE ROW LEVEL SECURITY",
    "CREATE VIEW behind.through AS SELECT n FROM behind.guarded",
    # Both fit an integer better than the built-in ones, without a word in the query.
    "CREATE FUNCTION behind.lower(integer) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM behind.t'",
    "CREATE VIEW behind.lowered AS SELECT behind.lower(n) AS n FROM behind.t",
    "CREATE FUNCTION behind.counts(text, integer) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM behind.t'",
    "CREATE OPERATOR behind.+ (LEFTARG = text, RIGHTARG = integer, FUNCTION = behind.counts)",
)


def behind(server: Server, **given: Any) -> tuple[str, str]:
    connection = ConnectionSpec.model_validate({"type": "postgres", "url": server.url})
    return table_behind(source(connection="pg", **given), root=Path(), connections={"pg": connection}, cache=None)


def test_of_postgres(postgres: Server) -> None:
    postgres.execute(*SETUP)
    try:
        table = ("behind", "t")
        assert behind(postgres, table="behind.t") == table
        for name in ("plain", "over", "kept"):
            assert behind(postgres, table=f"behind.{name}") == table
        assert behind(postgres, query="select n from behind.over where n < 9") == table
        assert behind(postgres, query="select upper(w) as w from behind.kept") == table
        assert behind(postgres, table="behind.parts") == ("behind", "parts")
        for said, given in {
            "an aggregate": {"table": "behind.counted"},
            "a subquery": {"table": "behind.joined"},
            "a window function": {"table": "behind.ranked"},
            "a part of behind.parts": {"table": "behind.low"},
            "under row security": {"table": "behind.through"},
            "lowered is read with lower, which is a function": {"table": "behind.lowered"},
            "lower, which is a function of the database": {"query": "select lower(n) as n from behind.t"},
            r"\+, which is an operator of the database": {"query": "select w + n as n from behind.t"},
            "which is no column of t": {"query": "select t.count from behind.t"},
            "neither a table nor a view": {"query": "select n from behind.absent"},
        }.items():
            with pytest.raises(SynthError, match=said):
                behind(postgres, **given)
        postgres.execute(
            "CREATE FUNCTION behind.count_of(json) RETURNS boolean LANGUAGE sql AS 'SELECT count(*) > 5 FROM behind.t'",
            "CREATE CAST (json AS boolean) WITH FUNCTION behind.count_of(json) AS IMPLICIT",
        )
        with pytest.raises(SynthError, match="casts json to boolean by a function of its own"):
            behind(postgres, query="select n from behind.t")
        assert behind(postgres, table="behind.t") == table
    finally:
        postgres.execute("DROP SCHEMA behind CASCADE")
