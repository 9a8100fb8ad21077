"""Bad input gets a clear error, and nothing is lost: through the command line, as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import Killer
from tests.synth import COPULA_PROJECT, SQL_PROJECT, Project, make_project

SOURCE = """
    version: 1
    sources:
      - name: crm
        tables:
          - {name: customers, path: data/customers.csv%s}
"""
MODEL = """
    version: 1
    models:
      - name: copy
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits: []
"""
LEARNT = """
    version: 1
    models: [{name: learnt, source: "{{ source('crm', 'customers') }}", generator: circuit, audits: []}]
"""


def project_over(tmp_path: Path, data: bytes | str, declared: str = "", model: str = MODEL) -> Project:
    project = make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\nholdout: 0\n"})
    payload = data.encode() if isinstance(data, str) else data
    return project.write(
        {
            "data/customers.csv": payload,
            "models/sources.yml": SOURCE % declared,
            "models/customers.yml": model,
        }
    )


@pytest.mark.parametrize(
    ("yaml", "place", "message"),
    [
        ("models:\n  - name: a\n   generator: sql\n", "models/customers.yml:3:", "malformed YAML"),
        ("models:\n\t- name: a\n", "models/customers.yml:2:1", "replace the tab"),
        ("models:\n  - {name: a, name: b}\n", "models/customers.yml:2:15", "given twice"),
        ("models: 3\n", "models/customers.yml:1:9", "must be a list"),
        ("- name: a\n", "models/customers.yml:1:1", "must hold a mapping"),
        ("modles: []\n", "models/customers.yml:1:1", "did you mean 'models'?"),
        (
            "models:\n  - name: 1st table\n    generator: {name: sql, query: select 1 as x}\n",
            "customers.yml:2:11",
            "_1st_table",
        ),
    ],
)
def test_malformed_yaml(shop: Project, yaml: str, place: str, message: str) -> None:
    (shop.root / "models" / "customers.yml").write_text(yaml)
    text = shop.fails("compile", code=2)
    assert place in text
    assert message in text


def test_yaml_that_is_not_utf8(shop: Project) -> None:
    (shop.root / "models" / "customers.yml").write_bytes("models: # größer\n".encode("latin-1"))
    assert "not UTF-8" in shop.fails("compile", code=2)


def test_ragged_rows(tmp_path: Path) -> None:
    text = project_over(tmp_path, "a,b\n1,2\n3,4,5\n6,7\n").fails("build", code=2)  # seen before anything is run
    assert "line 3" in text
    assert "customers.csv" in text


def test_wrong_encoding_and_its_cure(tmp_path: Path) -> None:
    project = project_over(tmp_path, "name,n\nMüller,1\nJosé,2\n".encode("latin-1"))
    done = project.synth("build")
    assert done.returncode != 0
    assert "encoding" in done.stdout + done.stderr
    project.write({"models/sources.yml": SOURCE % ", options: {encoding: latin-1}"})
    project.ok("build")
    assert [r["name"] for r in project.query("select name from copy order by n")] == ["Müller", "José"]


@pytest.mark.parametrize("data", ["", "a,b\n"])
def test_an_empty_table(tmp_path: Path, data: str) -> None:
    done = project_over(tmp_path, data).synth("build")
    assert done.returncode in (1, 2)
    text = done.stdout + done.stderr
    assert "empty" in text or "no rows" in text
    assert "Traceback" not in text


def test_duplicate_column_names(tmp_path: Path) -> None:
    assert "column 'a' is there twice" in project_over(tmp_path, "a,b,a\n1,2,3\n").fails("compile", code=2)


def test_column_names_that_differ_only_in_case(tmp_path: Path) -> None:
    assert "differ only in case" in project_over(tmp_path, "a,A\n1,2\n").fails("compile", code=2)


def test_infinity_is_refused_where_it_would_be_learnt_and_nan_is_missing(tmp_path: Path) -> None:
    project = project_over(tmp_path, "a,b\n1.5,x\ninf,y\n")
    project.ok("build")
    assert project.query("select a from copy where b = 'y'")[0]["a"] == "Infinity"
    learnt = project.write({"models/learnt.yml": LEARNT}).fails("build", "--select", "learnt")
    assert "column 'a' of crm.customers holds 1 infinite value" in " ".join(learnt.split())
    (project.root / "models/learnt.yml").unlink()
    assert "NaN" in project.write({"data/customers.csv": "a,b\n1.5,x\nnan,y\n"}).ok("build")
    assert project.query("select count(*) as n from copy where a is null")[0]["n"] == 1


def test_a_value_that_does_not_fit_its_declared_type(tmp_path: Path) -> None:
    declared = ", columns: [{name: a, type: integer}]"
    text = project_over(tmp_path, "a,b\n1,x\ntwo,y\n3,z\n", declared).fails("build")
    assert "1 of 3 values are not integer" in text
    assert "'two' in row 2" in text


def test_a_null_where_none_may_be(tmp_path: Path) -> None:
    declared = ", columns: [{name: a, nullable: false}]"
    assert "declared not nullable: 1 nulls" in project_over(tmp_path, "a,b\n1,x\n,y\n", declared).fails("build")


def test_a_column_of_only_nulls_comes_through(tmp_path: Path) -> None:
    project = project_over(tmp_path, "a,b\n1,\n2,\n")
    project.ok("build")
    assert project.query("select count(*) as n, count(b) as b from copy") == [{"n": 2, "b": 0}]


def test_one_row(tmp_path: Path) -> None:
    project = project_over(tmp_path, "a,b\n1,x\n")
    project.ok("build")
    assert project.query("select * from copy") == [{"a": 1, "b": "x"}]


def test_one_row_that_falls_into_the_holdout_says_so(tmp_path: Path) -> None:
    project = project_over(tmp_path, "a,b\n1,x\n")
    project.write({"synth_project.yml": "name: shop\nholdout: 99%\n"})
    assert "holdout: 0" in project.fails("build")


TRAINED = """
    version: 1
    models:
      - name: drawn
        source: "{{ source('crm', 'customers') }}"
        generator: sdv.gaussian_copula
        size: 20
        audits: [{row_count: {equals: 20}}]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        "a,b\n1,x\n",
        "a,b,c\n" + "".join(f"{i},,k\n" for i in range(40)),
        'select,two words,"say ""hi""",größe\n' + "".join(f"{i},{i * 2.5},{'xy'[i % 2]},{i % 3}\n" for i in range(40)),
        "k\n" + "".join(f"K{i:04d}\n" for i in range(40)),
    ],
    ids=["one row", "nulls and constants", "odd names", "keys alone"],
)
def test_training_on_degenerate_tables_works_or_says_why(tmp_path: Path, data: str) -> None:
    project = project_over(tmp_path, data, model=TRAINED)
    done = project.synth("build")
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert "internal error" not in text
    if done.returncode == 0:
        header = [r["column_name"] for r in project.query("describe drawn")]
        assert len(header) == len(data.splitlines()[0].split(","))
        assert project.query("select count(*) as n from drawn") == [{"n": 20}]
    else:
        assert "cannot learn" in text


