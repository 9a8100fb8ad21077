"""What rows owe to those that they look up, some of which were held out: prices, categories, and how many name each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.generators.conditional.columns import known_of
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generate import fit_tables, sample_tables
from synthkit.generators.family.links import links_of
from synthkit.generators.family.listing import Follows, listing_of
from synthkit.generators.family.ratios import decimals, part_of
from synthkit.generators.family.relative import Candidate, nearest
from synthkit.generators.functions import silent
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table
from tests.generators.family.test_links import table as keys_alone

PRODUCTS, CUSTOMERS = 60, 400


def shop(folder: Path) -> tuple[Tables, dict[str, pd.DataFrame]]:
    """Lines whose price is that of their product, less a tenth for customers of one tier, or, where there is no
    product, their own; whose colour is the product's. A fifth of the products was held out, the most wanted among
    them. Also the whole tables."""
    rng = np.random.default_rng(1)
    price = np.round(rng.gamma(3, 12, PRODUCTS) + 3, 2)
    colour = rng.choice(["red", "green", "blue", "grey"], PRODUCTS)
    gold = rng.random(CUSTOMERS) < 0.3
    weight = 1 / np.arange(1, PRODUCTS + 1)
    count = 2 + rng.poisson(4, CUSTOMERS)
    who = np.repeat(np.arange(CUSTOMERS), count)
    item = rng.choice(PRODUCTS, len(who), p=weight / weight.sum())
    none = rng.random(len(who)) < 0.1
    paid = np.round(price[item] * np.where(gold[who], 0.9, 1), 2)
    kept = (np.arange(PRODUCTS) % 5 != 0) & (price < price.max())
    whole = {
        "customers": {
            "id": ("id", pa.array(np.arange(CUSTOMERS))),
            "tier": ("categorical", pa.array(np.where(gold, "gold", "basic"))),
        },
        "products": {
            "sku": ("id", pa.array([f"s{i}" for i in range(PRODUCTS)])),
            "colour": ("categorical", pa.array(colour)),
            "price": ("float", pa.array(price)),
        },
        "lines": {
            "customer": ("id", pa.array(who)),
            "sku": ("id", pa.array([f"s{i}" for i in item], mask=none)),
            "paid": ("float", pa.array(np.where(none, 0.5, paid))),
            "extra": ("integer", pa.array(rng.integers(0, 9, len(who)))),
        },
    }
    frames = {n: pd.DataFrame({c: v.to_pandas() for c, (_, v) in columns.items()}) for n, columns in whole.items()}
    learnt: dict[str, Any] = {**whole, "products": {c: (k, v.filter(kept)) for c, (k, v) in whole["products"].items()}}
    members = {
        "customers": table(folder, "customers", learnt["customers"], ("id",)),
        "products": table(folder, "products", learnt["products"], ("sku",)),
        "lines": table(folder, "lines", learnt["lines"], ()),
    }
    keys = (Key("lines", ("customer",), "customers", owner=True), Key("lines", ("sku",), "products"))
    return Tables(members, keys, whole={"products": PRODUCTS}), frames


def drawn_of(tables: Tables, rows: int, seed: int = 5) -> dict[str, pd.DataFrame]:
    """A family of so many rows of the root."""
    return drawn_from(fitted(tables), rows, seed)


def fitted(tables: Tables) -> Any:
    return fit_tables(tables, ConditionalParams(), budget=None, seed=3, device="cpu", progress=silent)


def drawn_from(model: Any, rows: int, seed: int) -> dict[str, pd.DataFrame]:
    found: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in sample_tables(model, rows, conditions=(), seed=seed, progress=silent):
        found.setdefault(name, []).append(batch)
    return {n: pa.Table.from_batches(b).to_pandas() for n, b in found.items()}


@pytest.fixture(scope="module")
def drawn_and_real(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    tables, frames = shop(tmp_path_factory.mktemp("shop"))
    return drawn_of(tables, CUSTOMERS), frames


Both = tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]


def joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    named = tables["lines"].merge(tables["products"], on="sku")
    return named.merge(tables["customers"], left_on="customer", right_on="id")


def test_a_number_that_is_the_looked_up_ones_but_for_a_discount_stays_so(drawn_and_real: Both) -> None:
    rows = joined(drawn_and_real[0])
    assert len(rows) > 1_000
    gold = (rows.tier == "gold").to_numpy()
    whole, less = (np.abs(rows.price * c - rows.paid) < 0.00501 for c in (1.0, 0.9))
    assert (whole | less).all()
    assert less[gold].mean() > 0.97
    assert whole[~gold].mean() > 0.97


def test_where_no_row_is_named_a_number_is_what_it_is_there(drawn_and_real: Both) -> None:
    drawn, real = drawn_and_real
    alone = drawn["lines"][drawn["lines"].sku.isna()]
    share = [t["lines"].sku.isna().mean() for t in (drawn, real)]
    assert abs(share[0] - share[1]) < 0.03  # of 2,400 rows: five standard errors; held-out products are not missing
    assert (alone.paid == 0.5).all()


def test_as_many_rows_name_each_as_in_the_whole_table(drawn_and_real: Both) -> None:
    """Rows of held-out products were learnt as those of others, which made all alike: the most named of 60 had a 28th
    of the lines, and has a fifth."""
    drawn, real = drawn_and_real
    assert len(drawn["products"]) == PRODUCTS
    counts = [
        np.sort(np.append(c := t["lines"].sku.value_counts().to_numpy(), np.zeros(PRODUCTS - len(c))))
        for t in (drawn, real)
    ]
    both = np.unique(np.concatenate(counts))
    apart = [np.searchsorted(c, both, side="right") / PRODUCTS for c in counts]
    assert np.abs(apart[0] - apart[1]).max() < 0.12  # seven of 60 products
    most = [c.max() / c.sum() for c in counts]
    assert 0.6 * most[1] < most[0] < 1.2 * most[1]  # it was held out: what it is like is not known, its price aside


def test_prices_that_many_lines_repeat_are_those_of_the_real_ones(drawn_and_real: Both) -> None:
    """A drawn list of prices is not told from the real one by its lines, though none of its rows is a real one's."""
    drawn, real = (t["lines"].paid.value_counts(normalize=True).to_dict() for t in drawn_and_real)
    seen = sum(min(n, real.get(p, 0.0)) for p, n in drawn.items())
    assert seen > 0.75
    assert drawn_and_real[0]["products"].price.max() == drawn_and_real[1]["products"].price.max()  # of a held-out one


