"""Declared rules are checked before anything is trained: each fault with its place and a way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synthkit.compiler import compile_project
from synthkit.errors import ConfigurationError
from synthkit.project.project import load_project
from tests.synth import make_project

SOURCE = """
    version: 1
    sources:
      - name: shop
        tables:
          - name: orders
            path: data/orders.csv
            rules: SOURCE_RULES
            columns:
              - {name: id, type: id}
              - {name: open, type: categorical}
    models:
      - name: fake
        source: "{{ source('shop', 'orders') }}"
        generator: circuit
        MODEL
"""
ORDERS = "id,net,tax,total,ordered,delivered,at,open,zip,city\n" + "".join(
    f"o{i},{i},{i % 7},{i + i % 7},2024-01-{1 + i % 28:02},2024-02-{1 + i % 28:02},2024-01-01 00:00:{i % 60:02},"
    f"{'yes' if i % 2 else 'no'},{i % 9},c{i % 3}\n"
    for i in range(100)
)


def compiled(tmp_path: Path, rules: str, model: str = ""):  # type: ignore[no-untyped-def]
    text = SOURCE.replace("SOURCE_RULES", rules).replace("MODEL", model)
    shop = make_project(
        tmp_path / "shop", {"synth_project.yml": "name: shop", "models/m.yml": text, "data/orders.csv": ORDERS}
    )
    return compile_project(load_project(shop.root))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("gross = net + tax", "there is no column 'gross'"),
        ("total = net + ", "a column is expected"),
        ("total = net + ordered", "a number + a date is nothing|gives a date"),
        ("ordered = net", "it gives a number, and 'ordered' is a date"),
        ("total = month(city2)", "there is no column 'city2'"),
        ("delivered = ordered + at", "a date \\\\+ a moment"),
        ("nulls_together: [id, net]", "'id' is made up"),
        ("id, zip -> city", "'id' is made up"),
        ("when id = '3' then net = 3", "'id' is made up"),
        ("when open = 'yes' then delivered is nil", "'null' is expected"),
    ],
)
def test_a_rule_that_cannot_be(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as found:
        compiled(tmp_path, f'["{rule}"]')
    (fault,) = found.value.faults
    assert re.search(said.replace("\\\\", "\\"), fault.message), fault.message
    assert fault.where is not None
    assert fault.hint


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ('["total = net + tax", "total = 2 * net"]', "'total' is computed by 'total = net + tax' already"),
        ('["total = net + tax", "total = net mostly"]', "'total' is computed by 'total = net + tax' already"),
        ('["total = net + tax", "tax = total - net"]', "it goes in a circle with 'total = net + tax'"),
        (
            """["when open = 'yes' then delivered is null", "when open = 'yes' then delivered is not null"]""",
            "it contradicts 'when open = 'yes' then delivered is null'",
        ),
        ('["ordered < delivered", "delivered < ordered"]', "only rows with missing values can satisfy"),
        ('[none, "total = net + tax"]', "none stands among other rules"),
    ],
)
def test_rules_that_cannot_be_together(tmp_path: Path, rules: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as found:
        compiled(tmp_path, rules)
    assert [said in f.message for f in found.value.faults] == [True]


def test_conditions_that_break_a_rule_are_named(tmp_path: Path) -> None:
    rule = """["when open = 'yes' then zip = 3"]"""
    assert compiled(tmp_path / "good", rule, "conditions: {open: 'yes', zip: '3'}").models["fake"].rules
    with pytest.raises(ConfigurationError) as found:
        compiled(tmp_path / "bad", rule, "conditions: {open: {'yes': 50%, 'no': 50%}, zip: '4'}")
    (fault,) = found.value.faults
    assert "open = yes, zip = 4, which breaks the rule 'when open = 'yes' then zip = 3'" in fault.message


@pytest.mark.parametrize(
    ("rule", "conditions", "said"),
    [
        (
            "zip -> city",
            "{zip: '3', city: {c0: 50%, c1: 50%}}",
            "zip = 3, city = c1, which breaks the rule 'zip -> city'",
        ),
        ("zip -> city", "{zip: {'3': 50%, '4': 50%}, city: c0}", None),
        ("zip <-> city", "{zip: {'3': 50%, '4': 50%}, city: c0}", "which breaks the rule 'zip <-> city'"),
        ("total = net + tax", "{total: 5, net: 3, tax: 1}", "which breaks the rule 'total = net \\+ tax'"),
        ("total = net + tax mostly", "{total: 5, net: 3, tax: 1}", None),
        (
            "nulls_together: [net, tax]",
            "{net: {'null': 100%}, tax: 1}",
            "which breaks the rule 'nulls_together: .net, tax.'",
        ),
        ("unique: [zip, city]", "{zip: {'3': 50%, '4': 50%}, city: c0}", "leave 2 combinations for 40 rows"),
    ],
)
def test_each_kind_of_rule_beside_conditions(tmp_path: Path, rule: str, conditions: str, said: str | None) -> None:
    model = f"conditions: {conditions}\n        size: 40"
    if said is None:
        assert compiled(tmp_path, f'["{rule}"]', model).models["fake"].rules
        return
    with pytest.raises(ConfigurationError) as found:
        compiled(tmp_path, f'["{rule}"]', model)
    (fault,) = found.value.faults
    assert re.search(said, fault.message), fault.message
    assert fault.where is not None
    assert fault.hint


def test_which_rules_a_model_has(tmp_path: Path) -> None:
    rules = '["total = net + tax", "ordered <= delivered", {combination: [zip, city]}]'
    plain = compiled(tmp_path / "a", rules).models["fake"]
    assert [str(r.rule) for r in plain.rules] == ["total = net + tax", "combination: [zip, city]"]
    assert [str(c.rule) for c in plain.constraints] == ["ordered <= delivered"]
    assert not plain.rules_found  # the list is all
    assert compiled(tmp_path / "b", '["total = net + tax", found]').models["fake"].rules_found
    assert compiled(tmp_path / "c", "null").models["fake"].rules_found
    own = compiled(tmp_path / "d", "none", 'rules: ["zip -> city", found]').models["fake"]
    assert [str(r.rule) for r in own.rules] == ["zip -> city"]
    assert own.rules_found
    nothing = compiled(tmp_path / "e", "null", "rules: none").models["fake"]
    assert (nothing.rules, nothing.rules_found) == ((), False)
    assert "rules" not in [b.audit for b in nothing.audits]
    (bound,) = [b for b in own.audits if b.audit == "rules"]
    assert bound.params == {"declared": ["zip -> city"], "found": True}


@pytest.mark.parametrize("rule", ["id -> zip", "unique: [id]", "unique: [id, zip]"])
def test_what_the_primary_key_makes_true_may_be_said(tmp_path: Path, rule: str) -> None:
    text = SOURCE.replace("SOURCE_RULES", f"['{rule}']\n            primary_key: id").replace("MODEL", "")
    shop = make_project(
        tmp_path / "shop", {"synth_project.yml": "name: shop", "models/m.yml": text, "data/orders.csv": ORDERS}
    )
    assert [str(r.rule) for r in compile_project(load_project(shop.root)).models["fake"].rules] == [rule]


PRIVATE = """
    version: 1
    sources:
      - name: shop
        tables:
          - name: orders
            path: data/orders.csv
            row_count: 100
            rules: RULES
            columns:
              - {name: zip, type: categorical, nullable: false, values: [1, 2, 3]}
              - {name: city, type: categorical, nullable: false, values: [Bern, Chur]}
              - {name: net, type: integer, nullable: false, bounds: [0, 99]}
              - {name: tax, type: integer, nullable: false, bounds: [0, 9]}
              - {name: total, type: integer, nullable: false, bounds: [0, 108]}
    models:
      - name: fake
        source: "{{ source('shop', 'orders') }}"
        generator: GENERATOR
        epsilon: 1
        size: 100
        audits: []
