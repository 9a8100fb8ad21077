"""A project written by somebody who means harm gets nothing out of the account that runs `synth` on it.

Each test lays one trap, lets a victim type a command, and looks at what lies outside the project: nothing of it is
printed, nothing is written there, nothing of the project's is run as code.
"""

from __future__ import annotations

import json
import pickle
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.audits.sqltext import open_views
from synthkit.errors import SynthError
from synthkit.generators.sql import run_query
from synthkit.sql.statements import one_select
from synthkit.store.versions.git import commit_at
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, Project, make_project

SECRET = "root:x:0:0:do-not-print-me"
MODEL = """
    version: 1
    models:
      - name: taken
        generator: {{name: sql, query: "{query}"}}
        audits: {audits}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the victim's beside the project; a test ends with :func:`untouched`."""
    folder = tmp_path / "victim"
    (folder / "models").mkdir(parents=True)
    (folder / "secret.txt").write_text(f"{SECRET}\n")
    (folder / "old.parquet").write_text("kept")
    (folder / "models" / "kept").write_text("kept")
    return folder


def untouched(folder: Path) -> bool:
    found = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}
    return found == {"secret.txt": f"{SECRET}\n", "old.parquet": "kept", "models/kept": "kept"}


# -- links and paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["models/x.yml", "macros/x.sql", "audits/x.sql", ".env"])
def test_code_behind_a_link_is_not_read(shop: Project, victim: Path, place: str) -> None:
    (shop.root / place).parent.mkdir(exist_ok=True)
    (shop.root / place).symlink_to(victim / "secret.txt")
    text = shop.fails("compile", code=2)
    assert place in text
    assert f"a link to {victim / 'secret.txt'}, outside the project" in text
    assert SECRET not in text


@pytest.mark.parametrize("folder", ["../victim", "models/more"])
def test_code_folders_lie_in_the_project(shop: Project, victim: Path, folder: str) -> None:
    (victim / "models" / "x.yml").write_text(SECRET)
    (shop.root / "models" / "more").symlink_to(victim)
    shop.write({"synth_project.yml": f"name: shop\npaths: {{models: [models, {folder}]}}\n"})
    text = shop.fails("compile", code=2)
    assert f"the folder {folder} lies outside the project" in text
    assert SECRET not in text


WRITTEN = (
    "target", "target/cache", "target/staging", "target/lock", "target/logs", "target/runs.jsonl", "privacy",
    "privacy/ledger.jsonl", "warehouse", "warehouse/dev", "warehouse/dev/customers", "warehouse/dev.duckdb",
    "warehouse/dev.views", ".dvc/tmp", ".synth",
)  # fmt: skip


@pytest.mark.parametrize("place", WRITTEN)
def test_nothing_is_written_through_a_link(shop: Project, victim: Path, place: str) -> None:
    (shop.root / place).parent.mkdir(parents=True, exist_ok=True)
    file = place.endswith(("lock", ".jsonl", ".duckdb"))
    (shop.root / place).symlink_to(victim / "secret.txt" if file else victim)
    for verb in ("build", "gc", "plan") if place in ("target/cache", "warehouse/dev") else ("build",):
        text = shop.fails(verb, code=2)
        assert f"{place}" in text
        assert "outside the project" in text
    if place != "target":  # that link itself goes
        shop.synth("clean")
    assert untouched(victim)


def test_clean_removes_nothing_behind_a_link(shop: Project, victim: Path) -> None:
    (shop.root / "target").mkdir()
    (shop.root / "target" / "lock").symlink_to(victim / "secret.txt")
    (shop.root / "target" / "cache").symlink_to(victim)
    assert "outside the project" in shop.fails("clean", code=2)
    (shop.root / "target" / "lock").unlink()
    assert "outside the project" in shop.fails("clean", code=2)
    assert untouched(victim)


def test_links_inside_the_project_are_a_matter_of_taste(shop: Project) -> None:
    (shop.root / "big" / "target").mkdir(parents=True)
    (shop.root / "target").symlink_to("big/target")
    shop.ok("build")


