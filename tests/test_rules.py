"""Rules through a whole build: no row breaks one, whatever generator draws, with conditions and under epsilon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthkit
from synthkit.errors import BuildError, SynthError
from synthkit.rules.find.search import find_rules
from synthkit.rules.language import parse_rule, violations
from tests.rules.test_find import WANTED, planted
from tests.synth import Project

TABLE = pa.table(planted())
PLANTED = tuple(sorted(WANTED))
QUICK: dict[str, dict[str, Any]] = {
    "circuit": {"states": 4, "min_steps": 20, "refinements": 0},
    "cart": {"trees": 2},
    "tvae": {"epochs": 1, "min_steps": 10, "compress_dims": [16], "decompress_dims": [16], "embedding_dim": 8},
    "ctgan": {"epochs": 1, "min_steps": 4, "generator_dim": [16], "discriminator_dim": [16], "embedding_dim": 8},
    "sdv.gaussian_copula": {},
}
PRIVATE = """
    version: 1
    sources:
      - name: raw
        tables:
          - name: bills
            path: data/bills.parquet
            row_count: 3000
            columns:
              - {name: net, type: integer, nullable: false, bounds: [0, 99]}
              - {name: tax, type: integer, nullable: false, bounds: [0, 19]}
              - {name: gross, type: integer, nullable: false, bounds: [0, 118]}
              - {name: state, type: categorical, nullable: false, values: [open, shut]}
              - {name: closed, type: integer, bounds: [0, 50]}
              - {name: zip, type: categorical, nullable: false, values: [1010, 1020, 8010, 8020]}
              - {name: city, type: categorical, nullable: false, values: [Graz, Wien, Linz]}
              - {name: make, type: categorical, nullable: false, values: [Audi, Fiat]}
              - {name: sort, type: categorical, nullable: false, values: [A3, A4, Panda, Uno]}
            rules:
              - gross = net + tax
              - zip -> city
              - combination: [make, sort]
              - when state = 'open' then closed is null else closed is not null
    models:
      - name: fake
        source: "{{ source('raw', 'bills') }}"
        generator: GENERATOR
        epsilon: 2
        insecure_seed: 1
        size: 700
        audits: [rules]
"""
SHOWN = """
    version: 1
    sources:
      - {name: raw, tables: [{name: t, path: data/t.parquet}]}
    models:
      - name: fake
        source: "{{ source('raw', 't') }}"
        generator: {name: circuit, states: 4, min_steps: 20, refinements: 0}
        size: 900
        conditions: {status: {open: 50%, shut: 25%, late: 25%}}
        audits: [row_count: {equals: 900}, rules]
      - name: bare
        source: "{{ source('raw', 't') }}"
        generator: {name: circuit, states: 4, min_steps: 20, refinements: 0}
        rules: none
        audits: [row_count: {min: 1}]
