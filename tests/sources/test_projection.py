"""Which queries give at most one row for each row of one table: by their text, and held against what databases do."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.sources.projection import Dialect, NotRowwise, projection

COLUMNS = ("a", "b", "c", "d")
GOOD: list[tuple[Dialect, str]] = [
    ("bigquery", "select * except (b) from `shop.t` where a > 1 # only these"),
    ("bigquery", "select if(a > 1, 'x', c) as k, date_trunc(d, month) as m, safe_cast(c as int64) as n from shop.t"),
    ("databricks", "select date_trunc('month', d) as m, try_cast(c as int) as n, upper(`c`) as u from shop.t"),
    ("tsql", "select [a], k = len(c), isnull(c, 'x') as y, iif(a > 1, 1, 0) as z from [shop].[t] where b in (1, 2)"),
    ("duckdb", "select * from t"),
    ("duckdb", "from t"),
    ("duckdb", "select * exclude (b) replace (a + 1 as a) from t as q where q.a > 1 -- only these\n order by a desc"),
    ("duckdb", "select a % 2 as odd, upper(c) || '!' as loud, coalesce(b, -1) as b from main.t where b in (1, 2, 3)"),
    ("duckdb", "select case when a > 2 then 'x' else c end as k, try_cast(c as integer) as n from t"),
    ("duckdb", "select date_trunc('month', d) as m, extract(year from d) as y, d + interval 1 day as e from t"),
    (
        "duckdb",
        "select substring(c, 1, 1) as s, regexp_replace(c, 'x', 'y') as r, least(a, b) as l, abs(a) as p from t",
    ),
    ("sqlite", "select \"a\", [b], `c` from T where c like 'x%' and d is not null and a between 0 and 3"),
    ("sqlite", "select max(a, b) as m, strftime('%Y', d) as y, ifnull(b, 0) as b, typeof(c) as k from t"),
    ("sqlite", "select cast(a as text) || c as k, round(b, 1) as b from main.t order by k"),
    (
        "mysql",
        "select `a`, upper(c) as c, if(b > 1, 'x', \"y\") as k from t where a between 1 and 3 -- these\norder by a",
    ),
    ("mysql", "select `shop`.`t`.`a` AS `a` from `shop`.`t` where `shop`.`t`.`b` > 1"),
    ("postgres", "select \"A\", t.b::date, to_char(d, 'YYYY') from crm.t where c ilike 'x%'"),
]
BAD: list[tuple[Dialect, str, str]] = [
    ("bigquery", "select a from t, unnest(b) as x", "a join"),
    ("bigquery", "select a from t for system_time as of current_timestamp()", "VERSION of the table"),
    ("bigquery", "from t |> aggregate count(*) as n", "WITH"),
    ("bigquery", "select shop.f(a) as x from t", "not known to look at one row alone"),
    ("bigquery", "select a from external_query('c', 'select 1')", "in the place of a table"),
    ("bigquery", "select a from theirs.shop.t", "a table of another database"),
    ("databricks", "select explode(a) from t", "explode"),
    ("databricks", "select a from t lateral view explode(b) x as y", "LATERAL"),
    ("databricks", "select a from t version as of 3", "VERSION of the table"),
    ("databricks", "select a from t tablesample (5 rows)", "a sample"),
    ("databricks", "select monotonically_increasing_id() as n from t", "not known to look at one row alone"),
    ("databricks", "select a from read_files('/x')", "in the place of a table"),
    ("tsql", "select a from t --\r where b <> '\n from u --'", "a carriage return alone"),
    ("tsql", "select a from #t", "a temporary table"),
    ("tsql", "select a from ##t", "a temporary table"),
    ("tsql", "select newid() as x, a from t", "not known to look at one row alone"),
    ("tsql", "select a from t with (nolock)", "HINTS of the table"),
    ("tsql", "select @n = a from t", "not known to look at one row alone"),
    ("tsql", "select next value for s as n from t", "not known to look at one row alone"),
    ("tsql", "select a from far.db.shop.t", "in the place of a table"),
    ("duckdb", "select count(*) from t", "an aggregate"),
    ("mysql", "select group_concat(a) as a from t", "an aggregate"),
    ("mysql", "select a from t where a > 5--(select count(*) from t)\n1", "without a blank"),
    ("mysql", "select a from t # where", "without a blank"),
    ("mysql", "select @n := @n + 1 as n from t", "not known to look at one row alone"),
    ("mysql", "select `other`.`t`.`a` from `shop`.`t`", "more than two parts"),
    ("mysql", "select rand() as r from t", "not known to look at one row alone"),
    ("duckdb", "select count(*) over () as n, a from t", "a window function"),
    ("duckdb", "select max(n) over () as m from t", "a window function"),
    ("duckdb", "select row_number() over (order by a) from t", "a window function"),
    ("duckdb", "select nth_value(a, 2) over w from t window w as (order by a)", "a window"),
    ("duckdb", "select any_value(a), mode(b), list(c), min_by(a, b) from t", "ANY_VALUE"),
    ("duckdb", "select max(a, 2) from t", "an aggregate"),
    ("duckdb", "select max(a) filter (where b > 1) from t", "FILTER"),
    ("duckdb", "select distinct a from t", "DISTINCT"),
    ("duckdb", "select a from t limit 5", "LIMIT"),
    ("duckdb", "select a from t order by a limit 10%", "LIMIT"),
    ("duckdb", "select a from t offset 5", "OFFSET"),
    ("duckdb", "select a from t group by all", "GROUP BY"),
    ("duckdb", "select a from t having count(*) > 1", "HAVING"),
    ("duckdb", "select a from t qualify row_number() over () = 1", "QUALIFY"),
    ("duckdb", "select a from t using sample 10", "a sample"),
    ("duckdb", "select a from t tablesample 10%", "a sample"),
    ("duckdb", "select t.a from t, u", "a join"),
    ("duckdb", "select a from t join u using (a)", "a join"),
    ("duckdb", "select a from t asof join u on a >= b", "a join"),
    ("duckdb", "select a from (select a from t)", "a subquery"),
    ("duckdb", "with x as (select a from t) select a from x", "WITH"),
    ("duckdb", "select a, (select count(*) from t) as n from t", "a subquery"),
    ("duckdb", "select a from t where a > (select avg(a) from t)", "a subquery"),
    ("duckdb", "select a from t where exists (select 1 from t u where u.a = t.a)", "a subquery"),
    ("duckdb", "select a from t where a in (select a from t)", "a subquery"),
    ("duckdb", "select a from t order by (select count(*) from t)", "a subquery"),
    ("duckdb", "select * replace ((select max(a) from t) as a) from t", "a subquery"),
    ("duckdb", "select case when (select count(*) from t) > 5 then a end from t", "a subquery"),
    ("duckdb", "select a from t union all select a from t", "a set operation"),
    ("duckdb", "select unnest(l) from t", "explode"),
    ("duckdb", "select a from range(5)", "in the place of a table"),
    ("duckdb", "select a from read_csv('x')", "in the place of a table"),
    ("duckdb", "select list_aggregate(l, 'sum') from t", "list_aggregate"),
    ("duckdb", "select columns('x.*') from t", "columns"),
    ("duckdb", "select random() as r from t", "rand"),
    ("duckdb", "select now() from t", "now"),
    ("duckdb", "select current_timestamp from t", "current_timestamp"),
    ("duckdb", "select nextval('s') from t", "nextval"),
    ("duckdb", "select my_macro(a) from t", "my_macro"),
    ("duckdb", "select a.max() from t", "a.max()"),
    ("duckdb", "select pg_catalog.count(*) from t", "pg_catalog.count"),
    ("duckdb", "pivot t on a using sum(b)", "no plain SELECT"),
    ("duckdb", "summarize t", "no plain SELECT"),
    ("duckdb", "select 1", "no table"),
    ("duckdb", "values (1)", "no plain SELECT"),
    ("duckdb", "select a from t; select b from t", "no plain SELECT"),
    ("duckdb", "select a from t as x(b)", "other names"),
    ("duckdb", "select a from", "cannot be read"),
    # What sqlglot and a database read differently: here one sees a comment where the other sees a window.
    ("duckdb", "select a /* /* */ , max(n) over () as m -- */\n from t", "a block comment"),
    ("sqlite", "select a /* /* */ , max(n) over () as m -- */\n from t", "a block comment"),
    ("postgres", "select E'\\', max(n) over () as m --' from t", "a backslash"),
    ("postgres", "select $x$ $x$ from t", "a dollar sign"),
    ("sqlite", "select total(a) from t", "total"),
    ("sqlite", 'select "count"(*) from t', "an aggregate"),
    ("sqlite", "select max(a), group_concat(b) from t", "an aggregate"),
    ("sqlite", "select last_insert_rowid() from t", "last_insert_rowid"),
    ("sqlite", "select value from json_each(t.a)", "in the place of a table"),
    ("postgres", "select generate_series(1, a) from t", "generate_series"),
    ("postgres", "select regexp_split_to_table(a, 'x') from t", "regexp_split_to_table"),
    ("postgres", "select jsonb_array_elements(a) from t", "jsonb_array_elements"),
    ("postgres", "select (t).count from t", "count"),
    ("postgres", "select a operator(public.+) b from t", "OPERATOR"),
    ("postgres", "select a::mine from t", "a cast to mine"),
    ("postgres", "select distinct on (a) a from t", "DISTINCT"),
    ("postgres", "select a from t fetch first 3 rows only", "LIMIT"),
    ("postgres", "select a from t for update", "FOR UPDATE"),
    ("postgres", "select a from only t", "ONLY"),
]
ROWS = st.tuples(
    st.integers(-3, 5),
    st.one_of(st.none(), st.integers(-3, 5)),
    st.one_of(st.none(), st.sampled_from(["x", "xy", "7", "", "Q"])),
    st.sampled_from(["2020-01-31", "2024-02-29", "1999-12-31"]),
)


@pytest.mark.parametrize(("dialect", "sql"), GOOD)
def test_a_projection_and_filter_of_one_table_is_taken(dialect: Dialect, sql: str) -> None:
    found = projection(sql, dialect)
    assert found.table[1] == "t"
    found.of((*COLUMNS, "A"), dialect)


@pytest.mark.parametrize(("dialect", "sql", "why"), BAD)
def test_anything_else_is_refused_with_what_it_has(dialect: Dialect, sql: str, why: str) -> None:
    with pytest.raises(NotRowwise) as caught:
        projection(sql, dialect)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "select a, rowid from t"),  # counts the rows before it
        ("sqlite", "select a from t where rowid < 3"),
        ("postgres", "select t.count from t"),  # count(t), says PostgreSQL
        ("postgres", "select t from t"),
        ("postgres", "select a, ctid from t"),
        ("duckdb", "select u.a from t"),
    ],
)
def test_a_name_that_is_no_column_of_the_table_is_refused(dialect: Dialect, sql: str) -> None:
    found = projection(sql, dialect)
    with pytest.raises(NotRowwise, match="which is no column of t"):
        found.of(COLUMNS, dialect)


@given(st.lists(ROWS, max_size=6), ROWS)
@settings(max_examples=25, deadline=None)
def test_one_row_more_adds_at_most_one_row_and_changes_no_other(
    rows: list[tuple[Any, ...]], row: tuple[Any, ...]
) -> None:
    """By the databases themselves, on neighbouring tables."""
    with duckdb.connect() as duck, sqlite3.connect(":memory:") as lite:
        duck.execute("CREATE TABLE t (a INTEGER, b INTEGER, c VARCHAR, d DATE)")
        lite.execute("CREATE TABLE t (a INTEGER, b INTEGER, c TEXT, d TEXT)")
        results: list[list[Counter[Any]]] = []
        for more in (rows, [row]):
            for one in more:
                duck.execute("INSERT INTO t VALUES (?, ?, ?, ?)", one)
                lite.execute("INSERT INTO t VALUES (?, ?, ?, ?)", one)
            results.append([])
            for dialect, sql in GOOD:
                if dialect in ("duckdb", "sqlite"):
                    db: Any = duck if dialect == "duckdb" else lite
                    results[-1].append(Counter(db.execute(sql).fetchall()))
    for before, after in zip(*results, strict=True):
        assert before - after == Counter()
        assert (after - before).total() <= 1
