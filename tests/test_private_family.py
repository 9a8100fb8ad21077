"""A family under epsilon through the command line: one charge for all its tables, one unit, and what has no proof refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.synth import Project, write_csv

PROJECT = """
    name: shop
    seed: 7
    privacy:
      budgets:
        shop.customers: {epsilon: 3, delta: 1e-6}
"""
SOURCES = """
    version: 1
    sources:
      - name: shop
        tables:
          - name: customers
            path: data/customers.csv
            primary_key: customer_id
            row_count: 200
            columns:
              - {name: customer_id, type: text}
              - {name: tier, type: categorical, nullable: false, values: [basic, plus, pro]}
              - {name: age, type: integer, bounds: [18, 99]}
          - name: orders
            path: data/orders.csv
            primary_key: order_id
            foreign_keys:
              - {column: customer_id, references: customers, owner: true, max_per_parent: 5}
            order_by: day
            columns:
              - {name: order_id, type: id}
              - {name: customer_id, type: text}
              - {name: day, type: date, bounds: ["2020-01-01", "2025-12-31"]}
              - {name: channel, type: categorical, values: [shop, web]}
          - name: lines
            path: data/lines.csv
            primary_key: [order_id, line_no]
            foreign_keys:
              - {column: order_id, references: orders, owner: true, max_per_parent: 4}
              - {column: product_id, references: products}
            columns:
              - {name: order_id, type: id}
              - {name: line_no, type: integer, bounds: [1, 9]}
              - {name: product_id, type: text, nullable: false}
              - {name: quantity, type: integer, nullable: false, bounds: [1, 20]}
          - {name: products, path: data/products.csv, primary_key: product_id, public: true}
"""
FAMILY = """
    version: 1
    models:
      - name: fake
        source: "{{ source('shop') }}"
        generator: {name: aim, rounds: 2}
        epsilon: 1
        size: 40
        audits: [references]
      - name: spending
        generator:
          name: sql
          query: >-
            select customer_id, count(*) as lines from {{ ref('fake', 'lines') }}
            join {{ ref('fake', 'orders') }} using (order_id) group by all
        audits: []
