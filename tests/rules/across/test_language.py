"""Rules across tables are read from their text, and what is no rule says where and how to mend it."""

from __future__ import annotations

import pytest

from synthkit.rules.across.language import Sum, Walk, parse_across
from synthkit.rules.expression import expression_text
from synthkit.rules.tokens import RuleError


def test_a_walk_along_keys() -> None:
    found = parse_across("payments.customer_id = payments.rental_id.customer_id")
    assert found == Walk(
        "payments.customer_id = payments.rental_id.customer_id", "payments", "customer_id", "=", ("rental_id",), "customer_id"
    )  # fmt: skip
    deep = parse_across("lines.day<=lines.order_id.customer_id.died")
    assert isinstance(deep, Walk)
    assert (deep.sign, deep.steps, deep.other) == ("<=", ("order_id", "customer_id"), "died")


@pytest.mark.parametrize(
    ("text", "function", "inner", "decimals"),
    [
        ("orders.total = sum(lines.price * lines.quantity)", "sum", "price * quantity", None),
        ("orders.total = round(sum(lines.price * (1 - lines.off)), 2)", "sum", "price * (1 - off)", 2),
        ("orders.last = max(lines.no)", "max", "no", None),
        ("orders.n = count(lines)", "count", None, None),
    ],
)
def test_a_sum_over_children(text: str, function: str, inner: str | None, decimals: int | None) -> None:
    found = parse_across(text)
    assert isinstance(found, Sum)
    assert (found.table, found.child, found.function, found.decimals) == ("orders", "lines", function, decimals)
    assert (None if found.expression is None else expression_text(found.expression)) == inner


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("total = sum(lines.price)", "no rule across tables"),
        ("orders.total", "no rule across tables"),
        ("orders.a.b = orders.c.d", "'orders.a.b' is no column of a table"),
        ("orders.a = orders.b", "both columns are of one table"),
        ("orders.a = lines.b", "the way from 'orders' to 'lines.b' is not said"),
        ("orders.a = sum(lines.b * parcels.c)", "columns of one table"),
        ("orders.a = sum(lines.b * quantity)", "'quantity' is a column of no table"),
        ("orders.a = sum(lines.b", "neither a column that keys lead to nor rolled up"),
        ("orders.a = median(lines.b)", "neither a column"),
        ("orders.a = count(lines.b)", "count takes a table"),
        ("orders.a < sum(lines.b)", "what is compared"),
        ("orders.a = sum(lines.b +)", "a column is expected"),
    ],
)
def test_what_is_no_rule(text: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_across(text)
    assert said in caught.value.message
    assert caught.value.hint
