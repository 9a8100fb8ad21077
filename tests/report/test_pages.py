"""What a reviewer reads: escaping, before → after, annotations with their caps, and the size of a summary."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthkit.errors import Location
from synthkit.privacy.disclosure import WITHHELD
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.report.annotations import Notice, commands, fitting
from synthkit.report.compare import State, compare
from synthkit.report.hosting import Host, host_of
from synthkit.report.page import Code, Link, Rows, Strong, line, para, plain, to_html, to_markdown
from synthkit.report.runpage import Surroundings, run_notices
from synthkit.report.writing import Report, of_review, of_run, write
from synthkit.results import ModelResult
from synthkit.verify.findings import Finding
from synthkit.verify.review import Review, Spent
from tests import receipts
from tests.report.runs import KS, NOT_NULL, audit, run

ANYTHING = st.text(alphabet=st.sampled_from("a<>&\"'`|*_[]()\\\n !#~{}é"), max_size=30)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=ANYTHING)
def test_no_text_becomes_markup_on_a_page(text: str) -> None:
    page = to_html(text, [para(text, Code(text), Strong(text)), Rows((text,), ((line(text),),))])
    empty = to_html("", [para("", Code(""), Strong("")), Rows(("",), ((line(""),),))])
    seen, expected = Seen(), Seen()
    seen.feed(page)
    expected.feed(empty)
    assert seen.tags == expected.tags
    assert text.replace("\n", "") in seen.text.replace("\n", "")


@given(text=ANYTHING)
def test_no_text_breaks_a_table_or_opens_a_tag_in_markdown(text: str) -> None:
    table = to_markdown([Rows((text, "b"), (((Code(text),), line(text)),))])
    rows = table.rstrip("\n").split("\n")
    assert len(rows) == 3
    for row in rows:
        bars = [i for i, c in enumerate(row) if c == "|" and _open(row, i)]
        assert len(bars) == 3, row
        outside = re.sub(r"(?<=\| )`[^`]*`(?= \|)", "", row).replace(PART, "")  # cells of code, and what we put in
        assert all(not _open(outside, i) for i, c in enumerate(outside) if c == "<"), row


PART = "<!-- -->"
LIVE = re.compile(r"[@#!&$%][A-Za-z0-9_\"']|GH-[0-9]|://|www\.|mailto:[a-z]", re.IGNORECASE)


@given(text=st.text(alphabet=st.sampled_from('@#!&$%:/w.GHh-1a"_ \\`|<'), max_size=30))
@example(text="@maintainer see owner/repo#12, GH-7, https://evil.example, www.evil.example, !5 and &lt;")
def test_no_text_is_a_mention_a_reference_or_an_address(text: str) -> None:
    """A host looks for them in what the text is when the escapes are gone; within code it does not."""
    written = to_markdown(
        [para(text), para(Strong(text)), para(Code(text)), Rows((text, "b"), ((line(text), (Code(text),)),))]
    )
    outside = re.sub(r"(?:(?<=\n\n)|(?<=\| ))`[^`]*`(?=\n\n| \|)", "", f"\n\n{written}")
    assert LIVE.search(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", outside)) is None
    assert plain(text).replace(PART, "") == "".join(f"\\{c}" if c in "\\`*_|<[~" else c for c in plain_of(text))


def plain_of(text: str) -> str:
    """As it stands, on one line."""
    start, end = " " * text.startswith(" "), " " * text.endswith(" ")
    flat = " ".join(text.split())
    return f"{start}{flat}{end}" if flat else start


def _open(text: str, at: int) -> bool:
    """Whether no backslash takes the character's meaning (an even number of them takes none)."""
    return (len(text[:at]) - len(text[:at].rstrip("\\"))) % 2 == 0


def test_links_lead_to_the_web_alone() -> None:
    assert "javascript" not in to_html("", [para(Link("x", "javascript:alert(1)"))])
    assert "javascript" not in to_markdown([para(Link("x", "javascript:alert(1)"))])


