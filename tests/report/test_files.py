"""Markdown and JUnit, and that no text of a database or a file breaks them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from synthkit.report.files import junit, markdown
from synthkit.report.runpage import Surroundings
from synthkit.report.writing import Report, of_run, write
from synthkit.results import ModelResult
from tests.report.runs import EVERYTHING, FINE, KS, audit, run


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(junit(EVERYTHING))
    assert [s.get("name") for s in root] == ["customers", "orders", "churn", "report", "big", "same"]
    for suite in root:
        assert int(suite.get("tests", -1)) == len(suite.findall("testcase"))
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count, -1)) == len(suite.findall(f"testcase/{tag}")), suite.get("name")
    churn = root[2]
    assert (churn.get("tests"), churn.get("failures"), churn.get("errors")) == ("3", "1", "1")
    failure = churn.find("testcase[@name='ks']/failure")
    assert failure is not None
    assert failure.get("message") == "0.182 [0.16, 0.204] against max 0.1, floor 0.03. 'age' differs most"
    assert root[0].get("time") == "12.340"


def test_junit_never_calls_a_broken_model_passed() -> None:
    big = ET.fromstring(junit(EVERYTHING))[4]
    assert (big.get("tests"), big.get("errors")) == ("1", "1")
    error = big.find("testcase/error")
    assert error is not None
    assert "the disk is full" in (error.text or "")


def test_junit_of_a_model_without_audits_is_one_passing_case() -> None:
    suite = ET.fromstring(junit(run(ModelResult("plain", "query", "pass", rows=3))))[0]
    assert suite.get("tests") == "1"
    assert list(suite[0]) == []


@given(name=st.text(min_size=1), message=st.text())
def test_junit_is_well_formed_whatever_the_text(name: str, message: str) -> None:
    bad = audit(name, "fail", message=message)
    suite = ET.fromstring(junit(run(ModelResult("m", "query", "fail", audits=(bad,)))))[0]
    assert len(suite) == 1


def test_markdown_has_a_row_per_model_and_a_paragraph_per_finding() -> None:
    text = markdown(EVERYTHING)
    assert text.startswith(
        "## synthkit: failed\n\nTarget `dev`: 1 pass, 1 warn, 1 reused, 1 fail, 1 error, 1 skipped. 1 audit can't tell.\n"
    )
    assert "| `customers` | train | ok | 5,000 | none | 1 of 2 passed, 1 can't tell |" in text
    assert "| `big` | query | ERROR | – | 1.5 | the disk is full (fix: free some \\[space]) |" in text
    assert "**FAIL** `churn` · `ks` on age: 0.182 \\[0.16, 0.204] against max 0.1, floor 0.03." in text
    assert "Try: train longer" in text
    assert "**warn** `orders` · `row_count`: 12,345 against min 20000." in text
    assert "not_null" not in text.split("| --- |")[-1].split("**")[-1]
    assert markdown(FINE).startswith("## synthkit: passed")


def test_markdown_of_an_interrupted_run_says_so() -> None:
    assert "interrupted" in markdown(run(interrupted=True))
    assert markdown(run(interrupted=True)).startswith("## synthkit: failed")


@given(message=st.text(alphabet=st.sampled_from("a|`*_<>[]\\\n\r\t #")))
def test_no_text_breaks_the_table_of_markdown(message: str) -> None:
    text = markdown(run(ModelResult("m", "query", "error", message=message)))
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len(rows) == 3
    # Cells are parted by the bars that no backslash stands before (an even number of them is none).
    bars = sum(1 for i, c in enumerate(rows[2]) if c == "|" and _backslashes(rows[2], i) % 2 == 0)
    assert bars == 7


def _backslashes(text: str, at: int) -> int:
    return len(text[:at]) - len(text[:at].rstrip("\\"))


def test_reports_are_written_whole_and_folders_made(tmp_path: Path) -> None:
    rendered = of_run(EVERYTHING, Surroundings())
    for kind, name in (("junit", "b.xml"), ("markdown", "b.md")):
        write(Report(kind, tmp_path / "a" / name), rendered, print)
    assert ET.parse(tmp_path / "a" / "b.xml").getroot().tag == "testsuites"
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["b.md", "b.xml"]


def test_advice_is_not_given_twice() -> None:
    told = KS.having(message="above 0.1. Try more epochs")
    assert "Try: " not in markdown(run(ModelResult("m", "train", "fail", audits=(told,))))
