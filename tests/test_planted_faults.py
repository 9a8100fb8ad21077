"""Faults planted in a fresh sample of a table: each fails the audits that it should, and no others."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.synth import make_project, write_csv

AUDITS = """
  keys_and_rules:
    - unique: {columns: [id]}
    - not_null: {columns: [tier]}
    - inequality: {low: joined, high: ends}
    - inequality: {low: 18, high: age, name: adults}
    - schema: {nulls: true}
    - boundary
    - cardinality: {columns: [age, tier, spend]}
"""
PLANTED = {  # model → (its query, the audits that fail)
    "fresh": ("select * from s", set()),
    "duplicated": ("select * from s union all (select * from s limit 60)", {"unique"}),
    "null_tier": ("select * replace (case when id % 10 = 0 then null else tier end as tier) from s", {"not_null", "schema"}),
    "shifted": ("select * replace (joined + 1500 as joined) from s", {"inequality", "boundary"}),
    "shifted_both": ("select * replace (joined + 1500 as joined, ends + 1500 as ends) from s", {"boundary"}),
    "young": ("select * replace (case when id % 20 = 0 then 3 else age end as age) from s", {"adults", "boundary"}),
    "broken_ages": ("select * replace (age + id / 10000.0 as age) from s", {"schema", "cardinality", "boundary"}),
    "collapsed": ("select * replace (50.0::double as spend) from s", {"cardinality"}),
    "without_spend": ("select * exclude (note) from s", {"schema"}),
    "other_order": ("select tier, * exclude (tier) from s", {"schema"}),
}  # fmt: skip


def people(rows: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    table = []
    for i in range(rows):
        joined = date(2020, 1, 1) + timedelta(days=rng.randrange(1000))
        table.append(
            {
                "id": i,
                "age": rng.randint(18, 90),
                "spend": round(rng.gammavariate(2, 30), 2),
                "tier": rng.choices(["basic", "plus", "pro"], [6, 3, 1])[0],
                "joined": joined,
                "ends": joined + timedelta(days=rng.randrange(1000)),
                "note": rng.choice("abcd"),
            }
        )
    return table


@pytest.mark.slow
def test_each_fault_fails_what_it_should(tmp_path: Path) -> None:
    models = "".join(
        f"  - name: {name}\n"
        f"    source: \"{{{{ source('crm', 'real') }}}}\"\n"
        f"    generator: {{name: sql, query: \"with s as (select * from {{{{ source('crm', 'sample') }}}}) {query}\"}}\n"
        "    audits: [{set: keys_and_rules}]\n"
        for name, (query, _) in PLANTED.items()
    )
    sources = "".join(f"      - {{name: {n}, path: data/{n}.csv, primary_key: id}}\n" for n in ("real", "sample"))
    shop = make_project(
        tmp_path / "shop",
        {
            "synth_project.yml": f"name: shop\nseed: 7\naudit_sets:{AUDITS}",
            "models/all.yml": f"version: 1\nsources:\n  - name: crm\n    tables:\n{sources}models:\n{models}",
        },
    )
    for seed, name in enumerate(("real", "sample")):
        write_csv(shop.root / f"data/{name}.csv", people(2000, seed))
    shop.fails("build", "--threads", "1")
    results = shop.results()
    failed = {n: {a["name"] for a in results[n]["audits"] if a["status"] == "fail"} for n in PLANTED}
    assert failed == {n: expected for n, (_, expected) in PLANTED.items()}
    assert results["fresh"]["status"] == "pass", results["fresh"]["audits"]
    worst = {a["name"]: a["column"] for a in results["shifted"]["audits"]}
    assert (worst["boundary"], worst["inequality"]) == ("joined", "joined")
