"""What everybody installs reads, queries, verifies, compiles, plans and diffs; what else is needed is said by name."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from synthkit.audits import registry as audits
from synthkit.audits.contract import BY_SQL_ALONE
from synthkit.cli.main import VERBS
from synthkit.errors import DISTRIBUTION, install
from synthkit.extras import BRINGS, TRAIN
from synthkit.generators import registry as generators
from synthkit.generators.base import Query
from tests import licences
from tests.light import light, needed, plain, run_lightly
from tests.store.versions.test_versions import commit, dvc, run
from tests.synth import Project, copied, customers, write_csv

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\ntargets: {dev: {}, prod: {}}\nprivacy: {budgets: {crm.members: {epsilon: 4, delta: 1e-5}}}\n",
    "models/all.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - {name: customers, path: data/customers.csv, primary_key: customer_id}
              - name: members
                path: data/members.csv
                row_count: 200
                columns:
                  - {name: tier, type: categorical, values: [basic, plus, pro], nullable: false}
                  - {name: age, type: integer, bounds: [18, 90], nullable: false}
        models:
          - name: customers
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits:
              - not_null: {columns: [tier]}
              - accepted_range: {column: age, min: 0}
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('customers') }} group by tier order by tier"}
            audits:
              - relationships: {column: tier, to: "{{ ref('customers') }}", field: tier}
          - name: members
            source: "{{ source('crm', 'members') }}"
            generator: mst
            epsilon: 1
            size: 100
            audits:
              - row_count: {equals: 100}
    """,
    ".gitignore": "target/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n/data\n",
}

