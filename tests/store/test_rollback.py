"""Drift and volume through the command line: what "the version before" is, build after build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.private import private_project
from tests.synth import Project, make_project

MODEL = """
    version: 1
    models:
      - name: people
        generator:
          name: sql
          query: select i as id, i % {top} as age from range({rows}) t(i)
        audits:
          - volume: {{measures: [rows], max_change: 20%}}
          - drift: {{columns: [age], max: {most}}}
"""


def model(rows: int, top: int, most: float = 0.1) -> dict[str, str | bytes]:
    return {"models/people.yml": MODEL.format(rows=rows, top=top, most=most)}


def found(project: Project) -> dict[str, tuple[str, float | None]]:
    return {a["name"]: (a["status"], a["value"]) for a in project.results()["people"]["audits"]}


@pytest.mark.slow
def test_each_version_is_held_against_the_one_before(tmp_path: Path) -> None:
    shop = make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\nseed: 7\n", **model(1000, 50)})
    shop.ok("build")
    assert found(shop) == {"volume": ("skipped", None), "drift": ("skipped", None)}

    shop.write(model(1000, 100))  # drifted: not published
    assert "drift" in shop.fails("build")
    assert found(shop)["drift"] == ("fail", 0.5)

    shop.write(model(1100, 100, 0.6))  # as it is meant, and published
    shop.ok("build")
    assert found(shop)["drift"][0] == "pass"
    assert found(shop)["volume"] == ("pass", 0.1)

    # The same rows, judged again, are held against the same version before, which the warehouse no longer has.
    assert len(shop.parquet("people")) == 1
    shop.write(model(1100, 100, 0.2))
    text = shop.fails("audit")
    assert "'age' differs most: distance = 0.5" in text
    assert found(shop)["volume"] == ("pass", 0.1)

    # Built anew to the same bytes, it is still the same version.
    shop.write(model(1100, 100, 0.7))
    shop.ok("build", "--full-refresh")
    assert found(shop)["drift"][0] == "pass"
    assert found(shop)["volume"] == ("pass", 0.1)

    # Without scratch there is no version before the published one.
    shop.ok("clean")
    shop.ok("audit")
    assert found(shop) == {"volume": ("skipped", None), "drift": ("skipped", None)}


PRIVATE = """
    version: 1
    models:
      - name: fake
        source: "{{ source('crm', 'customers') }}"
        generator: dp.histogram
        epsilon: 1
        size: 50
        audits:
          - volume: {max_slowdown: 1%}
          - drift: {max: 1}
          - schema
"""


@pytest.mark.slow
def test_under_epsilon_versions_are_compared_and_no_time_is_told(tmp_path: Path) -> None:
    """How long a training took follows from how many private rows there are: it is in no receipt."""
    shop = private_project(tmp_path / "shop", {"models/customers.yml": PRIVATE})
    shop.ok("build")
    shop.write({"models/customers.yml": PRIVATE.replace("size: 50", "size: 60")})
    shop.ok("build")
    audits = {a["name"]: a for a in shop.results()["fake"]["audits"]}
    assert {n: a["status"] for n, a in audits.items()} == {"volume": "pass", "drift": "pass", "schema": "pass"}
    assert audits["volume"]["details"]["seconds"] == {"now": {}, "before": {}}
    receipt = json.loads((shop.root / "warehouse/dev/fake.receipt.json").read_text("utf-8"))
    (volume,) = (a for a in receipt["audits"] if a["name"] == "volume")
    assert "rows 50 → 60" in volume["message"]
    assert volume["details"]["rows_per_second"] == {"now": None, "before": None}
