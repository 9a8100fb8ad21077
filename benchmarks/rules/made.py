"""Tables with planted rules, like those that people bring: loans, houses, shipments, a panel of colleges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa


def loans(rng: np.random.Generator, n: int = 4_000) -> pa.Table:
    """Loans with what was paid of each, their grade, and how they stand."""
    loan = rng.integers(10, 400, n) * 100
    rest = np.where(rng.random(n) < 0.1, loan, np.round(loan * rng.random(n)))
    grade = rng.integers(0, 35, n)
    term = np.where(rng.random(n) < 0.7, 36, 60)
    issued = np.datetime64("2015-01-01") + rng.integers(0, 1_500, n)
    joint = rng.random(n) < 0.15
    principal, interest = np.round(loan - rest, 2), np.round(rng.gamma(2, 300, n), 2)
    fees = np.where(rng.random(n) < 0.9, 0.0, np.round(rng.gamma(1, 20, n), 2))
    closed = np.where(rest == 0, 1, 0)
    return pa.table(
        {
            "loan_id": np.arange(n) + 70_000,
            "loan": loan,
            "balance": rest,
            "paid_principal": principal,
            "paid_interest": interest,
            "paid_fees": fees,
            "paid_total": np.round(principal + interest + fees, 2),
            "sub_grade": np.array([f"{'ABCDEFG'[g // 5]}{g % 5 + 1}" for g in grade]),
            "grade": np.array(["ABCDEFG"[g // 5] for g in grade]),
            "term": term,
            "issued": issued,
            "issue_month": issued.astype("datetime64[M]").astype(int) % 12 + 1,
            "joint": np.where(joint, "joint", "single"),
            "joint_income": pa.array(np.where(joint, np.round(rng.gamma(3, 20_000, n)), np.nan), from_pandas=True),
            "joint_debt": pa.array(np.where(joint, np.round(rng.gamma(2, 9, n), 1), np.nan), from_pandas=True),
            "inquiries": rng.poisson(1.2, n),
            "state": np.array([f"S{s:02}" for s in rng.integers(0, 50, n)]),
            "rate": np.round(5 + grade * 0.6 + rng.normal(0, 1, n), 2),
            "closed": closed,
        }
    )


def houses(rng: np.random.Generator, n: int = 1_500) -> pa.Table:
    """Houses whose floors add up."""
    built = rng.integers(1880, 2010, n)
    first, second = rng.integers(400, 1_800, n), np.where(rng.random(n) < 0.55, 0, rng.integers(300, 1_200, n))
    low = np.where(rng.random(n) < 0.95, 0, rng.integers(50, 500, n))
    finished, unfinished = rng.integers(0, 1_200, n), rng.integers(0, 900, n)
    pool = rng.random(n) < 0.08
    zone = rng.integers(0, 25, n)
    area = first + second + low
    return pa.table(
        {
            "Id": np.arange(1, n + 1),
            "Built": built,
            "Remodelled": np.minimum(2010, built + np.where(rng.random(n) < 0.5, 0, rng.integers(0, 60, n))),
            "FirstFloor": first,
            "SecondFloor": second,
            "LowQuality": low,
            "LivingArea": area,
            "BasementFinished": finished,
            "BasementUnfinished": unfinished,
            "BasementTotal": finished + unfinished,
            "Pool": np.where(pool, "yes", "no"),
            "PoolArea": np.where(pool, rng.integers(200, 700, n), 0),
            "PoolQuality": pa.array([None if not p else str(rng.choice(["good", "fair"])) for p in pool]),
            "Neighbourhood": np.array([f"N{z}" for z in zone]),
            "Zoning": np.array([("low", "mid", "high")[z % 3] for z in zone]),
            "Price": np.round(area * 80 + rng.normal(0, 20_000, n)),
            "Rooms": rng.integers(3, 11, n),
        }
    )


def shipments(rng: np.random.Generator, n: int = 3_000) -> pa.Table:
    """Shipments whose days and months are whole numbers, with an amount and its parts."""
    ordered = np.datetime64("2021-01-01") + rng.integers(0, 800, n)
    delivered = ordered + rng.integers(1, 12, n)

    def written(days: Any) -> Any:
        return np.array([int(str(d).replace("-", "")) for d in days])

    price, count = np.round(rng.gamma(2, 12, n) + 1, 2), rng.integers(1, 30, n)
    discount = np.round(rng.integers(0, 5, n) * 0.05, 2)
    depot = rng.integers(0, 40, n)
    return pa.table(
        {
            "shipment": np.array([f"SH{i:06}" for i in rng.permutation(n)]),
            "ordered": ordered,
            "delivered": delivered,
            "ordered_day": written(ordered),
            "delivered_day": written(delivered),
            "period": written(ordered) // 100,
            "price": price,
            "count": count,
            "discount": discount,
            "amount": np.floor(price * count * (1 - discount) * 100 + 0.5 + 1e-7) / 100,
            "weight": np.round(rng.gamma(2, 3, n), 1),
            "depot": np.array([f"D{d:02}" for d in depot]),
            "city": np.array([f"city {d // 2}" for d in depot]),
            "road": (depot % 3 == 0).astype(int),
            "rail": (depot % 3 == 1).astype(int),
            "ship": (depot % 3 == 2).astype(int),
        }
    )


def panel(rng: np.random.Generator, units: int = 300, years: int = 12) -> pa.Table:
    """Colleges over years: each year of a college once, each college in one state."""
    unit = np.repeat(rng.permutation(90_000)[:units] + 100_000, years)
    state = np.repeat(np.array([f"T{s:02}" for s in rng.integers(0, 50, units)]), years)
    region = np.array([f"R{int(s[1:]) % 7}" for s in state])
    name = np.repeat(np.array([f"college {i}" for i in range(units)]), years)
    applied = rng.integers(200, 9_000, units * years)
    open_to_all, all_come = (rng.random(units * years) < share for share in (0.1, 0.05))
    admitted = np.where(open_to_all, applied, np.round(applied * rng.beta(4, 3, units * years) + 0.5).astype(int))
    enrolled = np.where(all_come, admitted, np.round(admitted * rng.beta(3, 5, units * years)).astype(int))
    order = rng.permutation(units * years)
    table = pa.table(
        {
            "unit": unit,
            "year": np.tile(np.arange(2005, 2005 + years), units),
            "name": name,
            "state": state,
            "region": region,
            "applied": applied,
            "admitted": np.minimum(admitted, applied),
            "enrolled": np.minimum(enrolled, np.minimum(admitted, applied)),
            "admit_rate": np.round(np.minimum(admitted, applied) / applied, 4),
        }
    )
    return table.take(pa.array(order))


def nothing(rng: np.random.Generator, n: int = 3_000) -> pa.Table:
    """Columns of every kind that have nothing to do with each other."""
    columns: dict[str, Any] = {}
    for i in range(6):
        columns[f"amount_{i}"] = np.round(rng.gamma(1 + i, 30, n), 2)
        columns[f"count_{i}"] = rng.poisson(1 + 3 * i, n)
        columns[f"kind_{i}"] = np.array(list("abcdefghij"))[np.minimum(rng.geometric(0.25 + 0.1 * i, n) - 1, 9)]
        columns[f"flag_{i}"] = (rng.random(n) < 0.05 + 0.15 * i).astype(int)
        columns[f"day_{i}"] = np.datetime64("2019-01-01") + rng.integers(0, 200 * (i + 1), n)
        some = np.where(rng.random(n) < 0.1 * (i + 1), np.nan, rng.normal(size=n))
        columns[f"gap_{i}"] = pa.array(some, from_pandas=True)
    return pa.table(columns)


PLANTED: dict[str, tuple[Callable[[np.random.Generator], pa.Table], tuple[str, ...]]] = {
    "loans": (
        loans,
        (
            "unique: [loan_id]",
            "paid_total = paid_principal + paid_interest + paid_fees",
            "paid_principal = loan - balance",
            "sub_grade -> grade",
            "balance <= loan",
            "issue_month = month(issued)",
            "when joint = 'joint' then joint_income is not null else joint_income is null",
            "nulls_together: [joint_income, joint_debt]",
            "?when closed = 1 then balance = 0 else balance != 0",
        ),
    ),
    "houses": (
        houses,
        (
            "unique: [Id]",
            "LivingArea = FirstFloor + SecondFloor + LowQuality",
            "BasementTotal = BasementFinished + BasementUnfinished",
            "Built <= Remodelled",
            "Neighbourhood -> Zoning",
            "when Pool = 'yes' then PoolQuality is not null else PoolQuality is null",
            "when PoolArea = 0 then PoolQuality is null else PoolQuality is not null",
            "?when Pool = 'yes' then PoolArea != 0 else PoolArea = 0",
            "?PoolArea -> Pool",
        ),
    ),
    "shipments": (
        shipments,
        (
            "unique: [shipment]",
            "ordered < delivered",
            "ordered_day < delivered_day",
            "ordered <-> ordered_day",
            "delivered <-> delivered_day",
            "period = floor(ordered_day / 100)",
            "?period = 100 * year(ordered) + month(ordered)",
            "amount = round(price * count * (1 - discount), 2)",
            "depot -> city",
            "depot -> road",
            "depot -> rail",
            "depot -> ship",
            "one_hot: [road, rail, ship]",
        ),
    ),
    "panel": (
        panel,
        (
            "unique: [unit, year]",
            "unit <-> name",
            "unit -> state",
            "state -> region",
            "enrolled <= admitted",
            "admitted <= applied",
            "admit_rate = round(admitted / applied, 4)",
        ),
    ),
    "nothing": (nothing, ()),
}
