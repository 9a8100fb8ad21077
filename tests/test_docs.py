"""`synth docs` as a user meets it: what it writes, when, and what of the real rows it may show."""

from __future__ import annotations

import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from synthkit.compiler import compile_project
from synthkit.planning.disclosed import pictures_of
from synthkit.project.project import load_project
from tests.private import DECLARED
from tests.synth import Project, make_project

MODELS = """
    version: 1
    models:
      - name: alike
        source: "{{ source('crm', 'customers') }}"
        generator: {name: sql, query: "select * from {{ ref('drawn') }}"}
        audits:
          - ks: {max: 0.9, columns: [age, spend]}
      - name: drawn
        generator: {name: sql, query: "select 'K' || range as customer_id, 18 + (range % 73) as age, range * 0.5 as spend,
          ['basic', 'plus'][1 + range % 2] as tier, date '2015-01-01' + (range::int % 900) as joined from range(200)"}
        audits:
          - not_null: {columns: [age]}
      - name: rows_of_people
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits:
          - expression: {sql: "age > 60", severity: warn}
"""
PRIVATE = """
    version: 1
    models:
      - name: private
        source: "{{ source('crm', 'customers') }}"
        generator: independent
        epsilon: 1
        size: 300
        audits:
          - ks: {max: 0.99, columns: [age, spend]}
"""
BUDGET = "privacy: {budgets: {crm.customers: {epsilon: 3, delta: 1e-5}}}"
NAME = "alike"


def project_of(root: Path, more: str = "", **files: str) -> Project:
    project = make_project(root, {"synth_project.yml": f"name: shop\nseed: 7\n{more}", "models/sources.yml": DECLARED})
    return project.write(
        {"models/customers.yml": MODELS, **{k.replace("__", "/") + ".yml": v for k, v in files.items()}}
    )


def page(project: Project, name: str = NAME) -> str:
    return (project.root / f"target/docs/tables/{name}.html").read_text("utf-8")


def profile(project: Project, name: str = NAME) -> str:
    return (project.root / f"target/profiles/{name}.json").read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_of(tmp_path / "shop")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = project_of(tmp_path_factory.mktemp("built") / "shop")
    project.ok("build")
    return project


@pytest.fixture
def built(once: Project, tmp_path: Path) -> Project:
    """A copy of the built project."""
    shutil.copytree(once.root, tmp_path / "shop")
    return Project(tmp_path / "shop")


def test_before_a_build_it_shows_what_is_declared_and_says_so(project: Project) -> None:
    inside = Project(project.root / "models")  # a subfolder is as good as the root
    done = inside.synth("docs", "generate")
    assert done.returncode == 0, done.stderr
    assert "nothing was built yet" in done.stderr
    assert "index.html" in done.stdout
    assert "This table was not built yet" in page(project)
    assert "are declared, and none has run: ks" in page(project)


def test_after_a_build_real_and_synthetic_rows_are_pictured(built: Project) -> None:
    done = built.synth("docs", "generate", "--output", str(built.root / "public"))
    assert done.returncode == 0
    assert "nothing was built" not in done.stderr
    assert (built.root / "public/assets/plotly.min.js").is_file()
    text = (built.root / "public/tables/alike.html").read_text("utf-8")
    assert "Real against synthetic" in text
    assert "Total variation" in text
    assert '"t":"heat"' in text
    assert '"t":"scatter"' in text
    found = json.loads(profile(built))
    assert found["rows"] == {"synthetic": 200, "real": 400}
    key = found["columns"][0]
    assert (key["name"], key["kind"], "real" in key) == ("customer_id", "made_up", False)
    assert "C-00" not in text
    text = built.fails("docs", "generate", "--output", str(built.root / "data"), code=2)
    assert "did not write" in text


def test_a_project_with_faults_is_not_written(project: Project) -> None:
    project.write({"models/customers.yml": MODELS.replace("ks:", "kss:")})
    assert "kss" in project.fails("docs", "generate", code=2)
    assert not (project.root / "target/docs").exists()


