"""Two keys that tell a table's rows apart name no pair twice, whatever the rows that are learnt from show."""

from __future__ import annotations

import numpy as np

from synthkit.generators.family.links import links_of
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