"""


def broken(rows: pa.Table, texts: Any = PLANTED) -> dict[str, int]:
    found = {text: int(violations(parse_rule(text), rows, TABLE).sum()) for text in texts}
    return {text: n for text, n in found.items() if n}


@pytest.mark.parametrize("generator", QUICK)
def test_no_drawn_row_breaks_what_the_rows_show(generator: str) -> None:
    """Trained far too little to learn any of it by themselves."""
    model = synthkit.fit(TABLE, generator={"name": generator, **QUICK[generator]})
    assert broken(model.draw(500)) == {}
    bare = synthkit.fit(TABLE, generator={"name": generator, **QUICK[generator]}, rules="none")
    assert "gross = net + tax - fee" in broken(bare.draw(500))


def test_conditions_stay_exact_beside_rules(tmp_path: Path) -> None:
    shop = Project(tmp_path / "shop").write({"synth_project.yml": "name: shop\nseed: 7\n", "models/m.yml": SHOWN})
    (shop.root / "data").mkdir()
    pq.write_table(TABLE, shop.root / "data" / "t.parquet")
    shop.ok("build")
    receipt = json.loads(shop.ok("show", "fake", "--format", "json"))
    assert {parse_rule(t) for t in receipt["rules"]} >= {
        parse_rule("gross = net + tax - fee"),
        parse_rule("zip -> city"),
    }
    (audit,) = [a for a in receipt["audits"] if a["name"] == "rules"]
    assert (audit["value"], audit["status"]) == (0, "pass")
    rows = synthkit.open(shop.root).table("fake").to_arrow()
    counts = {v["values"]: v["counts"] for v in rows["status"].value_counts().to_pylist()}
    assert counts == {"open": 450, "shut": 225, "late": 225}
    assert broken(rows) == {}
    bare = json.loads(shop.ok("show", "bare", "--format", "json"))
    assert bare["rules"] == []
    assert broken(synthkit.open(shop.root).table("bare").to_arrow())
    assert "nothing to do" in shop.ok("plan")
    path = shop.root / "models" / "m.yml"
    path.write_text(path.read_text().replace("rules: none", "rules: ['gross = net + tax - fee']"))
    assert "train hash changed: rules" in shop.ok("plan")


def test_a_condition_on_a_computed_column_is_met() -> None:
    model = synthkit.fit(TABLE, generator={"name": "circuit", **QUICK["circuit"]})
    rows = model.draw(60, {"land": "land 2"})
    assert set(rows["land"].to_pylist()) == {"land 2"}
    assert broken(rows) == {}


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["aim", "mst", "independent", "ctgan", "tvae"])
def test_declared_rules_hold_under_epsilon(tmp_path: Path, generator: str) -> None:
    import numpy as np

    rng = np.random.default_rng(1)
    net, tax, state = rng.integers(0, 100, 3_000), rng.integers(0, 20, 3_000), rng.random(3_000) < 0.4
    closed = pa.array(np.where(state, -1, rng.integers(0, 50, 3_000)), mask=state)
    words = np.where(state, "open", "shut")
    bills = pa.table({"net": net, "tax": tax, "gross": net + tax, "state": words, "closed": closed})
    place, sort = rng.choice(4, 3_000, p=[0.4, 0.3, 0.2, 0.1]), rng.integers(0, 4, 3_000)
    bills = bills.append_column("zip", [np.array([1010, 1020, 8010, 8020])[place]])
    bills = bills.append_column("city", [np.array(["Wien", "Wien", "Graz", "Graz"])[place]])
    bills = bills.append_column("make", [np.array(["Audi", "Fiat"])[sort // 2]])
    bills = bills.append_column("sort", [np.array(["A3", "A4", "Panda", "Uno"])[sort]])
    budget = "name: shop\nseed: 7\nholdout: 0\nprivacy:\n  budgets:\n    raw.bills: {epsilon: 3, delta: 1e-5}\n"
    quick = {k: v for k, v in QUICK.get(generator, {}).items() if k not in ("generator_dim", "discriminator_dim")}
    said = json.dumps({"name": generator, **quick})
    files = {"synth_project.yml": budget, "models/m.yml": PRIVATE.replace("GENERATOR", said)}
    shop = Project(tmp_path / "shop").write(files)
    (shop.root / "data").mkdir()
    pq.write_table(bills, shop.root / "data" / "bills.parquet")
    shop.ok("build")
    rows = synthkit.open(shop.root).table("fake").to_arrow()
    texts = ("gross = net + tax", "when state = 'open' then closed is null else closed is not null", "zip -> city")
    assert rows.num_rows == 700
    assert broken(rows, texts) == {}
    for names in (("zip", "city"), ("make", "sort")):  # noise is far below what rows have: what goes together is found
        here, real = ({tuple(r.values()) for r in t.select(names).to_pylist()} for t in (rows, bills))
        assert here <= real
        assert len(here) > 2
    receipt = json.loads(shop.ok("show", "fake", "--format", "json"))
    assert [a["status"] for a in receipt["audits"] if a["name"] == "rules"] == ["pass"]
    (line,) = (shop.root / "privacy" / "ledger.jsonl").read_text().splitlines()
    assert shop.ok("ledger")
    if generator == "independent":  # net and tax in two and one histograms, state, closed, and two pairs in one each
        assert sum(m["count"] for m in json.loads(line)["mechanisms"]) == 2 + 1 + 1 + 1 + 1 + 1


def test_a_declared_rule_that_training_rows_break_stops_before_the_training() -> None:
    with pytest.raises(BuildError, match=r"of 3,000 break 'net = tax' \(rules\)"):
        synthkit.fit(TABLE, generator="circuit", rules="net = tax")
    with pytest.raises(SynthError, match="there is no column 'nett'"):
        synthkit.fit(TABLE, generator="circuit", rules=["gross = nett + tax"])


def test_a_few_rows_keep_them_too() -> None:
    model = synthkit.fit(TABLE, generator={"name": "circuit", **QUICK["circuit"]})
    for seed in range(10):
        assert broken(model.draw(1, seed=seed)) == {}
    assert broken(model.draw(3, {"status": "open"})) == {}
    assert model.draw(1_001).num_rows == 1_001


def test_a_saved_model_keeps_its_rules(tmp_path: Path) -> None:
    model = synthkit.fit(TABLE, generator={"name": "circuit", **QUICK["circuit"]})
    again = synthkit.load_model(model.save(tmp_path / "model"))
    assert again.draw(200, seed=3).equals(model.draw(200, seed=3))
    assert broken(again.draw(200, seed=4)) == {}


def test_what_is_drawn_shows_the_same_rules() -> None:
    drawn = synthkit.fit(TABLE, generator={"name": "circuit", **QUICK["circuit"]}).draw(3_000)
    shown = {str(one.rule) for one in find_rules(drawn)}
    assert {"gross = net + tax - fee", "month = month(ordered)", "zip -> city", "city -> land"} <= shown
