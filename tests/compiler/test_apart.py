"""Tables whose keys name one another's rows and that are made one by one: it is said that they will not join."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synth import Project

SOURCES = """
    version: 1
    sources:
      - name: shop
        tables:
          - {name: customers, path: data/customers.csv, primary_key: customer_id}
          - name: orders
            path: data/orders.csv
            primary_key: order_id
            foreign_keys:
              - {column: customer_id, references: customers, owner: true}
"""
SINGLE = "- {{name: some_{0}, source: \"{{{{ source('shop', '{0}') }}}}\", generator: circuit, audits: []}}"
FAMILY = "- {name: synthetic_shop, source: \"{{ source('shop') }}\", audits: []}"
SAID = "'some_orders' will not join "


@pytest.fixture
def shop_of_two(tmp_path: Path) -> Project:
    orders = "".join(f"{i},{1 + i % 20},{i % 7}\n" for i in range(80))
    customers = "".join(f"{i},{20 + i}\n" for i in range(1, 21))
    return Project(tmp_path).write(
        {
            "synth_project.yml": "name: shop\n",
            "models/sources.yml": SOURCES,
            "data/customers.csv": f"customer_id,age\n{customers}",
            "data/orders.csv": f"order_id,customer_id,pieces\n{orders}",
        }
    )


def models(*lines: str) -> dict[str, str | bytes]:
    return {"models/models.yml": "\n".join(["version: 1", "models:", *(f"  {line}" for line in lines)]) + "\n"}


def told(project: Project, *arguments: str) -> str:
    """What a command that does its work says beside it."""
    done = project.synth(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_two_models_of_two_tables(shop_of_two: Project) -> None:
    shop_of_two.write(models(SINGLE.format("customers"), SINGLE.format("orders")))
    text = told(shop_of_two, "compile")
    assert f"{SAID}some_customers: customer_id of shop.orders names rows of customers" in text
    assert "sources.yml:10:" in text
    assert "source: \"{{ source('shop') }}\"" in text
    assert f"warning: {SAID}some_customers" in told(shop_of_two, "plan")
    assert SAID not in told(shop_of_two, "plan", "--select", "some_customers")


def test_a_family_of_both_is_silent(shop_of_two: Project) -> None:
    shop_of_two.write(models(FAMILY))
    assert "will not join" not in told(shop_of_two, "compile")


def test_a_table_beside_a_family_joins_nothing_of_it(shop_of_two: Project) -> None:
    shop_of_two.write(models(FAMILY, SINGLE.format("orders")))
    text = told(shop_of_two, "compile")
    assert f"{SAID}synthetic_shop_customers" in text
    assert "'synthetic_shop_orders' will not join" not in text


def test_one_table_alone_has_nothing_to_join(shop_of_two: Project) -> None:
    shop_of_two.write(models(SINGLE.format("orders")))
    assert "will not join" not in told(shop_of_two, "compile")


def test_a_table_with_a_key_within_itself_is_made_by_a_family_of_its_own(shop_of_two: Project) -> None:
    path = shop_of_two.root / "models/sources.yml"
    text = path.read_text("utf-8").replace(
        "{name: customers, path: data/customers.csv, primary_key: customer_id}",
        """name: customers
        path: data/customers.csv
        primary_key: customer_id
        foreign_keys: [{column: referred_by, references: customers}]""",
    )
    path.write_text(text, "utf-8")
    customers = "".join(f"{i},{20 + i},{i // 2 or ''}\n" for i in range(1, 21))
    shop_of_two.write(
        {"data/customers.csv": f"customer_id,age,referred_by\n{customers}"} | models(SINGLE.format("customers"))
    )
    said = told(shop_of_two, "compile")
    assert "'some_customers' will not join itself: referred_by of shop.customers names rows of customers" in said
    assert "tables: [customers]" in said
    family = "- {name: people, source: \"{{ source('shop') }}\", tables: [customers], audits: [references]}"
    shop_of_two.write(models(family))
    assert "will not join" not in told(shop_of_two, "build")
    (row,) = shop_of_two.query(
        "select count(*) as n, count(b.customer_id) as found from people_customers a left join"
        " people_customers b on a.referred_by = b.customer_id where a.referred_by is not null"
    )
    assert row["n"] == row["found"] > 0