def test_ratios_are_found_where_they_are_and_not_by_chance() -> None:
    rng = np.random.default_rng(0)
    other, every = np.round(rng.gamma(3, 12, 3_000) + 3, 2), np.ones(3_000, dtype=bool)
    own = np.arange(3_000)
    ratio = rng.choice([1.0, 0.85, 0.5], 3_000, p=[0.5, 0.3, 0.2])
    found = part_of(np.round(other * ratio, 2), other, every, 0, own, 5)
    assert found is not None
    assert set(found.few) == {1.0, 0.85, 0.5}
    assert (np.isclose(found.apart, ratio)).mean() > 0.99
    assert part_of(rng.permutation(other), other, every, 0, own, 5) is None
    small = rng.integers(1, 6, 3_000).astype(float)  # any is some simple part of any other
    assert part_of(small, rng.permutation(small), every, 0, own, 5) is None
    counts, total = (1 + rng.poisson(1, 3_000)).astype(float), np.round(rng.gamma(3, 10, 3_000), 2)
    assert (
        part_of(counts, np.round(counts * total, 2), every, 0, own, 5) is None
    )  # which rounding makes a part of anything
    near = part_of(other * np.exp(rng.normal(0, 0.02, 3_000)), other, every, 0, own, 5)
    assert near is not None
    assert not len(near.few)
    assert [decimals(np.array(v)) for v in ([1.0, 2.0], [0.25, 3.0], [1 / 3])] == [0, 2, -1]


def test_of_a_few_rows_any_number_has_a_ratio_to_any_other() -> None:
    """Five kinds of accounts, each with a fee and a rate: an account's fee is its kind's, and no part of the rate."""
    rng = np.random.default_rng(0)
    kind, every = rng.integers(0, 5, 2_000), np.ones(2_000, dtype=bool)
    own = np.arange(2_000)
    fees, rates = np.array([0, 4.5, 9.9, 0, 19.5]), np.array([0.12, 0.1, 0.08, 0.03, 0.11])
    paid = np.where(rng.random(2_000) < 0.9, fees[kind], 0)
    candidates = [Candidate(0, j, pa.float64(), numbers[kind]) for j, numbers in enumerate((rates, fees))]
    assert part_of(paid, rates[kind], every, 0, own, 5) is None
    near = nearest(paid, pa.float64(), candidates, 0, own, 5)
    assert near is not None
    assert (near.candidate.other, near.digits, near.few.tolist()) == (1, 1, [1.0, 0.0])  # a tenth pays nothing


def test_a_ratio_that_one_person_has_is_no_ratio() -> None:
    """Of 3,000 lines 300 are one person's, who pays .37 of the price; the others pay the whole, or nine tenths."""
    rng = np.random.default_rng(0)
    other, every = np.round(rng.gamma(3, 40, 3_000) + 30, 2), np.ones(3_000, dtype=bool)
    one = np.arange(3_000) < 300
    paid = np.round(other * np.where(one, 0.37, rng.choice([1.0, 0.9], 3_000)), 2)
    each, held = np.arange(3_000), np.where(one, 0, np.arange(3_000))
    found = [part_of(paid, other, every, 0, units, 5) for units in (each, held)]
    assert [set(f.few) for f in found if f is not None] == [{1.0, 0.9, 0.37}, {1.0, 0.9}]


