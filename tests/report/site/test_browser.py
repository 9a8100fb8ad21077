"""The site in a real browser, from disk: it loads clean, is walked by keyboard, read in the dark and on a telephone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synthkit.audits.profile.profile import Profile
from synthkit.records.history import HistoryEntry
from synthkit.report.site.inputs import Pictured
from synthkit.report.site.output import write_site
from synthkit.report.site.render import render
from synthkit.results import ModelResult
from tests.browser import browser
from tests.report.runs import KS, NOT_NULL, UNTOLD, WARNED, audit, run
from tests.report.site.inputs import CHURN, SKIPPED, column, manifest, model, site_input
from tests.report.site.test_pictures import categories, look, numbers
from tests.report.site.test_render import nasty

__all__ = ["browser"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]
RNG = random.Random(1)
LONG = "a_column_whose_name_is_far_too_long_to_fit_anywhere_without_being_broken_somewhere"


def profile() -> dict[str, Any]:
    """Every kind of picture."""
    names = ["age", "tier", LONG, *(f"c{i}" for i in range(12))]
    square = [[1.0 if i == j else round(RNG.uniform(-1, 1), 2) for j in range(len(names))] for i in range(len(names))]
    points = [[RNG.gauss(0, 1), RNG.gauss(0, 1)] for _ in range(200)]
    date = numbers([2, 3, 5], name="joined", kind="date", edges=[f"2024-0{m}-01T00:00:00" for m in range(1, 5)])
    axes = [{"share": 0.4, "columns": ["age"]}, {"share": 0.2, "columns": [LONG]}]
    return {
        "format": 1,
        "rows": {"synthetic": 11, "real": 11},
        "columns": [numbers([2, 3, 5]), categories(), categories(name=LONG, labels=[LONG, "pro"]), date],
        "associations": {"columns": names, "synthetic": square, "real": square},
        "embedding": {"axes": axes, "synthetic": points, "real": points},
    }


def full_site() -> dict[str, str]:
    curve = [{"ratio": r, "mean": 0.7 + r / 10, "low": 0.6, "high": 0.9} for r in (0.0, 0.5, 1.0)]
    augmentation = audit(
        "augmentation", "pass", value=0.1, ci=[0, 0.2], details={"metric": "roc_auc", "best": 1.0, "curve": curve}
    )
    part = {
        "column": LONG,
        "value": 0.2,
        "status": "warn",
        "ci_low": 0.1,
        "ci_high": 0.3,
        "floor": 0.03,
        "message": "x" * 90,
    }
    audits = (KS.having(status="warn", columns=[part] * 12), NOT_NULL, UNTOLD, augmentation, WARNED)
    customers = ModelResult("customers", "train", "warn", rows=5_000, audits=audits, published=True)
    columns = [column("age", description="in years"), column(LONG, description="word " * 40), column("tier")]
    table = model(
        "customers", ["source:crm.people"], source="source:crm.people", schema={"columns": columns, "primary_key": []}
    )
    entry = HistoryEntry(
        run_id="r",
        ended_at="2026-01-01T00:00:00Z",
        model="customers",
        action="train",
        status="warn",
        published=True,
        rows=1,
        audits=(KS,),
    )
    later = entry.having(ended_at="2026-01-02T00:00:00Z", audits=[KS.having(value=0.05)])
    return render(
        site_input(
            manifest=manifest(customers=table),
            run=run(CHURN, customers, SKIPPED),
            sql={"report": "select " + "column_name, " * 60},
            profiles={"customers": Pictured(Profile.from_json(profile()), "a note")},
            trainings={"customers": [look(1, False), look(2, True), look(3, False)]},
            history={"customers": [entry, later]},
        )
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(full_site(), folder / "docs")
    return folder / "docs"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that collects what goes wrong in it, and what it asks of any network."""
    yield from opened(browser)


