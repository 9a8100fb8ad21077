"""The data of the whole projects, invented: ``python -m tests.projects.invent`` writes the same files again."""

from __future__ import annotations

import csv
import gzip
import json
import random
import sqlite3
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
Rows = list[dict[str, Any]]


def members(count: int, seed: int) -> Rows:
    """Members of a library: a key, a name, a category, numbers that go together, a date, missing values, a target."""
    rng = random.Random(seed)
    rows = []
    for number in range(1, count + 1):
        age = rng.randint(8, 88)
        loans = max(0, round(rng.gauss(30 - abs(age - 40) / 3, 6)))
        branch = rng.choices(["central", "harbour", "hill"], [5, 3, 2])[0]
        rows.append(
            {
                "member_id": number,
                "name": f"{rng.choice(['Ada', 'Ben', 'Cleo', 'Dan'])} {rng.choice(['Ash', 'Birch', 'Cedar'])}",
                "age": age,
                "branch": branch,
                "loans": loans,
                "fees": "" if rng.random() < 0.1 else f"{max(0.0, rng.gauss(loans / 4, 1)):.2f}",
                "joined": f"{rng.randint(2015, 2025)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
                "renewed": "yes" if rng.random() < 0.2 + 0.02 * loans else "no",
            }
        )
    return rows


