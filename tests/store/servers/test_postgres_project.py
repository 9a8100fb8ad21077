"""A project that publishes to PostgreSQL, by the command line: what is there is verified, compared, brought back."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

import synthkit
from synthkit.errors import BuildError
from synthkit.sql.postgres import type_of
from synthkit.sql.types import NoPlaceError
from synthkit.store.servers.postgres.target import Postgres
from synthkit.store.target import Place
from tests.families import family_project
from tests.postgres_server import PASSWORD, Server, postgres
from tests.store.servers.publishing import publication
from tests.synth import SQL_PROJECT, Project, make_project
from tests.typetable import SAMPLES, column, published

__all__ = ["postgres"]
pytestmark = pytest.mark.postgres
NUMBERS = itertools.count(1)
TEXT = str(SQL_PROJECT["models/customers.yml"])
PROJECT = (
    "name: shop\nseed: 7\ntargets:\n  dev: {{warehouse: \"{{{{ env_var('WAREHOUSE_URL') }}}}\", schema: {schema}}}\n"
)


@pytest.fixture
def schema(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("WAREHOUSE_URL", postgres.url)
    name = f"project{next(NUMBERS)}"
    yield name
    postgres.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE", f"DROP SCHEMA IF EXISTS {name}_synth_meta CASCADE")


@pytest.fixture
def shop(schema: str, tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": PROJECT.format(schema=schema)})


def test_the_tables_are_those_that_are_published_locally(
    postgres: Server, schema: str, shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    local = make_project(tmp_path / "local", SQL_PROJECT)
    local.ok("build")
    said = shop.ok("build")
    assert PASSWORD not in said
    address = f"{postgres.url}?schema={schema}"
    tables = synthkit.open(address)
    assert tables.tables() == ["by_tier", "customers"]
    for name in tables.tables():
        (path,) = local.parquet(name)
        assert tables.table(name).path.read_bytes() == path.read_bytes()
    sql = "select tier, n from by_tier order by tier"
    here = [{"tier": tier, "n": n} for tier, n in postgres.rows(f"SELECT tier, n FROM {schema}.by_tier ORDER BY 1")]
    assert here == tables.query(sql).to_pylist() == local.query(sql) == shop.query(sql)
    told = synthkit.open(local.root)
    for table, leave_out in {
        "tables": ("published_at", "run_id", "parquet"),
        "columns": (),
        "keys": (),
        "audits": (),
        "privacy": (),
        "usage": (),
        "lineage": (),
        "exposures": (),
    }.items():
        known = told.query(f"select * from synth_meta.{table} order by all").to_pylist()
        found = postgres.rows(f"SELECT to_jsonb(t) FROM {schema}_synth_meta.{table} AS t")
        kept = [{k: v for k, v in row.items() if k not in leave_out} for (row,) in found]
        order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
        assert sorted(kept, key=order) == sorted(
            [{k: v for k, v in row.items() if k not in leave_out} for row in known], key=order
        )
    assert [r for (r,) in postgres.rows(f"SELECT status FROM {schema}_synth_meta.runs")] == ["pass"]
    assert "2 unchanged" in shop.ok("build")
    assert shop.ok("plan").endswith("nothing to do\n")
    shop.ok("clean")
    assert "verified: 2 models" in shop.ok("verify", "--full")
    assert "verified: 2 models" in shop.ok("verify", "--project-dir", address)
    assert PASSWORD not in shop.fails("build", "--project-dir", address, code=2)


def test_rows_that_somebody_changed_in_the_database_are_found_and_put_back(
    postgres: Server, schema: str, shop: Project
) -> None:
    shop.ok("build")
    postgres.execute(f"UPDATE {schema}.by_tier SET n = n + 1 WHERE tier = 'pro'")
    assert "verified: 2 models" in shop.ok("verify")  # it counts them
    said = f"{schema}.by_tier is not as it was published: rows that are not its own: 1, missing: 1"
    assert said in shop.fails("verify", "--full")
    assert said in shop.fails("verify", "--full", "--project-dir", f"{postgres.url}?schema={schema}")
    shop.ok("build", "--select", "by_tier", "--full-refresh")
    assert "verified: 2 models" in shop.ok("verify", "--full")
    postgres.execute(f"DELETE FROM {schema}.customers WHERE age > 80")
    assert f"{schema}.customers has " in shop.fails("verify")
    postgres.execute(f"DROP TABLE {schema}.customers; ALTER TABLE {schema}.by_tier ADD COLUMN mine text")
    text = shop.fails("verify")
    assert "the rows of 'customers' are not where it is published" in text
    assert "the rows of 'by_tier' are not where it is published" in text
    shop.ok("build")
    assert "verified: 2 models" in shop.ok("verify", "--full")


def test_each_publication_is_a_version_that_is_read_compared_brought_back_and_let_go(
    postgres: Server, schema: str, shop: Project
) -> None:
    shop.ok("build")
    asked = f"SELECT * FROM {schema}.by_tier ORDER BY tier"
    old = postgres.rows(asked)
    shop.write({"models/customers.yml": TEXT.replace("group by tier", "where age > 40 group by tier")})
    shop.ok("build")
    new = postgres.rows(asked)
    assert old != new
    known = json.loads(shop.ok("versions", "by_tier", "--format", "json"))
    newest, oldest = (v["version"] for v in known)
    then = shop.ok("query", "select * from by_tier order by tier", "--version", oldest, "--format", "json")
    assert [tuple(row.values()) for row in json.loads(then)] == old
    assert "made otherwise" in shop.ok("diff", "by_tier")
    shop.ok("rollback", "by_tier", oldest)
    assert postgres.rows(asked) == old
    receipt = json.loads((shop.root / "warehouse/dev/by_tier.receipt.json").read_text("utf-8"))
    assert receipt["restored"]["commit"] == oldest
    assert "is not as it was published" not in shop.synth("verify", "--full").stdout
    files = f"SELECT count(DISTINCT sha256) FROM {schema}_synth_meta.files"
    assert postgres.rows(files) == [(3,)]
    assert "old versions" in shop.ok("gc", "--keep", "1", "--dry-run")
    assert postgres.rows(files) == [(3,)]
    shop.ok("gc", "--keep", "1")
    assert postgres.rows(files) == [(2,)]
    assert [v["version"] for v in json.loads(shop.ok("versions", "by_tier", "--format", "json"))] == [
        str(int(newest) + 1)
    ]
    shop.write({"models/customers.yml": TEXT[: TEXT.index("          - name: by_tier")]})
    shop.ok("gc", "--removed")
    assert postgres.rows(f"SELECT to_regclass('{schema}.by_tier'), to_regclass('{schema}.customers') IS NULL") == [
        (None, False)
    ]
    assert postgres.rows(f"SELECT name FROM {schema}_synth_meta.tables") == [("customers",)]


def test_a_table_that_does_not_pass_leaves_the_last_good_one_and_no_other_name_is_taken(
    postgres: Server, schema: str, shop: Project
) -> None:
    shop.ok("build")
    before = postgres.rows(f"SELECT * FROM {schema}.customers ORDER BY 1")
    failing = TEXT.replace("- not_null: {columns: [tier]}", "- row_count: {max: 3}").replace(
        "select *", "select distinct *"
    )
    shop.write({"models/customers.yml": failing})
    shop.fails("build")
    assert postgres.rows(f"SELECT * FROM {schema}.customers ORDER BY 1") == before
    postgres.execute(f"CREATE VIEW {schema}.mine AS SELECT 1 AS x")
    shop.write(
        {
            "models/customers.yml": TEXT.rstrip()
            + "\n          - name: mine\n            generator: {name: sql, query: 'select 2 as x'}\n            audits: []\n"
        }
    )
    text = shop.fails("build")
    assert f"holds what synthkit did not make, under the names of models: {schema}.mine" in text
    assert postgres.rows(f"SELECT x FROM {schema}.mine") == [(1,)]


def test_what_a_table_is_published_as_may_change(postgres: Server, schema: str, shop: Project) -> None:
    quiet = TEXT.replace("name: by_tier\n", "name: by_tier\n            materialized: parquet\n")
    shop.write({"models/customers.yml": quiet})
    shop.ok("build")
    there = f"SELECT to_regclass('{schema}.by_tier') IS NOT NULL, count(*) FROM {schema}_synth_meta.tables"
    assert postgres.rows(there) == [(False, 2)]
    assert len(shop.query("select * from by_tier")) == 3
    shown = TEXT.replace("name: by_tier\n", "name: by_tier\n            description: How many\n")
    shop.write({"models/customers.yml": shown})
    shop.ok("build")
    assert postgres.rows(there) == [(True, 2)]
    said = f"SELECT obj_description('{schema}.by_tier'::regclass), (SELECT count(*) > 0 FROM pg_stats WHERE schemaname = '{schema}')"
    assert postgres.rows(said) == [("How many", True)]
    shop.write({"models/customers.yml": TEXT})
    shop.ok("build")
    assert postgres.rows(said) == [(None, True)]
    shop.write({"models/customers.yml": quiet})
    shop.ok("build")
    assert postgres.rows(there) == [(False, 2)]
    assert "verified: 2 models" in shop.ok("verify", "--full")


def test_every_type_of_a_published_table_comes_through(postgres: Server, schema: str, tmp_path: Path) -> None:
    target = Postgres(Place(tmp_path / "r", tmp_path / "n", tmp_path / "scratch", postgres.url, schema))
    found, refused = [], []
    for number, sample in enumerate(SAMPLES):
        try:
            types, table = published(f"SELECT {column(sample)} AS c", tmp_path)
            type_of(types["c"])
        except (BuildError, NoPlaceError):
            refused.append(sample.sql_type)
            continue
        found.append(publication(tmp_path, f"t{number}", table, types))
    assert {"TIMESTAMP_NS", "TIMESTAMPTZ_NS"} <= {*refused}
    assert len(found) > 25
    types, table = published("""SELECT unnest([['a"b', '\\', null, ''], [], null]) AS c""", tmp_path)
    found.append(publication(tmp_path, "texts", table, types))
    written = target.publish_all(found)
    for receipt in written.values():
        assert list(target.shown_otherwise(receipt, full=True)) == [], receipt.columns
    kept = postgres.rows(
        "SELECT DISTINCT format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        f" WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' AND attnum > 0"
    )
    assert {"numeric(38,2)", "numeric(20,0)", "bigint[]", "jsonb", "text[]", "real", "date"} <= {t for (t,) in kept}
    limits = {r.columns[0].type: name for name, r in reversed(written.items())}  # the first of each
    assert postgres.rows(f"SELECT max(c), min(c) FROM {schema}.{limits['UBIGINT']}") == [(2**64 - 1, 0)]
    assert postgres.rows(f"SELECT c FROM {schema}.texts") == [(['a"b', "\\", None, ""],), ([],), (None,)]
    assert postgres.rows(f"SELECT c FROM {schema}.{limits['VARCHAR']} WHERE c IN ('', 'null')") == [("",), ("null",)]
    assert postgres.rows(f"SELECT count(*) FROM {schema}.{limits['VARCHAR']} WHERE c IS NULL")[0][0] >= 1


def test_what_postgresql_has_no_place_for_is_a_fault_with_its_place(shop: Project) -> None:
    shop.write({"models/customers.yml": TEXT.replace("count(*) as n", "now()::timestamp_ns as n, 1 as ctid")})
    text = shop.fails("compile", code=2)
    assert "models/customers.yml:7:11: error: target dev: the column 'n': PostgreSQL has no nanoseconds" in text
    assert "PostgreSQL keeps the name 'ctid' for a column of its own" in text
    long = "t" * 64
    shop.write({"models/customers.yml": TEXT.replace("name: by_tier", f"name: {long}")})
    assert f"PostgreSQL cuts the name of the table off after 63 bytes: {long}" in shop.fails("compile", code=2)


FAULTS = {
    "{warehouse: 'postgresql://a@b/c'}": ":3:3: error: it is not said which schema holds the tables",
    "{type: postgres, schema: x}": ":3:15: error: a target of type postgres needs the URL of a database",
    "{warehouse: 'postgresql://a@b/c', schema: my x}": "error: 'my x' is no name for a schema",
    "{warehouse: 'postgresql://a@b/c', schema: x, database: a.duckdb}": "error: tables in a database have no DuckDB file",
    "{schema: x}": ":3:9: error: a target of type local has no schemas",
    "{connection: pgg, schema: x}": "did you mean 'pg'?",
    "{connection: file, schema: x}": "is of type duckdb, to which no target publishes",
    "{connection: pg, warehouse: 'postgresql://a@b/c', schema: x}": "it has both a warehouse and a connection",
}


@pytest.mark.parametrize("written", FAULTS)
def test_what_is_wrong_with_a_target_is_said_with_its_place(written: str, shop: Project) -> None:
    connections = (
        "connections:\n  pg: {type: postgres, url: 'postgresql://x@y/z'}\n  file: {type: duckdb, path: a.duckdb}\n"
    )
    shop.write({"synth_project.yml": f"name: shop\ntargets:\n  dev: {written}\n{connections}"})
    assert FAULTS[written] in shop.fails("compile", code=2)


def test_a_server_that_is_not_there_is_said_without_its_password(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", f"postgresql://tester:{quote(PASSWORD)}@127.0.0.1:1/postgres")
    text = shop.fails("build", code=1)
    assert "cannot reach postgresql://tester@127.0.0.1:1/postgres: " in text
    monkeypatch.setenv("WAREHOUSE_URL", f"postgresql://tester:{quote(PASSWORD)}@127.0.0.1:x/postgres")
    text += shop.fails("build", code=1)
    assert PASSWORD not in text
    assert quote(PASSWORD) not in text


def test_a_connection_of_sources_is_published_to_as_well(postgres: Server, schema: str, shop: Project) -> None:
    connection = "connections:\n  pg: {type: postgres, url: \"{{ env_var('WAREHOUSE_URL') }}\"}\n"
    shop.write(
        {"synth_project.yml": f"name: shop\ntargets:\n  dev: {{connection: pg, schema: {schema}}}\n{connection}"}
    )
    shop.ok("build")
    assert postgres.rows(f"SELECT count(*) FROM {schema}.by_tier") == [(3,)]
    assert len(shop.query("select * from by_tier")) == 3
    assert f"schema {schema} answers, 2 tables are published there" in shop.ok("debug")


@pytest.mark.slow
def test_a_family_is_built_killed_while_it_is_published_built_again_and_brought_back(
    postgres: Server, schema: str, tmp_path: Path
) -> None:
    """The builder waits for a reader of the old tables, and is killed there."""
    project = family_project(tmp_path / "shop")
    project.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 20\n")
    written = (project.root / "synth_project.yml").read_text("utf-8")
    project.write({"synth_project.yml": written + PROJECT.format(schema=schema).partition("seed: 7\n")[2]})
    project.ok("build")
    count = f"SELECT count(*) FROM {schema}.synthetic_shop_customers"
    joined = (
        f"SELECT count(*) FROM {schema}.synthetic_orders JOIN {schema}.synthetic_shop_customers USING (customer_id)"
    )
    (old,), (orders,) = postgres.rows(count), postgres.rows(joined)
    keys = f"SELECT count(*) FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace AND contype = 'f'"
    ((known,),) = postgres.rows(keys)
    assert known >= 3
    project.edit("size: 20\n", "size: 31\n")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'synthkit' AND query LIKE 'LOCK TABLE%'"
    with psycopg.connect(postgres.url) as reader:
        reader.execute(count)
        builder = project.start("build")
        end = time.monotonic() + 120
        while postgres.rows(waiting) == [(0,)] and time.monotonic() < end:
            time.sleep(0.1)
        assert reader.execute(joined).fetchone() == orders
        builder.kill()
        builder.wait()
    assert (postgres.rows(count), postgres.rows(joined)) == ([old], [orders])
    project.ok("verify", "--full", "--project-dir", f"{postgres.url}?schema={schema}")
    project.ok("build")
    assert postgres.rows(count) != [old]
    assert postgres.rows(keys) == [(known,)]
    assert "verified" in project.ok("verify", "--full")
    versions = json.loads(project.ok("versions", "synthetic_orders", "--format", "json"))
    project.ok("rollback", "synthetic_orders", versions[-1]["version"])
    assert (postgres.rows(count), postgres.rows(joined)) == ([old], [orders])
    project.ok("verify", "--full", "--project-dir", f"{postgres.url}?schema={schema}")
