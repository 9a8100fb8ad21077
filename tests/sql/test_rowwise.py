"""Which queries take a table row by row: for those, Q(A ⊎ B) = Q(A) ⊎ Q(B) whatever the rows are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.sql.rowwise import mixes

ONE_TO_ONE = [
    "select * from crm.t where a <= 3 order by b",
    "from crm.t select a + 1 as a, upper(b)",
    "table crm.t",
    "select b, case when a > 1 then 'x' end, a::varchar || b, try_cast(b as integer) from crm.t where b in ('x', 'y')",
    "with kept as (select * from crm.t), named as (select a as n from kept where a > 0) select n, n % 2 from named",
    "with kept as materialized (select * from crm.t) select * exclude (l) from kept where b is not null",
    "select list_sum(list_transform(l, lambda x: x + 1)) as s from (select * from crm.t) as inner_t where inner_t.a = 1",
    "select a from crm.t where false",
]
ONE_TO_MANY = [
    "select t.*, r.n from crm.t t left join r using (b)",
    "select t.*, r.n from r right join crm.t t using (b)",
    "select t.a, n from crm.t t, r where t.b = r.b",
    "select * from crm.t where b in (select b from r)",
    "select * from crm.t t semi join r using (b)",
    "select * from crm.t where a > (select avg(n) from r)",
    "select * from crm.t left join (select b, avg(n) as m from r group by b) using (b)",
    "select a, unnest(l) as one from crm.t",
]
MIXED = {
    "select count(*) from crm.t": "groups",
    "select b from crm.t group by b": "groups",
    "select list(a), mad(a) from crm.t": "groups",  # names that a parser need not know for aggregates
    "select distinct b from crm.t": "DISTINCT",
    "select distinct on (b) * from crm.t": "DISTINCT",
    "select a from crm.t order by a limit 3": "LIMIT",
    "select a from crm.t offset 1": "LIMIT",
    "select * from crm.t using sample 10%": "sample",
    "select row_number() over () from crm.t": "window",
    "select a from crm.t qualify row_number() over (partition by b) = 1": "window",
    "select a from crm.t union all select n from r": "UNION",
    "select a from crm.t except all select n from r": "EXCEPT",
    "select * from crm.t where a > (select avg(a) from crm.t)": "more than once",
    "select x.a from crm.t x join crm.t y using (b)": "more than once",
    "select t.a from crm.t t full join r using (b)": "join",
    "select r.n from r left join crm.t t using (b)": "join",
    "select n from r where b in (select b from crm.t)": "join",
    "select * from crm.t t positional join r": "positional",
    "with recursive x as (select a from crm.t union all select a + 1 from x where a < 3) select * from x": "recursive",
    "select a from crm.t where random() < 0.5": "random()",
    "select uuid() as id, a from crm.t": "uuid()",
    "select rowid, a from crm.t": "rowid",
    "select n from r": "does not read",
}
_ROW = st.tuples(
    st.none() | st.integers(-2, 5),
    st.none() | st.sampled_from(["x", "y", "1"]),
    st.lists(st.integers(0, 2), max_size=2),
)
Row = tuple[int | None, str | None, list[int]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute("CREATE SCHEMA crm; CREATE TABLE crm.t (a INTEGER, b VARCHAR, l INTEGER[])")
        opened.execute("CREATE TABLE r AS FROM (VALUES ('x', 1), ('x', 2), ('y', 3), ('z', 4)) v(b, n)")
        opened.execute("SET enable_external_access = false")
        yield opened


@pytest.mark.parametrize("sql", [*ONE_TO_ONE, *ONE_TO_MANY])
def test_queries_that_take_rows_one_by_one(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert mixes(connection, sql, "crm", "t") is None
    assert (mixes(connection, sql, "crm", "t", at_most_one=True) is None) == (sql in ONE_TO_ONE)


@pytest.mark.parametrize(("sql", "why"), MIXED.items(), ids=list(MIXED))
def test_queries_that_mix_rows_say_why(connection: duckdb.DuckDBPyConnection, sql: str, why: str) -> None:
    assert why in (mixes(connection, sql, "crm", "t") or "")
    assert mixes(connection, sql, "crm", "t", at_most_one=True) is not None


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=st.lists(_ROW, max_size=6), right=st.lists(_ROW, max_size=6))
def test_such_a_query_of_two_parts_is_the_two_results(
    connection: duckdb.DuckDBPyConnection, left: list[Row], right: list[Row]
) -> None:
    both, first, second = (_results(connection, rows) for rows in (left + right, left, right))
    for sql in (*ONE_TO_ONE, *ONE_TO_MANY):
        assert both[sql] == first[sql] + second[sql], sql
        if sql in ONE_TO_ONE:
            assert first[sql].total() <= len(left), sql


def _results(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> dict[str, Counter[str]]:
    connection.execute("DELETE FROM crm.t")
    given = [dict(zip("abl", row, strict=True)) for row in rows]
    typed = "CAST(? AS STRUCT(a INTEGER, b VARCHAR, l INTEGER[])[])"
    connection.execute(f"INSERT INTO crm.t SELECT r.a, r.b, r.l FROM (SELECT unnest({typed}) AS r)", [given])
    queries = (*ONE_TO_ONE, *ONE_TO_MANY)
    return {sql: Counter(str(row) for row in connection.execute(sql).fetchall()) for sql in queries}


def test_looking_leaves_the_connection_as_it_was(connection: duckdb.DuckDBPyConnection) -> None:
    before = connection.execute("SELECT current_setting('explain_output')").fetchall()
    mixes(connection, "select a from crm.t", "crm", "t")
    assert connection.execute("SELECT current_setting('explain_output')").fetchall() == before
    with pytest.raises(ValueError, match="one SELECT"):
        mixes(connection, "select 1; select 2", "crm", "t")
