"""What making a table may take: judged, told, and not told of protected rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthkit.building.auditing import Judgement
from synthkit.building.tally import Tally
from synthkit.project.prices import PricesSpec
from tests.synth import Project, make_project

SQL = """
    version: 1
    models:
      - name: customers
        generator: {{name: sql, query: "select * from {{{{ source('crm', 'customers') }}}}"}}
        audits:
          - {audit}
"""


def shop(tmp_path: Path, audit: str, *, prices: str = "", sensitive: bool = False) -> Project:
    project = make_project(tmp_path / "shop").write({"models/customers.yml": SQL.format(audit=audit)})
    sources = project.root / "models" / "sources.yml"
    if sensitive:
        sources.write_text(sources.read_text("utf-8").rstrip() + "\n        sensitive: true\n", "utf-8")
    return project.write({"synth_project.yml": f"name: shop\n{prices}\n"})


def found(project: Project) -> dict[str, Any]:
    (audit,) = project.results()["customers"]["audits"]
    return dict(audit)


@pytest.mark.parametrize(
    ("audit", "prices"),
    [("max_seconds: {max: 0.000001}", ""), ("max_cost: {max: 0.000000001}", "prices: {cpu_hour: 1}")],
)
def test_what_takes_too_much_warns_and_blocks_where_it_is_told_to(tmp_path: Path, audit: str, prices: str) -> None:
    project = shop(tmp_path, audit, prices=prices)
    project.ok("build")
    one = found(project)
    assert one["status"] == "warn"
    assert one["severity"] == "warn"
    assert one["value"] > one["limit"]
    assert one["ci"] == [one["value"], one["value"]]
    assert "query" in one["message"]
    blocking = audit.replace("}", ", severity: error}")
    project.write({"models/customers.yml": SQL.format(audit=blocking).replace("select *", "select distinct *")})
    assert "not published" in project.fails("build")


def test_what_takes_less_passes_and_is_not_judged_without_a_run(tmp_path: Path) -> None:
    project = shop(tmp_path, "max_seconds: {max: 100000}")
    project.ok("build")
    one = found(project)
    assert one["status"] == "pass"
    consumed = project.results()["customers"]["consumed"]
    made = sum(u["seconds"] for u in consumed if u["phase"] not in ("audit", "publish"))
    assert one["value"] == pytest.approx(made)
    project.ok("audit")
    assert found(project)["status"] == "skipped"


def test_the_cost_is_that_of_the_record(tmp_path: Path) -> None:
    project = shop(tmp_path, "max_cost: {max: 100}", prices="prices: {cpu_hour: 3.6, gib_hour: 0.36}")
    project.ok("build")
    consumed = [u for u in project.results()["customers"]["consumed"] if u["phase"] not in ("audit", "publish")]
    expected = sum(u["core_seconds"] * 3.6 + u["memory_seconds"] * 0.36 for u in consumed) / 3600
    assert found(project)["value"] == pytest.approx(expected)


def test_a_limit_in_money_needs_a_price(tmp_path: Path) -> None:
    text = shop(tmp_path, "max_cost: {max: 1}").fails("compile", code=2)
    assert "models/customers.yml:6:" in text
    assert "no prices of machines are declared" in text
    assert "prices: {cpu_hour: 0.04}" in text


def test_of_protected_rows_the_verdict_alone_is_told(tmp_path: Path) -> None:
    project = shop(tmp_path, "max_seconds: {max: 0.000001}", sensitive=True)
    project.ok("build")
    one = found(project)
    assert one["status"] == "warn"
    assert one["value"] is None
    assert "details" not in one or not one["details"]
    receipt = (project.root / "warehouse" / "dev" / "customers.receipt.json").read_text("utf-8")
    assert '"max_seconds"' in receipt
    assert "query 0" not in receipt


def test_in_an_audit_set_it_warns_too(tmp_path: Path) -> None:
    sets = "audit_sets: {standard: [{max_seconds: {max: 0.000001}}]}"
    project = shop(tmp_path, "set: standard", prices=sets)
    project.ok("build")
    assert found(project)["status"] == "warn"


def test_of_a_family_the_making_of_all_its_tables_counts_and_no_audit_of_those_before() -> None:
    tallies = {"customers": Tally(), "orders": Tally()}
    tallies["customers"].here("train", 5, 1)
    tallies["customers"].here("audit", 7, 1)
    tallies["orders"].here("load", 2, 1)
    family = SimpleNamespace(members={"c": "customers", "o": "orders"})
    models = {
        "customers": SimpleNamespace(name="customers", family="shop", disclosure="guarded"),
        "orders": SimpleNamespace(name="orders", family="shop", disclosure="open"),  # one that is public
    }
    project = SimpleNamespace(prices=PricesSpec())
    manifest = SimpleNamespace(families={"shop": family}, project=project, models=models)
    context = SimpleNamespace(manifest=manifest, tally=tallies.__getitem__)
    judging: Any = SimpleNamespace(context=context, model=models["orders"], manifest=manifest, seconds={"train": 5.0})
    took = Judgement._took(judging)
    assert took is not None
    assert (took.phases, took.seconds, took.told) == ({"train": 5, "load": 2}, 7, False)
