"""The keys of the shared relational tables, as their origins declare them; and two that hold beside those.

Primary keys and foreign keys are those of the DDL or documentation that the tables came with.
"""

from __future__ import annotations

Primary = dict[str, tuple[str, ...]]
Foreign = set[tuple[str, tuple[str, ...], str]]

PRIMARY: dict[str, Primary] = {
    "northwind": {
        "categories": ("category_id",),
        "customers": ("customer_id",),
        "employee_territories": ("employee_id", "territory_id"),
        "employees": ("employee_id",),
        "order_details": ("order_id", "product_id"),
        "orders": ("order_id",),
        "products": ("product_id",),
        "region": ("region_id",),
        "shippers": ("shipper_id",),
        "suppliers": ("supplier_id",),
        "territories": ("territory_id",),
        "us_states": ("state_id",),
    },
    "jaffle_shop": {"raw_customers": ("id",), "raw_orders": ("id",), "raw_payments": ("id",)},
    "nycflights13": {
        "airlines": ("carrier",),
        "airports": ("faa",),
        "planes": ("tailnum",),
        "weather": ("origin", "time_hour"),
    },
    "baseball/train": {"fielding": ("fid",), "players": ("playerID",)},
}

FOREIGN: dict[str, Foreign] = {
    "northwind": {
        ("employee_territories", ("employee_id",), "employees"),
        ("employee_territories", ("territory_id",), "territories"),
        ("employees", ("reports_to",), "employees"),
        ("order_details", ("order_id",), "orders"),
        ("order_details", ("product_id",), "products"),
        ("orders", ("customer_id",), "customers"),
        ("orders", ("employee_id",), "employees"),
        ("orders", ("ship_via",), "shippers"),
        ("products", ("category_id",), "categories"),
        ("products", ("supplier_id",), "suppliers"),
        ("territories", ("region_id",), "region"),
    },
    "jaffle_shop": {
        ("raw_orders", ("user_id",), "raw_customers"),
        ("raw_payments", ("order_id",), "raw_orders"),
    },
    "nycflights13": {
        ("flights", ("carrier",), "airlines"),
        ("flights", ("tailnum",), "planes"),
        ("flights", ("origin",), "airports"),
        ("flights", ("dest",), "airports"),
        ("flights", ("origin", "time_hour"), "weather"),
    },
    "baseball/train": {("fielding", ("playerID",), "players")},
}

# True, though the manifest does not list them.
HOLDS: dict[str, Foreign] = {"nycflights13": {("weather", ("origin",), "airports")}}