@pytest.mark.parametrize("key", ["warehouse", "database"])
def test_a_target_lies_in_the_project_unless_the_machine_allows_it(shop: Project, victim: Path, key: str) -> None:
    shop.write({"synth_project.yml": f"name: shop\ntargets: {{dev: {{{key}: ../victim/out}}}}\n"})
    shop.write({".env": f"SYNTH_OUTSIDE={victim}\n"})
    text = shop.fails("build", code=2)
    assert f"synth_project.yml:2:{19 + len(key)}: error: the target's {key} lies outside the project" in text
    assert untouched(victim)
    shop.ok("build", env={"SYNTH_OUTSIDE": str(victim)})
    assert (victim / "out").exists()


@pytest.mark.parametrize("path", ["../victim/events.jsonl", "events.jsonl"])
def test_events_are_written_in_the_project(tmp_path: Path, victim: Path, path: str) -> None:
    project = f"name: shop\nlineage: {{transport: file, path: {path}}}\n"
    shop = make_project(tmp_path / "shop", {**SMALL, "synth_project.yml": project})
    (shop.root / "events.jsonl").symlink_to(victim / "events.jsonl")
    text = shop.fails("build", code=2)
    assert "synth_project.yml:2:34: error: the file of lineage events lies outside the project" in text
    assert untouched(victim)


def test_a_source_behind_a_link_is_not_read(shop: Project, victim: Path) -> None:
    (shop.root / "data" / "customers.csv").rename(victim / "people.csv")
    (shop.root / "data" / "customers.csv").symlink_to(victim / "people.csv")
    text = shop.fails("build", code=2)
    assert f"customers.csv is, or lies behind, a link to {victim / 'people.csv'}" in text
    assert "models/sources.yml:" in text
    shop.ok("build", env={"SYNTH_OUTSIDE": str(victim)})


def test_a_source_that_is_written_out_is_the_reviewers_to_see(shop: Project, victim: Path) -> None:
    (shop.root / "data" / "customers.csv").rename(victim / "people.csv")
    sources = COPULA_PROJECT["models/sources.yml"].replace("data/customers.csv", "../victim/people.csv")
    shop.write({"models/sources.yml": sources})
    shop.ok("build")


@pytest.mark.parametrize("name", ["../../victim/x", "..", "a/b", "/tmp/x", "x\\y"])
def test_a_table_cannot_be_named_out_of_the_warehouse(shop: Project, victim: Path, name: str) -> None:
    models = {"version": 1, "models": [{"name": name, "generator": {"name": "sql", "query": "select 1 as a"}}]}
    shop.write({"models/x.yml": json.dumps(models)})
    assert "models/x.yml:" in shop.fails("build", code=2)
    assert untouched(victim)


# -- Jinja ---------------------------------------------------------------------------------------------

ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ref.__globals__ }}",
    "{{ var.__func__.__globals__['os'].environ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ '{0.__class__.__mro__}'.format(1) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{% include '../victim/secret.txt' %}",
    "{% import '../victim/secret.txt' as x %}",
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{{ dict.fromkeys.__self__ }}",
    "{{ ref('customers').__init__.__globals__ }}",
)


def test_jinja_stays_in_its_sandbox(shop: Project, victim: Path) -> None:
    """Each escape stands in a model of its own, so that one report has a fault for each."""
    models = [
        {"name": f"x{i}", "description": text, "generator": {"name": "sql", "query": "select 1 as a"}, "audits": []}
        for i, text in enumerate(ESCAPES)
    ]
    lines = ["version: 1", "models:", *(f"  - {json.dumps(m)}" for m in models)]
    shop.write({"models/x.yml": "\n".join(lines)})
    text = shop.fails("compile", code=2)
    assert SECRET not in text
    assert "<class" not in text
    for i, escape in enumerate(ESCAPES):
        assert f"models/x.yml:{i + 3}:" in text, escape


# -- SQL -----------------------------------------------------------------------------------------------

WRITES = (
    "copy (select 1 as a) to '{out}'",
    "select 1 as a; copy (select 1 as a) to '{out}'",
    "attach '{out}' as o",
    "select * from read_text('{secret}')",
    "select * from read_csv('{secret}')",
    "select * from '{secret}'",
    "select * from glob('{folder}/*')",
    "install httpfs",
    "select * from query('copy (select 1 as a) to ''{out}''')",
    "export database '{out}'",
)


CONDITIONS = (
    "true; copy (select 1) to '{out}'",
    "true) ; copy (select 1) to '{out}'; --",
    "(select content from read_text('{secret}')) = ''",
)


def hostile_sql(victim: Path) -> list[str]:
    return [w.format(out=victim / "out", secret=victim / "secret.txt", folder=victim) for w in WRITES]


