"""Rules across tables that all rows show: what holds is found, with nothing that follows from it, and chance is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.rules.across.bound import Hop
from synthkit.rules.across.find.search import Across, Within, find_across
from synthkit.rules.across.find.ways import Looked, Way
from synthkit.rules.language import parse_rule

Tables = dict[str, dict[str, Any]]
KEYS = {
    "orders": ((("customer_id",), "customers", True), (("product_id",), "products", False)),
    "payments": ((("order_id",), "orders", True), (("customer_id",), "customers", False)),
}
NAMED = {"customers": ("customer_id",), "products": ("product_id",), "orders": ("order_id",)}


def shop(seed: int = 0) -> Tables:
    """Customers, their orders of products, and payments, with what usually holds between such tables."""
    rng = np.random.default_rng(seed)
    customers, products, orders = 150, 60, 400
    joined = np.datetime64("2020-01-01") + rng.integers(0, 900, customers)
    of, what = rng.integers(0, customers, orders), rng.integers(0, products, orders)
    ordered = joined[of] + rng.integers(0, 300, orders)
    price = np.round(rng.gamma(3, 20, products), 2)
    quantity = rng.integers(1, 6, orders)
    total = np.round(price[what] * quantity, 2)
    paid = np.repeat(np.arange(orders), rng.integers(0, 3, orders))
    amount = np.round(rng.gamma(2, 10, len(paid)), 2)
    bills: Tables = {
        "customers": {"customer_id": np.arange(customers) + 1, "joined": joined, "age": rng.integers(18, 90, customers)},
        "products": {"product_id": np.arange(products) + 1, "price": price, "kind": rng.choice(["a", "b", "c"], products)},
        "orders": {"order_id": np.arange(orders) + 1, "customer_id": of + 1, "product_id": what + 1, "ordered": ordered,
                   "shipped": ordered + rng.integers(0, 30, orders), "quantity": quantity, "price": price[what],
                   "total": total, "region": rng.choice(["n", "s"], orders)},
        "payments": {"order_id": paid + 1, "customer_id": of[paid] + 1, "number": _counted(paid), "amount": amount,
                     "at": (ordered[paid] + rng.integers(1, 60, len(paid))).astype("datetime64[s]")},
    }  # fmt: skip
    bills["customers"]["n_orders"] = np.bincount(of, minlength=customers)
    bills["customers"]["spent"] = np.round(np.bincount(of, total, customers), 2)
    bills["customers"]["last"] = _last(of, ordered, customers)
    bills["orders"]["paid"] = np.round(np.bincount(paid, amount, orders), 2)
    return bills


def _counted(of: Any) -> Any:
    return np.arange(len(of)) - np.searchsorted(of, of) + 1


def _last(of: Any, day: Any, many: int) -> Any:
    found = np.full(many, np.datetime64("NaT"), dtype="datetime64[D]")
    for i in np.argsort(day, kind="stable"):
        found[of[i]] = day[i]
    return found


def looked(rows: Tables) -> Looked:
    tables = {name: pa.table({c: pa.array(v, from_pandas=True) for c, v in of.items()}) for name, of in rows.items()}
    ways = [Way(t, Hop(c, to, NAMED[to]), own) for t, keys in KEYS.items() for c, to, own in keys]
    keyed = {c for w in ways for c in (*w.hop.columns, *w.hop.named)} | {"number"}
    fields = {name: [c for c in of if c not in keyed] for name, of in rows.items()}
    return Looked(tables, ways, fields, numbered={"payments": ("number",)})


def found(rows: Tables, *within: str) -> Across:
    return find_across(looked(rows), {"orders": Within.of(map(parse_rule, within))})


WANTED = {
    "orders.price = orders.product_id.price",
    "payments.customer_id = payments.order_id.customer_id",
    "customers.n_orders = count(orders)",
    "customers.spent = sum(orders.total)",
    "customers.last = max(orders.ordered)",
    "orders.paid = sum(payments.amount)",
    "orders.ordered >= orders.customer_id.joined",
    "payments.at > payments.order_id.ordered",
}


def test_what_holds_is_found_and_nothing_that_follows_from_it() -> None:
    across = found(shop(), "ordered <= shipped", "total = quantity * price")
    assert {str(one.rule) for one in across.shown} == WANTED
    assert not across.contrary
    assert not across.inside
    assert all(one.chance <= 1e-6 for one in across.shown)
    (copied,) = (one for one in across.shown if str(one.rule) == "orders.price = orders.product_id.price")
    assert copied.evidence() == "in 400 of 400 rows; chance below 1e-99"


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("orders", "price", 0.01, "orders.price = orders.product_id.price"),
        ("payments", "customer_id", 9, "payments.customer_id = payments.order_id.customer_id"),
        ("customers", "n_orders", 77, "customers.n_orders = count(orders)"),
        ("customers", "spent", 0.01, "customers.spent = sum(orders.total)"),
        ("customers", "last", np.datetime64("2031-01-01"), "customers.last = max(orders.ordered)"),
        ("orders", "ordered", np.datetime64("2001-01-01"), "orders.ordered >= orders.customer_id.joined"),
    ],
)
def test_a_row_that_breaks_it_is_enough(table: str, column: str, value: Any, rule: str) -> None:
    rows = shop()
    rows[table][column] = rows[table][column].copy()
    rows[table][column][10] = value
    assert rule not in {str(one.rule) for one in found(rows).shown}


def test_what_is_missing_where_it_would_be_computed_is_not_rolled_up() -> None:
    rows = shop()
    none = rows["customers"]["n_orders"] == 0
    assert none.any()
    rows["customers"]["n_orders"] = np.where(none, np.nan, rows["customers"]["n_orders"])
    assert "customers.n_orders = count(orders)" not in {str(one.rule) for one in found(rows).shown}


@pytest.mark.parametrize("seed", range(40))
def test_chance_finds_nothing(seed: int) -> None:
    """Columns of each table dealt out anew, in forty families of eleven columns: a rule would be one of chance."""
    rows, rng = shop(seed), np.random.default_rng(seed)
    keys = {"customer_id", "order_id", "product_id", "number"}
    dealt = {
        name: {c: v if c in keys and name != "payments" else rng.permutation(v) for c, v in of.items()}
        for name, of in rows.items()
    }
    across = find_across(looked(dealt))
    assert across == Across()


def test_bounds_from_two_ways_and_what_they_need() -> None:
    """The first and the last day of an event are ordered, or no order would have a place between; a guest's day is by
    another way, and stands aside."""
    rng = np.random.default_rng(1)
    opens = np.datetime64("2021-01-01") + rng.integers(0, 400, 60)
    starts = (opens + 90).astype("datetime64[s]") + rng.integers(0, 80_000, 60)
    event, guest = rng.integers(0, 60, 500), rng.integers(0, 90, 500)
    day = opens[event] + rng.integers(0, 80, 500)
    closed = np.full(90, np.datetime64("2030-01-01"))
    np.maximum.at(closed, guest, np.datetime64("1970-01-01"))
    closed = np.array([day[guest == g].max() if (guest == g).any() else closed[g] for g in range(90)]) + 1
    rows = {
        "events": {"event_id": np.arange(60), "opens": opens, "starts": starts},
        "guests": {"guest_id": np.arange(90), "closed": closed},
        "orders": {"event_id": event, "guest_id": guest, "day": day},
    }
    tables = {name: pa.table(of) for name, of in rows.items()}
    ways = [
        Way("orders", Hop(("guest_id",), "guests", ("guest_id",)), True),
        Way("orders", Hop(("event_id",), "events", ("event_id",))),
    ]
    fields = {"events": ["opens", "starts"], "guests": ["closed"], "orders": ["day"]}
    across = find_across(Looked(tables, ways, fields))
    shown = {str(one.rule) for one in across.shown}
    assert {str(one.rule) for one in across.contrary} == {"orders.day >= orders.event_id.opens"}
    assert {"orders.day < orders.event_id.starts", "orders.day < orders.guest_id.closed"} <= shown
    alone = find_across(Looked(tables, ways[1:], fields))
    assert {t: [str(r) for r in of] for t, of in alone.inside.items()} == {"events": ["opens <= starts"]}


def test_a_price_list_is_not_the_greatest_of_the_prices_that_were_paid() -> None:
    """Most pay a product's price and some less: that is the product's own and the orders' cause, and not what they come
    to, while the last day on which it was ordered is."""
    rows = shop()
    orders, products = rows["orders"], rows["products"]
    what = orders["product_id"] - 1
    cheaper = np.random.default_rng(1).random(len(what)) < 0.35
    cheaper[np.unique(what, return_index=True)[1]] = False  # each was sold at its price
    orders["price"] = np.where(cheaper, np.round(orders["price"] * 0.9, 2), orders["price"])
    del orders["total"]
    products["sold"] = _last(what, orders["ordered"], len(products["price"]))
    said = {str(one.rule) for one in found(rows).shown}
    assert "products.sold = max(orders.ordered)" in said
    assert not [rule for rule in said if rule.startswith("products.price")], said
