"""Faults planted in the rows of a family, through `synth build`: each fails the audits that it should, and no others.

A family a fault, over one source; a healthy draw of the same process is the control.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from benchmarks.audits.families import shop
from tests.audits.families import put
from tests.packages import installed
from tests.private import PrivateProject

Rows = dict[str, pa.Table]
SYNTHETIC, REAL = 600, 900  # customers; a third of the real ones is held out
TABLES = """
    version: 1
    sources:
      - name: shop
        tables:
          - {name: customers, path: data/customers.csv, primary_key: customer_id}
          - {name: products, path: data/products.csv, primary_key: product_id, public: true}
          - name: orders
            path: data/orders.csv
            primary_key: order_id
            foreign_keys: [{column: customer_id, references: customers, owner: true}]
            order_by: ordered_at
          - name: lines
            path: data/lines.csv
            primary_key: [order_id, line_no]
            foreign_keys:
              - {column: order_id, references: orders, owner: true}
              - {column: product_id, references: products}
"""
KEPT, BROKEN = "orders.total = round(sum(lines.price * lines.quantity), 2)", "customers.age = count(orders)"
AUDITS = "references, {cardinality: {of: children}}, parent_child, sequence, entity_membership, entity_copies"
ROLLUP = '{{rollup: {{rules: ["{}"]}}}}'
ALL = {"references", "cardinality", "rollup", "parent_child", "sequence", "entity_membership", "entity_copies"}


def healthy(rows: Rows) -> Rows:
    return rows


def bad_keys(rows: Rows) -> Rows:
    """Two lines name an order that is not there."""
    orders = rows["lines"]["order_id"].to_pylist()
    return {**rows, "lines": put(rows["lines"], "order_id", [-1, -1, *orders[2:]])}


def doubled_pairs(rows: Rows) -> Rows:
    """An order names a product twice, where no real one does."""
    products = rows["lines"]["product_id"].to_pylist()
    orders = rows["lines"]["order_id"].to_pylist()
    (at, *_) = (i for i in range(1, len(orders)) if orders[i] == orders[i - 1] and products[i - 1] and products[i])
    products[at] = products[at - 1]
    return {**rows, "lines": put(rows["lines"], "product_id", products)}


def wrong_counts(rows: Rows) -> Rows:
    """Orders stand with customers dealt at random: half of these have none, in place of a quarter."""
    customers = np.asarray(rows["customers"]["customer_id"])
    few = customers[: len(customers) // 2]
    dealt = np.random.default_rng(1).choice(few, rows["orders"].num_rows)
    counts = {c: int((dealt == c).sum()) for c in customers.tolist()}
    of_customers = put(rows["customers"], "orders", [counts[c] for c in customers.tolist()])
    return {**rows, "orders": put(rows["orders"], "customer_id", dealt), "customers": of_customers}


def wrong_totals(rows: Rows) -> Rows:
    total = np.asarray(rows["orders"]["total"]).copy()
    total[0] += 0.05
    return {**rows, "orders": put(rows["orders"], "total", total)}


def shuffled_order(rows: Rows) -> Rows:
    """Each order has the day of another: what came first, and how long after it the next, is chance."""
    days = rows["orders"]["ordered_at"].to_pylist()
    order = np.random.default_rng(2).permutation(len(days))
    return {**rows, "orders": put(rows["orders"], "ordered_at", [days[i] for i in order])}


def strangers(rows: Rows) -> Rows:
    """Customers' ages and regions are those of others: parents that do not go with their children."""
    order = np.random.default_rng(3).permutation(rows["customers"].num_rows)
    customers = rows["customers"]
    for name in ("age", "region"):
        customers = put(customers, name, customers[name].take(pa.array(order)))
    return {**rows, "customers": customers}


PLANTED: dict[str, tuple[Callable[[Rows], Rows], set[str]]] = {
    "healthy": (healthy, set()),
    "bad_keys": (bad_keys, {"references", "rollup"}),
    "doubled_pairs": (doubled_pairs, {"references"}),
    "wrong_counts": (wrong_counts, {"cardinality", "parent_child", "sequence"}),
    "wrong_totals": (wrong_totals, {"rollup"}),
    "demanded": (healthy, {"rollup"}),
    "shuffled_order": (shuffled_order, {"sequence"}),
    "strangers": (strangers, {"parent_child"}),
    "copies": (healthy, {"entity_copies", "entity_membership"}),
}


def write(folder: Path, tables: Rows) -> None:
    for table, rows in tables.items():
        pq.write_table(rows, folder / f"{table}.parquet")