# -- annotations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
def test_at_most_ten_of_a_kind_and_a_word_about_the_others(count: int) -> None:
    notices = [Notice(level, "t", str(i)) for level in ("error", "warning", "note") for i in range(count)]
    lines = commands(notices)
    for command in ("error", "warning", "notice"):
        assert sum(1 for x in lines if x.startswith(f"::{command} ")) <= 10
    if count <= 9:
        assert len(lines) == 3 * count
    else:
        assert "not shown here" in lines[-1]
        shown = sum(1 for x in lines[:-1])
        left = sum(int(word) for word in lines[-1].split("::")[-1].split() if word.isdigit() and word != "10")
        assert shown + left >= 3 * count - (10 if count == 11 else 0)


def test_a_command_keeps_its_message_on_one_line_and_its_properties_apart() -> None:
    (text,) = commands([Notice("error", "a,b:c", "50 %\nmore::x", "models/a,b.yml", 3, 7)])
    assert text == "::error file=models/a%2Cb.yml,line=3,col=7,title=a%2Cb%3Ac::50 %25%0Amore::x"


def test_notices_of_a_run_stand_at_the_audit() -> None:
    result = ModelResult(
        "churn", "train", "fail", audits=(KS, NOT_NULL), path="models/c.yml", places=("4:9", "9:5", "")
    )
    broken = ModelResult("big", "query", "error", message="the disk is full", path="models/b.yml", places=("2:3",))
    found = run_notices(run(result, broken), Host(prefix="shop/"))
    assert [(n.level, n.file, n.line, n.column) for n in found] == [
        ("error", "shop/models/c.yml", 9, 5),
        ("error", "shop/models/b.yml", 2, 3),
    ]
    assert "0.182 [0.16, 0.204] against max 0.1" in found[0].message


def test_a_summary_fits_and_says_what_is_missing() -> None:
    text = "é" * 300 + "\n" + "line\n" * 400_000
    cut = fitting(text, 1_000_000)
    assert len(cut.encode()) <= 1_000_000
    assert "left out" in cut
    assert fitting("short", 100) == "short"