def test_distances_between_rows_and_within_them_are_of_enough_people(tmp_path: Path) -> None:
    """One person's sixty orders are 91 days apart, and arrive 45 days later; all others' are 20 and 5 at most."""
    rng = np.random.default_rng(0)
    count = np.append(60, 4 + rng.poisson(4, 150))
    who = np.repeat(np.arange(151), count)
    gap = np.where(who == 0, 91, rng.integers(1, 21, len(who)))
    day = np.cumsum(gap) - np.repeat((np.cumsum(gap))[np.cumsum(count) - count], count)
    ordered = np.datetime64("2020-01-01") + day + np.where(who == 0, 0, rng.integers(0, 5_400, 151)[who])
    arrived = ordered + np.where(who == 0, 45, rng.integers(1, 6, len(who)))
    columns: Any = {
        "person": ("id", pa.array(who)),
        "ordered": ("date", pa.array(ordered.astype("datetime64[D]"))),
        "arrived": ("date", pa.array(arrived.astype("datetime64[D]"))),
    }
    orders = table(tmp_path, "orders", columns, (), order_by="ordered")
    people = table(tmp_path, "people", {"id": ("id", pa.array(np.arange(151)))}, ("id",))
    members = {"people": people, "orders": replace(orders, schema=replace(orders.schema, privacy_unit="person"))}
    model = fitted(Tables(members, (Key("orders", ("person",), "people", owner=True),)))
    member = next(m for m in model.members if m.name == "orders")
    for field, one, common in (
        (member.rows.layout.fields[0], 91.0, 10.0),
        (member.anchors[0].field, 45.0, 3.0),
    ):
        given = [{*field.numbers(field.place_numbers(np.full(9, n)), np.arange(9) / 9)} for n in (one, common)]
        assert given[0] != {one}  # what sixty rows have, but one person
        assert given[1] == {common}


def test_what_is_free_is_no_part_of_what_it_costs_nothing_and_says_nothing_of_ratios() -> None:
    """A seventh of the lines are of free products: nothing is paid, whatever the discount."""
    rng = np.random.default_rng(0)
    other = np.where(rng.random(3_000) < 0.14, 0.0, np.round(rng.gamma(3, 40, 3_000) + 30, 2))
    every, own = np.ones(3_000, dtype=bool), np.arange(3_000)
    found = part_of(np.round(other * rng.choice([1.0, 0.9], 3_000), 2), other, every, 0, own, 5)
    assert found is not None
    assert set(found.few) == {1.0, 0.9}
    assert np.isnan(found.apart[other == 0]).all()
    paid = np.round(np.where(other == 0, 7.5, other), 2)  # something for what costs nothing is no part of it
    assert part_of(paid, other, every, 0, own, 5) is None


def test_a_listed_number_is_one_that_enough_people_repeat() -> None:
    group = np.repeat([0, 1, 2, -1], [20, 20, 8, 5])
    numbers = np.array([10.0] * 20 + [4.5] * 10 + [5.0] * 10 + [7.0] * 8 + [1.0] * 5)
    units = np.append(np.arange(40), np.repeat([50, 51], [8, 5]))
    follows = [Follows(3, numbers, np.array([1.0, 0.9]), added=False)]
    found = listing_of(group, units, follows, [2], least=5)
    assert found is not None
    assert found.columns == (3,)
    assert found.loads.tolist() == [20, 20]
    assert found.values[:, 0].tolist() == [10.0, 5.0]  # 4.5 is nine tenths of 5
    assert found.rest == 8  # one person's
    assert listing_of(np.arange(53), units, follows, [2], least=1) is None  # each is named once: nothing is repeated


def test_two_ways_to_one_row_are_seen_where_rows_on_the_way_were_held_out() -> None:
    """A line names its product's group. A fifth of the products is not there; nothing contradicts it."""
    product, group = Key("lines", ("product",), "products"), Key("lines", ("group",), "groups")
    of = Key("products", ("group",), "groups")
    rng = np.random.default_rng(0)
    groups, item = np.arange(20) % 4, rng.integers(0, 20, 40)
    lost = item % 5 == 0
    named = {product: np.where(lost, -2, item), group: groups[item], of: groups}
    members = {
        "groups": keys_alone("group", primary=("group",)),
        "products": keys_alone("product", "group", primary=("product",)),
        "lines": keys_alone("line", "product", "group", primary=("line",)),
    }
    links = links_of("lines", Tables(members, (of, product, group), first="groups"), named)
    assert [link.kind for link in links][1] == "same"
    assert links[0].nulls == 0


