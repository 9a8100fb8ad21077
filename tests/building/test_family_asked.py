"""What is asked of the tables of a family is exact in what is published: conditions on any of them, rows of each owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.families import JOINS, MEMBERS, FamilyProject, copy_of, family_project

PER_CUSTOMER = """
    select count(o.order_id) as n from synthetic_shop_customers c left join synthetic_orders o using (customer_id)
    group by c.customer_id order by n
"""
# What holds in every order: its channel and its kind of lines say nothing of one another in the source.
SHARES = "select {0} as v, count(*) as n from {1} group by all order by all"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    project = family_project(tmp_path_factory.mktemp("asked") / "shop")
    project.edit("generator: test.entities", "generator: {name: conditional, trees: 5}")
    project.edit("    tables:\n      - {table: customers}", "    size: 200\n    tables:\n      - {table: customers}")
    project.ok("build")
    return project


@pytest.fixture
def shop(built: FamilyProject, tmp_path: Path) -> FamilyProject:
    return copy_of(built, tmp_path / "shop")


def joined(project: FamilyProject) -> None:
    assert [set(row.values()) for row in project.query(JOINS)] == [{0}]


def shares(project: FamilyProject, column: str, table: str) -> dict[str, int]:
    return {row["v"]: row["n"] for row in project.query(SHARES.format(column, table))}


def test_shares_of_a_childs_rows_are_exact_and_nothing_is_trained_again(shop: FamilyProject) -> None:
    before = shares(shop, "channel", "synthetic_orders")
    total = "select count(*) as n from synthetic_orders o join synthetic_shop_customers c using (customer_id)"
    assert set(before) == {"shop", "web"}
    shop.edit(
        "{table: orders, name: synthetic_orders,",
        "{table: orders, name: synthetic_orders, conditions: {channel: {shop: 10%, web: 90%}},",
    )
    assert set(shop.actions().values()) == {"sample", "query"}
    shop.ok("build")
    found = shares(shop, "channel", "synthetic_orders")
    rows = sum(found.values())
    assert set(found) == {"shop", "web"}
    assert abs(found["shop"] - rows / 10) <= 0.5
    joined(shop)
    assert shop.query(total)[0]["n"] > 0.5 * rows


def test_each_customer_has_as_many_orders_as_are_asked_for(shop: FamilyProject) -> None:
    assert shop.query(PER_CUSTOMER)[0]["n"] < 2
    shop.edit(
        "{table: orders, name: synthetic_orders,", "{table: orders, name: synthetic_orders, at_least: 2, at_most: 5,"
    )
    shop.edit("- {table: lines}", "- {table: lines, at_least: 2, conditions: {quantity: {1: 25%, 2: 25%, 3: 50%}}}")
    shop.ok("build")
    counts = [row["n"] for row in shop.query(PER_CUSTOMER)]
    assert (len(counts), min(counts), max(counts)) == (200, 2, 5)
    found = shares(shop, "quantity", "synthetic_shop_lines")
    rows = sum(found.values())
    assert {int(k): abs(n - rows * p) < 1 for (k, n), p in zip(sorted(found.items()), (0.25, 0.25, 0.5), strict=True)} == {
        1: True, 2: True, 3: True
    }  # fmt: skip
    per = "select min(n) as n from (select count(*) as n from synthetic_shop_lines group by order_id)"
    assert shop.query(per)[0]["n"] == 2
    missing = "select count(*) as n from synthetic_orders anti join synthetic_shop_lines using (order_id)"
    assert shop.query(missing)[0]["n"] == 0
    joined(shop)


def test_customers_with_one_order_are_asked_for_beside_their_columns(shop: FamilyProject) -> None:
    shop.edit(
        "- {table: customers}",
        '- {table: customers, conditions: {churned: {"yes": 50%, "no": 50%}, count(orders): {1: 30%, 2-4: 70%}}}',
    )
    shop.ok("build")
    counts = [row["n"] for row in shop.query(PER_CUSTOMER)]
    assert (min(counts), counts.count(1), max(counts)) == (1, 60, 4)
    assert shares(shop, "churned", "synthetic_shop_customers") == {"no": 100, "yes": 100}
    both = """
        select churned, count(*) as n from synthetic_shop_customers
        join (select customer_id from synthetic_orders group by all having count(*) = 1) using (customer_id)
        group by all order by all
    """
    assert shop.query(both) == [{"churned": "no", "n": 30}, {"churned": "yes", "n": 30}]
    joined(shop)


def test_what_the_real_rows_lack_ends_the_build_before_anything_is_drawn(shop: FamilyProject) -> None:
    shop.edit("{table: orders, name: synthetic_orders,", "{table: orders, name: synthetic_orders, at_least: 20,")
    text = shop.fails("build")
    assert "no row of 'customers' has 20+ rows of 'orders' in the training rows (they have 0 to 10)" in text
    assert shop.receipts().keys() == {*MEMBERS}


def test_a_generator_that_takes_no_such_thing_is_refused(shop: FamilyProject) -> None:
    shop.edit("generator: {name: conditional, trees: 5}", "generator: test.entities")
    shop.edit("{table: orders, name: synthetic_orders,", "{table: orders, name: synthetic_orders, at_least: 1,")
    shop.edit("- {table: lines}", "- {table: lines, conditions: {quantity: 1}}")
    text = shop.fails("plan", code=2)
    assert text.count("generator 'test.entities' takes conditions on columns of 'customers' alone") == 2
    assert "models/shop.yml:38:49: error" in text
