"""`keys: fresh` and `keys: continue` of a family: drawn rows can be appended to the real ones, and still join."""

from __future__ import annotations

import csv
from typing import Any

from tests.families import JOINS, SHOP, FamilyProject


def real(table: str, column: str) -> set[str]:
    with (SHOP / "data" / f"{table}.csv").open(newline="") as file:
        return {row[column] for row in csv.DictReader(file) if row[column]}


def drawn(project: FamilyProject, query: str) -> list[Any]:
    return [next(iter(row.values())) for row in project.query(query)]


def test_fresh_keys_are_in_no_real_table_and_every_key_follows(built_family: FamilyProject) -> None:
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    keys: fresh\n")
    assert set(built_family.actions().values()) == {"sample", "query"}
    before = built_family.query("select count(*) as n from synthetic_shop_customers where referred_by is not null")
    built_family.ok("build")
    people = drawn(built_family, "select customer_id from synthetic_shop_customers")
    orders = drawn(built_family, "select order_id from synthetic_orders")
    assert not set(people) & real("customers", "customer_id")
    assert not set(map(str, orders)) & real("orders", "order_id")
    assert len(set(people)) == len(people)
    assert len(set(orders)) == len(orders)
    assert all(len(name) == 5 and name.startswith("C") for name in people)  # of the source's shape
    assert min(orders) > max(map(int, real("orders", "order_id")))
    assert [set(row.values()) for row in built_family.query(JOINS)] == [{0}]
    assert (
        built_family.query("select count(*) as n from synthetic_shop_customers where referred_by is not null") == before
    )
    assert set(drawn(built_family, "select distinct product_id from synthetic_shop_lines")) <= real(
        "products", "product_id"
    )
    per = "select count(*) as n, sum(line_no) as s from synthetic_shop_lines group by order_id order by n, s"
    assert all(
        row["s"] == row["n"] * (row["n"] + 1) // 2 for row in built_family.query(per)
    )  # lines of one order still


def test_keys_continue_after_the_last_real_ones(built_family: FamilyProject) -> None:
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    keys: continue\n")
    built_family.ok("build")
    people = sorted(drawn(built_family, "select customer_id from synthetic_shop_customers"))
    assert people == [f"C{151 + i:04d}" for i in range(len(people))]
    orders = sorted(drawn(built_family, "select order_id from synthetic_orders"))
    assert orders == list(range(546, 546 + len(orders)))
    assert [set(row.values()) for row in built_family.query(JOINS)] == [{0}]


def test_a_key_that_is_learnt_has_no_fresh_values(built_family: FamilyProject) -> None:
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    keys: fresh\n")
    built_family.edit("        primary_key: [order_id, line_no]", "        primary_key: [line_no, quantity]")
    text = built_family.fails("plan", code=2)
    assert "keys: fresh asks for other keys than the real ones, but that of 'lines' (line_no, quantity)" in text