def test_a_failing_audit_leads_the_start_page_and_history_grows(built: Project) -> None:
    built.write({"models/customers.yml": MODELS.replace("max: 0.9", "max: 0.0001")})
    built.fails("build")
    built.ok("docs", "generate")
    start = (built.root / "target/docs/index.html").read_text("utf-8")
    assert 'href="tables/alike.html#audit-ks"' in start
    assert start.index("Failing now") < start.index('id="lineage"')
    assert "What can be read is the last version that passed" in page(built)
    entries = [json.loads(line) for line in (built.root / "target/history.jsonl").read_text().splitlines()]
    assert [e["status"] for e in entries if e["model"] == NAME] == ["pass", "fail"]


def test_pictures_of_other_rows_are_called_so(built: Project) -> None:
    path = built.root / "target/profiles/alike.json"
    stale = json.loads(path.read_text("utf-8")) | {"sample": "0" * 64}
    path.write_text(json.dumps(stale))
    built.ok("docs", "generate")
    assert "These pictures are of other rows than the figures above" in page(built)
    path.unlink()
    built.ok("docs", "generate")
    assert "No pictures are on disk: synth audit --select alike takes them" in page(built)


def test_what_was_kept_of_published_rows_outlives_pictures_of_others(built: Project) -> None:
    built.ok("docs", "keep")
    path = built.root / "target/profiles/alike.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"sample": "0" * 64}))  # as of rows that failed
    kept = [file.read_bytes() for file in _kept(built)]
    assert "removed" not in built.ok("docs", "keep")
    assert [file.read_bytes() for file in _kept(built)] == kept
    built.ok("docs", "generate")
    assert "of other rows" not in page(built)


def test_a_clone_shows_the_pictures_that_were_kept_and_none_that_may_not_be_shown(
    built: Project, tmp_path: Path
) -> None:
    said = built.ok("docs", "keep")
    kept = built.root / "warehouse/dev/alike.pictures.json"
    assert f"wrote {kept}" in said
    clone = Project(tmp_path / "clone")
    data = shutil.ignore_patterns("target", "data", "*.parquet", "*.duckdb", ".views")
    shutil.copytree(built.root, clone.root, ignore=data)
    clone.ok("docs", "generate")
    assert "Real against synthetic" in page(clone)
    assert '"t":"scatter"' in page(clone)
    assert "of other rows" not in page(clone)  # its receipt is told of, though its rows are not there
    assert [p.read_bytes() for p in _kept(clone)] == [p.read_bytes() for p in _kept(built)] != []
    clone.ok("docs", "keep")  # of a clone, what it was given
    assert (clone.root / "warehouse/dev/alike.pictures.json").read_bytes() == kept.read_bytes()
    clone.write({"synth_project.yml": "name: shop\nseed: 7\nreports: {show_real: false}\n"})
    clone.ok("docs", "generate")
    assert "hold real rows, which may no longer be shown" in page(clone)
    assert '"t":"hist"' not in page(clone)
    done = clone.synth("docs", "keep")
    assert "removed" in done.stdout
    assert "alike: the pictures on disk hold real rows" in done.stderr
    assert [path.name for path in _kept(clone)] == ["drawn.pictures.json"]  # of which no row was ever real


def _kept(project: Project) -> list[Path]:
    return sorted((project.root / "warehouse").rglob("*.pictures.json"))


# -- what may be shown of real rows --------------------------------------------------------------------


