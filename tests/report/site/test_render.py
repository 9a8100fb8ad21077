"""The pages as HTML: whole, linked, escaped, and the same for the same input."""

from __future__ import annotations

import html.parser
import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from synthkit.audits.profile.profile import Profile
from synthkit.privacy.disclosure import public_audits
from synthkit.records.history import HistoryEntry
from synthkit.report.site.inputs import Pictured
from synthkit.report.site.render import render, script_json
from synthkit.results import ModelResult
from tests.report.runs import KS, audit, run
from tests.report.site.inputs import CHURN, CUSTOMERS, NASTY, SKIPPED, column, manifest, model, site_input
from tests.report.site.test_pictures import MATRIX, categories, numbers

PROFILE = {
    "format": 1,
    "rows": {"synthetic": 11, "real": 11},
    "columns": [numbers([2, 3, 5]), categories()],
    "associations": MATRIX,
    "embedding": {"reason": "it takes two columns and 20 rows"},
}


class Page(html.parser.HTMLParser):
    """The ids, links, scripts and text of a page; and whether its elements are closed in order."""

    VOID = frozenset(["meta", "link", "input", "img", "br", "hr"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        self.handlers += [k for k in given if k.startswith("on")]
        if tag == "script":
            self.scripts.append(given)
        for key in ("href", "src"):
            if given.get(key):
                self.links.append(str(given[key]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(found: dict[str, str]) -> dict[str, Page]:
    return {path: Page(text) for path, text in found.items() if path.endswith(".html")}


def test_a_page_per_table_source_and_exposure() -> None:
    assert {p for p in render(site_input()) if p.endswith(".html")} == {
        "index.html",
        "tables/churn.html",
        "tables/customers.html",
        "tables/report.html",
        "sources/crm.2e.people.html",
        "exposures/dash.html",
    }


def test_every_link_leads_somewhere_and_none_leaves_the_site() -> None:
    found = render(site_input(profiles={"churn": Pictured(Profile.from_json(PROFILE))}))
    parsed = pages(found)
    for path, page in parsed.items():
        assert len(set(page.ids)) == len(page.ids), path
        for link in page.links:
            if link.startswith(("https://example.org/d", "data:,")):
                continue
            target, _, fragment = link.partition("#")
            assert "://" not in target, f"{path} links to {link}"
            parts: list[str] = []
            for part in (PurePosixPath(path).parent / target).parts if target else PurePosixPath(path).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            reached = "/".join(parts)
            assert reached in found or reached == "assets/plotly.min.js", f"{path} links to {link}"
            if fragment:
                assert fragment in parsed[reached].ids, f"{path} links to {link}"


def test_search_finds_what_is_there_and_leads_to_it() -> None:
    found = render(site_input())
    index = json.loads(found["assets/search-index.js"].removeprefix("window.SYNTH_INDEX = ").rstrip(";\n"))
    assert {(e["k"], e["n"]) for e in index} >= {
        ("table", "churn"),
        ("column", "tier"),
        ("source", "crm.people"),
        ("audit", "ks"),
        ("exposure", "dash"),
    }
    parsed = pages(found)
    for entry in index:
        path, _, fragment = entry["p"].partition("#")
        assert not fragment or fragment in parsed[path].ids


def nasty() -> dict[str, str]:
    """A project in which every text that can be one is an attack."""
    table = model(
        "customers",
        ["source:crm.people"],
        description=NASTY,
        tags=[NASTY],
        meta={NASTY: NASTY},
        constraints=[NASTY],
        conditions={NASTY: NASTY},
        generator={"name": NASTY, "params": {NASTY: NASTY}, "reason": NASTY},
        schema={
            "columns": [column(NASTY, description=NASTY, values=[NASTY], bounds=[NASTY, NASTY])],
            "primary_key": [],
        },
    )
    attacked = manifest(customers=table)
    attacked["exposures"]["dash"] |= {
        "url": "javascript:alert(1)",
        "description": NASTY,
        "owner": {"name": NASTY, "email": NASTY},
    }
    attacked["sources"]["source:crm.people"]["description"] = NASTY
    bad = audit(NASTY, "fail", column=NASTY, value=1, threshold=NASTY, message=NASTY, columns=[
        {"column": NASTY, "value": 1, "status": "fail", "ci_low": 0, "ci_high": 2, "floor": None, "message": NASTY}
    ])  # fmt: skip
    profile = {
        **PROFILE,
        "columns": [categories(name=NASTY, labels=[NASTY, "pro"])],
        "associations": MATRIX | {"columns": [NASTY, "b", "c"]},
    }
    result = ModelResult("customers", "train", "fail", rows=1, audits=(bad,), message=NASTY)
    return render(
        site_input(
            name="shop",
            description=NASTY,
            manifest=attacked,
            run=run(result, CHURN),
            sql={"customers": NASTY},
            profiles={"customers": Pictured(Profile.from_json(profile), NASTY)},
            history={
                "customers": [
                    HistoryEntry(
                        run_id=NASTY,
                        ended_at=NASTY,
                        model="customers",
                        action="train",
                        status="fail",
                        published=False,
                        rows=1,
                        audits=(bad,),
                    )
                ]
            },
        )
    )


def test_no_text_becomes_markup() -> None:
    for path, text in nasty().items():
        if not path.endswith(".html"):
            continue
        page = Page(text)
        assert page.handlers == [], path
        assert all("src" in s or s.get("id") == "plots" or not s for s in page.scripts)
        assert sum(1 for s in page.scripts if not s) == 1  # the one that sets the theme
        assert "<img" not in text
        assert not any(link.startswith("javascript:") for link in page.links)


def test_json_in_a_page_is_what_it_was_and_cannot_end_its_element() -> None:
    text = script_json({"a": NASTY})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": NASTY}
    index = nasty()["assets/search-index.js"]
    assert "<" not in index


def test_failing_audits_come_first_on_the_start_page() -> None:
    text = Page(render(site_input())["index.html"]).text
    assert text.index("Failing now") < text.index("Worth a look") < text.index("From real sources")
    fine = Page(render(site_input(run=run(CUSTOMERS)))["index.html"]).text
    assert "Failing now" not in fine


def test_a_failing_audit_is_one_click_from_the_start() -> None:
    links = Page(render(site_input())["index.html"]).links
    assert "tables/churn.html#audit-ks" in links


def test_the_graph_says_verdicts_in_words_and_epsilon_on_its_edges() -> None:
    text = render(site_input())["index.html"]
    assert 'aria-label="churn; table; failed; 100 rows; ε = 1; reads crm.people; read by report"' in text
    assert text.count(">ε = 1</text>") == 3  # into churn, from churn to report, and on to the dashboard
    assert ">no ε</text>" in text
    assert ">audits</text>" in text  # report's audits alone read the source


def test_without_a_run_the_pages_say_so() -> None:
    found = render(site_input(run=None))
    assert "Nothing was built yet" in found["index.html"]
    assert "This table was not built yet" in found["tables/churn.html"]


@pytest.mark.parametrize("broken", [ModelResult("churn", "train", "error", message="the disk is full")])
def test_a_table_that_broke_before_its_audits_is_listed_too(broken: ModelResult) -> None:
    text = Page(render(site_input(run=run(broken, CUSTOMERS, SKIPPED)))["index.html"]).text
    assert "Failing now" in text
    assert "the disk is full" in text


def test_every_picture_has_a_text_beside_it() -> None:
    text = render(site_input(profiles={"customers": Pictured(Profile.from_json(PROFILE))}))["tables/customers.html"]
    assert text.count('class="plot') == text.count('role="img" aria-label="') - text.count("<svg role=") == 3
    assert text.count('<p class="says">') == 3
    assert "Total variation 0.300" in text


def test_a_withheld_figure_is_nowhere_on_the_page() -> None:
    shown = replace(CHURN, audits=tuple(public_audits([KS], {"ks"})))
    text = render(site_input(run=run(shown)))["tables/churn.html"]
    assert "Its figures are of the real rows, so they are not shown." in text
    for figure in ("0.182", "0.16", "0.204", "0.03"):
        assert figure not in text


def test_the_same_input_gives_the_same_bytes() -> None:
    assert render(site_input()) == render(site_input())


def test_a_long_custom_audit_has_all_its_columns_on_the_page() -> None:
    parts: list[dict[str, Any]] = [
        {
            "column": f"c{i}",
            "value": i / 1000,
            "status": "pass",
            "ci_low": 0,
            "ci_high": 1,
            "floor": None,
            "message": "",
        }
        for i in range(200)
    ]
    wide = replace(CHURN, audits=(KS.having(columns=parts),))
    page = Page(render(site_input(run=run(wide)))["tables/churn.html"])
    assert "200 columns" in page.text
    assert "c199" in page.text
