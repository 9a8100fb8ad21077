"""What names say of whom they refer to."""

from __future__ import annotations

import pytest

from synthkit.sources.keys.names import ALIKE, BY_KEY, BY_ROLE, SAME_PEOPLE, SOMETHING, is_its_own, says


@pytest.mark.parametrize(
    ("column", "table", "key", "score"),
    [
        ("customer_id", "customers", "customer_id", BY_KEY),
        ("playerID", "players", "playerID", BY_KEY),
        ("tailnum", "planes", "tailnum", BY_KEY),
        ("order_id", "raw_orders", "id", BY_KEY),
        ("orderId", "Orders", "ID", BY_KEY),
        ("OrderLineId", "order_lines", "id", BY_KEY),
        ("warehouse", "warehouses", "code", BY_KEY),
        ("home_team_id", "teams", "id", BY_ROLE),
        ("billing_address_id", "addresses", "address_id", BY_ROLE),
        ("order_id", "sales_orders", "id", BY_ROLE),
        ("order_date", "calendar", "date", ALIKE),
        ("ship_via", "shippers", "shipper_id", ALIKE),
        ("emp_no", "employees", "id", ALIKE),
        ("dept_no", "departments", "id", ALIKE),
        ("user_id", "raw_customers", "id", SAME_PEOPLE),
        ("head_no", "employees", "emp_no", SAME_PEOPLE),
        ("agent_id", "warehouses", "code", SOMETHING),
        ("id", "customers", "id", SOMETHING),
        ("name", "customers", "name", 0.0),
        ("quantity", "customers", "id", 0.0),
        ("paid", "pages", "id", 0.0),
        ("n_orders", "orders", "id", 0.0),
        ("number_of_lines", "lines", "line_id", 0.0),
        ("order_count", "orders", "id", 0.0),
        ("no_order", "orders", "id", BY_KEY),
    ],
)
def test_of_another_table(column: str, table: str, key: str, score: float) -> None:
    assert says(column, table, key, own=False)[0] == score


@pytest.mark.parametrize(
    ("column", "score"),
    [("reports_to", BY_ROLE), ("manager_id", BY_ROLE), ("ParentId", BY_ROLE), ("in_reply_to", BY_ROLE),
     ("manager_employee_id", BY_ROLE), ("manager_emp_no", BY_ROLE), ("manager_shop_id", ALIKE),
     ("employee_id", 0.0), ("salary", 0.0)],
)  # fmt: skip
def test_of_its_own_table(column: str, score: float) -> None:
    assert says(column, "employees", "employee_id", own=True)[0] == score


def test_whose_own_it_is() -> None:
    assert is_its_own("raw_customers", "id")
    assert is_its_own("dim_customer", "CustomerKey")
    assert not is_its_own("loyalty", "customer_id")