def write_csv(path: Path, rows: Rows, delimiter: str = ",", encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def shop(folder: Path) -> None:
    """A corner shop whose every table lies in another kind of file."""
    rng = random.Random(1)
    kinds = ["Käse", "Brot", "Äpfel", "Tee"]
    products: Rows = [
        {"sku": f"P{n:03d}", "kind": rng.choice(kinds), "price": f"{rng.uniform(1, 9):.2f}".replace(".", ","), "stock": "n/a" if n % 7 == 0 else rng.randint(0, 40)}
        for n in range(1, 25)
    ]  # fmt: skip
    write_csv(folder / "products.csv", products, ";", "latin-1")
    baskets = [
        {"basket": n, "at": f"2026-02-{1 + n % 28:02d}T{8 + n % 12:02d}:15:00", "items": [f"P{rng.randint(1, 24):03d}"], "paid": rng.random() < 0.9}
        for n in range(1, 31)
    ]  # fmt: skip
    lines = [json.dumps(b) for b in baskets]
    (folder / "baskets.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    for part in range(2):
        first = 1 + part * 20
        table = pa.table(
            {
                "visit": pa.array(range(first, first + 20), pa.int64()),
                "minutes": pa.array([round(rng.uniform(1, 30), 1) for _ in range(20)], pa.float64()),
                "regular": pa.array([rng.random() < 0.5 for _ in range(20)]),
            }
        )
        (folder / "visits").mkdir(exist_ok=True)
        pq.write_table(table, folder / "visits" / f"part-{part}.parquet")
    path = folder / "stock.sqlite"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("create table deliveries (id integer primary key, sku text, crates integer, day text)")
        rows = [(n, f"P{rng.randint(1, 24):03d}", rng.randint(1, 9), f"2026-01-{n:02d}") for n in range(1, 21)]
        connection.executemany("insert into deliveries values (?, ?, ?, ?)", rows)
    connection.close()


def shop_family(folder: Path, customers: int = 150) -> None:
    """A shop of four tables: customers (some brought by another), their orders in time, the orders' lines, products.

    Older customers buy more, and in the shop; what is ordered follows the tier; the total is that of the lines. Some
    customers order nothing, and an order in twenty is a guest's.
    """
    rng = random.Random(21)
    kinds = {"tea": (4, 9), "bread": (2, 6), "cheese": (8, 20), "wine": (9, 40)}
    products: Rows = []
    for n in range(1, 25):
        kind = rng.choice(sorted(kinds))
        products.append({"product_id": f"P{n:03d}", "kind": kind, "price": round(rng.uniform(*kinds[kind]), 2)})
    by_kind = {k: [p for p in products if p["kind"] == k] for k in kinds}
    people: Rows = []
    orders: Rows = []
    lines: Rows = []
    start = datetime(2024, 1, 1, 8)
    for n in range(1, customers + 1):
        age, tier = rng.randint(18, 85), rng.choices(["basic", "plus", "pro"], [6, 3, 1])[0]
        many = min(20, max(0, round(rng.gauss({"basic": 1.4, "plus": 3.2, "pro": 6.0}[tier] + age / 50, 1.3))))
        people.append(
            {
                "customer_id": f"C{n:04d}",
                "referred_by": f"C{rng.randint(1, n - 1):04d}" if n > 1 and rng.random() < 0.3 else "",
                "age": age,
                "tier": tier,
                "joined": (start + timedelta(days=rng.randint(0, 200))).date().isoformat(),
                "churned": "yes" if rng.random() < 0.6 - 0.08 * many else "no",
            }
        )
        at = start + timedelta(days=200 + rng.randint(0, 60), hours=rng.randint(0, 11))
        for _ in range(many):
            at += timedelta(days=1 + round(rng.expovariate(1 / (40 - 8 * ("basic", "plus", "pro").index(tier)))))
            order = {
                "order_id": len(orders) + 1,
                "customer_id": "" if rng.random() < 0.05 else f"C{n:04d}",
                "ordered_at": at.isoformat(sep=" "),
                "channel": "shop" if rng.random() < age / 90 else "web",
                "total": 0.0,
            }
            favourite = {"basic": "bread", "plus": "cheese", "pro": "wine"}[tier]
            for number in range(1, 1 + rng.choices([1, 2, 3, 4], [4, 3, 2, 1])[0]):
                product = rng.choice(by_kind[favourite if rng.random() < 0.6 else rng.choice(sorted(kinds))])
                line = {
                    "order_id": order["order_id"],
                    "line_no": number,
                    "product_id": product["product_id"],
                    "quantity": rng.choices([1, 2, 3, 6], [5, 3, 1, 1])[0],
                    "unit_price": product["price"] if order["channel"] == "shop" else round(product["price"] * 0.9, 2),
                }
                lines.append(line)
                order["total"] = round(order["total"] + line["quantity"] * line["unit_price"], 2)
            orders.append(order)
    for name, rows in (("customers", people), ("orders", orders), ("lines", lines), ("products", products)):
        write_csv(folder / f"{name}.csv", rows)


SALES = """
create table sales (sale integer, sku varchar, amount decimal(8, 2), sold timestamp, refunded boolean);
insert into sales
select i, 'P' || lpad((1 + i % 24)::varchar, 3, '0'), (1 + i * 7 % 50) / 4, timestamp '2026-02-01 08:00' + i * interval 1 hour, i % 9 = 0
from range(1, 41) t(i);
create view refunds as select * from sales where refunded;
"""


def till(path: Path) -> None:
    """A DuckDB file, packed. Two files of the same rows differ in some bytes, so one that is there stays."""
    if path.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "till.duckdb")
        with duckdb.connect(str(file)) as connection:
            connection.execute(SALES)
        path.write_bytes(gzip.compress(file.read_bytes(), mtime=0))


def main() -> None:
    till(HERE / "sources" / "project" / "data" / "till.duckdb.gz")
    shop(HERE / "sources" / "project" / "data")
    shop_family(HERE / "shop_family" / "project" / "data")
    for project, count, seed in (("library", 40, 2), ("versions", 60, 3), ("drawn", 300, 4), ("copula", 200, 5), ("private", 300, 6), ("failing", 60, 7)):  # fmt: skip
        rows = members(count, seed)
        if project == "private":  # a bounded unit: a household has up to two members
            rows = [{**r, "household": 1 + i // 2} for i, r in enumerate(rows)]
        write_csv(HERE / project / "project" / "data" / "members.csv", rows)
    write_csv(HERE / "private" / "project" / "data" / "visitors.csv", members(120, 9))
    rng = random.Random(8)
    loans: Rows = [
        {"loan_id": n, "member_id": rng.randint(1, 40), "days": rng.randint(1, 60), "lent": f"2025-{1 + n % 12:02d}-{1 + n % 28:02d}"}
        for n in range(1, 81)
    ]  # fmt: skip
    write_csv(HERE / "library" / "project" / "data" / "loans.csv", loans)


if __name__ == "__main__":
    main()
