"""The arrows of a family's picture: where they start and end, and that their labels can be read."""

from __future__ import annotations

import random
from itertools import combinations

from synthkit.report.site.arrows import Box, arrows
from synthkit.report.site.graph import HEIGHT, WIDTH, draw

# The keys of northwind: eleven tables, two of whose arrows would have their labels at one place.
NORTHWIND = [
    ("employee_territories", "employees", "employee_id"),
    ("employee_territories", "territories", "territory_id"),
    ("employees", "employees", "reports_to"),
    ("order_details", "orders", "order_id"),
    ("order_details", "products", "product_id"),
    ("orders", "employees", "employee_id"),
    ("orders", "customers", "customer_id"),
    ("orders", "shippers", "ship_via"),
    ("products", "suppliers", "supplier_id"),
    ("products", "categories", "category_id"),
    ("territories", "region", "region_id"),
]
GAP = 140


def columns(pairs: list[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Boxes as the picture of a family has them."""
    parents: dict[str, list[str]] = {name: [] for pair in pairs for name in pair}
    for child, parent in pairs:
        if child != parent and parent not in parents[child]:
            parents[child].append(parent)
    return {n: (round(x / (WIDTH + 62)) * (WIDTH + GAP), 40 + 1.5 * y) for n, (x, y) in draw(parents).places.items()}


def boxes(labels: list[str], pairs: list[tuple[str, str]], places: dict[str, tuple[float, float]]) -> list[Box]:
    found = []
    for label, arrow in zip(labels, arrows(pairs, labels, places, 2000), strict=True):
        half = len(label) * 3
        found.append((arrow.label[0] - half, arrow.label[1] - 10, arrow.label[0] + half, arrow.label[1]))
    return found


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_labels_of_northwind_overlap_neither_one_another_nor_a_table() -> None:
    pairs, labels = [(a, b) for a, b, _ in NORTHWIND], [c for *_, c in NORTHWIND]
    places = columns(pairs)
    found = boxes(labels, pairs, places)
    assert not [(a, b) for a, b in combinations(found, 2) if overlap(a, b)]
    tables = [(x, y, x + WIDTH, y + HEIGHT) for x, y in places.values()]
    assert not [b for b in found for table in tables if overlap(b, table)]


def test_arrows_leave_and_reach_a_box_at_places_of_their_own() -> None:
    rng = random.Random(5)
    for _ in range(30):
        tables = [f"t{i}" for i in range(rng.randint(2, 9))]
        pairs = [(c, rng.choice(tables[:i])) for i, c in enumerate(tables) if i for _ in range(rng.randint(1, 3))]
        places = columns(pairs)
        drawn = arrows(pairs, ["key"] * len(pairs), places, 2000)
        for side, at in ((0, 0), (1, -1)):
            ends = [(pair[side], arrow.curve[at]) for pair, arrow in zip(pairs, drawn, strict=True)]
            assert len(set(ends)) == len(ends), pairs
            for name, (x, y) in ends:
                assert x in (places[name][0], places[name][0] + WIDTH)
                assert places[name][1] <= y <= places[name][1] + HEIGHT


def test_a_key_within_a_table_rises_above_it_and_one_in_a_circle_runs_below_all() -> None:
    places = {"a": (0.0, 50.0), "b": (400.0, 50.0)}
    within, back = arrows([("a", "a"), ("a", "b")], ["up", "round"], places, 300)
    assert within.label[1] < 50
    assert back.label[1] > 50 + HEIGHT
    assert back.path.startswith(f"M{WIDTH / 2:g},{50 + HEIGHT:g} C")