def test_sql_neither_writes_nor_reads_files(shop: Project, victim: Path) -> None:
    """As the query of a model, as a custom audit, as a condition of an audit: a fault for each, and nothing done."""
    lines = ["version: 1", "models:"]
    audits = {}
    for i, sql in enumerate(hostile_sql(victim)):
        lines.append(f"  - {json.dumps({'name': f'm{i}', 'generator': {'name': 'sql', 'query': sql}, 'audits': []})}")
        audits[f"audits/y{i}.sql"] = sql
    own = {"name": "sql", "query": "select 1 as a"}
    names = [Path(a).stem for a in audits]
    conditions = [c.format(out=victim / "out", secret=victim / "secret.txt") for c in CONDITIONS]
    checks = [*names, *({"expression": {"expression": c}} for c in conditions)]
    checks += [{"accepted_range": {"column": "a", "min": 0, "where": c}} for c in conditions]
    start = len(lines) + 1
    lines += [f"  - {json.dumps({'name': f'a{i}', 'generator': own, 'audits': [c]})}" for i, c in enumerate(checks)]
    shop.write({"models/x.yml": "\n".join(lines), **audits})
    text = shop.fails("build", code=2)
    assert SECRET not in text
    assert untouched(victim)
    for number, line in enumerate(lines[2:], 3):
        place = f"audits/y{number - start}.sql:" if 0 <= number - start < len(names) else f"models/x.yml:{number}:"
        assert place in text or f"models/x.yml:{number}:" in text, line


@pytest.mark.parametrize("number", range(len(WRITES)))
def test_what_the_compiler_let_through_the_run_refuses(tmp_path: Path, victim: Path, number: int) -> None:
    """The same SQL, given past the compiler to what runs a model's query and a custom audit."""
    sql = hostile_sql(victim)[number]
    with pytest.raises((SynthError, duckdb.Error)):
        run_query(sql, {}, tmp_path / "out.parquet", seed=1)
    rows = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": [1]}), rows)
    with open_views({"synthetic": (rows,)}, {}, None, {}) as connection:
        assert connection.execute("select a from synthetic").fetchall() == [(1,)]
        with pytest.raises((ValueError, duckdb.Error)):
            connection.execute(one_select(connection, sql)).fetchall()
        for setting in ("enable_external_access = true", "allowed_paths = ['/']"):
            with pytest.raises(duckdb.Error):
                connection.execute(f"set {setting}")
    assert untouched(victim)


def test_the_query_of_a_duckdb_source_only_reads(shop: Project, victim: Path) -> None:
    with duckdb.connect(str(shop.root / "data" / "shop.duckdb")) as connection:
        connection.execute("create table customers as select 'basic' as tier, 'C-1' as customer_id")
    project = "name: shop\nconnections: {db: {type: duckdb, path: data/shop.duckdb}}\n"
    source = f"query: \"select * from customers; copy (select 1 as a) to '{victim / 'out'}'\""
    sources = COPULA_PROJECT["models/sources.yml"].replace(
        "path: data/customers.csv", f"connection: db\n{' ' * 16}{source}"
    )
    shop.write({"synth_project.yml": project, "models/sources.yml": sources})
    assert "it must be one SELECT statement" in shop.fails("build", code=2)
    assert untouched(victim)


def database_project(root: Path, source: str, *, statements: tuple[str, ...] = (), more: str = "") -> Project:
    """A project whose one source is in a DuckDB file; nothing is built when it is only looked at."""
    project = "name: shop\nholdout: 0\nconnections: {db: {type: duckdb, path: data/shop.duckdb}}\n"
    table = f"{{name: t, connection: db, {source}{more}}}"
    sources = f"version: 1\nsources:\n  - name: crm\n    tables:\n      - {table}\n"
    model = {"name": "m", "generator": {"name": "sql", "query": "select * from {{ source('crm', 't') }}"}, "audits": []}
    models = json.dumps({"version": 1, "models": [model]})
    shop = make_project(root, {"synth_project.yml": project, "models/s.yml": sources, "models/m.yml": models})
    with duckdb.connect(str(shop.root / "data" / "shop.duckdb")) as connection:
        for statement in (
            "create table t as select i as a, timestamp '2020-01-01' as at from range(50) as r(i)",
            *statements,
        ):
            connection.execute(statement)
    return shop


