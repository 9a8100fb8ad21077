"""The command line itself: verbs, exit statuses, formats."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from synthkit.cli.main import VERBS
from tests.synth import SYNTH, Project, run_synth


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_synth(Path.cwd(), *arguments)


def test_help_lists_the_verbs() -> None:
    text = run("--help").stdout
    assert all(f"  {verb}" in text for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_a_misspelt_verb_names_the_nearest() -> None:
    done = run("biuld")
    assert done.returncode == 2
    assert "did you mean 'build'" in done.stderr


def test_outside_a_project(tmp_path: Path) -> None:
    done = run_synth(tmp_path, "ls")
    assert done.returncode == 2
    assert "synth init NAME" in done.stderr


def test_ls_in_all_its_forms(shop: Project) -> None:
    assert shop.ok("ls").split() == ["source:crm.customers", "customers", "by_tier"]
    assert shop.ok("ls", "--select", "customers+", "--resource-type", "model").split() == ["customers", "by_tier"]
    assert shop.ok("ls", "--output", "path", "--select", "by_tier").split() == ["models/customers.yml"]
    rows = [json.loads(line) for line in shop.ok("ls", "--output", "json").splitlines()]
    assert {r["type"] for r in rows} == {"source", "model"}
    assert "did you mean 'by_tier'" in shop.fails("ls", "--select", "by_teir", code=2)


def test_state_and_result_selection(built_shop: Project) -> None:
    path = built_shop.root / "models" / "customers.yml"
    path.write_text(path.read_text().replace("order by tier", "order by n"))
    assert built_shop.ok("ls", "--select", "state:modified").split() == ["by_tier"]
    assert built_shop.ok("ls", "--select", "result:pass", "--exclude", "by_tier").split() == ["customers"]


def test_compile_writes_manifest_sql_and_yaml(shop: Project) -> None:
    shop.ok("compile")
    target = shop.root / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["models"]["by_tier"]["lineage"]["contains_real_rows"] is True
    assert (target / "compiled" / "customers.sql").read_text() == 'select * from "crm"."customers"\n'
    assert "by_tier" in (target / "compiled" / "models" / "customers.yml").read_text()


def test_plan_runs_nothing_and_says_why(shop: Project) -> None:
    text = shop.ok("plan")
    assert "never built" in text
    assert "2 of 2 models to build" in text
    assert not (shop.root / "warehouse").exists()
    shop.ok("build")
    assert "nothing to do" in shop.ok("plan")
    path = shop.root / "models" / "customers.yml"
    path.write_text(path.read_text().replace("order by tier", "order by n"))
    assert "train hash changed: query" in shop.ok("plan")
    actions = json.loads(shop.ok("plan", "--output", "json"))["actions"]
    assert [(a["model"], a["action"]) for a in actions] == [("customers", "reuse"), ("by_tier", "query")]


def test_run_results_fit_their_schema(shop: Project) -> None:
    schema = json.loads(run("schema", "run_results").stdout)
    shop.ok("build")
    jsonschema.validate(json.loads((shop.root / "target" / "run_results.json").read_text()), schema)
    shop.ok("build")
    jsonschema.validate(json.loads((shop.root / "target" / "run_results.json").read_text()), schema)


def test_json_lines(shop: Project) -> None:
    events = [json.loads(line) for line in shop.ok("build", "--log-format", "json").splitlines()]
    assert events[0]["event"] == "RunStarted"
    assert events[-1]["event"] == "RunFinished"
    assert all("time" in e for e in events)


def test_quiet_says_nothing_when_all_is_well(shop: Project) -> None:
    assert shop.ok("build", "--quiet") == ""


def test_reports(shop: Project) -> None:
    shop.ok("build", "--report", "junit=out/junit.xml", "--report", "markdown=out/summary.md")
    suites = ET.fromstring((shop.root / "out" / "junit.xml").read_text())
    assert [s.get("name") for s in suites] == ["customers", "by_tier"]
    assert "| `customers` |" in (shop.root / "out" / "summary.md").read_text()
    assert "--report" in shop.fails("build", "--report", "pdf=x", code=2)


def test_query_formats(built_shop: Project) -> None:
    assert built_shop.ok("query", "select tier from by_tier order by 1").splitlines() == [
        "tier",
        "basic",
        "plus",
        "pro",
    ]
    assert json.loads(built_shop.ok("query", "select 1 as a, null as b", "--format", "json")) == [{"a": 1, "b": None}]
    table = built_shop.ok("query", "select tier, n from by_tier order by 1", "--format", "table").splitlines()
    assert len({len(line.rstrip()) for line in table}) == 1  # aligned
    assert "by_teir" in built_shop.fails("query", "select * from by_teir", code=2)
    stdin = subprocess.run(
        [*SYNTH, "query", "-"], input="select 7 as x", cwd=built_shop.root, capture_output=True, text=True, check=False
    )
    assert stdin.stdout.split() == ["x", "7"]


@pytest.mark.parametrize("sql", ["create table x as select 1", "drop table customers", "copy (select 1) to 'x.csv'"])
def test_queries_cannot_write(built_shop: Project, sql: str) -> None:
    assert built_shop.synth("query", sql).returncode == 2
    assert not (built_shop.root / "x.csv").exists()
    assert built_shop.query("select count(*) > 0 as there from customers") == [{"there": True}]


def test_show(built_shop: Project) -> None:
    text = built_shop.ok("show", "customers")
    assert "none: the table contains real rows" in text
    assert "not_null" in text
    assert "did you mean 'customers'" in built_shop.fails("show", "custmers", code=2)


def test_clean_keeps_what_is_published(built_shop: Project) -> None:
    assert "would remove" in built_shop.ok("clean", "--dry-run")
    built_shop.ok("clean")
    assert not (built_shop.root / "target" / "run_results.json").exists()
    assert len(built_shop.query("select * from customers limit 1")) == 1
    built_shop.ok("build")
    assert {r["status"] for r in built_shop.results().values()} == {"reused"}


def test_debug(shop: Project) -> None:
    text = shop.ok("debug")
    assert "ok     source crm.customers: 7 columns" in text
    (shop.root / "data" / "customers.csv").unlink()
    assert "WRONG  source crm.customers" in shop.fails("debug")


def test_vars_and_env(shop: Project) -> None:
    shop.write(
        {
            "synth_project.yml": "name: shop\nvars: {least: 1}\n",
            "models/customers.yml": """
                version: 1
                models:
                  - name: m
                    enabled: "{{ env_var('WANTED', 'no') == 'yes' }}"
                    generator: {name: sql, query: "select * from {{ source('crm', 'customers') }} where age > {{ var('least') }}"}
                    audits: [{row_count: {min: "{{ var('least') }}"}}]
            """,
        }
    )
    assert "left out m: enabled is false at models/customers.yml:4" in shop.ok("build")
    shop.ok("build", env={"WANTED": "yes"})
    (shop.root / ".env").write_text("WANTED=yes\n")
    assert "query  m" in shop.ok("plan", "--vars", "{least: 40}")
    assert "--vars" in shop.fails("plan", "--vars", "40", code=2)


def test_on_a_terminal_there_are_bars_and_colours(shop: Project) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*SYNTH, "build"], cwd=shop.root, stdout=child, stderr=child, env={**os.environ, "TERM": "xterm"}
    )
    os.close(child)
    output = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    assert process.wait(timeout=60) == 0
    assert b"\x1b[" in output
    assert b"done" in output


def test_a_reader_that_stops_reading_is_no_error(built_shop: Project) -> None:
    command = f"{sys.executable} -m synthkit query 'select * from range(200000)' | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=built_shop.root, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