"""
PRIVATE = ("fake_customers", "fake_lines", "fake_orders")


def write_rows(root: Path, people: int = 120) -> None:
    chance = random.Random(2)
    tables: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": [], "lines": [], "products": []}
    tables["products"] = [{"product_id": f"P{n}", "price": n} for n in range(6)]
    for person in range(people):
        name = f"C{person:03}"
        tables["customers"].append(
            {"customer_id": name, "tier": chance.choice(["basic", "pro"]), "age": 18 + person % 60}
        )
        for _ in range(chance.randrange(4)):
            order, day = len(tables["orders"]) + 1, f"20{chance.randrange(20, 26)}-0{chance.randrange(1, 10)}-15"
            tables["orders"].append(
                {"order_id": order, "customer_id": name, "day": day, "channel": chance.choice(["shop", "web"])}
            )
            for line in range(chance.randrange(1, 4)):
                item = {"order_id": order, "line_no": line + 1, "product_id": f"P{chance.randrange(6)}"}
                tables["lines"].append({**item, "quantity": chance.randrange(1, 9)})
    for name, rows in tables.items():
        write_csv(root / "data" / f"{name}.csv", rows)


def project(root: Path, **changed: tuple[str, str]) -> Project:
    """The shop; ``changed``: of which file what is put in the place of what."""
    files = {"synth_project": PROJECT, "sources": SOURCES, "family": FAMILY}
    for name, (old, new) in changed.items():
        assert old in files[name], old
        files[name] = files[name].replace(old, new)
    write_rows(root)
    places = {"synth_project": "synth_project.yml", "sources": "models/sources.yml", "family": "models/family.yml"}
    return Project(root).write({places[name]: text for name, text in files.items()})


def receipt(built: Project, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built.root / "warehouse/dev" / f"{name}.receipt.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = project(tmp_path_factory.mktemp("shop") / "project")
    made.ok("build")
    return made


def test_one_charge_for_all_tables(built: Project) -> None:
    (entry,) = [json.loads(line) for line in (built.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()]
    assert entry["sources"] == ["shop.customers", "shop.orders", "shop.lines"]
    assert entry["account"] == "shop.customers"
    assert entry["privacy_unit"] == "row of customers with all that is its own"
    assert (entry["epsilon"], entry["max_rows_per_unit"]) == (1, 1)
    for name in PRIVATE:
        said = receipt(built, name)
        assert said["privacy"]["entry"] == entry["hash"]
        (guarantee,) = said["guarantees"]
        assert guarantee["epsilon"] == pytest.approx(1, rel=1e-6)
        assert guarantee["sources"] == ["source:shop.customers", "source:shop.lines", "source:shop.orders"]
        assert said["source_rows"] is None
        assert said["contains_real_rows"] is False
    assert receipt(built, "fake_products")["contains_real_rows"] is True
    (joined,) = receipt(built, "spending")["guarantees"]  # of two of its tables: one release, which counts once
    assert joined["epsilon"] == pytest.approx(1, rel=1e-6)
    assert "one row of customers with all that is its own" in built.ok("ledger")
    assert "one row of customers with all that is its own" in built.ok("show", "fake_lines")


def test_what_is_published_holds_together(built: Project) -> None:
    said = built.ok(
        "query",
        "--format",
        "json",
        """select (select count(*) from fake_customers) as people,
            (select count(*) from fake_orders anti join fake_customers using (customer_id)) as of_nobody,
            (select count(*) from fake_lines anti join fake_orders using (order_id)) as of_nothing,
            (select count(*) from fake_lines anti join fake_products using (product_id)) as unknown,
            (select count(*) from fake_lines where line_no is null or quantity is null) as holes,
            (select max(n) from (select count(*) as n from fake_orders group by customer_id)) <= 5 as few,
            (select count(*) - count(distinct (order_id, line_no)) from fake_lines) as doubled""",
    )
    (row,) = json.loads(said)
    assert row == {
        "people": 40, "of_nobody": 0, "of_nothing": 0, "unknown": 0, "holes": 0, "few": True, "doubled": 0,
    }  # fmt: skip


def test_a_build_anew_costs_nothing_where_nothing_is_trained(built: Project) -> None:
    assert "nothing" not in built.ok("verify")
    path = built.root / "models/family.yml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("size: 40", "size: 50"), "utf-8")
    plan = json.loads(built.ok("plan", "--output", "json"))
    assert {a["action"] for a in plan["actions"] if a["model"] in PRIVATE} == {"sample"}
    built.ok("build")
    assert len((built.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 1
    path.write_text(text, "utf-8")
    built.ok("build")


REFUSED = {
    "a child without a bound": (
        {"sources": (", owner: true, max_per_parent: 4}", ", owner: true}")},
        "nothing says how many rows of 'lines' may belong to one row of 'orders'",
        "add max_per_parent: to the key order_id of lines",
    ),
    "a size that tells the number of rows": (
        {"sources": ("row_count: 200", "holdout: 20%"), "family": ("epsilon: 1\n        size: 40", "epsilon: 1\n        delta: 1e-6\n        size: 2x")},
        "a size of 2x tells how many rows source('shop', 'customers') has",
        "write a number of rows",
    ),
    "a column of a child that is not declared": (
        {"sources": ("- {name: channel, type: categorical, values: [shop, web]}", "- {name: channel, type: categorical}")},
        "1 column of source('shop', 'orders') must be declared: channel (values)",
        "values: [A, B]",
    ),
    "what is looked up, and is somebody's": (
        {"sources": ("primary_key: product_id, public: true}", "primary_key: product_id, row_count: 6, columns: [{name: product_id, type: text}, {name: price, type: integer, bounds: [0, 9]}]}")},
        "the key product_id of 'lines' names rows of 'products', which are somebody's",
        "public: true",
    ),
    "a tree within a table": (
        {"sources": ("- {name: age, type: integer, bounds: [18, 99]}\n", "- {name: age, type: text}\n            foreign_keys: [{column: age, references: customers}]\n")},
        "the key age of 'customers' names rows of 'customers' in a circle",
        "leave the table out",
    ),
    "keys beside the real ones": (
        {"family": ("size: 40", "keys: fresh\n        size: 40")},
        "keys: fresh looks at the keys of the real rows",
        "drop keys",
    ),
    "orphans": (
        {"sources": ("{column: product_id, references: products}", "{column: product_id, references: products, orphans: keep}")},
        "keys of 'lines' that name no row are not drawn under epsilon",
        "drop orphans: keep",
    ),
    "a generator that learns one table": (
        {"family": ("{name: aim, rounds: 2}", "mst")},
        "'mst' learns one table alone",
        "aim",
    ),
    "a generator without a budget": (
        {"family": ("{name: aim, rounds: 2}", "conditional")},
        "'conditional' gives no differential privacy",
        "aim",
    ),
    "nothing that says delta": (
        {"sources": ("row_count: 200", "holdout: 20%")},
        "nothing says what δ goes with epsilon: source('shop', 'customers') declares no row_count",
        "declare row_count",
    ),
    "a table that is nobody's": (
        {"sources": ("{column: customer_id, references: customers, owner: true, max_per_parent: 5}\n            order_by: day", "{column: customer_id, references: customers}\n            privacy_unit: customer_id")},
        "'customers' is not public, and belongs to no row of 'orders'",
        "owner: true",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_has_no_proof_is_refused_with_its_place(case: str, tmp_path: Path) -> None:
    changed, message, hint = REFUSED[case]
    done = project(tmp_path / "project", **changed).synth("compile")
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert message in said, said
    assert hint in said, said
    line = next(text for text in said.splitlines() if message in text)
    file, row, column = line.split(":")[:3]
    assert file.endswith(".yml")
    assert row.isdigit()
    assert column.isdigit()


def test_epsilon_without_a_budgeted_generator_is_said(tmp_path: Path) -> None:
    done = project(tmp_path / "project", family=("        epsilon: 1\n", "")).synth("compile")
    assert "generator 'aim' learns under epsilon alone" in done.stdout + done.stderr
