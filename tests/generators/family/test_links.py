"""Two keys that tell a table's rows apart name no pair twice, whatever the rows that are learnt from show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthkit.generators.family.links import hung, levels, links_of, whom_of
from synthkit.generators.tables import Key, Tables
from synthkit.rules.coding import rows_named
from synthkit.schema import Column, Schema, Table
from tests.generators.family import shop


def table(*names: str, primary: tuple[str, ...]) -> Table:
    return Table(Schema(tuple(Column(n, "id", "BIGINT") for n in names), primary_key=primary), (), 40)


def test_a_pair_of_keys_that_is_the_primary_key_is_named_once() -> None:
    """Rows that name a held-out product are learnt from with another in its place, so a pair may stand there twice."""
    order, product = Key("lines", ("order",), "orders", owner=True), Key("lines", ("product",), "products")
    named = {order: np.repeat(np.arange(20), 2), product: np.zeros(40, dtype=np.int64)}
    for primary, apart in ((("order", "product"), True), (("order", "line"), False)):
        members = {
            "orders": table("order", primary=("order",)),
            "products": table("product", primary=("product",)),
            "lines": table("order", "product", "line", primary=primary),
        }
        links = links_of("lines", Tables(members, (order, product)), named)
        assert [(link.kind, link.apart) for link in links] == [("owner", False), ("looked", apart)]


def test_what_holds_of_named_rows_is_said_of_held_out_ones_too(tmp_path: Path) -> None:
    """Of the products that lines name most are named once, and one, which was held out, in most lines: by both keys,
    in one line, and in several of an order. Without it no product would be named twice."""
    item, other = np.array([99] * 60 + [*range(40)]), np.roll(np.array([99] * 60 + [*range(40)]), 20)
    columns = {
        "order": ("id", pa.array(np.arange(100) // 2)),
        "item": ("id", pa.array(item)),
        "other": ("id", pa.array(other).cast(pa.int32())),
    }
    primary = {"orders": 50, "products": 40}
    members = {
        name: shop.table(tmp_path, name, {"id": ("id", pa.array(np.arange(rows)))}, ("id",))
        for name, rows in primary.items()
    }
    members["lines"] = shop.table(tmp_path, "lines", columns, ())  # type: ignore[arg-type]
    keys = (
        Key("lines", ("order",), "orders", owner=True),
        Key("lines", ("item",), "products"),
        Key("lines", ("other",), "products"),
    )
    tables = Tables(members, keys, "orders")
    lines = members["lines"].to_arrow(["order", "item", "other"])
    named = {k: rows_named(lines.select(k.columns), members[k.references].to_arrow(["id"])) for k in keys}
    assert {(named[k] == -2).sum() for k in keys[1:]} == {60}
    whom = whom_of("lines", tables, named)
    assert ((whom[keys[1]] == whom[keys[2]]) == (item == other)).all()
    assert all(link.once for link in links_of("lines", tables, named)[1:])  # what the rows that are there say
    links = links_of("lines", tables, named, whom)
    assert [(link.once, link.apart, link.unlike) for link in links[1:]] == [(False, False, ())] * 2


@pytest.mark.parametrize(("there", "kind"), [([0], "looked"), ([0] * 20, "looked"), ([*range(20)], "same")])
def test_two_ways_to_one_row_are_not_concluded_from_a_few_rows(there: list[int], kind: str) -> None:
    """A line names a product, which names a group, and a group; of so many lines the product was not held out."""
    product, group = Key("lines", ("product",), "products"), Key("lines", ("group",), "groups")
    of = Key("products", ("group",), "groups")
    item = np.append(np.array(there), np.full(100, -2))
    named = {product: item, of: np.arange(20) % 4, group: np.append(np.array(there) % 4, np.arange(100) % 4)}
    members = {
        "groups": table("group", primary=("group",)),
        "products": table("product", "group", primary=("product",)),
        "lines": table("line", "product", "group", primary=("line",)),
    }
    links = links_of("lines", Tables(members, (of, product, group), first="groups"), named)
    assert links[1].kind == kind


def test_who_hangs_on_a_row_that_was_held_out_hangs_on_one_like_it() -> None:
    """A fifth of a tree of four levels is held out. Rows that named one of those name others, so that no circle comes
    about, as many rows as before stand at the top, and the tree is as deep."""
    rng = np.random.default_rng(4)
    sizes, above = (5, 40, 300, 2000), [np.full(5, -1)]
    for i, size in enumerate(sizes[1:]):
        first = sum(sizes[:i])
        above.append(first + rng.integers(0, sizes[i], size))
    whole = np.concatenate(above)
    kept = np.flatnonzero(rng.random(len(whole)) < 0.8)
    number = np.full(len(whole), -2)
    number[kept] = np.arange(len(kept))
    rows = np.where(whole[kept] >= 0, number[np.maximum(whole[kept], 0)], -1)
    assert (rows == -2).sum() > 300
    found = hung(rows, rng)
    assert (found[rows != -2] == rows[rows != -2]).all()
    assert ((found >= 0) == (rows != -1)).all()
    was, now = levels(whole), levels(found)
    assert (now == 0).sum() == (rows == -1).sum()  # no circle, which would stand at the top
    assert now.max() == was.max() == 3
    shares = [np.bincount(level.astype(int), minlength=4) / len(level) for level in (was, now)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03


@pytest.mark.parametrize("rows", [[-2, -2, -2], [1, 0, -2], [-1, 0, 1], [0, -2, 1]])
def test_where_nothing_leads_to_a_top_rows_stay_as_they_are(rows: list[int]) -> None:
    assert hung(np.array(rows), np.random.default_rng(0)).tolist() == rows


def test_where_the_only_top_was_held_out_the_tallest_of_those_below_it_stands_there() -> None:
    found = hung(np.array([-2, 0, 1, -2, 3, -2]), np.random.default_rng(0))
    assert found[:3].tolist() == [-1, 0, 1]
    assert found[4] == 3
    assert set(found[[3, 5]].tolist()) <= {0, 1}
    assert (levels(found) == 0).sum() == 1
