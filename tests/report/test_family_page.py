"""The page of a family: its tables as boxes, its keys as arrows, with what audits found of each."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.families import FamilyProject, copy_of, family_project

AUDITS = "      - row_count: {min: 1}\n      - references\n      - cardinality: {max: 0.2}\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    project = family_project(tmp_path_factory.mktemp("family") / "shop")
    project.edit("      - row_count: {min: 1}\n", AUDITS).ok("build")
    project.ok("docs", "generate")
    return project


def page(project: FamilyProject, name: str = "families/synthetic_shop.html") -> str:
    return (project.root / "target/docs" / name).read_text("utf-8")


def picture(project: FamilyProject) -> ElementTree.Element:
    found = re.search(r"<svg role=\"group\".*?</svg>", page(project), re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found[0])


def labels(project: FamilyProject) -> dict[str, str]:
    return {g.attrib["aria-label"].partition(":")[0]: g.attrib["class"] for g in picture(project).iter("g")}


def test_each_table_is_a_box_and_each_key_an_arrow_with_its_verdict(built: FamilyProject) -> None:
    boxes = [a.attrib["href"] for a in picture(built).iter("a")]
    assert sorted(boxes) == [
        "../tables/synthetic_orders.html",
        "../tables/synthetic_shop_customers.html",
        "../tables/synthetic_shop_lines.html",
        "../tables/synthetic_shop_products.html",
    ]
    found = labels(built)
    assert found["synthetic_orders.customer_id names rows of synthetic_shop_customers (owner)"] == "relation pass"
    assert found["synthetic_shop_lines.product_id names rows of synthetic_shop_products (looked up)"].startswith(
        "relation "
    )
    assert "synthetic_shop_customers.referred_by names rows of synthetic_shop_customers (within the table)" in found
    assert len(found) == 4
    svg = picture(built)
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for box in svg.iter("rect"):
        assert 0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"])
        assert 0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"])


def test_a_table_and_the_start_page_lead_there(built: FamilyProject) -> None:
    assert 'href="../families/synthetic_shop.html"' in page(built, "tables/synthetic_orders.html")
    assert 'href="families/synthetic_shop.html"' in page(built, "index.html")
    assert "public, published as it is" in page(built)


def test_the_arrow_has_the_worst_verdict(built: FamilyProject, tmp_path: Path) -> None:
    project = copy_of(built, tmp_path / "shop")
    project.edit("cardinality: {max: 0.2}", "cardinality: {max: 0.000001}")  # which 36 held-out customers cannot tell
    project.synth("build")
    project.ok("docs", "generate")
    assert set(labels(project).values()) == {"relation inconclusive"}
    assert set(labels(built).values()) > {"relation pass"}