READS = (
    "select content as a from read_text('{secret}')",
    "select content as a from '{folder}/*.txt'",
    "select a, (select count(*) from glob('{folder}/*')) as n from t",
    "select * from looking",
    "select peek() as a from t",
    "select st_point(1, 2) as a from t",
    "select * from sqlite_scan('{secret}', 't')",
)


@pytest.mark.parametrize("query", READS)
def test_the_query_of_a_duckdb_source_reads_its_own_database(tmp_path: Path, victim: Path, query: str) -> None:
    """Nor do the views and macros of that database; and a function that DuckDB lacks is not fetched."""
    places = {"secret": victim / "secret.txt", "folder": victim}
    statements = (f"create view looking as select content as a from read_text('{victim}/secret.txt')",)
    statements += (f"create macro peek() as (select content from read_text('{victim}/secret.txt'))",)
    source = f"query: {json.dumps(query.format(**places))}"
    shop = database_project(tmp_path / "shop", source, statements=statements)
    text = shop.fails("build", code=2)
    assert SECRET not in text
    assert "s.yml:5:" in text
    assert "error: DuckDB: " in text
    assert "install" not in text.lower()


def test_the_filter_of_freshness_reads_its_own_source(tmp_path: Path, shop: Project, victim: Path) -> None:
    look = f"(select count(*) from read_text('{victim}/secret.txt')) = 1"
    freshness = f'{{filter: "{look}", warn_after: {{count: 1, period: day}}}}'
    of_table = database_project(tmp_path / "db", "table: t", more=f", loaded_at_field: at, freshness: {freshness}")
    lines = f"\n{' ' * 16}loaded_at_field: joined\n{' ' * 16}freshness: {freshness}\n"
    shop.write({"models/sources.yml": COPULA_PROJECT["models/sources.yml"].rstrip() + lines})
    for project in (of_table, shop):
        assert "file system operations are disabled" in project.synth("freshness").stdout
    # What is its own is read, also where DuckDB would take the name for a pattern.
    (shop.root / "data" / "customers.csv").rename(shop.root / "data" / "customers[1].csv")
    fine = shop.root / "models" / "sources.yml"
    fine.write_text(fine.read_text().replace(look, "tier <> 'x'").replace("customers.csv", "customers[1].csv"))
    assert "last loaded" in shop.synth("freshness").stdout


def test_a_duckdb_source_is_read_as_before(tmp_path: Path) -> None:
    """Tables, views over tables, and sorts that the database does."""
    shop = database_project(
        tmp_path / "shop",
        'query: "select a from mine order by a desc"',
        statements=("create view mine as select a from t",),
    )
    shop.ok("build")
    assert shop.results()["m"]["rows"] == 50


@pytest.mark.parametrize("query", ["vacuum into '{out}'", "attach '{out}' as o", "select 1; vacuum into '{out}'"])
def test_the_query_of_a_sqlite_source_only_reads(shop: Project, victim: Path, query: str) -> None:
    with sqlite3.connect(shop.root / "data" / "shop.sqlite") as connection:
        connection.execute("create table customers as select 'basic' as tier, 'C-1' as customer_id")
    project = "name: shop\nconnections: {db: {type: sqlite, path: data/shop.sqlite}}\n"
    source = f'query: "{query.format(out=victim / "out")}"'
    sources = COPULA_PROJECT["models/sources.yml"].replace(
        "path: data/customers.csv", f"connection: db\n{' ' * 16}{source}"
    )
    shop.write({"synth_project.yml": project, "models/sources.yml": sources})
    assert "SQLite" in shop.fails("build", code=2)
    assert untouched(victim)


def test_the_filter_of_freshness_is_a_condition(shop: Project, victim: Path) -> None:
    freshness = f"freshness: {{filter: \"true); copy (select 1) to '{victim / 'out'}'; --\", warn_after: {{count: 1, period: day}}}}"
    sources = (
        COPULA_PROJECT["models/sources.yml"].rstrip() + f"\n{' ' * 16}loaded_at_field: joined\n{' ' * 16}{freshness}\n"
    )
    shop.write({"models/sources.yml": sources})
    assert "one SELECT" in shop.synth("freshness").stdout
    assert untouched(victim)


# -- what lies in the caches ---------------------------------------------------------------------------


