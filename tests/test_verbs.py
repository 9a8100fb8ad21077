"""Each verb of `synth` is one call of synthkit.api: on a small project, both come to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthkit import api
from synthkit.cli.main import VERBS
from synthkit.errors import SynthError
from synthkit.privacy.ledger.ledger import FILE, open_ledger
from tests.privacy.ledger.test_ledger import CHARGE
from tests.store.versions.test_versions import commit, dvc, run
from tests.synth import Project, copied, customers, write_csv

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\nvars: {most: 9}\n",
    "models/all.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - {name: customers, path: data/customers.csv, primary_key: customer_id, freshness: {warn_after: {count: 1, period: hour}}}
        models:
          - name: customers
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits:
              - not_null: {columns: [tier]}
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('customers') }} group by tier order by tier"}
            audits:
              - row_count: {max: "{{ var('most') }}"}
          - name: qa
            generator: {name: sql, query: "select 'how many?' as instruction, n::varchar as response from {{ ref('by_tier') }}"}
            audits: []
        unit_tests:
          - name: counts
            model: by_tier
            given:
              - {input: "{{ ref('customers') }}", rows: [{tier: pro, age: 60}, {tier: pro, age: 70}]}
            expect: {rows: [{tier: pro, n: 2}]}
    """,
    ".gitignore": "target/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n/data\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed project with two versions of its tables, a ledger with one entry, and a remote."""
    top = tmp_path_factory.mktemp("verbs")
    project = Project(top / "shop")
    project.root.mkdir()
    write_csv(project.root / "data" / "customers.csv", customers(120))
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    dvc(project.root, "remote", "add", "-q", "-d", "store", str(top / "remote"))
    project.write(FILES)
    with open_ledger(project.root / FILE) as writer:
        writer.append(CHARGE)
    project.ok("build")
    commit(project, "first")
    edited(project, "group by tier", "where age > 40 group by tier")
    project.ok("build")
    commit(project, "second")
    return project


@pytest.fixture
def pair(built: Project, tmp_path: Path) -> tuple[Project, Path]:
    """The project twice: for the command line, and the folder for the same call from Python."""
    copied(built, tmp_path / "python")
    return copied(built, tmp_path / "words"), tmp_path / "python"


def edited(project: Project, old: str, new: str) -> None:
    path = project.root / "models" / "all.yml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def receipts(root: Path) -> dict[str, Any]:
    """What is published: table → the hash of its rows, and whether it was restored."""
    found = (json.loads(p.read_text("utf-8")) for p in root.glob("warehouse/dev/*.receipt.json"))
    return {r["model"]: (r["sha256"], "restored" in r) for r in found}


def both(project: Project, root: Path, change: Callable[[Project], None]) -> None:
    for one in (project, Project(root)):
        change(one)


def test_init(tmp_path: Path) -> None:
    words, python = tmp_path / "words", tmp_path / "python"
    words.mkdir()
    Project(words).ok("init", "shop")
    made = api.init("shop", python)
    names = {p.relative_to(python) for p in made.written}
    assert names <= {p.relative_to(words) for p in words.rglob("*")}
    assert all((words / name).read_bytes() == (python / name).read_bytes() for name in names)
    with pytest.raises(SynthError, match="neither a name nor a file"):
        api.init(None, tmp_path)