def test_github_appends_to_the_summary_and_prints_annotations(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("another tool\n", "utf-8")
    said: list[str] = []
    rendered = of_run(run(ModelResult("churn", "train", "fail", audits=(KS,), path="m.yml")), Surroundings())
    write(Report("github"), rendered, said.append, {"GITHUB_STEP_SUMMARY": str(summary)})
    assert said[0].startswith("::error file=m.yml,line=1,col=1,title=churn%3A ks::")
    text = summary.read_text("utf-8")
    assert text.startswith("another tool\n## synthkit: failed")
    assert text.endswith("<!-- synthkit:run target=dev -->\n")


def test_links_of_github_gitlab_and_nobody() -> None:
    github = {"GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "f0", "GITHUB_RUN_ID": "7"}
    assert host_of(github, "shop/").url("models/ä b.yml", 3) == "https://g/a/b/blob/f0/shop/models/%C3%A4%20b.yml#L3"
    assert host_of(github).run == "https://g/a/b/actions/runs/7"
    gitlab = {"CI_PROJECT_URL": "https://l/p", "CI_COMMIT_SHA": "f0", "CI_JOB_URL": "https://l/j/1"}
    assert host_of(gitlab).url("m.yml") == "https://l/p/-/blob/f0/m.yml#L1"
    assert host_of({}) == Host()


# -- before and after ----------------------------------------------------------------------------------


def receipt(sample: str, *audits: AuditRecord, rows: int = 10, **rest: object) -> Receipt:
    fingerprints = {"train": "t", "sample": sample, "audit": f"a{len(audits)}"}
    return receipts.receipt(rows=rows, fingerprints=fingerprints, audits=audits, **rest)


def test_tables_and_audits_side_by_side() -> None:
    better = KS.having(status="pass", value=0.05, ci=[0.04, 0.06])
    before = {"a": receipt("1", KS), "gone": receipt("1"), "same": receipt("1", KS), "limit": receipt("1", better)}
    tighter = better.having(threshold="max 0.08")
    after = {
        "a": receipt("2", better, NOT_NULL),
        "new": receipt("1"),
        "same": receipt("1", KS),
        "limit": receipt("1", tighter),
    }
    sides = ({n: State.of_receipt(r) for n, r in side.items()} for side in (before, after))
    found = {c.model: c for c in compare(*sides)}
    assert {n: c.kind for n, c in found.items()} == {
        "a": "changed",
        "gone": "removed",
        "new": "new",
        "limit": "audited again",
    }
    assert [a.name for a in found["a"].audits] == ["ks", "not_null"]
    review = Review("shop", "dev", 3, (), after, before, "main", (Spent("fake", "crm.people", 1.5, 1e-6, 3.0),))
    text = of_review(review, Host()).markdown()
    assert (
        "| `a` | `ks` | FAIL: 0.182 \\[0.16, 0.204] against max 0.1, floor 0.03 | ok: 0.05 \\[0.04, 0.06] against max 0.1, floor 0.03 | better |"
        in text
    )
    assert "| `a` | `not_null` | – | ok: 0 against no nulls | new |" in text
    assert "against max 0.08, floor 0.03 | limit |" in text
    assert "| crm.people | 1 | 1.5 | 3 | fake |" in text
    assert "; 4 tables changed." in text


def test_a_run_is_held_against_a_base_where_it_says_something() -> None:
    before = {"a": receipt("1", NOT_NULL), "skipped": receipt("1"), "elsewhere": receipt("1")}
    results = (
        ModelResult(
            "a", "query", "pass", rows=10, fingerprints={"sample": "2"}, audits=(NOT_NULL,), materialized="table"
        ),
        ModelResult("skipped", "query", "skipped"),
        ModelResult("temporary", "query", "pass", rows=5, materialized="ephemeral"),
    )
    text = of_run(run(*results), Surroundings(before, "main")).markdown()
    changed = text.split("### Tables changed")[1]
    assert "`a`" in changed
    assert not any(name in changed for name in ("skipped", "elsewhere", "temporary"))


def test_figures_of_a_private_table_are_in_no_form_of_a_report() -> None:
    secret = audit("ks", "fail", value=0.4242, ci=[0.41, 0.43], threshold="max 0.1", message="'age' is 4242")
    result = ModelResult("p", "train", "fail", rows=5, epsilon=1.0, audits=(secret,), withheld=("ks",), path="m.yml")
    before = {"p": receipt("1", secret.having(value=None, ci=None, message=WITHHELD), epsilon=1.0)}
    rendered = of_run(run(result), Surroundings(before, "main"))
    texts = [rendered.markdown(), rendered.html(), rendered.junit(), *commands(rendered.notices())]
    for text in texts:
        assert "4242" not in text
        assert "0.43" not in text
    assert "figures withheld, against max 0.1" in texts[0]


def test_findings_are_all_there_and_escaped() -> None:
    bad = Finding(
        "data", "error", "rows of '<b>x</b>'", Location(Path("models/a.yml"), 3, 5), "do `this`", "a", ("x | y",)
    )
    note = Finding("audit", "note", "kept", Location(Path("models/a.yml"), 4, 1), None, "a")
    review = Review("shop", "dev", 1, (bad, note), {}, places={"a": Location(Path("models/a.yml"), 1, 1)})
    rendered = of_review(review, Host("https://h/{path}#L{line}", "https://run"))
    text = rendered.markdown()
    assert "**error** [models/a.yml:3:5](<https://h/models/a.yml#L3>): rows of '\\<b>x\\</b>'" in text
    assert "– x \\| y" in text
    assert "Fix: do \\`this\\`" in text
    assert "&lt;b&gt;x&lt;/b&gt;" in rendered.html()
    assert 'tests="2" failures="1"' in rendered.junit()
    assert [n.level for n in rendered.notices()] == ["error", "note"]
