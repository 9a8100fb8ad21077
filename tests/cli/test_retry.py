"""`synth retry`: what failed, was skipped or was never reached, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from tests.killing import Killer
from tests.synth import SQL_PROJECT, Project, make_project

MODELS = """
    version: 1
    models:
      - name: alone
        generator: {{name: sql, query: "select {{{{ var('n', 1) }}}} as n"}}
        audits: []
      - name: customers
        generator: {{name: sql, query: "select * from {{{{ source('crm', 'customers') }}}}"}}
        audits: [{{row_count: {{min: {least}}}}}]
      - name: by_tier
        generator: {{name: sql, query: "select distinct tier from {{{{ ref('customers') }}}}"}}
        audits: []
"""


def shop_of(root: Path) -> Project:
    return make_project(root, {**SQL_PROJECT, "models/customers.yml": MODELS.format(least=1000)})


def mend(shop: Project) -> None:
    shop.write({"models/customers.yml": MODELS.format(least=1)})


def test_what_failed_and_what_was_skipped_is_built(tmp_path: Path) -> None:
    shop = shop_of(tmp_path / "shop")
    shop.fails("build", "--vars", "{n: 5}")
    assert {n: r["status"] for n, r in shop.results().items()} == {
        "alone": "pass",
        "customers": "fail",
        "by_tier": "skipped",
    }
    assert "1 failed, 1 skipped" in shop.fails("retry")
    mend(shop)
    shop.ok("retry")
    results = shop.results()
    assert {n: r["status"] for n, r in results.items()} == {"customers": "pass", "by_tier": "pass"}
    assert results["customers"]["action"] == "audit"  # its rows were there, and only failed their audit
    text = shop.ok("retry")
    assert text.startswith("nothing to retry: the last build, ")
    assert shop.query("select n from alone") == [{"n": 5}]


def test_the_last_runs_variables_selection_and_target_are_taken(tmp_path: Path) -> None:
    shop = shop_of(tmp_path / "shop")
    shop.write({"synth_project.yml": "name: shop\nseed: 7\ntargets: {dev: {}, prod: {}}\n"})
    models = MODELS.replace("select distinct tier", "select distinct {{{{ var('n', 1) }}}} as n")
    shop.write({"models/customers.yml": models.format(least=1000)})
    shop.fails("build", "--target", "prod", "--vars", "{n: 5}", "--select", "customers+")
    shop.write({"models/customers.yml": models.format(least=1)})
    shop.ok("retry")
    rows = json.loads(shop.ok("query", "--target", "prod", "--format", "json", "select n from by_tier"))
    assert rows == [{"n": 5}]
    assert shop.parquet("alone", "prod") == []
    assert shop.parquet("customers") == []


def test_without_a_run_there_is_nothing_to_retry(shop: Project) -> None:
    text = shop.fails("retry", code=2)
    assert "there is no run to retry" in text
    assert "synth build" in text


def test_a_model_that_is_gone_is_not_retried(tmp_path: Path) -> None:
    shop = shop_of(tmp_path / "shop")
    shop.fails("build")
    shop.write(
        {
            "models/customers.yml": 'version: 1\nmodels: [{name: alone, generator: {name: sql, query: "select 1 as n"}, audits: []}]\n'
        }
    )
    done = shop.synth("retry")
    assert done.returncode == 0
    assert "'by_tier' is not a model any more" in done.stderr
    assert "nothing to retry" in done.stdout


def test_a_killed_run_is_ended_and_what_it_had_published_stays(tmp_path: Path) -> None:
    shop = shop_of(tmp_path / "shop")
    mend(shop)
    killer = Killer(shop.root)
    killer.ok("build")
    steps = killer.synth("build", "--full-refresh", "--threads", "1").steps
    publishing = [i for i, s in enumerate(steps, 1) if s.startswith("os.mkdir warehouse.py")]
    assert killer.synth("build", "--full-refresh", "--threads", "1", step=publishing[1]).killed
    run_id = json.loads((shop.root / "target" / "invocation.json").read_text("utf-8"))["run_id"]
    published = {
        name
        for name in ("alone", "customers", "by_tier")
        if json.loads((shop.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8"))["run_id"] == run_id
    }
    assert published
    assert published != {"alone", "customers", "by_tier"}
    killer.ok("retry")
    results = shop.results()
    assert results.keys() == {"alone", "customers", "by_tier"} - published
    assert all(r["status"] == "pass" for r in results.values())