# Verb → words, and the extra that it needs on that project; none: the base alone does it.
CALLS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "init": (("new",), None),
    "deps": ((), None),
    "probe": (("data/customers.csv",), "train"),
    "debug": ((), None),
    "ls": ((), None),
    "compile": ((), None),
    "plan": ((), None),
    "preview": (("members",), None),
    "rules": (("by_tier",), "train"),
    "test": ((), None),
    "freshness": ((), None),
    "build": (("--full-refresh", "--select", "members"), "train"),
    "k8s": (("render", "--help"), None),
    "retry": ((), None),
    "audit": (("--select", "by_tier"), "dvc"),
    "promote": (("dev", "prod"), "privacy"),
    "verify": (("--full",), None),
    "report": (("html=out/report.html", "junit=out/report.xml"), None),
    "show": (("members",), None),
    "stats": ((), None),
    "ledger": ((), "privacy"),
    "versions": (("by_tier",), None),
    "diff": (("by_tier", "HEAD~1", "HEAD"), None),
    "rollback": (("by_tier", "HEAD~1"), "dvc"),
    "push": ((), "dvc"),
    "pull": ((), "dvc"),
    "query": (("select * from by_tier",), None),
    "export": (("--to", "csv", "--output", "out/csv", "by_tier"), None),
    "docs": (("generate",), "docs"),
    "schema": (("models",), None),
    "gc": (("--dry-run",), "dvc"),
    "clean": ((), None),
}
ENDS_WITH_1 = {"debug": "to build", "preview": "has epsilon"}  # which say what they find


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two versions of its tables are committed, one training is charged."""
    project = Project(tmp_path_factory.mktemp("light") / "shop")
    project.root.mkdir()
    write_csv(project.root / "data" / "customers.csv", customers(60))
    rows = "".join(f"{tier},{18 + i % 50}\n" for i, tier in enumerate(["basic", "plus", "pro", "basic"] * 50))
    run(project.root, "git", "init", "-q")
    dvc(project.root, "init", "-q")
    project.write({**FILES, "data/members.csv": "tier,age\n" + rows})
    project.ok("build")
    commit(project, "one")
    project.write({"models/all.yml": FILES["models/all.yml"].replace("order by tier", "order by n, tier")})
    project.ok("build")
    commit(project, "two")
    return project


@pytest.fixture(scope="module")
def called(shop: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Verb → exit status and output, each on a copy of the shop."""
    top = tmp_path_factory.mktemp("called")
    copies = {verb: copied(shop, top / verb / "shop") for verb in VERBS}
    next((copies["pull"].root / "warehouse" / "dev" / "by_tier").glob("*.parquet")).unlink()
    found = run_lightly(top / "hook", [(copies[verb].root, (verb, *CALLS[verb][0])) for verb in VERBS])
    return dict(zip(VERBS, found, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_with_the_base_alone(verb: str, called: dict[str, tuple[int, str]]) -> None:
    extra = CALLS[verb][1]
    status, said = called[verb]
    assert "ModuleNotFoundError" not in said
    assert "internal error" not in said
    if extra is not None:
        assert status == 2, said
        assert f"pip install '{DISTRIBUTION}[{extra}]'" in said
        assert "is not installed" in said
    elif verb in ENDS_WITH_1:
        assert ENDS_WITH_1[verb] in said
    else:
        assert status == 0, said


def test_verbs_and_their_extras_are_in_the_documentation() -> None:
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `synth (\w+)[^|]*` \| ([^|]+) \|", text, re.MULTILINE))
    assert rows.keys() == VERBS.keys()
    for verb, (_, extra) in CALLS.items():
        assert extra is None or f"`{extra}`" in rows[verb], verb
    listed = re.search(r"Audits without an extra: (.*?),\nand", text, re.DOTALL)
    assert listed is not None
    assert {*re.findall(r"`(\w+)`", listed[1])} == BY_SQL_ALONE
    named = re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`[^|]*`) \| [^|]* \|$", text, re.MULTILINE)))
    assert {*named} >= EXTRAS.keys() - {"dev"}


def test_values_are_left_out_of_a_difference_and_that_is_said(shop: Project, tmp_path: Path) -> None:
    said = copied(shop, tmp_path / "shop").ok("diff", "by_tier", "HEAD~1", "HEAD", env=light(tmp_path / "hook"))
    assert "train hash changed: query" in said
    assert (
        f"values   not compared: comparing values needs the package numpy, which is not installed: {install('train,dvc')}"
        in said
    )


def test_tables_of_sql_are_built_without_any_extra(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    write_csv(project.root / "data" / "customers.csv", customers(60))
    project.write({**FILES, "data/members.csv": "tier,age\npro,20\n"})
    env = light(tmp_path / "hook")
    project.ok("build", "--select", "+by_tier", env=env)
    assert "basic" in project.ok("query", "select tier from by_tier", env=env)


def test_what_a_build_lacks_is_said_with_its_place_before_anything_is_done(tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    write_csv(project.root / "data" / "customers.csv", customers(60))
    project.write({"synth_project.yml": "name: shop\n", "data/members.csv": "tier,age\npro,20\n"})
    text = FILES["models/all.yml"].replace("- row_count: {equals: 100}", "- column_shapes")
    text = text.replace("generator: mst", "generator: sdv.ctgan").replace("            epsilon: 1\n", "")
    text = text.replace(
        "{name: tier, type: categorical, values: [basic, plus, pro], nullable: false}", "{name: tier, pii: swift}"
    )
    project.write({"models/all.yml": text})
    env = light(tmp_path / "hook")
    project.ok("compile", env=env)
    assert "sdv.ctgan" in project.ok("plan", env=env)
    done = project.synth("build", env=env)
    assert done.returncode == 2
    assert "models/all.yml:24:16: error: the generator 'sdv.ctgan' of 'members' needs the package sdv" in done.stderr
    assert install("sdv") in done.stderr
    assert install("train") in done.stderr
    assert not (project.root / "warehouse").exists()


def test_what_is_not_installed_changes_no_plan(shop: Project, tmp_path: Path) -> None:
    said = copied(shop, tmp_path / "shop").ok("plan", env=light(tmp_path / "hook"))
    assert "nothing to do" in said


def test_adding_up_what_releases_reveal_is_asked_for_at_the_epsilon(shop: Project, tmp_path: Path) -> None:
    """A table of two trainings on the same people: without numpy their sum is not known, and a looser one is not taken."""
    project = copied(shop, tmp_path / "shop")
    text = (project.root / "models" / "all.yml").read_text("utf-8")
    again = text[text.index("  - name: members\n    source") :].replace(
        "name: members\n    source", "name: again\n    source"
    )
    both = "  - name: both\n    generator: {name: sql, query: \"select * from {{ ref('members') }} union all select * from {{ ref('again') }}\"}\n"
    project.write({"models/more.yml": f"version: 1\nmodels:\n{again}\n{both}"})
    shutil.rmtree(project.root / "target" / "cache" / "accountant")  # what is remembered needs no accountant
    done = project.synth("compile", env=light(tmp_path / "hook"))
    assert done.returncode == 2, done.stdout
    assert re.search(r"models/(all|more)\.yml:\d+:\d+: error: adding up what private releases reveal", done.stderr)
    assert install("privacy") in done.stderr
    project.ok("compile", env=light(tmp_path / "hook2", ("privacy",)))


def test_with_their_extra_the_verbs_work(shop: Project, tmp_path: Path) -> None:
    project = copied(shop, tmp_path / "shop")
    project.ok("ledger", env=light(tmp_path / "privacy", ("privacy",)))
    project.ok("docs", "generate", env=light(tmp_path / "docs", ("docs",)))
    project.ok("rollback", "by_tier", "HEAD~1", env=light(tmp_path / "dvc", ("dvc",)))
    project.ok("rules", "by_tier", env=light(tmp_path / "train", ("train",)))


def test_each_extra_is_known_and_brings_what_is_said_of_it() -> None:
    assert BRINGS.keys() == EXTRAS.keys() - {"all", "dev"}
    for extra, modules in BRINGS.items():
        wanted = needed(extras=(extra,))
        for module in modules:
            assert providers(module) & wanted, f"{extra} does not bring {module}"


def providers(module: str) -> set[str]:
    from importlib.metadata import packages_distributions

    return {plain(d) for d in packages_distributions().get(module.partition(".")[0], ())}


def test_all_is_every_extra_but_dev() -> None:
    named = {extra for text in EXTRAS["all"] for extra in Requirement(text).extras}
    assert named == EXTRAS.keys() - {"all", "dev"}


def test_no_generator_or_audit_of_ours_hides_what_it_needs() -> None:
    ours = [generators.get(name) for name in generators.names()]
    for generator in ours:
        if generator.fit.__module__.startswith("synthkit.") if hasattr(generator, "fit") else False:
            assert generator.extras(generator.params.model_construct()), generator.name
        if isinstance(generator, Query):
            assert not generator.extras(generator.params.model_construct())
    assert set(audits.names()) >= BY_SQL_ALONE
    assert audits.get("ks").extra == TRAIN
    assert audits.get("not_null").extra is None


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "locks" / name).read_text("utf-8")
    assert text.count("==") <= text.count("--hash=sha256:"), "a version without a hash"
    return {plain(n): v for n, v in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def constraints() -> Iterator[tuple[str, str]]:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            yield plain(name), version


@pytest.mark.parametrize("name", ["base.txt", "all.txt"])
def test_locks_hold_the_versions_of_the_constraints(name: str) -> None:
    """`make lock` writes them; of what torch wants for a GPU, which is not installed here, there are no constraints."""
    pinned, of_gpus = dict(constraints()), re.compile(r"nvidia-|cuda-|triton")
    for package, version in locked(name).items():
        assert of_gpus.match(package) or pinned.get(package) == version, f"{package}: make lock"


def test_the_lock_of_the_base_is_all_that_it_needs() -> None:
    assert locked("base.txt").keys() == needed() - {DISTRIBUTION}
    assert len(locked("base.txt")) + 1 <= 35


def test_the_lock_of_all_has_each_extras_packages() -> None:
    wanted = {plain(Requirement(text).name) for extra in EXTRAS if extra != "dev" for text in EXTRAS[extra]}
    assert wanted - {DISTRIBUTION} <= locked("all.txt").keys()


def test_the_page_of_licences_is_what_is_installed() -> None:
    """`python -m tests.licences --write`; on another machine than the constraints are of, some come in other versions."""
    assert licences.PAGE.read_text("utf-8") == licences.page()


def test_only_sdv_is_under_no_free_licence() -> None:
    for extra in BRINGS:
        closed = [n for n, ds in licences.by_licence(needed(extras=(extra,))).items() if "BUSL" in n and ds]
        assert bool(closed) == (extra == "sdv"), extra