def test_one_row_that_names_a_row_that_is_there_does_not_teach_the_others(tmp_path: Path) -> None:
    """A held-out status is that of all orders but one. Every drawn order names the other one, whose only order's city
    and amount were those of every one."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(200), 2 + rng.poisson(2, 200))
    late = np.arange(len(who)) == 7
    city, amount = rng.choice(["a", "b", "c", "d"], len(who)), np.round(rng.gamma(3, 20, len(who)), 2)
    amount[late] = 199.5
    status = ("id", pa.array(np.where(late, "late", "paid")))
    members = {
        "people": table(tmp_path, "people", {"id": ("id", pa.array(np.arange(200)))}, ("id",)),
        "status": table(
            tmp_path,
            "status",
            {"id": ("id", pa.array(["late"])), "name": ("categorical", pa.array(["late"]))},
            ("id",),
        ),
        "orders": table(
            tmp_path,
            "orders",
            {
                "person": ("id", pa.array(who)),
                "status": status,
                "amount": ("float", pa.array(amount)),
                "city": ("categorical", pa.array(city)),
            },
            (),
        ),
    }
    keys = (Key("orders", ("person",), "people", owner=True), Key("orders", ("status",), "status"))
    orders = drawn_of(Tables(members, keys, whole={"status": 2}), 200)["orders"]
    shares = orders.city.value_counts(normalize=True)
    assert set(shares.index) == {"a", "b", "c", "d"}
    assert shares.max() < 0.4  # a quarter each; of 800 rows five standard errors are 0.08
    assert abs((orders.amount > 150).mean() - (amount > 150).mean()) < 0.05


def test_a_field_is_learnt_from_the_rows_where_it_is_known_if_these_are_of_enough_people() -> None:
    means, unknown = np.arange(20) > 0, np.arange(20) >= 12
    assert known_of(means, unknown, None, 5).tolist() == [0 < i < 12 for i in range(20)]
    one = np.zeros(20, dtype=np.int64)
    assert known_of(means, unknown, one, 5).tolist() == means.tolist()  # one person's
    assert known_of(means, unknown, np.arange(20) // 3, 5).tolist() == means.tolist()  # of four
    assert known_of(means, unknown, np.arange(20) // 3, 4).sum() == 11
    assert known_of(means, np.zeros(20, dtype=bool), one, 5).tolist() == means.tolist()  # nothing is unknown


def test_a_drawn_doctor_has_the_fee_of_a_real_one_like_her_no_more_often_than_by_chance(tmp_path: Path) -> None:
    """Fees of forty doctors, a fifth of them held out, stand in the visits. Each drawn doctor stood for the real one
    that she was most like, and had her fee: more than half of the drawn ones had the specialty and the fee of one."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(300), 5 + rng.poisson(3, 300))
    doctor, kept = rng.integers(0, 40, len(who)), np.arange(40) % 5 != 0
    real = pd.DataFrame(
        {
            "specialty": rng.choice([f"s{i}" for i in range(8)], 40),
            "sex": rng.choice(["m", "f"], 40),
            "fee": rng.choice(np.arange(2_000, 9_000), 40, replace=False) / 100,
        }
    )
    kinds = {"specialty": "categorical", "sex": "categorical", "fee": "float"}
    columns: Any = {"id": ("id", pa.array(np.arange(40)[kept]))}
    columns |= {c: (kind, pa.array(real[c].to_numpy()[kept])) for c, kind in kinds.items()}
    visits: Any = {"patient": ("id", pa.array(who)), "doctor": ("id", pa.array(doctor))}
    visits["fee"] = ("float", pa.array(real.fee.to_numpy()[doctor]))
    members = {
        "patients": table(tmp_path, "patients", {"id": ("id", pa.array(np.arange(300)))}, ("id",)),
        "doctors": table(tmp_path, "doctors", columns, ("id",)),
        "visits": table(tmp_path, "visits", visits, ()),
    }
    keys = (Key("visits", ("patient",), "patients", owner=True), Key("visits", ("doctor",), "doctors"))
    model = fitted(Tables(members, keys, whole={"doctors": 40}))
    every = [drawn_from(model, 300, seed)["doctors"] for seed in range(5)]
    assert all(set(d.fee) == set(real.fee) for d in every)  # the visits' list, which more than five people repeat
    deal = np.random.default_rng(1)
    for some in (real[kept], real[~kept]):
        found = sum(len(d.merge(some, on=["specialty", "fee"])) for d in every)
        chance = np.mean(
            [
                sum(len(d.assign(fee=deal.permutation(d.fee)).merge(some, on=["specialty", "fee"])) for d in every)
                for _ in range(20)
            ]
        )
        assert found < chance + 4 * np.sqrt(chance) + 1  # four standard errors; 122 of training doctors matched, for 23
