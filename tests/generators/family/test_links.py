"""Two keys that tell a table's rows apart name no pair twice, whatever the rows that are learnt from show."""

from __future__ import annotations

import numpy as np
import pytest

from synthkit.generators.family.links import hung, levels, links_of
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Column, Schema, Table


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