def learnt(project: PrivateProject) -> set[int]:
    """The customers that were not held out."""
    (file,) = (project.root / "target/cache/splits/shop.customers").rglob("train*.parquet")
    return set(pq.read_table(file)["customer_id"].to_pylist())


def copies(real: Rows, ids: set[int], most: int) -> Rows:
    """Customers that were learnt from, with all that is theirs."""
    customers = real["customers"].filter(pc.is_in(real["customers"]["customer_id"], pa.array(sorted(ids)[:most])))
    orders = real["orders"].filter(pc.is_in(real["orders"]["customer_id"], customers["customer_id"].combine_chunks()))
    lines = real["lines"].filter(pc.is_in(real["lines"]["order_id"], orders["order_id"].combine_chunks()))
    return {**real, "customers": customers, "orders": orders, "lines": lines}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """Family → table.audit → what it found, of one build."""
    root = tmp_path_factory.mktemp("planted")
    packages = installed(root / "packages", "given", "synthkit.generators", "test.given = tests.given:GENERATOR")
    project = PrivateProject(root / "shop", packages)
    real = shop(REAL, np.random.default_rng(1))
    (root / "shop/data").mkdir(parents=True)
    for name, rows in real.items():
        csv.write_csv(rows, root / "shop/data" / f"{name}.csv")
    models = ""
    for name, (fault, _) in PLANTED.items():
        folder = root / "drawn" / name
        folder.mkdir(parents=True)
        write(folder, fault(shop(SYNTHETIC, np.random.default_rng(2), first=5_000_000)))
        audits = [AUDITS, ROLLUP.format(BROKEN if name == "demanded" else KEPT)]
        audits += ["joined_detection"] if name in ("healthy", "strangers") else []
        models += (
            f"  - name: {name}\n    source: \"{{{{ source('shop') }}}}\"\n    rules: none\n    size: {SYNTHETIC}\n"
            f"    generator: {{name: test.given, folder: {folder}}}\n    audits: [{', '.join(audits)}]\n"
        )
    project.write({"synth_project.yml": "name: shop\nseed: 7\nholdout: 33%\n", "models/sources.yml": TABLES})
    (root / "shop/models/models.yml").write_text(f"version: 1\nmodels:\n{models}", "utf-8")
    project.fails("build", "--threads", "1", "--exclude", "copies")
    results = project.results()
    drawn = copies(real, learnt(project), SYNTHETIC)
    write(root / "drawn/copies", drawn)
    model = (root / "shop/models/models.yml").read_text("utf-8")
    at = model.index("- name: copies")
    rows = drawn["customers"].num_rows
    (root / "shop/models/models.yml").write_text(model[:at] + model[at:].replace(f"size: {SYNTHETIC}", f"size: {rows}"))
    project.fails("build", "--select", "copies")
    results |= project.results()
    return {
        name: {
            f"{table}.{record['name']}": record
            for table in ("customers", "orders", "lines")
            for record in results[f"{name}_{table}"]["audits"]
        }
        for name in PLANTED
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_each_fault_fails_what_it_should(name: str, found: dict[str, dict[str, dict[str, Any]]]) -> None:
    records = {k: v for k, v in found[name].items() if not k.endswith(".joined_detection")}
    failed = {k.partition(".")[2] for k, v in records.items() if v["status"] == "fail"}
    said = {k: (v["status"], v["message"]) for k, v in records.items() if v["status"] != "pass"}
    assert failed == PLANTED[name][1], said
    assert {k.partition(".")[2] for k in records} == ALL


@pytest.mark.slow
def test_the_control_passes_each_of_them_somewhere(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    passed = {k.partition(".")[2] for k, v in found["healthy"].items() if v["status"] == "pass"}
    assert passed == {*ALL, "joined_detection"}, found["healthy"]


@pytest.mark.slow
def test_a_classifier_of_joined_rows_tells_strangers(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    status = {n: {v["status"] for k, v in found[n].items() if "joined" in k} for n in ("healthy", "strangers")}
    assert "fail" not in status["healthy"]
    assert "fail" in status["strangers"]


@pytest.mark.slow
def test_a_rule_that_is_demanded_is_judged_with_the_table_whose_key_it_goes_by(
    found: dict[str, dict[str, dict[str, Any]]],
) -> None:
    rules = {name: found["demanded"][f"{name}.rollup"]["details"].get("declared") for name in ("orders", "lines")}
    assert rules["lines"] is None
    assert set(rules["orders"]) == {BROKEN}
    assert rules["orders"][BROKEN] > SYNTHETIC / 2
    assert found["wrong_totals"]["lines.rollup"]["details"]["declared"] == {KEPT: 1}