def test_an_unwritable_warehouse(shop: Project) -> None:
    (shop.root / "warehouse").write_text("in the way")
    text = shop.fails("build")
    assert "warehouse" in text
    assert (shop.root / "warehouse").read_text() == "in the way"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of a given size")
def test_a_full_disk_loses_nothing(shop: Project) -> None:
    warehouse = shop.root / "warehouse"
    warehouse.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(warehouse)], check=False)
    if mounted.returncode != 0:
        pytest.skip("may not mount a small file system here")
    try:
        shop.ok("build")
        before = shop.query("select count(*) as n from customers")
        big = "customer_id,tier\n" + "".join(f"C-{i:06d},{os.urandom(8).hex()}\n" for i in range(20_000))
        shop.write({"data/customers.csv": big})
        text = shop.fails("build")
        assert "disk is full" in text
        assert shop.query("select count(*) as n from customers") == before
    finally:
        subprocess.run(["umount", str(warehouse)], check=False)


@pytest.mark.slow
def test_a_build_killed_at_any_file_operation_leaves_the_old_table_or_the_new_one(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", SQL_PROJECT)
    source = project.root / "data" / "customers.csv"
    old, new = source.read_text(), source.read_text().replace("plus", "more")
    killer = Killer(project.root)

    def tiers() -> set[str]:
        text = killer.ok("query", "select distinct tier from customers", "--format", "json")
        return {row["tier"] for row in json.loads(text)}

    killer.ok("build")
    source.write_text(new)
    steps = killer.synth("build").distinct
    assert len(steps) >= 25  # a build touches files in that many places at least
    # Every third place: tests/test_crashes.py takes all of them, in a project with versions and a ledger.
    for turn, step in enumerate(steps[::3]):
        source.write_text(new if turn % 2 else old)
        done = killer.synth("build", step=step)
        assert done.killed or len(done.steps) < step, f"step {step}"  # how often a build looks at locks varies
        assert tiers() in ({"basic", "plus", "pro"}, {"basic", "more", "pro"}), f"after step {step}"
        killer.ok("build")  # recovers
        assert tiers() == {"basic", "more" if turn % 2 else "plus", "pro"}
        assert len(project.parquet("customers")) == 1


@pytest.mark.slow
def test_a_killed_training_leaves_no_half_model(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", COPULA_PROJECT)
    process = project.start("build")
    import time

    deadline = time.time() + 60
    while time.time() < deadline and not list((project.root / "target").glob("cache/models/.tmp-*")):
        time.sleep(0.05)
    process.kill()
    process.wait()
    project.ok("build")
    assert project.results()["fake_customers"]["action"] == "train"
