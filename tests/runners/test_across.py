"""Rules across tables are kept in every drawn row, by construction; rules that contradict one another are told."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.encoding.kept.choosing import keep_rules
from synthkit.errors import BuildError
from synthkit.generators.tables import Key
from synthkit.rules.across.bound import Hop, bound, hops_of
from synthkit.rules.language import parse_rule
from synthkit.runners.across import Completed, in_order
from synthkit.runners.leavingout import Loose
from synthkit.runners.within import Within
from tests.families import family_project

TO_ORDER = Hop(("order_id",), "orders", ("id",))
TO_CUSTOMER = Hop(("customer",), "customers", ("id",))


def tables(folder: Path, **named: dict[str, Any]) -> Completed:
    files = {}
    for name, columns in named.items():
        files[name] = folder / f"{name}.parquet"
        pq.write_table(pa.table(columns), files[name], row_group_size=2)
    return Completed(files)


def rows(found: Completed, name: str) -> dict[str, list[Any]]:
    return pa.Table.from_batches(list(found.batches(name))).to_pydict()


def test_a_rule_is_made_again_of_its_text_and_keys() -> None:
    for text, hops in (
        ("orders.total = round(sum(lines.price), 2)", (TO_ORDER,)),
        ("orders.region = orders.customer.region", (TO_CUSTOMER,)),
        ("lines.day >= lines.order_id.day", (TO_ORDER,)),
    ):
        rule = bound(text, hops)
        assert (str(rule), hops_of(rule)) == (text, hops)


def test_columns_are_computed_in_their_own_types_each_after_what_it_is_computed_from(tmp_path: Path) -> None:
    money = pa.decimal128(9, 2)
    found = tables(
        tmp_path,
        customers={"id": ["a", "b", "c"], "spent": pa.array([Decimal(0)] * 3, money), "orders": pa.array([9, 9, 9], pa.int32())},
        orders={"id": [1, 2, 3], "customer": ["a", "a", None], "total": [0.0, 0.0, 0.0], "dear": ["x", "x", "x"]},
        lines={"order_id": [1, 1, 2, 3, 7], "price": [0.1, 0.2, 5.0, 2.0, 8.0]},
    )  # fmt: skip
    spent = bound("customers.spent = sum(orders.total)", (Hop(("customer",), "customers", ("id",)),))
    total = bound("orders.total = sum(lines.price)", (TO_ORDER,))
    number = bound("customers.orders = count(orders)", (Hop(("customer",), "customers", ("id",)),))
    assert in_order([spent, total]) == [total, spent]
    found.apply([spent, total, number])
    assert rows(found, "orders")["total"] == [0.3, 5.0, 2.0]
    assert rows(found, "customers")["spent"] == [Decimal("5.30"), Decimal("0.00"), Decimal("0.00")]
    assert rows(found, "customers")["orders"] == [2, 0, 0]
    assert found.files["customers"].exists()
    assert pa.Table.from_batches(list(found.batches("customers"))).schema.field("spent").type == money


@pytest.mark.parametrize(
    ("sign", "kind", "given", "limit", "kept"),
    [
        (">=", pa.date32(), dt.date(2025, 1, 1), dt.date(2025, 3, 1), dt.date(2025, 3, 1)),
        (">", pa.date32(), dt.date(2025, 3, 1), dt.date(2025, 3, 1), dt.date(2025, 3, 2)),
        ("<", pa.int64(), 9, 7, 6),
        ("<=", pa.float64(), 9.5, 7.25, 7.25),
        (">", pa.decimal128(9, 2), Decimal("1.00"), Decimal("2.00"), Decimal("2.01")),
        (">", pa.timestamp("us"), dt.datetime(2025, 1, 1), dt.datetime(2025, 1, 2), dt.datetime(2025, 1, 2, 0, 0, 1)),
    ],
)
def test_what_is_compared_moves_to_the_nearest_value_that_keeps_the_rule(
    sign: str, kind: Any, given: Any, limit: Any, kept: Any, tmp_path: Path
) -> None:
    found = tables(
        tmp_path,
        orders={"id": [1, 2], "at": pa.array([limit, None], kind)},
        lines={"order_id": [1, 2, None, 1], "at": pa.array([given, given, given, None], kind)},
    )
    found.apply([bound(f"lines.at {sign} lines.order_id.at", (TO_ORDER,))])
    assert rows(found, "lines")["at"] == [kept, given, given, None]


def test_a_day_is_not_before_the_moment_that_it_is_compared_with(tmp_path: Path) -> None:
    found = tables(
        tmp_path,
        orders={"id": [1], "at": [dt.datetime(2025, 3, 1, 15)]},
        lines={"order_id": [1, 1], "day": [dt.date(2025, 2, 1), dt.date(2025, 3, 5)]},
    )
    found.apply([bound("lines.day >= lines.order_id.at", (TO_ORDER,))])
    assert rows(found, "lines")["day"] == [dt.date(2025, 3, 2), dt.date(2025, 3, 5)]


def ruled(folder: Path, columns: dict[str, Any], *rules: str) -> Within:
    """The rules of the table lines, as its training rows show how they are kept."""
    rows = pa.table(columns)
    step = keep_rules(
        rows, tuple(map(parse_rule, rules)), unit=None, min_count=5, declared=frozenset(map(parse_rule, rules))
    )
    return Within("lines", step, frozenset())


def days(*numbers: int) -> pa.Array:
    return pa.array([dt.date(2025, 1, 1) + dt.timedelta(days=int(n)) for n in numbers])


def test_what_follows_within_the_table_follows(tmp_path: Path) -> None:
    """A line that moves takes its shipment with it, and its end; one that may not end so late begins earlier, too."""
    rng = np.random.default_rng(0)
    begins, span = rng.integers(0, 900, 200), rng.integers(1, 9, 200)
    known = {"begins": days(*begins), "span": span, "ends": days(*(begins + span)), "sent": days(*(begins + span % 3))}
    inside = ruled(tmp_path, known, "ends = begins + span", "begins <= sent")
    found = tables(
        tmp_path,
        orders={"id": [1, 2, 3], "from": days(10, 10, 10), "until": days(100, 20, 100)},
        lines={"order_id": [1, 2, 3], "begins": days(4, 30, 50), "span": [3, 3, 3], "ends": days(7, 33, 53), "sent": days(6, 31, 52)},
    )  # fmt: skip
    completed = Completed(found.files, within={"lines": inside})
    completed.apply(
        [
            bound("lines.begins >= lines.order_id.from", (TO_ORDER,)),
            bound("lines.begins <= lines.order_id.until", (TO_ORDER,)),
            bound("lines.sent <= lines.order_id.until", (TO_ORDER,)),
        ]
    )
    now = {name: pa.array(values) for name, values in rows(completed, "lines").items()}
    assert now["begins"] == days(10, 20, 50)
    assert now["ends"] == days(13, 23, 53)
    assert now["sent"] == days(12, 20, 52)


def test_an_ordering_within_the_table_holds_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    done = rng.integers(0, 50, 200)
    inside = replace(
        ruled(tmp_path, {"done": done, "all": done + 40}, "done <= all"), table="orders", settled=frozenset({"all"})
    )
    found = tables(tmp_path, orders={"id": [1, 2], "done": [3, 1], "all": [9, 9]}, lines={"order_id": [1, 2, 2]})
    completed = Completed(found.files, within={"orders": inside})
    completed.apply([bound("orders.all = count(lines)", (TO_ORDER,))])
    assert (rows(completed, "orders")["all"], rows(completed, "orders")["done"]) == ([1, 2], [1, 1])


def test_the_first_and_the_last_day_are_rolled_up(tmp_path: Path) -> None:
    found = tables(
        tmp_path,
        orders={"id": [1, 2, 3], "first": days(9, 9, 9), "last": pa.array([None] * 3, pa.timestamp("us"))},
        lines={"order_id": [1, 1, 2, None], "day": days(4, 2, 5, 1), "at": pa.array([7, 8, 6, 9], pa.timestamp("us"))},
    )
    found.apply(
        [bound("orders.first = min(lines.day)", (TO_ORDER,)), bound("orders.last = max(lines.at)", (TO_ORDER,))]
    )
    now = rows(found, "orders")
    assert pa.array(now["first"]) == pa.array([*days(2, 5).to_pylist(), None])
    assert pa.array(now["last"], pa.timestamp("us")) == pa.array([8, 6, None], pa.timestamp("us"))


def test_rules_that_contradict_one_another_are_told(tmp_path: Path) -> None:
    found = tables(tmp_path, orders={"id": [1], "low": [3], "high": [5]}, lines={"order_id": [1], "n": [4]})
    both = [bound(f"lines.n {text}", (TO_ORDER,)) for text in ("<= lines.order_id.low", ">= lines.order_id.high")]
    with pytest.raises(BuildError, match=r"cannot all be kept: lines\.n <= lines\.order_id\.low"):
        found.apply(both)


def test_a_family_keeps_the_rules_of_its_group(tmp_path: Path) -> None:
    project = family_project(tmp_path / "shop")
    rule = "      - orders.ordered_at >= orders.customer_id.joined\n"
    project.edit(rule, f"{rule}      - customers.age = count(orders)\n")
    project.ok("build")
    (told,) = project.query(
        "select count(*) filter (abs(o.total - coalesce(l.total, 0)) > 1e-9) as totals, "
        "count(*) filter (o.ordered_at < c.joined) as early from synthetic_orders o "
        "left join synthetic_shop_customers c using (customer_id) "
        "left join (select order_id, round(sum(unit_price * quantity), 2) as total from synthetic_shop_lines group by all) l "
        "using (order_id)"
    )
    assert told == {"totals": 0, "early": 0}
    (wrong,) = project.query(
        "select count(*) as n from synthetic_shop_customers c where age <> "
        "(select count(*) from synthetic_orders o where o.customer_id = c.customer_id)"
    )
    assert wrong == {"n": 0}
    origins = {o["name"]: o for o in project.receipts()["synthetic_orders"]["column_origins"]}
    assert origins["total"]["how"] == "computed"
    project.edit("      - customers.age = count(orders)\n", "")
    assert set(project.actions("--select", "synthetic_shop").values()) == {"sample"}


def test_rows_that_follow_one_another_move_together(tmp_path: Path) -> None:
    found = tables(
        tmp_path,
        orders={"id": [1, 2], "at": days(10, 10)},
        lines={"order_id": [1, 1, 2, 2, None], "day": days(4, 8, 11, 12, 1)},
    )
    completed = Completed(found.files, sequences={"lines": ("day", ("order_id",))})
    completed.apply([bound("lines.day > lines.order_id.at", (TO_ORDER,))])
    assert pa.array(rows(completed, "lines")["day"]) == days(11, 15, 11, 12, 1)


def test_rows_that_follow_one_another_come_closer_together_where_there_is_too_little_room(tmp_path: Path) -> None:
    found = tables(
        tmp_path,
        orders={"id": [1, 2], "at": days(10, 10), "until": days(20, 12)},
        lines={"order_id": [1, 1, 1, 2, 2], "day": days(2, 12, 42, 8, 9)},
    )
    completed = Completed(found.files, sequences={"lines": ("day", ("order_id",))})
    both = [bound(f"lines.day {text}", (TO_ORDER,)) for text in (">= lines.order_id.at", "< lines.order_id.until")]
    completed.apply(both)
    day = rows(completed, "lines")["day"]
    assert pa.array(day[:1] + day[2:]) == days(10, 19, 10, 11)
    assert day[0] < day[1] < day[2]


def test_the_few_rows_that_have_no_room_are_left_out_with_what_names_them(tmp_path: Path) -> None:
    many = range(100)
    orders = {"id": list(many), "low": [5 if i == 7 else 1 for i in many], "high": [4 if i == 7 else 9 for i in many]}
    lines = {"line": list(many), "order_id": list(many), "n": [3] * 100}
    notes = {"line": [7, 8, 8, *([9] * 50)]}
    key = Key("lines", ("order_id",), "orders", owner=True)
    primary = {"orders": ("id",), "lines": ("line",), "notes": ()}
    keys = (key, Key("notes", ("line",), "lines", owner=True))
    rules = [bound(f"lines.n {text}", (TO_ORDER,)) for text in (">= lines.order_id.low", "<= lines.order_id.high")]
    counted = bound("lines.n_notes = count(notes)", (Hop(("line",), "lines", ("line",)),))
    for loose in (frozenset({"lines", "notes"}), frozenset({"lines"})):
        found = tables(tmp_path, orders=orders, lines={**lines, "n_notes": [0] * 100}, notes=notes)
        completed = Completed(found.files, loose=Loose(loose, keys, primary))
        if "notes" not in loose:
            with pytest.raises(BuildError, match="cannot all be kept"):
                completed.apply([*rules, counted])
            continue
        completed.apply([*rules, counted])
        assert [i for i in many if i not in rows(completed, "lines")["line"]] == [7]
        assert rows(completed, "notes")["line"][:3] == [8, 8, 9]
        assert rows(completed, "lines")["n_notes"][7:9] == [2, 50]
