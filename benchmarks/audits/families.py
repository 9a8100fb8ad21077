"""A made-up family of tables to draw real and synthetic rows from: customers, their orders, the lines of these,
products.

A customer's region and age decide how many orders there are and what they cost; an order follows the one before it
(channel, gap, amount), its points only rise, its card is the customer's. A line names a product, no order names one
twice, and some name none. An order's total is the sum of its lines, a customer's count that of the orders. ``shift``
bends all of this into another population.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.audits.context import AuditContext
from synthkit.audits.family import Family, Member
from synthkit.generators.tables import Key
from synthkit.schema import Column, Schema, Table
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Rows = Mapping[str, "pa.Table"]
PRODUCTS = 40
KEYS = (
    Key("orders", ("customer_id",), "customers", owner=True),
    Key("lines", ("order_id",), "orders", owner=True),
    Key("lines", ("product_id",), "products"),
)
PRIMARY = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "lines": ("order_id", "line_no"),
}
ORDER = {"orders": "ordered_at"}
IDS = frozenset({"customer_id", "order_id", "product_id", "line_no"})
CHANNELS = ("shop", "web", "phone")


def shop(customers: int, rng: np.random.Generator, shift: float = 0.0, first: int = 1) -> dict[str, pa.Table]:
    """The four tables of so many customers; ``first``: the number of the first one, and of its first order."""
    import numpy as np
    import pyarrow as pa

    age = rng.normal(45, 12, customers).round().clip(18, 90)
    region = rng.choice(np.array(["north", "south", "east"]), customers, p=[0.5, 0.3, 0.2])
    tied = (age - 45) / 12 * (1 - shift)
    ids = np.arange(first, first + customers)
    rate = np.exp(0.9 + 0.5 * tied + 0.4 * (region == "south") * (1 - shift) + 0.4 * shift)
    count = rng.poisson(np.minimum(rate, 30)) * (rng.random(customers) > 0.15)
    owner = np.repeat(np.arange(customers), count)
    orders = len(owner)
    place = np.arange(orders) - np.repeat(np.cumsum(count) - count, count)
    spree = np.repeat(rng.exponential(1.0, customers), count)
    gaps = np.ceil(rng.exponential(20 * (1 + shift), orders) * (0.3 + spree) + 1).astype(int)
    start = np.repeat(rng.integers(0, 700, customers), count)
    day = start + _within(gaps, place)
    channel = _following(place, rng, 0.75 - 0.4 * shift)
    card = np.repeat(rng.choice(np.array(["blue", "gold"]), customers, p=[0.7, 0.3]), count)
    points = _within(rng.integers(0, 50, orders), place)
    taste = np.repeat(np.exp(0.5 * tied + 0.3 * rng.standard_normal(customers)), count)
    lines = 1 + rng.poisson(1.0 + 0.5 * shift, orders)
    line_order = np.repeat(np.arange(orders), lines)
    number = np.arange(len(line_order)) - np.repeat(np.cumsum(lines) - lines, lines)
    popular = np.arange(PRODUCTS) % 7 + 1.0
    pick = rng.choice(PRODUCTS, len(line_order), p=popular / popular.sum())
    pick = (np.repeat(pick[np.cumsum(lines) - lines], lines) + number * 3) % PRODUCTS  # none twice in an order
    list_price = 5 + (np.arange(PRODUCTS) * 37 % 50)
    quantity = 1 + rng.poisson(0.6, len(line_order))
    cents = np.round(100 * list_price[pick] * taste[line_order] * rng.uniform(0.9, 1.1, len(line_order))).astype(int)
    total = np.bincount(line_order, weights=cents * quantity, minlength=orders).astype(int)
    lost = rng.random(len(line_order)) < 0.05 + 0.2 * shift
    order_ids = 10 * first + np.arange(orders)
    epoch = np.datetime64("2020-01-01")
    return {
        "customers": pa.table({"customer_id": ids, "age": age.astype(int), "region": region, "orders": count}),
        "products": pa.table(
            {
                "product_id": np.arange(PRODUCTS) + 1,
                "list_price": list_price,
                "kind": np.array(["food", "toy"])[(list_price > 30).astype(int)],
            }
        ),
        "orders": pa.table(
            {
                "order_id": order_ids,
                "customer_id": ids[owner],
                "ordered_at": epoch + day,
                "channel": np.array(CHANNELS)[channel],
                "card": card,
                "points": points,
                "total": total / 100,
            }
        ),
        "lines": pa.table(
            {
                "order_id": order_ids[line_order],
                "line_no": number + 1,
                "product_id": pa.array(pick + 1, mask=lost),
                "quantity": quantity,
                "price": cents / 100,
            }
        ),
    }


def _within(steps: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Running sums that start anew where the place is 0."""
    import numpy as np

    sums = np.cumsum(steps)
    starts = np.flatnonzero(place == 0)
    before = np.zeros(len(steps), dtype=sums.dtype)
    before[starts] = sums[starts] - steps[starts]
    return np.asarray(sums - np.maximum.accumulate(before))


def _following(place: np.ndarray, rng: np.random.Generator, stay: float) -> np.ndarray:
    """A chain over three states for each entity: with ``stay`` the state before, else any."""
    import numpy as np

    state = rng.integers(0, 3, len(place))
    keep = (rng.random(len(place)) < stay) & (place > 0)
    last = np.maximum.accumulate(np.where(keep, 0, np.arange(len(place))))
    return np.asarray(state[last])


def drawn(sizes: tuple[int, int, int], rng: np.random.Generator, shift: float = 0.0) -> tuple[Rows, Rows, Rows]:
    """Synthetic, training and held-out rows of so many customers each. The products are divided, too."""
    import numpy as np

    synthetic = shop(sizes[0], rng, shift)
    train, holdout = shop(sizes[1], rng), shop(sizes[2], rng, first=1_000_000)
    products = train["products"]
    apart = np.arange(PRODUCTS) % 5 == 0
    return synthetic, {**train, "products": products.filter(~apart)}, {**holdout, "products": products.filter(apart)}


def member_of(name: str, sides: tuple[Rows, Rows, Rows], directory: Path) -> Member:
    synthetic, train, holdout = (
        table_of(name, rows[name], directory / f"{side}-{name}.parquet")
        for side, rows in zip(("synthetic", "train", "holdout"), sides, strict=True)
    )
    return Member(synthetic, train, holdout)


def table_of(name: str, rows: pa.Table, path: Path) -> Table:
    """A table of the family as a Parquet file."""
    import duckdb
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    columns = tuple(Column(str(n), "id" if n in IDS else provisional_type(str(t)), str(t)) for n, t, *_ in described)
    return Table(Schema(columns, primary_key=PRIMARY[name], order_by=ORDER.get(name)), (path,), rows.num_rows)


def family_context(sides: tuple[Rows, Rows, Rows], table: str, directory: Path, seed: int = 1) -> AuditContext:
    """The context of one member over synthetic, training and held-out rows of all."""
    members = {name: member_of(name, sides, directory) for name in sides[0]}
    own = members[table]
    return AuditContext(
        own.synthetic.schema,
        own.synthetic,
        own.train,
        own.holdout,
        seed,
        family=Family(table, members, tuple(k for k in KEYS if k.table in members)),
    )
