"""An audit that cannot tell is said as such wherever a build is told of, and blocks where it is to."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from synthkit.report.closing import closing_lines
from synthkit.results import undecided, untold
from tests.report.runs import NOT_NULL, UNTOLD, run
from tests.report.runs import PASSED as RESULT
from tests.synth import SQL_PROJECT, Project, customers, make_project, write_csv

MODEL = """
    version: 1
    models:
      - name: few
        source: "{{ source('crm', 'customers') }}"
        generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
        audits:
          - row_count: {min: 1}
          - ks: {max: 0.1}
          - membership_inference: {max_auc: 0.6}
          - exact_match
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A table of 59 customers, whose comparisons with twelve held-out rows tell nothing."""
    project = make_project(tmp_path_factory.mktemp("few") / "shop", SQL_PROJECT).write({"models/customers.yml": MODEL})
    write_csv(project.root / "data" / "customers.csv", customers(59))
    return project, project.ok(
        "build", "--report", "junit=j.xml", "--report", "markdown=m.md", "--report", "html=h.html"
    )


@pytest.fixture
def few(built: tuple[Project, str], tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(built[0].root, tmp_path / "shop", symlinks=True)))


def test_a_table_of_which_no_comparison_could_decide_warns_everywhere(built: tuple[Project, str]) -> None:
    project, printed = built
    last = printed.splitlines()[-1]
    assert last.startswith("done: 1 passed with warnings in ")
    assert last.endswith("; 3 of 4 audits can't tell, no comparison with real rows decides about few")
    data = json.loads((project.root / "target" / "run_results.json").read_text())
    assert (data["status"], data["untold"]) == ("warn", 3)
    result = data["results"][0]
    assert (result["status"], result["published"]) == ("warn", True)
    assert "no comparison with real rows could decide" in result["message"]
    assert {a["name"]: a["compares"] for a in result["audits"]} == {
        "row_count": False, "ks": True, "membership_inference": True, "exact_match": True,
    }  # fmt: skip
    for page in ("m.md", "h.html"):
        text = (project.root / page).read_text()
        assert "passed with warnings" in text
        assert "No comparison with real rows could decide about few" in text.replace("&#x27;", "'")
    suite = ET.parse(project.root / "j.xml").getroot()[0]
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == {
        "status": "warn", "inconclusive": "3", "undecided": "true",
    }  # fmt: skip
    assert all(s.get("message", "").startswith("can't tell") for s in suite.iter("skipped"))
    rows = project.query("select status, audits, inconclusive from synth_meta.tables")
    assert rows == [{"status": "warn", "audits": 4, "inconclusive": 3}]
    assert project.query("select status from synth_meta.runs") == [{"status": "warn"}]


def test_what_is_unchanged_still_says_so(few: Project) -> None:
    assert "3 of 4 audits can't tell" in few.ok("build").splitlines()[-1]
    assert json.loads((few.root / "target" / "run_results.json").read_text())["status"] == "warn"


@pytest.mark.parametrize("verb", ["build", "audit"])
def test_fail_on_inconclusive_is_the_exit_status(few: Project, verb: str) -> None:
    printed = few.fails(verb, "--fail-on", "inconclusive")
    assert "exit status 1: --fail-on inconclusive, and 3 audits can't tell" in printed
    assert few.query("select count(*) as n from few")[0]["n"] > 0


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        ("models/customers.yml", "- ks: {max: 0.1}", "- ks: {max: 0.1, on_inconclusive: fail}"),
        ("models/customers.yml", "- name: few", "- name: few\n        on_inconclusive: fail"),
        ("synth_project.yml", "seed: 7", "seed: 7\n    models: {+on_inconclusive: fail}"),
        ("synth_project.yml", "seed: 7", "seed: 7\n    on_inconclusive: fail"),
    ],
)
def test_on_inconclusive_fail_blocks(few: Project, where: str, old: str, new: str) -> None:
    before = {"models/customers.yml": MODEL, "synth_project.yml": "\n    name: shop\n    seed: 7\n"}[where]
    few.write({where: before.replace(old, new)})
    printed = few.fails("build")
    assert "ks on age" in printed or "ks:" in printed
    assert "it cannot tell, and on_inconclusive is fail" in printed
    assert few.results()["few"]["status"] == "fail"


def test_the_nearest_word_counts_and_severity_warn_never_fails(few: Project) -> None:
    text = MODEL.replace("- name: few", "- name: few\n        on_inconclusive: fail")
    text = text.replace("- ks: {max: 0.1}", "- ks: {max: 0.1, on_inconclusive: ignore}")
    text = text.replace("{max_auc: 0.6}", "{max_auc: 0.6, severity: warn}").replace(
        "- exact_match", "- exact_match: {on_inconclusive: warn}"
    )
    few.write({"models/customers.yml": text})
    few.ok("build")
    found = {a["name"]: a["status"] for a in few.results()["few"]["audits"]}
    assert found == {
        "row_count": "pass", "ks": "inconclusive", "membership_inference": "warn", "exact_match": "warn",
    }  # fmt: skip


def test_verify_knows_what_cannot_tell_comes_to_today(few: Project) -> None:
    few.ok("verify")
    few.write({"models/customers.yml": MODEL.replace("- name: few", "- name: few\n        on_inconclusive: fail")})
    assert "does not pass under today's limit" in few.fails("verify")


def test_one_decision_is_enough_for_a_plain_pass() -> None:
    blind = [UNTOLD.having(compares=True), UNTOLD.having(compares=True), NOT_NULL]
    assert undecided(blind)
    assert untold(blind) == 2
    assert not undecided([*blind, NOT_NULL.having(compares=True)])
    assert not undecided([NOT_NULL])
    assert not undecided([UNTOLD])  # of an older version, which did not say what compares


def test_the_last_line_says_nothing_where_all_could_tell() -> None:
    [*_, last] = closing_lines(run(RESULT), 1.0)
    assert "can't tell" in "".join(part for part, _ in last)
    from dataclasses import replace

    [*_, quiet] = closing_lines(run(replace(RESULT, audits=(NOT_NULL,))), 1.0)
    assert "".join(part for part, _ in quiet) == "done: 1 passed in 1.0 s"