def test_probe(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.probe(root / "data" / "customers.csv")
    assert project.ok("probe", "data/customers.csv") == f"{found}\n"
    assert json.loads(project.ok("probe", "data/customers.csv", "--format", "json")) == json.loads(found.to_json())


def test_deps(pair: tuple[Project, Path], tmp_path: Path) -> None:
    project, root = pair
    package = {"synth_project.yml": "name: acme\n", "macros/m.sql": "{% macro m() %}1{% endmacro %}\n"}
    Project(tmp_path / "acme").write(package)
    both(project, root, lambda one: one.write({"packages.yml": "packages: [{local: ../acme}]\n"}) and None)
    found = api.deps(root)
    said = project.ok("deps")
    assert said == "".join(f"{p.name}: {p.change}, {p.files} files ({p.source})\n" for p in found) != ""
    locks = [(folder / "package-lock.yml").read_text("utf-8") for folder in (project.root, root)]
    assert locks[0] == locks[1]


def test_debug(pair: tuple[Project, Path]) -> None:
    project, root = pair
    lines = project.synth("debug").stdout.splitlines()[1:]
    found = [f"{'ok    ' if c.good else 'WRONG '} {c.name}:" for c in api.debug(root)]
    assert [line[: len(head)] for line, head in zip(lines, found, strict=False)] == found


def test_ls(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.ls(root, select="+by_tier")
    names = [n.name if n.kind == "model" else f"{n.kind}:{n.name}" for n in found.nodes]
    assert project.ok("ls", "--select", "+by_tier").split() == names == ["source:crm.customers", "customers", "by_tier"]


def test_k8s(pair: tuple[Project, Path]) -> None:
    project, root = pair
    for where in (project.root, root):
        spec = where / "synth_project.yml"
        spec.write_text(
            spec.read_text("utf-8") + "targets: {dev: {runner: {name: kubernetes, image: i, claim: c}}}\n", "utf-8"
        )
    with pytest.raises(SynthError, match="drawn in partitions") as caught:
        api.k8s(root, run="1")
    assert caught.value.message in project.fails("k8s", "render", "--run", "1", code=2)


def test_compile(pair: tuple[Project, Path]) -> None:
    project, root = pair
    manifest = api.compile(root, write=True)
    said = json.loads(project.ok("compile", "--log-format", "json"))
    found = json.dumps(manifest.to_json(), default=str).replace(str(root), str(project.root))
    assert json.loads(found) == said
    compiled = sorted(p.name for p in (project.root / "target" / "compiled").rglob("*.sql"))
    assert sorted(p.name for p in (root / "target" / "compiled").rglob("*.sql")) == compiled != []


def test_plan(pair: tuple[Project, Path]) -> None:
    project, root = pair
    both(project, root, lambda p: edited(p, "age > 40", "age > 50"))
    plan, manifest = api.plan(root), api.compile(root)
    said = json.loads(project.ok("plan", "--output", "json"))
    budgets = [b.to_json() for b in api.costs(manifest, plan).balances]
    more = {"budgets": budgets, "estimates": api.estimates(manifest, plan).to_json()}
    assert json.loads(json.dumps(plan.to_json() | more)) == said
    assert [a.model for a in plan.work] == ["by_tier", "qa"]


def test_preview(pair: tuple[Project, Path]) -> None:
    project, root = pair
    with pytest.raises(SynthError, match="'by_tier' is a query, and trains nothing"):
        api.preview("by_tier", root)
    assert "'by_tier' is a query, and trains nothing" in project.fails("preview", "by_tier", code=2)


def test_test(pair: tuple[Project, Path]) -> None:
    project, root = pair
    both(project, root, lambda p: edited(p, "n: 2}]", "n: 3}]"))
    (outcome,) = api.test(root)
    assert not outcome.passed
    assert str(outcome) in project.fails("test")
    with pytest.raises(SynthError, match="no unit test matches"):
        api.test(root, select="nothing")


def test_freshness(pair: tuple[Project, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    project, root = pair
    monkeypatch.setenv("SYNTH_NOW", "2040-03-01T12:00:00Z")
    (found,) = api.freshness(root).values()
    (said,) = json.loads(project.ok("freshness", "--format", "json"))
    assert found.status == said["status"] == "warn"


def test_build(pair: tuple[Project, Path]) -> None:
    project, root = pair
    both(project, root, lambda p: edited(p, "age > 40", "age > 50"))
    assert api.build(root).counts() == {"reused": 1, "pass": 2}
    project.ok("build")
    assert receipts(root) == receipts(project.root)
    manifest = api.compile(root)
    assert api.commit(manifest, api.build(manifest), "third") is not None
    assert api.commit(manifest, api.build(manifest)) is None


def test_retry(pair: tuple[Project, Path]) -> None:
    project, root = pair
    project.fails("build", "--vars", "{most: 1}")
    assert api.build(root, vars={"most": 1}).failed
    left = api.unfinished(root)
    assert left.models == ("by_tier", "qa")
    again = api.retry(left)
    assert again is not None
    assert [(r.model, r.status) for r in again.results] == [("by_tier", "fail"), ("qa", "skipped")]
    project.fails("retry")
    assert {n: r["status"] for n, r in project.results().items()} == {r.model: r.status for r in again.results}
    assert api.build(root).status == "pass"
    assert api.retry(root) is None


def test_audit(pair: tuple[Project, Path]) -> None:
    project, root = pair
    run_ = api.audit(root, vars={"most": 1})
    project.fails("audit", "--vars", "{most: 1}")
    assert {r.model: r.status for r in run_.results} == {n: r["status"] for n, r in project.results().items()}
    assert run_.failed
    assert {r.action for r in run_.results} == {"audit"}


def test_verify(pair: tuple[Project, Path]) -> None:
    project, root = pair
    both(project, root, lambda p: edited(p, "age > 40", "age > 50"))
    *said, last = map(json.loads, project.fails("verify", "--log-format", "json", "--base", "HEAD").splitlines())
    found = api.verify(root, base="HEAD")
    assert [{"event": "Finding", **f.to_json()} for f in found.findings] == said != []
    assert (found.failed, found.models) == (last["failed"], last["models"]) == (True, 3)


def test_report(pair: tuple[Project, Path]) -> None:
    project, root = pair
    project.ok("report", "markdown=run.md", "junit=run.xml", "--base", "HEAD")
    found = api.report(root, base="HEAD")
    assert found.markdown() == (project.root / "run.md").read_text("utf-8")
    assert found.junit() == (project.root / "run.xml").read_text("utf-8")


def test_show(pair: tuple[Project, Path]) -> None:
    project, root = pair
    assert api.show("by_tier", root).receipt.to_json() == json.loads(project.ok("show", "by_tier", "--format", "json"))


def test_stats(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.stats(root)
    assert found.to_json() == json.loads(project.ok("stats", "--format", "json"))
    assert [m.model for m in found.models] == ["customers", "by_tier", "qa"]
    assert found.runs == 2
    assert api.stats(root, "qa").to_json() == json.loads(project.ok("stats", "qa", "--format", "json"))


def test_ledger(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.ledger(root)
    said = json.loads(project.ok("ledger", "--format", "json"))
    (account,), (known,) = said.pop("accounts"), (a.to_json() for a in found.accounts)
    assert {k: v for k, v in found.to_json().items() if k != "accounts"} == said
    # The last digits of an ε are those of a processor's instructions, of which `synth` holds itself to a few.
    assert known.pop("spent") == pytest.approx(account.pop("spent"), rel=1e-6)
    assert known.pop("attacker") == pytest.approx(account.pop("attacker"), rel=1e-6)
    assert json.loads(json.dumps(known)) == account
    (statement,) = found.accounts
    assert statement.balance.entries == 1
    ledger, missing = api.ledger_lacks(root)
    assert ledger.head[:12] in project.ok("ledger", "verify")
    assert missing == ()


def test_versions(pair: tuple[Project, Path]) -> None:
    project, root = pair
    said = json.loads(project.ok("versions", "by_tier", "--format", "json"))
    found = api.versions("by_tier", root).versions
    assert [(v.commit, v.receipt.sha256) for v in found] == [(v["version"], v["sha256"]) for v in said]
    assert len(found) == 2


def test_diff(pair: tuple[Project, Path]) -> None:
    project, root = pair
    said = json.loads(project.ok("diff", "by_tier", "HEAD~1", "--format", "json"))
    found = {n: d.to_json() for n, d in api.diff("by_tier", "HEAD~1", project=root).items()}
    assert json.loads(json.dumps(found)) == said
    assert found["by_tier"]["configuration"]


def test_rollback(pair: tuple[Project, Path]) -> None:
    project, root = pair
    project.ok("rollback", "by_tier", "HEAD~1")
    done = api.rollback("by_tier", "HEAD~1", root)
    assert receipts(root) == receipts(project.root)
    assert receipts(root)["by_tier"] == (done.receipt.sha256, True)
    assert done.below == "qa"


def test_push_and_pull(pair: tuple[Project, Path]) -> None:
    project, root = pair
    assert "3 files of 3 tables are on the remote, 3 of them new" in project.ok("push")
    assert api.push((), root) == type(api.push((), root))(files=3, tables=3, sent=0)
    for one in (project.root, root):
        for path in one.glob("warehouse/dev/*/*.parquet"):
            path.unlink()
    assert "2 of 2 tables were missing" in project.ok("pull", "customers", "by_tier")
    found = api.pull(["customers", "by_tier"], root)
    assert (found.brought, found.tables) == (2, 2)
    assert receipts(root) == receipts(project.root)


def test_query(pair: tuple[Project, Path]) -> None:
    project, root = pair
    sql = "select tier, n from by_tier order by tier"
    assert api.query(sql, root).to_pylist() == json.loads(project.ok("query", sql, "--format", "json"))
    old = api.query(sql, root, version="HEAD~1").to_pylist()
    assert old == json.loads(project.ok("query", sql, "--format", "json", "--version", "HEAD~1"))
    assert old != api.query(sql, root).to_pylist()


def test_export(pair: tuple[Project, Path]) -> None:
    project, root = pair
    lines = list(api.export("qa", root, style="alpaca"))
    assert "".join(lines) == project.ok("export", "qa", "--format", "alpaca")
    assert json.loads(lines[0])["instruction"] == "how many?"


def test_docs(pair: tuple[Project, Path]) -> None:
    project, root = pair
    said = project.ok("docs", "generate")
    site = api.docs(root)
    assert f"wrote {site.files} files" in said
    assert site.built
    names = {p.relative_to(site.directory) for p in site.directory.rglob("*.html")}
    assert names == {
        p.relative_to(project.root / "target/docs") for p in (project.root / "target/docs").rglob("*.html")
    }


def test_schema(tmp_path: Path) -> None:
    assert json.loads(Project(tmp_path).ok("schema", "receipt")) == json.loads(json.dumps(api.schema("receipt")))


def test_rules(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.find_rules("customers", root)
    assert json.loads(project.ok("rules", "customers", "--format", "json")) == [f.to_json() for f in found] != []


def test_gc(pair: tuple[Project, Path]) -> None:
    project, root = pair
    both(project, root, lambda p: edited(p, "- name: qa", "- name: questions"))
    said = project.ok("gc", "--removed", "--keep", "1", "--dry-run")
    found = api.gc(root, removed=True, keep=1, dry_run=True)
    assert [line.rsplit("  ", 1)[0].strip() for line in said.splitlines()[:-1]] == list(found.sizes)
    assert "table qa" in found.sizes
    assert api.show("qa", root).rows
    api.gc(root, removed=True)
    project.ok("gc", "--removed")
    assert receipts(root).keys() == receipts(project.root).keys() == {"customers", "by_tier"}


def test_clean(pair: tuple[Project, Path]) -> None:
    project, root = pair
    found = api.clean(root, dry_run=True)
    assert found is not None
    assert found.bytes > 0
    assert "would remove" in project.ok("clean", "--dry-run")
    api.clean(root)
    project.ok("clean")
    left = {p.name for p in (project.root / "target").iterdir()}
    assert {p.name for p in (root / "target").iterdir()} == left


def test_promote(pair: tuple[Project, Path]) -> None:
    project, root = pair
    for where in (project.root, root):
        spec = where / "synth_project.yml"
        spec.write_text(spec.read_text("utf-8") + "targets: {dev: {}, prod: {}}\n", "utf-8")
    plan = api.promotion("dev", "prod", root).plan("+by_tier")
    said = project.ok("promote", "dev", "prod", "--plan", "--log-format", "json", "-s", "+by_tier").splitlines()
    found = [a for a in map(json.loads, said) if a["event"] == "ActionPlanned"]
    planned = [(a["model"], a["action"], a["changes"]) for a in found]
    assert planned == [(a.model, a.kind, list(a.details)) for a in plan.actions]
    assert api.promote("dev", "prod", root).counts() == {"pass": 3}
    project.ok("promote", "dev", "prod")
    hashes = [json.loads(p.read_text("utf-8"))["sha256"] for p in sorted(root.glob("warehouse/prod/*.receipt.json"))]
    files = sorted(project.root.glob("warehouse/prod/*.receipt.json"))
    assert [json.loads(p.read_text("utf-8"))["sha256"] for p in files] == hashes != []


def test_every_verb_is_a_call_and_has_a_test() -> None:
    called = {name for name in VERBS if callable(getattr(api, "find_rules" if name == "rules" else name))}
    tested = {
        part for name in globals() if name.startswith("test_") for part in name.removeprefix("test_").split("_and_")
    }
    assert called == set(VERBS)
    assert set(VERBS) <= tested
