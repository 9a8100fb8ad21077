"""The drawing: edges go forward, nothing overlaps, and a long lineage is no problem."""

from __future__ import annotations

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.report.site.graph import HEIGHT, WIDTH, Drawing, draw

MASKS = st.lists(st.integers(0, 2**13 - 1), min_size=1, max_size=13)


def graph_of(masks: list[int]) -> dict[str, list[str]]:
    """Node i reads the nodes before it whose bit is set in its mask."""
    return {f"n{i}": [f"n{j}" for j in range(i) if mask >> j & 1] for i, mask in enumerate(masks)}


def check(parents: dict[str, list[str]], found: Drawing) -> None:
    assert set(found.places) == set(parents)
    for child, above in parents.items():
        for parent in above:
            assert found.places[parent][0] + WIDTH < found.places[child][0]
    for (x0, y0), (x1, y1) in itertools.combinations(found.places.values(), 2):
        assert abs(x0 - x1) >= WIDTH or abs(y0 - y1) >= HEIGHT
    for x, y in found.places.values():
        assert 0 <= x <= found.width - WIDTH
        assert 0 <= y <= found.height - HEIGHT
    assert {(r.parent, r.child) for r in found.routes} == {(p, c) for c, above in parents.items() for p in above}


@settings(max_examples=50, deadline=None)
@given(MASKS)
def test_edges_go_forward_and_nodes_keep_apart(masks: list[int]) -> None:
    parents = graph_of(masks)
    check(parents, draw(parents))


def test_the_order_of_the_nodes_changes_no_drawing_twice() -> None:
    parents = {"s": [], "a": ["s"], "b": ["s"], "c": ["a", "b"]}
    assert draw(parents) == draw(parents)


def test_lines_do_not_cross_where_they_need_not() -> None:
    """Two chains beside each other, declared in an order that would cross them."""
    parents = {"s1": [], "s2": [], "b": ["s2"], "a": ["s1"], "d": ["b"], "c": ["a"]}
    y = {n: place[1] for n, place in draw(parents).places.items()}
    assert (y["s1"] < y["s2"]) == (y["a"] < y["b"]) == (y["c"] < y["d"])


def test_a_long_edge_passes_beside_the_nodes_between() -> None:
    found = draw({"s": [], "m": ["s"], "e": ["m", "s"]})
    long = next(r for r in found.routes if (r.parent, r.child) == ("s", "e"))
    x, y = found.places["m"]
    passing = [float(b) for a, b in re.findall(r"[ L](-?[\d.]+),(-?[\d.]+)", long.path) if x <= float(a) <= x + WIDTH]
    assert passing
    assert all(not y < at < y + HEIGHT for at in passing)


def test_a_chain_of_a_thousand_is_drawn() -> None:
    parents = {"n0": [], **{f"n{i}": [f"n{i - 1}"] for i in range(1, 1000)}}
    assert len(draw(parents).routes) == 999


def test_nothing_is_a_drawing_too() -> None:
    assert draw({}).places == {}