class Payload:
    """Unpickled, it writes a file."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.out, "ran")


def test_a_pickle_in_the_cache_is_not_run(tmp_path: Path, victim: Path) -> None:
    shop = make_project(tmp_path / "shop", COPULA_PROJECT)
    shop.ok("build")
    poison = pickle.dumps(Payload(victim / "out"))
    pickle.loads(poison)
    (victim / "out").unlink()  # so it does what it is for
    for file in [p for p in (shop.root / "target").rglob("*") if p.is_file() and p.name != "lock"]:
        for name in ("model.pkl", "data.pkl", "model.pt"):
            (file.parent / name).write_bytes(poison)
    for file in (shop.root / "target" / "cache" / "models").rglob("*"):
        if file.is_file() and file.name != "complete.json":
            file.write_bytes(poison)
    text = COPULA_PROJECT["models/customers.yml"].replace("300", "310")
    shop.write({"models/customers.yml": text})
    done = shop.synth("build")
    assert untouched(victim), done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    for file in (shop.root / "target" / "cache").rglob("*.json"):
        file.write_bytes(poison)
    shop.synth("build")
    assert untouched(victim)


def test_a_forged_receipt_names_nothing_outside(shop: Project, victim: Path) -> None:
    shop.ok("build")
    path = shop.root / "warehouse" / "dev" / "customers.receipt.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "file": "../../../victim/old.parquet", "bytes": 4}))
    assert "outside the warehouse" in shop.fails("verify")
    for command in (["query", "select * from customers"], ["show", "customers"], ["export", "customers"], ["build"]):
        done = shop.synth(*command)
        assert done.returncode != 0, command
        assert "outside the warehouse" in done.stdout + done.stderr, command
    assert untouched(victim)


def test_a_forged_verdict_is_seen(tmp_path: Path) -> None:
    """A receipt that says "pass" beside a figure that is beyond its limit."""
    shop = make_project(tmp_path / "shop")
    model = """
        version: 1
        models:
          - name: older
            source: "{{ source('crm', 'customers') }}"
            generator: {name: sql, query: "select * replace (age + 30 as age) from {{ source('crm', 'customers') }}"}
            audits:
              - ks: {max: 0.1, severity: warn}
    """
    shop.write({"models/customers.yml": model})
    shop.ok("build")
    path = shop.root / "warehouse" / "dev" / "older.receipt.json"
    receipt = json.loads(path.read_text())
    assert [a["status"] for a in receipt["audits"]] == ["warn"]
    receipt["audits"][0] |= {"status": "pass", "severity": "error"}
    receipt["required"][0]["severity"] = "error"
    path.write_text(json.dumps(receipt))
    shop.write({"models/customers.yml": model.replace(", severity: warn", "")})
    assert "ks" in shop.fails("verify")


def test_an_edited_ledger_stops_the_build(tmp_path: Path) -> None:
    """Someone makes room in a budget by a smaller charge."""
    model = """
        version: 1
        models:
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: 1
            delta: 1e-5
            seed: 1
            size: 60
            audits: []
    """
    project = "name: shop\nholdout: 0\nprivacy: {budgets: {crm.customers: {epsilon: 1.5, delta: 1e-4}}}\n"
    files = {"synth_project.yml": project, "models/sources.yml": DECLARED, "models/m.yml": model}
    shop = make_project(tmp_path / "shop", files)
    shop.ok("build")
    path = shop.root / "privacy" / "ledger.jsonl"
    written = path.read_text()
    assert '"epsilon":1.0' in written.replace(" ", "")
    path.write_text(written.replace('"epsilon":1.0', '"epsilon":0.1').replace('"epsilon": 1.0', '"epsilon": 0.1'))
    edited = path.read_text()
    assert edited != written
    shop.write({"models/m.yml": model.replace("seed: 1", "seed: 2")})
    for command in (["build"], ["verify"], ["ledger", "verify"]):
        done = shop.synth(*command)
        assert done.returncode != 0, command
        assert "ledger" in done.stdout + done.stderr
    assert path.read_text() == edited


# -- git -----------------------------------------------------------------------------------------------


HOOKS = "pre-commit prepare-commit-msg commit-msg post-commit post-index-change reference-transaction pre-auto-gc"
CONFIG = """
[core]
    repositoryformatversion = 1
    fsmonitor = {trap}
    hooksPath = {hooks}
    sshCommand = {trap}
    editor = {trap}
    pager = {trap}
    alternateRefsCommand = {trap}