def opened(browser: Any, **options: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce", **options)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    yield page
    context.close()
    assert wrong == []


def pages(site: Path) -> list[str]:
    return sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html"))


def open_all(page: Any, site: Path, name: str) -> None:
    """Open a page, and have every picture drawn."""
    page.goto((site / name).as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    count = page.locator(".plot").count()
    page.wait_for_function("n => document.querySelectorAll('.plot.drawn .main-svg').length >= n", arg=count)


def test_pictures_wait_until_they_come_into_view(page: Any, site: Path) -> None:
    page.goto((site / "tables/customers.html").as_uri())
    page.wait_for_function("document.querySelectorAll('.plot').length > 5")
    last = page.locator(".plot").last
    assert "drawn" not in (last.get_attribute("class") or "")
    last.scroll_into_view_if_needed()
    page.wait_for_function("[...document.querySelectorAll('.plot')].at(-1).classList.contains('drawn')")


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.dataset.id || document.activeElement.id"))


def test_the_graph_is_walked_by_keyboard(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page).startswith("source:"):
            break
    assert focused(page) == "source:crm.people"
    page.keyboard.press("ArrowRight")  # along the straightest edge: report's audits read the source
    assert focused(page) == "model:report"
    page.keyboard.press("ArrowRight")
    assert focused(page) == "exposure:dash"
    page.keyboard.press("ArrowRight")  # nothing reads it
    assert focused(page) == "exposure:dash"
    page.keyboard.press("Home")
    assert focused(page) == "source:crm.people"
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "model:report"
    beside = []
    page.locator('[data-id="model:churn"]').focus()
    for key in ("ArrowUp", "ArrowDown"):  # churn and customers stand in one layer
        page.keyboard.press(key)
        beside.append(focused(page))
    assert set(beside) == {"model:churn", "model:customers"}
    page.locator('[data-id="model:churn"]').focus()
    assert page.locator(".edge.near").count() == 2  # from the source, and to the report
    page.keyboard.press("Enter")
    page.wait_for_url("**/tables/churn.html")


def test_one_tab_passes_the_graph(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator('[data-id="model:churn"]').focus()
    page.keyboard.press("Tab")
    assert not focused(page).startswith(("model:", "source:", "exposure:"))
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "model:churn"


def test_a_failing_audit_is_found_in_two_clicks(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    clicks = [page.get_by_role("link", name="churn · ks").first]
    assert clicks[0].is_visible()
    clicks[0].click()
    page.wait_for_url("**/tables/churn.html#audit-ks")
    article = page.locator("#audit-ks")
    box = article.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 900
    assert "failed" in article.inner_text()
    assert "0.182" in article.inner_text()
    # And by the graph: its node, then nothing more, as the failing audits stand first on its page.
    page.goto((site / "index.html").as_uri())
    page.locator('[data-id="model:churn"]').click()
    page.wait_for_url("**/tables/churn.html")
    assert page.locator(".audit").first.get_attribute("id") == "audit-ks"


def test_search_by_keyboard(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("/")
    assert focused(page) == "search"
    page.keyboard.type("tier")
    options = page.get_by_role("option")
    assert options.count() == 3  # the column of three tables
    assert options.first.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    assert page.locator("#search").get_attribute("aria-activedescendant") == "found-1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/tables/*.html#column-tier")
    assert page.locator("tr:target").inner_text().startswith("tier")


def test_search_puts_the_name_itself_first_and_says_when_there_is_nothing(page: Any, site: Path) -> None:
    page.goto((site / "tables/customers.html").as_uri())
    page.locator("#search").fill("churn")
    assert page.get_by_role("option").first.inner_text().startswith("churn")
    page.locator("#search").fill("zebra")
    assert page.locator("#search-results").is_hidden()
    assert page.locator("#search-status").inner_text() == "nothing found"
    page.locator("#search").fill("people")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/sources/crm.2e.people.html")


CONTRAST = """
() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    const node = e.closest(".node");
    if (node) return parse(getComputedStyle(node.querySelector("rect")).fill);
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]);
  };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (!text || /^(SCRIPT|STYLE|TITLE)$/i.test(e.tagName) || e.closest(".hidden, .skip")) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (!box.width || style.visibility === "hidden" || style.opacity === "0") continue;
    const below = ground(e), colour = over(parse(e instanceof SVGElement ? style.fill : style.color), below);
    const [a, b] = [light(colour), light(below)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) bad.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)} (${style.color} on ${below.map(Math.round)}) ${e.tagName}.${e.getAttribute("class")}`);
  }
  return bad;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_loads_clean_can_be_read_and_fits(browser: Any, site: Path, scheme: str) -> None:
    """No error, no network; every picture drawn; text of a contrast of at least 4.5 to 1, 3 to 1 where it is large (WCAG
    2.2, 1.4.3), in the pictures too; and no page scrolls sideways, wide or narrow."""
    drawn = 0
    for page in opened(browser, color_scheme=scheme):
        for name in pages(site):
            page.set_viewport_size({"width": 1400, "height": 900})
            open_all(page, site, name)
            drawn += page.locator(".plot.drawn").count()
            assert page.locator("h1").count() == 1
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            assert page.evaluate(CONTRAST) == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= 1400, name
            page.set_viewport_size({"width": 360, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    assert drawn == 4 + 3 + 1 + 4 + 1 + 1  # columns, associations, the plane, training, augmentation, history


def test_the_contrast_check_sees_what_is_too_faint(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.evaluate("document.querySelector('h1').style.color = '#c9c9c9'")
    assert len(page.evaluate(CONTRAST)) == 1


def test_light_and_dark_are_switched_and_remembered(browser: Any, site: Path) -> None:
    for page in opened(browser, color_scheme="light"):
        open_all(page, site, "tables/customers.html")
        ground = "getComputedStyle(document.body).backgroundColor"
        shade = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
        before = page.evaluate(ground), page.evaluate(shade)
        page.get_by_role("button", name="Show it dark").click()
        page.wait_for_function(f"{shade} !== {before[1]!r}")  # the pictures follow
        assert page.evaluate(ground) != before[0]
        page.goto((site / "index.html").as_uri())
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_without_scripts_everything_is_still_said(browser: Any, site: Path) -> None:
    for page in opened(browser, java_script_enabled=False):
        page.goto((site / "tables/customers.html").as_uri())
        assert page.get_by_text("Total variation 0.300").first.is_visible()
        page.goto((site / "index.html").as_uri())
        page.get_by_role("link", name="churn · ks").first.click()
        assert page.locator("#audit-ks").is_visible()


def test_no_text_of_a_project_is_run(page: Any, tmp_path: Path) -> None:
    write_site(nasty(), tmp_path / "docs")
    for name in ("index.html", "tables/customers.html", "exposures/dash.html"):
        open_all(page, tmp_path / "docs", name)
        page.locator("#search").fill("script")
        assert page.get_by_role("option").count() > 0
        page.wait_for_timeout(50)
        assert page.evaluate("typeof window.hacked") == "undefined", name
