"""Databases made by a law: tables and keys, and the dependences that the law plants, each with how it is measured.

Two seeds give two samples of one law: what one says of the other is the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthkit.generators.tables import Key

if TYPE_CHECKING:
    Frames = Mapping[str, pd.DataFrame]
    Probe = Callable[[Frames], float]


@dataclass(frozen=True)
class World:
    """Args:
    make: (seed) → tables, each after those that its keys name.
    primary: the primary key of each table.
    keys: of the tables.
    times: table → its column of time.
    probes: what is planted → how much of it tables show; 0: nothing.
    exact: what holds in every row → the share of rows in which it does.
    """

    make: Callable[[int], dict[str, pd.DataFrame]]
    primary: Mapping[str, tuple[str, ...]]
    keys: tuple[Key, ...]
    times: Mapping[str, str]
    probes: Mapping[str, Probe]
    exact: Mapping[str, Probe]


def together(a: pd.Series, b: pd.Series) -> float:
    """The rank correlation of two columns whose rows belong to each other."""
    pairs = pd.DataFrame({"a": np.asarray(a, dtype=float), "b": np.asarray(b, dtype=float)}).dropna()
    if len(pairs) < 3 or pairs.a.nunique() < 2 or pairs.b.nunique() < 2:
        return 0.0
    return float(pairs.rank().corr().iloc[0, 1])


def above(
    rows: pd.DataFrame, key: str | list[str], there: pd.DataFrame, primary: str | list[str], column: str
) -> pd.Series:
    """The column of the row that each row names, in the order of ``rows``."""
    names, own = _listed(key), _listed(primary)
    found = there.set_index(own)[column]
    found = found[~found.index.duplicated()]
    index = rows[names[0]] if len(names) == 1 else pd.MultiIndex.from_frame(rows[names])
    return found.reindex(index).reset_index(drop=True)


def _listed(columns: str | list[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else columns


def mean_of(rows: pd.DataFrame, key: str, values: pd.Series, there: pd.DataFrame, primary: str) -> pd.Series:
    """The mean over the rows that name each row of ``there``; missing where none does."""
    return (
        values.reset_index(drop=True)
        .groupby(rows[key].to_numpy())
        .mean()
        .reindex(there[primary])
        .reset_index(drop=True)
    )


def count_of(rows: pd.DataFrame, key: str, there: pd.DataFrame, primary: str) -> pd.Series:
    """How many rows name each row of ``there``."""
    return rows.groupby(key).size().reindex(there[primary], fill_value=0).reset_index(drop=True)


def inside(rows: pd.DataFrame, key: str | list[str], there: pd.DataFrame, primary: str | list[str]) -> float:
    """The share of rows whose key, where there is one, names a row."""
    names, own = _listed(key), _listed(primary)
    known = rows[names].dropna()
    if not len(known):
        return 1.0
    return float(pd.MultiIndex.from_frame(known).isin(pd.MultiIndex.from_frame(there[own])).mean())


def pairs(parents: int, strength: float) -> World:
    """One parent and its rows: ``strength`` is the share of each dependence that its law has at 1."""

    def make(seed: int) -> dict[str, pd.DataFrame]:
        rng = np.random.default_rng([seed, parents])
        hidden = rng.normal(size=parents)
        size = pd.cut(hidden + rng.normal(size=parents), [-9, -0.7, 0.7, 9], labels=["small", "middle", "large"])
        people = pd.DataFrame(
            {"id": np.arange(1, parents + 1), "level": np.round(50 + 10 * hidden, 1), "size": size.astype(str)}
        )
        people["noise"] = rng.integers(0, 20, parents)
        count = rng.poisson(np.exp(0.8 + 0.5 * strength * hidden))
        who = np.repeat(np.arange(parents), count)
        own = strength * rng.normal(size=parents)  # an entity's own level, which no column of the parent tells
        rows = pd.DataFrame({"row": np.arange(1, len(who) + 1), "of": people.id.to_numpy()[who]})
        rows["near"] = np.round(strength * hidden[who] + own[who] + rng.normal(size=len(who)), 2)
        rows["far"] = rng.poisson(np.exp(1 + 0.25 * strength * hidden[who]))
        chance = 1 / (1 + np.exp(-(strength * (size == "large").astype(float)[who] * 2 - 1)))
        rows["kind"] = np.where(rng.random(len(who)) < chance, "a", np.where(rng.random(len(who)) < 0.5, "b", "c"))
        return {"people": people, "rows": rows}

    def mean(column: str) -> Callable[[Frames], pd.Series]:
        return lambda t: mean_of(t["rows"], "of", t["rows"][column], t["people"], "id")

    def spread_ratio(t: Frames) -> float:
        groups = t["rows"].groupby("of").near
        many = groups.filter(lambda v: len(v) > 1)
        of = t["rows"].loc[many.index, "of"]
        within = (many - many.groupby(of).transform("mean")).pow(2).sum() / max(1, len(many) - of.nunique())
        return float(1 - within / t["rows"].near.var())

    return World(
        make,
        {"people": ("id",), "rows": ("row",)},
        (Key("rows", ("of",), "people", owner=True),),
        {},
        {
            "level × rows": lambda t: together(t["people"].level, count_of(t["rows"], "of", t["people"], "id")),
            "level × mean near": lambda t: together(t["people"].level, mean("near")(t)),
            "level × mean far": lambda t: together(t["people"].level, mean("far")(t)),
            "large × share of a": lambda t: together(
                t["people"]["size"] == "large",
                mean_of(t["rows"], "of", (t["rows"].kind == "a").astype(float), t["people"], "id"),
            ),
            "near: share of variance between entities": spread_ratio,
        },
        {"of names people": lambda t: inside(t["rows"], "of", t["people"], "id")},
    )


def shop(customers: int) -> World:
    """Four levels, siblings, a diamond, a composite key, and products that are looked up."""

    def make(seed: int) -> dict[str, pd.DataFrame]:
        rng = np.random.default_rng([seed, customers, 1])
        income = rng.normal(size=customers)
        kind = np.where(rng.random(customers) < 1 / (1 + np.exp(-income)), "firm", "home")
        people = pd.DataFrame(
            {"customer": np.arange(1, customers + 1), "kind": kind, "income": np.round(np.exp(10 + 0.4 * income), 0)}
        )
        people["age"] = (45 + 5 * income + 12 * rng.normal(size=customers)).round().clip(18, 90).astype(int)
        goods = pd.DataFrame({"product": np.arange(1, 61), "category": rng.choice(["tools", "toys", "food"], 60)})
        goods["price"] = np.round(np.exp(rng.normal(2, 0.8, 60)), 2)
        count = rng.poisson(np.exp(0.6 + 0.3 * income))
        of = np.repeat(np.arange(customers), count)
        orders = pd.DataFrame({"order": np.arange(1, len(of) + 1), "customer": people.customer.to_numpy()[of]})
        orders["day"] = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 600, len(of)), unit="D")
        level = 0.6 * income[of] + 0.6 * rng.normal(size=customers)[of] + 0.8 * rng.normal(size=len(of))
        orders["freight"] = np.round(np.exp(2 + 0.7 * level), 2)
        orders["channel"] = np.where(rng.random(len(of)) < 1 / (1 + np.exp(-2 * level)), "phone", "web")
        many = 1 + rng.poisson(np.where(orders.channel == "phone", 2.0, 0.8))
        at = np.repeat(np.arange(len(of)), many)
        lines = pd.DataFrame({"order": orders.order.to_numpy()[at]})
        lines["line"] = lines.groupby("order").cumcount() + 1
        tools = np.where(kind[of[at]] == "firm", 0.7, 0.15)
        wish = np.where(rng.random(len(at)) < tools, "tools", np.where(rng.random(len(at)) < 0.5, "toys", "food"))
        chosen = np.zeros(len(at), dtype=int)
        for category in ("tools", "toys", "food"):
            some = np.flatnonzero(goods.category == category)
            mine = wish == category
            chosen[mine] = rng.choice(some, int(mine.sum()))
        lines["product"] = goods["product"].to_numpy()[chosen]
        cheap = -np.log(goods.price.to_numpy()[chosen])
        lines["quantity"] = 1 + rng.poisson(np.exp(0.6 + 0.3 * cheap + 0.5 * income[of[at]]).clip(0.01, 60))
        mean = pd.Series(level).groupby(of).mean().reindex(range(customers)).fillna(0).to_numpy()
        wrote = rng.poisson(np.exp(-0.3 + 0.4 * mean))
        by = np.repeat(np.arange(customers), wrote)
        reviews = pd.DataFrame({"review": np.arange(1, len(by) + 1), "customer": people.customer.to_numpy()[by]})
        reviews["stars"] = (3 + 1.2 * mean[by] + 0.8 * rng.normal(size=len(by))).round().clip(1, 5).astype(int)
        paid = rng.random(len(of)) < 0.9
        bills = pd.DataFrame(
            {"bill": np.arange(1, int(paid.sum()) + 1), "order": orders.order[paid], "customer": orders.customer[paid]}
        )
        bills["late"] = np.where(rng.random(len(bills)) < 1 / (1 + np.exp(2 * level[paid])), "yes", "no")
        return {
            "customers": people,
            "products": goods,
            "orders": orders,
            "lines": lines,
            "reviews": reviews,
            "bills": bills.reset_index(drop=True),
        }

    def of_line(t: Frames, column: str) -> pd.Series:
        rows = pd.DataFrame({"c": above(t["lines"], "order", t["orders"], "order", "customer")})
        return above(rows, "c", t["customers"], "customer", column)

    def per_customer(t: Frames, table: str, column: str) -> pd.Series:
        return mean_of(t[table], "customer", t[table][column], t["customers"], "customer")

    return World(
        make,
        {
            "customers": ("customer",),
            "products": ("product",),
            "orders": ("order",),
            "lines": ("order", "line"),
            "reviews": ("review",),
            "bills": ("bill",),
        },
        (
            Key("orders", ("customer",), "customers", owner=True),
            Key("lines", ("order",), "orders", owner=True),
            Key("lines", ("product",), "products"),
            Key("reviews", ("customer",), "customers", owner=True),
            Key("bills", ("order",), "orders", owner=True),
            Key("bills", ("customer",), "customers"),
        ),
        {"orders": "day"},
        {
            "parent: income × mean freight": lambda t: together(
                t["customers"].income, per_customer(t, "orders", "freight")
            ),
            "parent, weak: age × mean freight": lambda t: together(
                t["customers"].age, per_customer(t, "orders", "freight")
            ),
            "parent: channel × quantity of lines": lambda t: together(
                above(t["lines"], "order", t["orders"], "order", "channel") == "phone",
                t["lines"].groupby("order").line.transform("max"),
            ),
            "grandparent: income × quantity": lambda t: together(of_line(t, "income"), t["lines"].quantity),
            "looked up by a grandparent: firm × tools": lambda t: together(
                of_line(t, "kind") == "firm",
                above(t["lines"], "product", t["products"], "product", "category") == "tools",
            ),
            "looked up: price × quantity": lambda t: together(
                above(t["lines"], "product", t["products"], "product", "price"), t["lines"].quantity
            ),
            "siblings: mean freight × mean stars": lambda t: together(
                per_customer(t, "orders", "freight"), per_customer(t, "reviews", "stars")
            ),
            "siblings: mean freight × reviews": lambda t: together(
                per_customer(t, "orders", "freight"), count_of(t["reviews"], "customer", t["customers"], "customer")
            ),
            "one to one: freight × late": lambda t: together(
                above(t["bills"], "order", t["orders"], "order", "freight"), t["bills"].late == "yes"
            ),
        },
        {
            "diamond": lambda t: float(
                (above(t["bills"], "order", t["orders"], "order", "customer") == t["bills"].customer).mean()
            ),
            "lines count from 1": lambda t: float(
                (
                    t["lines"].groupby("order").line.transform("max")
                    == t["lines"].groupby("order").line.transform("size")
                ).mean()
            ),
            "one bill an order": lambda t: float(t["bills"]["order"].is_unique),
        },
    )


def school(students: int) -> World:
    """A table of links, whose rows depend on both sides, and who takes what on who it is."""

    def make(seed: int) -> dict[str, pd.DataFrame]:
        rng = np.random.default_rng([seed, students, 2])
        gift = rng.normal(size=students)
        people = pd.DataFrame(
            {"student": [f"S{i:05d}" for i in range(students)], "score": np.round(100 + 15 * gift).astype(int)}
        )
        people["major"] = rng.choice(["art", "law", "math"], students, p=[0.5, 0.3, 0.2])
        hard = rng.normal(size=45)
        courses = pd.DataFrame(
            {"course": [f"C{i}" for i in range(45)], "field": rng.choice(["art", "law", "math"], 45)}
        )
        courses["hours"] = np.round(6 + 2 * hard).clip(1, 12).astype(int)
        rows = []
        for i in range(students):
            weight = np.where(courses.field == people.major[i], 6.0, 1.0) * np.exp(0.5 * gift[i] * hard)
            taken = rng.choice(45, min(45, 1 + rng.poisson(2.5)), replace=False, p=weight / weight.sum())
            rows += [(i, c) for c in taken]
        who, what = np.array(rows).T
        links = pd.DataFrame({"student": people.student.to_numpy()[who], "course": courses.course.to_numpy()[what]})
        links["grade"] = np.round(5 + 1.2 * gift[who] - 1.0 * hard[what] + rng.normal(size=len(who)), 1)
        return {"students": people, "courses": courses, "links": links}

    def student(t: Frames, column: str) -> pd.Series:
        return above(t["links"], "student", t["students"], "student", column)

    def course(t: Frames, column: str) -> pd.Series:
        return above(t["links"], "course", t["courses"], "course", column)

    return World(
        make,
        {"students": ("student",), "courses": ("course",), "links": ("student", "course")},
        (Key("links", ("student",), "students", owner=True), Key("links", ("course",), "courses")),
        {},
        {
            "owner: score × grade": lambda t: together(student(t, "score"), t["links"].grade),
            "looked up: hours × grade": lambda t: together(course(t, "hours"), t["links"].grade),
            "who takes what: major = field": lambda t: float((student(t, "major") == course(t, "field")).mean() - 0.3),
            "who takes what: score × hours": lambda t: together(student(t, "score"), course(t, "hours")),
            "looked up: hours × mean grade of the course": lambda t: together(
                t["courses"].hours, mean_of(t["links"], "course", t["links"].grade, t["courses"], "course")
            ),
        },
        {"no pair twice": lambda t: float((~t["links"].duplicated(["student", "course"])).mean())},
    )


def office(workers: int) -> World:
    """Few parents, a key to the own table, one row beside each, and a key that is missing for a cause."""

    def make(seed: int) -> dict[str, pd.DataFrame]:
        rng = np.random.default_rng([seed, workers, 3])
        rich = rng.normal(size=40)
        houses = pd.DataFrame({"house": np.arange(1, 41), "budget": np.round(np.exp(12 + 0.5 * rich), -2)})
        houses["region"] = np.where(rich + rng.normal(size=40) > 0, "north", "south")
        house = np.sort(rng.choice(40, workers, p=np.exp(0.3 * rich) / np.exp(0.3 * rich).sum()))
        boss, depth, own = np.full(workers, -1), np.zeros(workers, dtype=int), np.zeros(workers)
        for h in range(40):
            mine = np.flatnonzero(house == h)
            for n, i in enumerate(mine):
                if n:
                    boss[i] = mine[rng.integers(0, max(1, (n + 2) // 3))]
                    depth[i] = depth[boss[i]] + 1
                own[i] = 0.7 * own[boss[i]] * (n > 0) + rng.normal()
        people = pd.DataFrame({"worker": np.arange(1, workers + 1), "house": house + 1})
        people["boss"] = pd.array(np.where(boss < 0, 0, boss + 1), dtype="Int64")
        people.loc[boss < 0, "boss"] = pd.NA
        people["pay"] = np.round(np.exp(8 + 0.3 * rich[house] - 0.25 * depth + 0.15 * own) / 10) * 10
        people["skill"] = np.round(own, 1)
        rooms = pd.DataFrame({"room": np.arange(1, 31), "floor": rng.integers(0, 6, 30)})
        sits = rng.random(workers) < 1 / (1 + np.exp(-1.5 * own - 1))
        likes = np.exp(-np.abs(rooms.floor.to_numpy()[None, :] - 2.5 - 1.5 * own[:, None]))
        near = np.array([rng.choice(30, p=like / like.sum()) for like in likes])
        people["room"] = pd.array(np.where(sits, near + 1, 0), dtype="Int64")
        people.loc[~sits, "room"] = pd.NA
        badges = pd.DataFrame(
            {
                "worker": people.worker,
                "colour": np.where(rng.random(workers) < 1 / (1 + np.exp(-2 * own)), "red", "blue"),
            }
        )
        badges["score"] = np.round(own + rng.normal(size=workers), 2)
        return {"houses": houses, "rooms": rooms, "workers": people, "badges": badges}

    def of(t: Frames, column: str) -> pd.Series:
        return above(t["workers"], "house", t["houses"], "house", column)

    def beside(t: Frames, column: str) -> pd.Series:
        return above(t["badges"], "worker", t["workers"], "worker", column)

    def same_house(t: Frames) -> float:
        some = t["workers"][t["workers"].boss.notna()].reset_index(drop=True)
        return float((above(some, "boss", t["workers"], "worker", "house") == some.house).mean())

    return World(
        make,
        {"houses": ("house",), "rooms": ("room",), "workers": ("worker",), "badges": ("worker",)},
        (
            Key("workers", ("house",), "houses", owner=True),
            Key("workers", ("boss",), "workers"),
            Key("workers", ("room",), "rooms"),
            Key("badges", ("worker",), "workers", owner=True),
        ),
        {},
        {
            "few parents: budget × pay": lambda t: together(of(t, "budget"), t["workers"].pay),
            "few parents: budget × workers": lambda t: together(
                t["houses"].budget, count_of(t["workers"], "house", t["houses"], "house")
            ),
            "own table: pay × the boss's": lambda t: together(
                t["workers"].pay, above(t["workers"], "boss", t["workers"], "worker", "pay")
            ),
            "own table: skill × the boss's": lambda t: together(
                t["workers"].skill, above(t["workers"], "boss", t["workers"], "worker", "skill")
            ),
            "missing for a cause: skill × a room": lambda t: together(t["workers"].skill, t["workers"].room.notna()),
            "looked up: skill × floor": lambda t: together(
                t["workers"].skill, above(t["workers"], "room", t["rooms"], "room", "floor")
            ),
            "one to one: skill × score": lambda t: together(beside(t, "skill"), t["badges"].score),
            "one to one: skill × red": lambda t: together(beside(t, "skill"), t["badges"].colour == "red"),
        },
        {
            "boss of the same house": same_house,
            "one badge each": lambda t: float(t["badges"].worker.is_unique and len(t["badges"]) == len(t["workers"])),
        },
    )


def bank(clients: int) -> World:
    """Composite keys that share a column: both accounts of a transfer are the same client's."""

    def make(seed: int) -> dict[str, pd.DataFrame]:
        rng = np.random.default_rng([seed, clients, 4])
        wealth = rng.normal(size=clients)
        people = pd.DataFrame({"client": np.arange(1, clients + 1), "wealth": np.round(wealth, 2)})
        people["area"] = np.where(wealth + rng.normal(size=clients) > 0, "town", "land")
        count = 2 + rng.poisson(np.exp(0.2 * wealth))
        of = np.repeat(np.arange(clients), count)
        accounts = pd.DataFrame({"client": people.client.to_numpy()[of]})
        accounts["number"] = accounts.groupby("client").cumcount() + 1
        kind = np.where(rng.random(len(of)) < 0.5, "giro", "save")
        accounts["kind"] = kind
        accounts["balance"] = np.round(
            np.exp(6 + 0.5 * wealth[of] + (kind == "save") + 0.5 * rng.normal(size=len(of))), 0
        )
        first = np.cumsum(count) - count
        moves = rng.poisson(np.exp(1.0 + 0.3 * wealth))
        by = np.repeat(np.arange(clients), moves)
        source = first[by] + (rng.random(len(by)) * count[by]).astype(int)
        target = np.zeros(len(by), dtype=int)
        for i, c in enumerate(by):
            mine = np.arange(first[c], first[c] + count[c])
            weight = np.where(mine == source[i], 0.0, np.where(kind[mine] != kind[source[i]], 5.0, 1.0))
            target[i] = rng.choice(mine, p=weight / weight.sum())
        transfers = pd.DataFrame({"transfer": np.arange(1, len(by) + 1), "client": people.client.to_numpy()[by]})
        transfers["source"] = accounts.number.to_numpy()[source]
        transfers["target"] = accounts.number.to_numpy()[target]
        balance = np.log(accounts.balance.to_numpy())
        transfers["amount"] = np.round(
            np.exp(1 + 0.5 * (balance[source] - 6) + 0.3 * wealth[by] + 0.5 * rng.normal(size=len(by))), 0
        )
        return {"clients": people, "accounts": accounts, "transfers": transfers}

    def account(t: Frames, key: str, column: str) -> pd.Series:
        return above(t["transfers"], ["client", key], t["accounts"], ["client", "number"], column)

    return World(
        make,
        {"clients": ("client",), "accounts": ("client", "number"), "transfers": ("transfer",)},
        (
            Key("accounts", ("client",), "clients", owner=True),
            Key("transfers", ("client",), "clients", owner=True),
            Key("transfers", ("client", "source"), "accounts"),
            Key("transfers", ("client", "target"), "accounts"),
        ),
        {},
        {
            "parent: wealth × mean balance": lambda t: together(
                t["clients"].wealth, mean_of(t["accounts"], "client", t["accounts"].balance, t["clients"], "client")
            ),
            "parent: wealth × transfers": lambda t: together(
                t["clients"].wealth, count_of(t["transfers"], "client", t["clients"], "client")
            ),
            "siblings: mean balance × mean amount": lambda t: together(
                mean_of(t["accounts"], "client", t["accounts"].balance, t["clients"], "client"),
                mean_of(t["transfers"], "client", t["transfers"].amount, t["clients"], "client"),
            ),
            "composite: balance × amount": lambda t: together(account(t, "source", "balance"), t["transfers"].amount),
            "two keys: other kind": lambda t: float(
                (account(t, "source", "kind") != account(t, "target", "kind")).mean() - 0.5
            ),
            "parent: wealth × amount": lambda t: together(
                above(t["transfers"], "client", t["clients"], "client", "wealth"), t["transfers"].amount
            ),
        },
        {
            "source is the client's": lambda t: inside(
                t["transfers"], ["client", "source"], t["accounts"], ["client", "number"]
            ),
            "target is the client's": lambda t: inside(
                t["transfers"], ["client", "target"], t["accounts"], ["client", "number"]
            ),
            "to another account": lambda t: float((t["transfers"].source != t["transfers"].target).mean()),
        },
    )


WORLDS: Mapping[str, World] = {
    "pairs, 100 parents": pairs(100, 1.0),
    "pairs, 2,000 parents": pairs(2_000, 1.0),
    "pairs, 2,000 parents, weak": pairs(2_000, 0.3),
    "pairs, 20,000 parents": pairs(20_000, 1.0),
    "shop": shop(1_500),
    "school": school(1_200),
    "office": office(1_500),
    "bank": bank(800),
}
