"""Lineage events of builds, to a file and to a server: valid, complete, and never in the way of a build."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.openlineage.events import checked, end_of, ends, of_file
from tests.openlineage.server import serving
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, SQL_PROJECT, Project, make_project

TO_FILE = "name: shop\nseed: 7\nlineage: {transport: file, path: out/lineage.jsonl}\n"
FAILING = SQL_PROJECT["models/customers.yml"].replace(
    "- not_null: {columns: [tier]}",
    "- accepted_values: {column: tier, values: [basic, plus]}\n"
    "              - {row_count: {min: 10000, severity: warn, name: enough}}",
)


def lineage_shop(root: Path, files: Mapping[str, str] = SQL_PROJECT, lineage: str = TO_FILE) -> Project:
    return make_project(root / "shop", {**files, "synth_project.yml": lineage})


def events_of(project: Project) -> list[dict[str, Any]]:
    return of_file(project.root / "out/lineage.jsonl")


def test_a_build_is_a_run_with_a_run_below_it_for_every_model(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    project.ok("build")
    events = events_of(project)
    assert ends(events) == {"shop.synth-build": "COMPLETE", "shop.customers": "COMPLETE", "shop.by_tier": "COMPLETE"}
    assert (events[0]["job"]["name"], events[-1]["job"]["name"]) == ("shop.synth-build", "shop.synth-build")
    assert {e["job"]["namespace"] for e in events} == {"shop"}
    for event in events[1:-1]:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == events[0]["run"]["runId"]
        assert parent["job"] == {"namespace": "shop", "name": "shop.synth-build", "facets": {}}
    results = json.loads((project.root / "target/run_results.json").read_text("utf-8"))
    assert {e["run"]["facets"]["synthkit_run"]["run"] for e in events} == {results["run_id"]}


def test_tables_have_names_by_which_the_graph_joins_and_say_what_was_published(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    project.ok("build")
    events = events_of(project)
    first, second = end_of(events, "shop.customers"), end_of(events, "shop.by_tier")
    assert [(d["namespace"], d["name"]) for d in first["inputs"]] == [("shop", "data/customers.csv")]
    assert [(d["namespace"], d["name"]) for d in first["outputs"]] == [("shop", "dev.customers")]
    assert [(d["namespace"], d["name"]) for d in second["inputs"]] == [("shop", "dev.customers")]
    receipt = json.loads((project.root / "warehouse/dev/customers.receipt.json").read_text("utf-8"))
    facets = first["outputs"][0]["facets"]
    assert [f["name"] for f in facets["schema"]["fields"]] == [c["name"] for c in receipt["columns"]]
    assert facets["version"]["datasetVersion"] == receipt["sha256"]
    assert second["inputs"][0]["facets"]["version"]["datasetVersion"] == receipt["sha256"]
    statistics = first["outputs"][0]["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (receipt["rows"], receipt["bytes"])
    assertions = facets["dataQualityAssertions"]["assertions"]
    assert [(a["assertion"], a["success"]) for a in assertions] == [("not_null", True)]
    assert facets["synthkit_privacy"]["real_rows"] is True


def test_the_repository_is_told_without_its_password(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    remote = "https://me:secret@git.example.org/team/shop.git"
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        (*author, "commit", "-qm", "x"),
        ("remote", "add", "origin", remote),
    ):
        subprocess.run(["git", *command], cwd=project.root, check=True)
    project.ok("build")
    place = end_of(events_of(project), "shop.customers")["job"]["facets"]["sourceCodeLocation"]
    assert place["repoUrl"] == "https://git.example.org/team/shop.git"
    assert place["path"] == "models/customers.yml"
    assert len(place["version"]) == 40
    assert "secret" not in (project.root / "out/lineage.jsonl").read_text("utf-8")


def test_a_query_is_told_unless_it_holds_what_the_environment_says(tmp_path: Path) -> None:
    secret = SQL_PROJECT["models/customers.yml"].replace("count(*) as n", "'{{ env_var('TOKEN') }}' as n")
    project = lineage_shop(tmp_path, {**SQL_PROJECT, "models/customers.yml": secret})
    project.ok("build", env={"TOKEN": "t0ken-of-the-team"})
    events = events_of(project)
    sql = end_of(events, "shop.customers")["job"]["facets"]["sql"]
    assert (sql["query"], sql["dialect"]) == ('select * from "crm"."customers"', "duckdb")
    assert "sql" not in end_of(events, "shop.by_tier")["job"]["facets"]
    assert "t0ken" not in (project.root / "out/lineage.jsonl").read_text("utf-8")


def test_what_did_not_run_has_no_run(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    project.ok("build")
    (project.root / "out/lineage.jsonl").unlink()
    project.ok("build")
    assert ends(events_of(project)) == {"shop.synth-build": "COMPLETE"}


def test_a_failing_audit_fails_the_model_and_the_build(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path, {**SQL_PROJECT, "models/customers.yml": FAILING})
    project.fails("build")
    events = events_of(project)
    assert ends(events) == {"shop.synth-build": "FAIL", "shop.customers": "FAIL"}  # by_tier was skipped
    failed = end_of(events, "shop.customers")
    assert "not published: 1 of 2 audits" in failed["run"]["facets"]["errorMessage"]["message"]
    tests = {t["name"]: t for t in failed["run"]["facets"]["test"]["tests"]}
    assert (tests["accepted_values"]["status"], tests["accepted_values"]["severity"]) == ("fail", "error")
    assert (tests["enough"]["status"], tests["enough"]["severity"], tests["enough"]["type"]) == (
        "fail",
        "warn",
        "row_count",
    )
    output = failed["outputs"][0]
    assert "version" not in output["facets"]  # nothing was published
    assert output["outputFacets"] == {}
    found = {a["name"]: a for a in output["facets"]["dataQualityAssertions"]["assertions"]}
    assert (found["accepted_values"]["success"], found["accepted_values"]["column"]) == (False, "tier")


def test_audits_and_retries_are_reported_as_builds_are(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path, {**SQL_PROJECT, "models/customers.yml": FAILING})
    project.fails("build")
    project.write({"models/customers.yml": FAILING.replace("[basic, plus]", "[basic, plus, pro]")})
    (project.root / "out/lineage.jsonl").unlink()
    project.ok("retry")
    assert ends(events_of(project))["shop.customers"] == "COMPLETE"
    project.ok("audit")
    assert ends(events_of(project))["shop.synth-audit"] == "COMPLETE"


def test_a_build_that_is_refused_has_failed(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    project.write(
        {
            "models/tests.yml": """
                version: 1
                unit_tests:
                  - name: wrong
                    model: by_tier
                    given: [{input: ref('customers'), rows: [{tier: pro}]}]
                    expect: {rows: [{tier: pro, n: 2}]}
            """
        }
    )
    project.fails("build")
    events = events_of(project)
    assert ends(events) == {"shop.synth-build": "FAIL"}
    assert "wrong" in events[-1]["run"]["facets"]["errorMessage"]["message"]


@pytest.mark.slow
def test_a_build_that_is_ended_aborts_its_runs(tmp_path: Path) -> None:
    files = dict(COPULA_PROJECT)
    files["models/customers.yml"] = files["models/customers.yml"].replace(
        "generator: sdv.gaussian_copula", "generator: {name: sdv.ctgan, epochs: 5000}"
    )
    project = lineage_shop(tmp_path, files)
    process = project.start("build")
    path, deadline = project.root / "out/lineage.jsonl", time.time() + 60
    while time.time() < deadline and not (path.exists() and "shop.fake_customers" in path.read_text("utf-8")):
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    events = events_of(project)
    assert ends(events) == {"shop.synth-build": "ABORT", "shop.fake_customers": "ABORT"}
    assert "interrupted" in events[-1]["run"]["facets"]["errorMessage"]["message"]


def test_half_a_line_of_a_killed_build_spoils_no_other(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    path = project.root / "out/lineage.jsonl"
    path.parent.mkdir()
    path.write_text('{"eventType": "STA', encoding="utf-8")
    project.ok("build")
    half, *rest = path.read_text("utf-8").splitlines()
    assert half == '{"eventType": "STA'
    assert len(checked(rest)) == 6


def test_a_server_gets_every_event_with_the_key(tmp_path: Path) -> None:
    with serving() as server:
        settings = "name: shop\nlineage:\n  transport: http\n  url: \"{{ env_var('LINEAGE_URL') }}/base/\"\n"
        settings += "  api_key: \"{{ env_var('LINEAGE_KEY') }}\"\n  namespace: team\n"
        project = lineage_shop(tmp_path, lineage=settings)
        project.ok("build", env={"LINEAGE_URL": server.url, "LINEAGE_KEY": "k3y-of-the-team"})
        events = checked(server.bodies)
    assert ends(events) == {"shop.synth-build": "COMPLETE", "shop.customers": "COMPLETE", "shop.by_tier": "COMPLETE"}
    assert {e["job"]["namespace"] for e in events} == {"team"}
    assert server.paths == {"/base/api/v1/lineage"}
    assert server.keys == {"Bearer k3y-of-the-team"}
    for file in (*project.root.rglob("*.json"), *project.root.rglob("*.log"), *project.root.rglob("*.jsonl")):
        assert "k3y-of-the-team" not in file.read_text("utf-8")


def warnings_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if "warning" in line or "lineage" in line.lower()]


def test_a_server_that_is_down_fails_no_build_and_is_told_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://user:s3cret@127.0.0.1:{taken.getsockname()[1]}"
        project = lineage_shop(tmp_path, lineage=f"name: shop\nlineage: {{transport: http, url: '{url}'}}\n")
        done = project.synth("build")
    assert done.returncode == 0, done.stdout + done.stderr
    (warning,) = warnings_of(done.stdout + done.stderr)
    assert "6 of 6 events did not reach http://127.0.0.1:" in warning
    assert warning.endswith("connection refused")
    assert len(project.parquet("by_tier")) == 1


@pytest.mark.parametrize(("status", "said"), [(401, "HTTP 401"), (503, "HTTP 503")])
def test_a_server_that_refuses_is_told_once(tmp_path: Path, status: int, said: str) -> None:
    with serving(status=status) as server:
        project = lineage_shop(tmp_path, lineage=f"name: shop\nlineage: {{transport: http, url: '{server.url}'}}\n")
        done = project.synth("build")
    assert done.returncode == 0
    (warning,) = warnings_of(done.stdout + done.stderr)
    assert said in warning


def test_a_server_that_does_not_answer_holds_nothing_up_for_long(tmp_path: Path) -> None:
    with serving(wait=20) as server:
        settings = f"name: shop\nlineage: {{transport: http, url: '{server.url}', timeout: 0.5}}\n"
        done = lineage_shop(tmp_path, lineage=settings).synth("build")
        assert server.bodies == []  # so the build did not wait for the server's 20 seconds
    assert done.returncode == 0
    (warning,) = warnings_of(done.stdout + done.stderr)
    assert "no answer within 0.5 s" in warning


def test_a_file_that_cannot_be_written_fails_no_build(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    (project.root / "out").write_text("a file where a folder should be", encoding="utf-8")
    done = project.synth("build")
    assert done.returncode == 0
    (warning,) = warnings_of(done.stdout + done.stderr)
    assert "events did not reach" in warning


def test_nothing_of_a_private_table_is_told_that_its_receipt_withholds(tmp_path: Path) -> None:
    model = """
        version: 1
        models:
          - name: private
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: 1
            delta: 1e-4
            size: 1x
            audits:
              - ks: {max: 0.9}
              - accepted_range: {column: age, min: 18, max: 90}
    """
    files = {"models/sources.yml": DECLARED, "models/customers.yml": model}
    budget = "privacy:\n  budgets:\n    crm.customers: {epsilon: 2, delta: 1e-4}\n"
    project = lineage_shop(tmp_path, files, TO_FILE + budget)
    project.ok("build")
    done = end_of(events_of(project), "shop.private")
    receipt = json.loads((project.root / "warehouse/dev/private.receipt.json").read_text("utf-8"))
    output = done["outputs"][0]
    privacy = output["facets"]["synthkit_privacy"]
    assert (privacy["epsilon"], privacy["delta"], privacy["real_rows"]) == (1.0, 1e-4, False)
    assert [g["account"] for g in privacy["guarantees"]] == ["crm.customers"]
    audits = {a["name"]: a for a in output["facets"]["dataQualityAssertions"]["assertions"]}
    assert "actual" not in audits["ks"]
    assert audits["accepted_range"]["actual"] == "0"
    tests = {t["name"]: t for t in done["run"]["facets"]["test"]["tests"]}
    assert "actual" not in tests["ks"]
    # The input's version is the keyed hash of the receipt, and its types are the declared ones.
    source = done["inputs"][0]["facets"]
    assert source["version"]["datasetVersion"] == receipt["inputs"]["train"]["sources"]["source:crm.customers"]
    assert {f["name"]: f["type"] for f in source["schema"]["fields"]} == receipt["source_columns"][
        "source:crm.customers"
    ]


def test_an_error_that_may_quote_sensitive_rows_is_not_told(tmp_path: Path) -> None:
    sources = SQL_PROJECT["models/sources.yml"].replace("path: data", "sensitive: true\n                path: data")
    broken = SQL_PROJECT["models/customers.yml"].replace("select *", "select cast(customer_id as integer) as x, *")
    project = lineage_shop(tmp_path, {**SQL_PROJECT, "models/sources.yml": sources, "models/customers.yml": broken})
    assert "C-00" in project.fails("build")
    assert ends(events_of(project))["shop.customers"] == "FAIL"
    assert "C-00" not in (project.root / "out/lineage.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{transport: http}", "2:10: error: lineage: transport: http needs a url"),
        ("{transport: http, url: lineage.example.org}", "2:33: error: lineage: the url must be http:// or https://"),
        ("{transport: http, url: 'http://x', path: a}", "lineage: path is a key of transport: file"),
        ("{transport: file, api_key: s3cret}", "lineage: api_key is a key of transport: http"),
        ("{transport: file, path: 's3://bucket/x'}", "lineage: path must be a file of this machine"),
        ("{transport: kafka}", "lineage.transport in synth_project.yml cannot be 'kafka'"),
        ("{transport: file, pth: a}", "did you mean 'path'?"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, written: str, said: str) -> None:
    text = lineage_shop(tmp_path, lineage=f"name: shop\nlineage: {written}\n").fails("compile", code=2)
    assert "synth_project.yml:2:" in text
    assert said in text


def test_without_the_package_the_fault_names_the_extra(tmp_path: Path) -> None:
    project = lineage_shop(tmp_path)
    (tmp_path / "shadow/openlineage").mkdir(parents=True)
    (tmp_path / "shadow/openlineage/__init__.py").write_text("", encoding="utf-8")  # hides the installed one
    hidden = {"PYTHONPATH": str(tmp_path / "shadow")}
    done = project.synth("build", env=hidden)
    assert done.returncode == 2
    assert "synth_project.yml:3:1: error: lineage: needs the package openlineage.client" in done.stderr
    assert "pip install 'synthkit-build[lineage]'" in done.stderr
    project.write({"synth_project.yml": TO_FILE.replace("{transport", "{enabled: false, transport")})
    project.ok("build", env=hidden)
    assert not (project.root / "out").exists()
