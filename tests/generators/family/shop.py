"""A small made-up shop whose tables hang together in every way that keys can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, LogicalType, Schema, Table

Columns = dict[str, tuple[LogicalType, Any]]
KEYS = (
    Key("staff", ("boss",), "staff"),
    Key("orders", ("customer",), "customers", owner=True),
    Key("orders", ("staff",), "staff"),
    Key("lines", ("order",), "orders", owner=True),
    Key("lines", ("product",), "products"),
    Key("payments", ("order",), "orders", owner=True),
    Key("payments", ("customer",), "customers"),
    Key("likes", ("customer",), "customers", owner=True),
    Key("likes", ("product",), "products"),
    Key("cards", ("customer",), "customers", owner=True),
)


def table(folder: Path, name: str, columns: Columns, primary: tuple[str, ...], order_by: str | None = None) -> Table:
    rows = pa.table({n: v for n, (_, v) in columns.items()})
    pq.write_table(rows, folder / f"{name}.parquet")
    schema = Schema(tuple(Column(n, kind, "") for n, (kind, _) in columns.items()), primary, order_by=order_by)
    return Table(schema, (folder / f"{name}.parquet",), rows.num_rows)


def shop(folder: Path, customers: int = 400, seed: int = 0) -> Tables:
    """Customers whose kind decides how often and how much they order; staff of three levels; likes without doubles."""
    rng = np.random.default_rng(seed)
    loyal = rng.random(customers) < 0.4
    level = rng.normal(0, 1, customers)
    code = [f"C-{i:05d}" for i in rng.permutation(customers)]
    boss = np.array([-1, *[0] * 4, *rng.integers(1, 5, 25)])
    staff: Columns = {
        "id": ("id", pa.array(np.arange(30))),
        "boss": ("id", pa.array(boss, mask=boss < 0)),
        "grade": ("categorical", pa.array(np.where(np.arange(30) < 5, "chief", "clerk"))),
    }
    price = np.round(rng.gamma(3, 10, 40), 2)
    group = np.where(price > 30, "dear", "cheap")
    products: Columns = {
        "id": ("id", pa.array([f"p{i}" for i in range(40)])),
        "group": ("categorical", pa.array(group)),
        "price": ("float", pa.array(price)),
    }
    people: Columns = {
        "code": ("id", pa.array(code)),
        "kind": ("categorical", pa.array(np.where(loyal, "loyal", "passing"))),
        "age": ("integer", pa.array(np.clip(40 + 10 * level + rng.normal(0, 5, customers), 18, 90).astype(int))),
    }
    count = np.where(loyal, 2 + rng.poisson(6, customers), rng.poisson(1, customers))
    who = np.repeat(np.arange(customers), count)
    start = rng.integers(0, 300, customers)
    day = np.concatenate(
        [s + np.cumsum(np.append(0, rng.geometric(0.1, max(0, n - 1))))[:n] for s, n in zip(start, count, strict=True)]
    )
    served = rng.integers(0, 30, len(who))
    state, states = "new", []
    for i in range(len(who)):
        state = "new" if i == 0 or who[i] != who[i - 1] else state
        state = {"new": "open", "open": rng.choice(["open", "done"]), "done": "done"}[state]
        states.append(state)
    orders: Columns = {
        "id": ("id", pa.array(np.arange(1, len(who) + 1))),
        "customer": ("id", pa.array([code[i] for i in who])),
        "staff": ("id", pa.array(served, mask=(served % 7 == 0) | (rng.random(len(who)) < 0.1))),
        "day": ("date", pa.array((np.datetime64("2020-01-01") + day.astype("timedelta64[D]")).astype("datetime64[D]"))),
        "state": ("categorical", pa.array(states)),
        "branch": ("categorical", pa.array(np.where(loyal[who], "east", "west"))),
        "amount": ("float", pa.array(np.round(np.exp(3 + level[who] + rng.normal(0, 0.4, len(who))), 2))),
    }
    many = 1 + rng.poisson(1.5, len(who))
    of = np.repeat(np.arange(len(who)), many)
    number = np.concatenate([np.arange(1, n + 1) for n in many])
    item = np.where(loyal[who[of]], rng.choice(np.flatnonzero(price > 25), len(of)), rng.integers(0, 40, len(of)))
    lines: Columns = {
        "order": ("id", pa.array(of + 1)),
        "number": ("integer", pa.array(number)),
        "product": ("id", pa.array([f"p{i}" for i in item])),
        "quantity": ("integer", pa.array(1 + rng.poisson(2, len(of)))),
    }
    paid = np.flatnonzero(rng.random(len(who)) < 0.8)
    payments: Columns = {
        "id": ("id", pa.array(np.arange(len(paid)))),
        "order": ("id", pa.array(paid + 1)),
        "customer": ("id", pa.array([code[i] for i in who[paid]])),
        "way": ("categorical", pa.array(rng.choice(["card", "cash"], len(paid)))),
    }
    pairs = [(c, p) for c in range(customers) for p in rng.choice(40, rng.integers(0, 6), replace=False)]
    likes: Columns = {
        "customer": ("id", pa.array([code[c] for c, _ in pairs])),
        "product": ("id", pa.array([f"p{p}" for _, p in pairs])),
    }
    holders = np.flatnonzero(loyal)
    cards: Columns = {
        "customer": ("id", pa.array([code[i] for i in holders])),
        "points": ("integer", pa.array(rng.integers(0, 500, len(holders)))),
    }
    members = {
        "customers": table(folder, "customers", people, ("code",)),
        "staff": table(folder, "staff", staff, ("id",)),
        "products": table(folder, "products", products, ("id",)),
        "orders": table(folder, "orders", orders, ("id",), "day"),
        "lines": table(folder, "lines", lines, ("order", "number")),
        "payments": table(folder, "payments", payments, ("id",)),
        "likes": table(folder, "likes", likes, ("customer", "product")),
        "cards": table(folder, "cards", cards, ("customer",)),
    }
    return Tables(members, KEYS)