def test_show_real_false_shows_no_real_row_from_now_on_and_takes_none_at_the_next_audit(built: Project) -> None:
    built.write({"synth_project.yml": "name: shop\nseed: 7\nreports: {show_real: false}\n"})
    built.ok("docs", "generate")
    assert "hold real rows, which may no longer be shown" in page(built)
    assert '"t":"hist"' not in page(built)
    people = page(built, "rows_of_people")
    assert "The table holds real rows, so no picture of it is shown" in people
    assert "C-0" not in people  # the audit's message quotes the rows that break it
    built.ok("audit")
    assert json.loads(profile(built))["rows"]["real"] is None
    assert profile(built).count('"real"') == 1
    assert not (built.root / "target/profiles/rows_of_people.json").exists()
    built.ok("docs", "generate")
    assert "Only synthetic rows are pictured: the project says reports: {show_real: false}." in page(built)
    assert '"t":"hist"' in page(built)
    assert "C-0" not in page(built, "rows_of_people")


@pytest.mark.parametrize(
    ("more", "files", "expected"),
    [
        ("", {}, {"alike": "all", "drawn": "all", "rows_of_people": "all"}),
        ("reports: {show_real: false}", {}, {"alike": "synthetic", "drawn": "synthetic", "rows_of_people": "none"}),
        (BUDGET, {}, {"alike": "synthetic", "drawn": "all", "rows_of_people": "none"}),
        (
            "",
            {"models__private": PRIVATE},
            {"alike": "synthetic", "drawn": "all", "rows_of_people": "none", "private": "synthetic"},
        ),
    ],
    ids=["free", "show_real false", "budget", "another table's epsilon"],
)
def test_what_may_be_pictured(tmp_path: Path, more: str, files: dict[str, str], expected: dict[str, str]) -> None:
    manifest = compile_project(load_project(project_of(tmp_path, f"{more}\n", **files).root))
    assert {name: pictures_of(manifest, m) for name, m in manifest.models.items()} == expected


@pytest.mark.slow
def test_rows_that_some_table_protects_are_pictured_on_no_page(built: Project) -> None:
    built.write({"models/private.yml": PRIVATE})
    built.ok("docs", "generate")
    assert "which may no longer be shown" in page(built)  # taken before there was a table to protect
    built.ok("build")  # the hash of the source is keyed from now on, so its other tables are audited again
    built.ok("docs", "generate")
    assert json.loads(profile(built))["rows"]["real"] is None
    assert "a privacy budget, or a table with epsilon, protects the people in the real ones" in page(built)
    assert json.loads(profile(built, "private"))["rows"]["real"] is None
    assert profile(built, "private").count('"real"') == 1
    text = page(built, "private")
    assert "Only synthetic rows are pictured: the table is differentially private." in text
    assert "Its figures are of the real rows, so they are not shown." in text
    assert "C-0" not in page(built, "rows_of_people")
    ks = next(a for a in built.results()["private"]["audits"] if a["name"] == "ks")
    entry = (built.root / "target/history.jsonl").read_text("utf-8").splitlines()[-1]
    audits = text[: text.index('id="pictures"')]  # below, shares of synthetic rows may begin with the same digits
    for figure in (ks["value"], *ks["ci"], ks["floor"]):
        if figure not in (None, 0, 1):
            assert f"{figure:.3g}" not in audits
            assert repr(figure) not in text
            assert repr(figure) not in entry
    start = (built.root / "target/docs/index.html").read_text("utf-8")
    assert ">ε = 1</text>" in start


# -- serve ---------------------------------------------------------------------------------------------


def test_serve_writes_the_site_and_serves_it_to_this_machine_alone(project: Project) -> None:
    process = project.start("docs", "serve", "--port", "0", env={"PYTHONUNBUFFERED": "1"})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        while "http://" not in line:
            assert line, "it ended"
            line = process.stdout.readline()
        url = line.split("http://")[1].split()[0]
        assert url.startswith("127.0.0.1:")
        with urllib.request.urlopen(f"http://{url}index.html", timeout=10) as answer:
            assert b"<h1>shop</h1>" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{url}assets/", timeout=10)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{url}../run_results.json", timeout=10)
    finally:
        process.send_signal(2)
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    assert process.returncode == 0


def test_a_port_that_is_taken_is_named(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = project.fails("docs", "serve", "--port", str(port), code=2)
    assert f"cannot serve on port {port}" in text
    assert "--port 0" in text