"""


@pytest.mark.parametrize(
    ("rule", "generator", "said"),
    [
        ("zip -> city", "aim", ("net", "tax", "total", "zip & city")),
        ("combination: [zip, city]", "tvae", ("net", "tax", "total", "zip & city")),
        ("unique: [zip, net]", "aim", "'unique: .zip, net.'.*cannot be kept under epsilon: rows are drawn one by one"),
        ("total = net mostly", "aim", "'total = net mostly'.*in which rows it holds would be one more column"),
        ("net -> city", "aim", "'net -> city'.*cannot be kept under epsilon.*no values of 'net' are declared"),
        ("total = net + tax", "{name: aim, target: city}", ("zip", "city", "net", "tax")),
        ("total = net + tax", "{name: aim, target: total}", "names 'total', which is computed by a rule"),
        ("zip -> city", "{name: aim, target: city}", "names 'city', which is learnt with others, as 'zip & city'"),
    ],
)
def test_rules_under_epsilon(tmp_path: Path, rule: str, generator: str, said: str | tuple[str, ...]) -> None:
    text = PRIVATE.replace("RULES", f'["{rule}"]').replace("GENERATOR", generator)
    rows = "zip,city,net,tax,total\n" + "1,Bern,1,2,3\n" * 9
    shop = make_project(
        tmp_path / "shop", {"synth_project.yml": "name: shop", "models/m.yml": text, "data/orders.csv": rows}
    )
    if isinstance(said, tuple):
        learnt = compile_project(load_project(shop.root)).models["fake"].learnt
        assert learnt is not None
        assert learnt.names == said
        return
    with pytest.raises(ConfigurationError) as found:
        compile_project(load_project(shop.root))
    (fault,) = found.value.faults
    assert re.search(said, fault.message), fault.message
    assert fault.where is not None
    assert fault.hint