[include]
    path = more
[extensions]
{partial}
[remote "far"]
    url = {root}
    promisor = true
    uploadpack = {trap}
[gpg]
    program = {trap}
[log]
    showSignature = true
[diff]
    external = {trap}
[diff "x"]
    textconv = {trap}
    command = {trap}
[commit]
    gpgSign = true
[hook "x"]
    event = pre-commit
    command = {trap}
"""


@pytest.fixture
def armed(tmp_path: Path) -> Project:
    """A project with versions whose repository names one program wherever git takes one: see ``fired``."""
    shop = make_project(tmp_path / "shop", SMALL)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 >> {tmp_path}/fired\ncat\n")
    hooks = shop.root / ".hooks"
    hooks.mkdir()
    for path in (trap, *(hooks / name for name in HOOKS.split())):
        path.write_bytes(trap.read_bytes())
        path.chmod(0o755)
    git(shop, "init", "-q", "-b", "main")
    shop.write(
        {".dvc/config": "", ".gitignore": "/target/\n*.duckdb\n*.parquet\n/.dvc/\n", ".gitattributes": ATTRIBUTES}
    )
    for receipt in ('{"md5": "0"}', ""):
        shop.write({"warehouse/dev/numbers.receipt.json": receipt})
        git(shop, "add", "-A")
        git(shop, "commit", "-qm", "one")
    (shop.root / "warehouse" / "dev" / "numbers.receipt.json").unlink()
    gone = git(shop, "rev-parse", "HEAD~1:warehouse/dev/numbers.receipt.json").strip()
    (shop.root / ".git" / "objects" / gone[:2] / gone[2:]).unlink()  # a partial clone would fetch it
    with (shop.root / ".git" / "config").open("a") as file:
        file.write(CONFIG.format(trap=trap, hooks=hooks, root=shop.root, partial=PARTIAL))
    (shop.root / ".git" / "more").write_text(
        f'[filter "x"]\n    clean = {trap}\n    smudge = {trap}\n    process = {trap}\n'
    )
    return shop


PARTIAL = "    partialClone = far\n"
ATTRIBUTES = "* filter=x diff=x\n"
SMALL = {
    "synth_project.yml": "name: shop\nlineage: {transport: file, path: target/lineage.jsonl}\n",
    "models/m.yml": """
        version: 1
        models:
          - {name: numbers, generator: {name: sql, query: "select i from range(9) as t(i)"}, audits: []}
    """,
}


def git(shop: Project, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False).stdout


def test_nothing_that_a_repository_names_is_run(armed: Project, tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    who = {f"GIT_{w}_{k}": "a@b" for w in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    armed.ok("build", "--commit", env=who)
    armed.write({"models/m.yml": SMALL["models/m.yml"].replace("range(9)", "range(8)")})
    for verb in (
        ["build", "--commit", "-m", "eight"], ["verify", "--base", "HEAD~1"], ["versions", "numbers"],
        ["rollback", "numbers", "HEAD~1"], ["gc", "--keep", "1"],
    ):  # fmt: skip
        if verb[0] == "gc":  # DVC itself opens no partial clone
            config = armed.root / ".git" / "config"
            config.write_text(config.read_text().replace(PARTIAL, ""))
        done = armed.synth(*verb, env=who)
        assert not fired.exists(), (verb, fired.read_text())
        assert done.returncode == 0, (verb, done.stdout + done.stderr)
    assert (armed.root / ".git" / "index").is_file()
    git(armed, "status")  # so it does what it is for
    git(armed, "commit", "--allow-empty", "-m", "x")
    shots = fired.read_text()
    assert "trap.sh" in shots
    assert "pre-commit" in shots


def test_a_folder_that_looks_like_a_repository_is_none(tmp_path: Path) -> None:
    """A folder that git takes for a bare repository can be committed to another, with its configuration."""
    shop = make_project(tmp_path / "shop", SMALL)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/fired\n")
    trap.chmod(0o755)
    git(shop, "init", "-q", "--bare", ".")
    with (shop.root / "config").open("a") as file:
        file.write(f"[core]\n    bare = false\n    worktree = {shop.root}\n    fsmonitor = {trap}\n")
    shop.ok("build")
    assert not (tmp_path / "fired").exists()
    git(shop, "status")
    assert (tmp_path / "fired").exists()
    with pytest.raises(SynthError, match="in no git repository"):
        commit_at(shop.root, "HEAD")


# -- DVC -----------------------------------------------------------------------------------------------


@pytest.fixture
def tracked(tmp_path: Path) -> Project:
    shop = make_project(tmp_path / "shop", {**SMALL, ".dvc/config": ""})
    git(shop, "init", "-q")
    return shop


@pytest.mark.parametrize("file", ["config", "config.local"])
@pytest.mark.parametrize(
    "said",
    [
        "[Cache]\nDIR = ../../victim/out",
        "[core]\nsite_cache_dir = {0}/out",
        REMOTE := "[cache]\nlocal = far\n['remote \"far\"']\nurl = {0}/out",
    ],
)
def test_dvc_writes_nothing_outside(tracked: Project, victim: Path, file: str, said: str) -> None:
    tracked.write({f".dvc/{file}": said.format(victim)})
    text = tracked.fails("build", code=2)
    assert f".dvc/{file}: error: DVC's c" in text
    assert str(victim / "out") in text or said == REMOTE
    assert untouched(victim)


def test_the_cache_lies_where_the_machines_owner_says(tracked: Project, victim: Path) -> None:
    tracked.write({".dvc/config": f"[cache]\ndir = {victim}/out"})
    tracked.ok("build", env={"SYNTH_OUTSIDE": str(victim)})
    cached = [p for p in (victim / "out").rglob("*") if p.is_file()]
    assert [p.read_bytes() for p in cached] == [p.read_bytes() for p in tracked.parquet("numbers")]


def test_the_users_own_configuration_places_the_cache(tracked: Project, victim: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config").write_text(f"[cache]\ndir = {victim}/out\n")
    tracked.ok("build", env={"DVC_GLOBAL_CONFIG_DIR": str(tmp_path / "own")})
    assert len([p for p in (victim / "out").rglob("*") if p.is_file()]) == 1


def test_dvc_stores_nothing_through_a_link(tracked: Project, victim: Path) -> None:
    md5s = tracked.root / ".dvc" / "cache" / "files" / "md5"
    md5s.mkdir(parents=True)
    for number in range(256):
        (md5s / f"{number:02x}").symlink_to(victim)
    assert f"DVC's cache has a link to {victim}" in tracked.fails("build")
    assert untouched(victim)


def test_a_remote_names_no_program(tracked: Project, victim: Path) -> None:
    tracked.ok("build")
    remote = f"[core]\nremote = far\n['remote \"far\"']\nurl = webdavs://example.invalid\nbearer_token_command = touch {victim}/out\n"
    tracked.write({".dvc/config": remote})
    file = tracked.parquet("numbers")[0]
    for verb in ("push", "pull"):
        if verb == "pull":
            shutil.rmtree(tracked.root / ".dvc" / "cache")
            file.unlink()
        assert "names a program in bearer_token_command" in tracked.fails(verb, code=2)
    assert untouched(victim)


# -- other accounts ------------------------------------------------------------------------------------


def test_scratch_is_its_owners_alone_and_published_tables_are_not(shop: Project) -> None:
    for verb in (["build"], ["compile"], ["docs", "generate"]):
        shop.ok(*verb)
        scratch = shop.root / "target"
        modes = {p: p.lstat() for p in (scratch, *scratch.rglob("*"))}
        folders = {stat.S_IMODE(s.st_mode) for s in modes.values() if stat.S_ISDIR(s.st_mode)}
        assert folders == {0o700}
        open_files = [p for p, s in modes.items() if stat.S_ISREG(s.st_mode) and s.st_mode & 0o077 and s.st_nlink == 1]
        assert open_files == []
        assert len(modes) > 10
    for table in shop.parquet("customers"):
        assert table.stat().st_mode & 0o044 == 0o044


# -- Python --------------------------------------------------------------------------------------------


def test_no_module_of_the_project_is_imported(tmp_path: Path, victim: Path) -> None:
    shop = make_project(tmp_path / "shop", SMALL)
    for name in ("json", "numpy", "torch", "duckdb", "pyarrow", "synthkit", "sitecustomize"):
        shop.write({f"{name}.py": f"open({str(victim / 'out')!r}, 'w')"})
    # The installed command, as a fork has all modules already and `python -m` looks into the folder by itself.
    command = [Path(sys.executable).with_name("synth"), "build"]
    done = subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert untouched(victim)
